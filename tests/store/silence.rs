//! Connections that go silent: none keeps a place in its pool, and none is listened to for ever.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Bell, Hints};
use packtrain_queue::PgHints;
use packtrain_store::{PgBell, Pools, Urls};
use packtrain_tests::{Database, Network, Proxy, Role, promptly, until};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Connections of a pool.
const CONNECTIONS: u32 = 2;

/// Pools that reach the database by way of a network that can be cut.
async fn pools_through_a_network(db: &Database) -> (Pools, Proxy) {
    let proxy = Proxy::to(db.server_address()).await;
    let url = |role| db.url_through(role, proxy.address);
    let urls = Urls {
        app: url(Role::App),
        operator: url(Role::Operator),
        worker: url(Role::Worker),
        direct: url(Role::Worker),
        pooled: false,
    };
    let pools = Pools::open(&urls, CONNECTIONS, Duration::ZERO).unwrap();
    (pools, proxy)
}

/// How many statements sleep in the server.
async fn sleepers(db: &Database) -> i64 {
    db.number(
        "select count(*) from pg_stat_activity
          where datname = current_database() and wait_event = 'PgSleep'",
    )
    .await
}

async fn sleep(pools: Pools) {
    let asleep = sqlx::query("select pg_sleep(600)");
    asleep.execute(&pools.worker).await.unwrap();
}

#[tokio::test]
async fn statements_that_were_given_up_in_silence_leave_their_places_in_the_pool() {
    let db = Database::new().await;
    let (pools, network) = pools_through_a_network(&db).await;
    let mut asking = JoinSet::new();
    for _ in 0..CONNECTIONS {
        asking.spawn(sleep(pools.clone()));
    }
    until("every connection has a statement", async || {
        sleepers(&db).await == i64::from(CONNECTIONS)
    })
    .await;
    network.set(Network::Hole);
    asking.shutdown().await;
    network.set(Network::Well);
    let answer = sqlx::query("select 1").execute(&pools.worker);
    promptly(answer).await.unwrap();
}

#[tokio::test]
async fn connections_that_went_silent_while_nobody_had_them_leave_their_places_in_the_pool() {
    let db = Database::new().await;
    let (pools, network) = pools_through_a_network(&db).await;
    let both = tokio::join!(pools.worker.acquire(), pools.worker.acquire());
    drop(both);
    until("both connections are back", async || {
        pools.in_use().contains(&("worker", 0)) && pools.worker.size() == CONNECTIONS
    })
    .await;
    network.set(Network::Hole);
    network.set(Network::Well);
    let answer = sqlx::query("select 1").execute(&pools.worker);
    promptly(answer).await.unwrap();
}

#[tokio::test]
async fn connections_that_went_silent_while_somebody_had_them_leave_their_places_in_the_pool() {
    let db = Database::new().await;
    let (pools, network) = pools_through_a_network(&db).await;
    // Each had its answer, and nothing is under way when they are given back into the hole.
    let both = tokio::join!(pools.worker.acquire(), pools.worker.acquire());
    network.set(Network::Hole);
    drop(both);
    network.set(Network::Well);
    let answer = sqlx::query("select 1").execute(&pools.worker);
    promptly(answer).await.unwrap();
}

#[tokio::test]
async fn a_statement_whose_caller_has_hung_up_ends() {
    let db = Database::new().await;
    let (pools, network) = pools_through_a_network(&db).await;
    let mut asking = JoinSet::new();
    asking.spawn(sleep(pools.clone()));
    until("a statement runs", async || sleepers(&db).await == 1).await;
    network.set(Network::HalfOpen);
    until("it has ended", async || sleepers(&db).await == 0).await;
    asking.shutdown().await;
}

/// How many listeners the server has.
async fn listeners(db: &Database) -> i64 {
    db.number(
        "select count(*) from pg_stat_activity
          where datname = current_database() and query ilike 'listen %'",
    )
    .await
}

#[tokio::test]
async fn a_listener_whose_connection_went_silent_hears_again() {
    let db = Database::new().await;
    let (pools, network) = pools_through_a_network(&db).await;
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    let _stopped = stop.clone().drop_guard();
    let bell: Arc<dyn Bell> = Arc::new(PgBell::new(pools.clone(), pools.worker.clone()));
    let hints = PgHints::start(bell, true, &tasks, stop);
    let mut heard = hints.subscribe(&[Lane::Io]).await;
    until("it listens", async || listeners(&db).await == 1).await;
    network.set(Network::Hole);
    network.set(Network::Well);
    let ringer = PgBell::new(db.pools().clone(), db.pools().worker.clone());
    until("a ring is heard", async || {
        ringer.ring(&[Lane::Io]).await.unwrap();
        futures::poll!(heard.next()).is_ready()
    })
    .await;
}
