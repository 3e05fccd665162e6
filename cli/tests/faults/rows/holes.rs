//! A black hole between two parts: for 30 s everything that one sends the other is swallowed, and
//! nobody is told. All processes of one side are cut off at once, so that nobody steps in. Besides,
//! a network that resets, delays or throttles all that workers and PostgreSQL say to each other.

use std::time::{Duration, Instant};

#[cfg(feature = "redis")]
use packtrain_tests::Redis;
use packtrain_tests::{Bouncer, Network, Program, Proxy, free_address};

use super::api::Canaries;
use super::postgres::begun;
#[cfg(feature = "redis")]
use super::redis::{back, waiting, was_used};
use super::schedulers::{self, TIMES, every_second, times};
use crate::client::Connection;
use crate::counts::{Counts, is_short, repeat, turn};
use crate::oracle::{Charges, Holder};
use crate::process::Process;
use crate::stage::{Stage, now_us};

/// How long it lasts, and in the short form: longer than a lease may stand still.
const HOLE: Duration = Duration::from_secs(30);
const HOLE_SHORT: Duration = Duration::from_secs(8);
/// Requests of one run at an API.
pub(super) const REQUESTS: u64 = 40;
/// The pause between two requests: they go on while the hole lasts.
pub(super) const PAUSE: Duration = Duration::from_millis(250);
/// The longest that an API may take to accept a request that it was asked again and again.
const ACCEPTED_WITHIN: Duration = Duration::from_secs(90);

pub(super) fn hole() -> Duration {
    if is_short() { HOLE_SHORT } else { HOLE }
}

/// Everything between the two parts is swallowed; then the network is well again. Says when.
pub(super) async fn swallow(network: &Proxy) -> i64 {
    trouble(network, Network::Hole).await
}

/// The network between the two parts does this for as long as a hole lasts; then it is well again.
/// Says when.
async fn trouble(network: &Proxy, what: Network) -> i64 {
    network.set(what);
    tokio::time::sleep(hole()).await;
    let well_at = now_us();
    network.set(Network::Well);
    well_at
}

/// Two workers that reach their database as this says, and lose it in the middle of many jobs, or
/// have the other trouble with it. What they had begun may be charged once where they cannot renew
/// either: whoever comes to itself first may take the other's leases.
async fn of_workers(
    name: &str,
    stage: Stage,
    (network, what): (&Proxy, Network),
    cuts_renewals: bool,
    lead: impl Fn(&Stage, &mut tokio::process::Command),
) {
    let mut workers = Vec::new();
    for _ in 0..2 {
        let mut command = stage.command(&["worker", "--lanes", "io"], "");
        lead(&stage, &mut command);
        workers.push(stage.ready_worker(&mut command).await);
    }
    repeat(name, async |_| {
        let jobs = begun(&stage).await;
        network.set(what);
        // What had passed before the hole is written by now, and no lease is taken yet.
        tokio::time::sleep(HOLE_SHORT / 20).await;
        let mut charged = Vec::new();
        for worker in workers.iter().filter(|_| cuts_renewals) {
            charged.extend(stage.begun_by(Holder::Process(worker.id())).await);
        }
        let well_at = trouble(network, what).await;
        let counts = stage.judge(&jobs, Charges::of(&charged)).await;
        Counts {
            rerun_ms: stage.next_run(well_at),
            ..counts
        }
    })
    .await;
}

/// The same straight to PostgreSQL.
async fn to_postgres(name: &str, what: Network, cuts_renewals: bool) {
    let _turn = turn().await;
    let stage = Stage::new().await.with_usual_leases();
    let network = Proxy::to(stage.db.server_address()).await;
    let way = (&network, what);
    of_workers(name, stage, way, cuts_renewals, |stage, command| {
        stage.lead_through(command, network.address);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hole_between_workers_and_postgres() {
    to_postgres("hole_between_workers_and_postgres", Network::Hole, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn network_between_workers_and_postgres_resets_everything() {
    let name = "network_between_workers_and_postgres_resets_everything";
    to_postgres(name, Network::Reset, true).await;
}

/// Nobody is charged: renewals come in time.
#[tokio::test(flavor = "multi_thread")]
async fn network_between_workers_and_postgres_takes_200_ms() {
    let name = "network_between_workers_and_postgres_takes_200_ms";
    to_postgres(name, Network::Far, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn network_between_workers_and_postgres_is_slow() {
    let name = "network_between_workers_and_postgres_is_slow";
    to_postgres(name, Network::Slow, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hole_between_workers_and_pgbouncer() {
    let name = "hole_between_workers_and_pgbouncer";
    let Some(program) = Program::PgBouncer.find(name) else {
        return;
    };
    let _turn = turn().await;
    let stage = Stage::new().await.with_usual_leases();
    let bouncer = Bouncer::before(&program, &stage.db).await;
    let network = Proxy::to(bouncer.address).await;
    let way = (&network, Network::Hole);
    of_workers(name, stage, way, false, |stage, command| {
        stage.lead_through_pooler(command, network.address);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hole_between_an_api_and_postgres() {
    let stage = Stage::new().await;
    let network = Proxy::to(stage.db.server_address()).await;
    let name = "hole_between_an_api_and_postgres";
    of_api(name, stage, &network, |stage, command| {
        stage.lead_through(command, network.address);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hole_between_an_api_and_pgbouncer() {
    let name = "hole_between_an_api_and_pgbouncer";
    let Some(program) = Program::PgBouncer.find(name) else {
        return;
    };
    let stage = Stage::new().await;
    let bouncer = Bouncer::before(&program, &stage.db).await;
    let network = Proxy::to(bouncer.address).await;
    of_api(name, stage, &network, |stage, command| {
        stage.lead_through_pooler(command, network.address);
    })
    .await;
}

/// The only API reaches its database as this says, and loses it. Clients repeat what was not
/// accepted, with the same key, until it is.
async fn of_api(
    name: &str,
    stage: Stage,
    network: &Proxy,
    lead: impl Fn(&Stage, &mut tokio::process::Command),
) {
    let _turn = turn().await;
    let api_key = stage.operator_key().await;
    let _worker = stage.worker("ops", "").await;
    let address = free_address();
    let words = ["api", "--listen", &address.to_string()];
    let mut command = stage.command(&words, "");
    lead(&stage, &mut command);
    let _api = Process::start(&mut command);
    stage
        .until("the API listens", async || {
            Connection::open(address).await.is_ok()
        })
        .await;
    repeat(name, async |round| {
        let canaries = Canaries::new(&stage, format!("{name}-{round}"), REQUESTS).await;
        let accept = async |at| {
            let (request, began) = (canaries.request(&api_key, at), Instant::now());
            loop {
                let asking = async { Connection::open(address).await?.send(&request).await };
                if asking.await.is_ok_and(|status| status == 202) {
                    return now_us();
                }
                assert!(began.elapsed() < ACCEPTED_WITHIN, "{name}: not accepted");
                tokio::time::sleep(PAUSE).await;
            }
        };
        let asking = async {
            let mut accepted_at = Vec::new();
            for at in 1..REQUESTS {
                accepted_at.push(accept(at).await);
                tokio::time::sleep(PAUSE / 5).await;
            }
            accepted_at
        };
        accept(0).await;
        let (accepted_at, well_at) = tokio::join!(asking, swallow(network));
        let again = accepted_at.into_iter().filter(|at| *at > well_at).min();
        let again = again.expect("requests came after the hole");
        Counts {
            rerun_ms: vec![u64::try_from((again - well_at) / 1_000).unwrap()],
            ..canaries.judge(&stage).await
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hole_between_a_scheduler_and_postgres() {
    let stage = Stage::new().await;
    let network = Proxy::to(stage.db.server_address()).await;
    let name = "hole_between_a_scheduler_and_postgres";
    of_scheduler(name, stage, &network, |stage, command| {
        stage.lead_through(command, network.address);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hole_between_a_scheduler_and_pgbouncer() {
    let name = "hole_between_a_scheduler_and_pgbouncer";
    let Some(program) = Program::PgBouncer.find(name) else {
        return;
    };
    let stage = Stage::new().await;
    let bouncer = Bouncer::before(&program, &stage.db).await;
    let network = Proxy::to(bouncer.address).await;
    of_scheduler(name, stage, &network, |stage, command| {
        stage.lead_through_pooler(command, network.address);
    })
    .await;
}

/// The only scheduler reaches its database as this says, and loses it. It decides every second and
/// makes up for those that it missed.
async fn of_scheduler(
    name: &str,
    stage: Stage,
    network: &Proxy,
    lead: impl Fn(&Stage, &mut tokio::process::Command),
) {
    let _turn = turn().await;
    every_second(&stage).await;
    let mut command = stage.command(&["scheduler"], "");
    lead(&stage, &mut command);
    let _scheduler = Process::start(&mut command);
    repeat(name, async |_| {
        let (counted, before) = (schedulers::judge(&stage).await, times(&stage).await);
        let decides = async |more| {
            stage
                .until("it decides", async || times(&stage).await >= more)
                .await;
        };
        decides(before + TIMES).await;
        let well_at = swallow(network).await;
        let stood = times(&stage).await;
        decides(stood + 1).await;
        let again = now_us() - well_at;
        decides(stood + TIMES + i64::try_from(hole().as_secs()).unwrap()).await;
        Counts {
            rerun_ms: vec![u64::try_from(again / 1_000).unwrap()],
            ..schedulers::judge(&stage).await.since(&counted)
        }
    })
    .await;
}

/// Hints do not come, and jobs run all the same: each lane looks once a second.
#[cfg(feature = "redis")]
#[tokio::test(flavor = "multi_thread")]
async fn hole_between_all_and_redis() {
    let name = "hole_between_all_and_redis";
    let Some(program) = Program::Redis.find(name) else {
        return;
    };
    let _turn = turn().await;
    let redis = Redis::start(&program).await;
    let network = Proxy::to(redis.address()).await;
    let stage = super::redis::stage(format!("redis://{}", network.address), false).await;
    super::redis::row(name, stage, async |stage| {
        was_used(&redis).await;
        let before = waiting(&redis).await;
        swallow(&network).await;
        back(stage, &redis, &before).await
    })
    .await;
}

#[cfg(feature = "aws")]
#[tokio::test(flavor = "multi_thread")]
async fn hole_between_all_and_s3() {
    super::s3::over("hole_between_all_and_s3", Network::Hole).await;
}
