//! A Redis that is flushed, restarted, evicted from, filled or replaced while it carries hints from
//! an API under load to two workers.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use packtrain_tests::{Program, Redis, Signpost, until};

use super::api::{Canaries, api};
use crate::client::Connection;
use crate::counts::{Counts, repeat, turn};
use crate::stage::{LOOK_EVERY, Stage};

/// Requests of one run, at least, and after how many of them Redis is broken.
const JOBS: u64 = 120;
const BREAK_AFTER: u64 = 40;
/// What waits for hints of the lane that these jobs are in.
const WORKERS: &str = "{packtrain:hint:ops}:workers";
/// Keys of somebody else that fill a server, and how large each is.
const OTHERS: usize = 100;
const OTHERS_BYTES: usize = 100_000;

/// An API and two workers that hint over a Redis at this address.
pub(super) async fn stage(url: String, is_evicting: bool) -> Stage {
    let stage = Stage::new().await;
    stage.with_settings(vec![
        ("PACKTRAIN_HINTS_TRANSPORT", "redis".to_owned()),
        ("PACKTRAIN_REDIS_URL", url),
        ("PACKTRAIN_REDIS_EVICTING", is_evicting.to_string()),
    ])
}

/// Many requests, in the middle of which this is done. It says how long it took until hints were
/// heard again, if that can be seen.
pub(super) async fn row(
    name: &str,
    stage: Stage,
    mut breaking: impl AsyncFnMut(&Stage) -> Option<Duration>,
) {
    let api_key = stage.operator_key().await;
    let _workers = [stage.worker("ops", "").await, stage.worker("ops", "").await];
    let (_api, address) = api(&stage, "").await;
    repeat(name, async |round| {
        let mut canaries = Canaries::new(&stage, format!("{name}-{round}"), JOBS).await;
        let (accepted, is_over) = (AtomicU64::new(0), AtomicBool::new(false));
        let mut connection = Connection::open(address).await.unwrap();
        let asking = async {
            let mut at = 0;
            // More where it takes longer: what is broken has to be met with.
            while at < JOBS || !is_over.load(Ordering::Relaxed) {
                let request = canaries.request(&api_key, at);
                assert_eq!(connection.send(&request).await.unwrap(), 202);
                at = accepted.fetch_add(1, Ordering::Relaxed) + 1;
                if at > JOBS {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            }
            at
        };
        let broken = async {
            while accepted.load(Ordering::Relaxed) < BREAK_AFTER {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            let again = breaking(&stage).await;
            is_over.store(true, Ordering::Relaxed);
            again
        };
        let (asked, again) = tokio::join!(asking, broken);
        canaries.count = asked;
        let again = again.map(|again| u64::try_from(again.as_millis()).unwrap());
        Counts {
            rerun_ms: again.into_iter().collect(),
            ..canaries.judge(&stage).await
        }
    })
    .await;
}

/// Who waits for hints.
pub(super) async fn waiting(redis: &Redis) -> Vec<String> {
    redis.ask(&["ZRANGE", WORKERS, "0", "-1"]).await
}

/// How long it takes until two workers wait for hints that did not before: whoever lost its Redis
/// comes back under another name.
pub(super) async fn back(stage: &Stage, redis: &Redis, before: &[String]) -> Option<Duration> {
    let began = Instant::now();
    stage
        .until("both workers wait for hints again", async || {
            let now = waiting(redis).await;
            now.iter().filter(|name| !before.contains(name)).count() == 2
        })
        .await;
    Some(began.elapsed())
}

/// The hints really went this way.
pub(super) async fn was_used(redis: &Redis) {
    until("a hint was announced", async || {
        let stats: String = redis.ask(&["INFO", "commandstats"]).await;
        stats.contains("cmdstat_publish")
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_flushed() {
    let Some(program) = Program::Redis.find("redis_flushed") else {
        return;
    };
    let _turn = turn().await;
    let redis = Redis::start(&program).await;
    let stage = stage(redis.url(), false).await;
    row("redis_flushed", stage, async |stage| {
        was_used(&redis).await;
        let before = waiting(&redis).await;
        let _: String = redis.ask(&["FLUSHALL"]).await;
        back(stage, &redis, &before).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_restarted_without_persistence() {
    let Some(program) = Program::Redis.find("redis_restarted_without_persistence") else {
        return;
    };
    let _turn = turn().await;
    let mut redis = Redis::start(&program).await;
    let stage = stage(redis.url(), false).await;
    row(
        "redis_restarted_without_persistence",
        stage,
        async |stage| {
            was_used(&redis).await;
            let before = waiting(&redis).await;
            redis.kill().await;
            redis.start_again().await;
            back(stage, &redis, &before).await
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_evicts_under_allkeys_lru() {
    let Some(program) = Program::Redis.find("redis_evicts_under_allkeys_lru") else {
        return;
    };
    let _turn = turn().await;
    let options = ["maxmemory 4mb", "maxmemory-policy allkeys-lru"];
    let redis = Redis::with(&program, &options).await;
    let stage = stage(redis.url(), true).await;
    let value = "x".repeat(OTHERS_BYTES);
    row("redis_evicts_under_allkeys_lru", stage, async |_| {
        was_used(&redis).await;
        for key in 0..OTHERS {
            let _: String = redis.ask(&["SET", &format!("other-{key}"), &value]).await;
        }
        let stats: String = redis.ask(&["INFO", "stats"]).await;
        assert!(!stats.contains("evicted_keys:0\r"), "nothing was evicted");
        // Even when it is nobody's turn: the queue loses what its hints say.
        let _: u64 = redis.ask(&["DEL", "{packtrain:hint:ops}:data"]).await;
        None
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_full_under_noeviction() {
    let Some(program) = Program::Redis.find("redis_full_under_noeviction") else {
        return;
    };
    let _turn = turn().await;
    let redis = Redis::start(&program).await;
    let stage = stage(redis.url(), false).await;
    row("redis_full_under_noeviction", stage, async |stage| {
        was_used(&redis).await;
        let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
        let refused = async || {
            let stats: String = redis.ask(&["INFO", "errorstats"]).await;
            stats.contains("errorstat_OOM")
        };
        stage.until("hints are refused", refused).await;
        let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
        let _: String = redis.ask(&["CONFIG", "RESETSTAT"]).await;
        let published = async || {
            let stats: String = redis.ask(&["INFO", "commandstats"]).await;
            stats.contains("cmdstat_publish")
        };
        let began = Instant::now();
        stage.until("hints are announced again", published).await;
        Some(began.elapsed())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_replica_promoted() {
    let Some(program) = Program::Redis.find("redis_replica_promoted") else {
        return;
    };
    let _turn = turn().await;
    let servers = [Redis::start(&program).await, Redis::start(&program).await];
    let follow = async |replica: &Redis, primary: &Redis| {
        let port = primary.address().port().to_string();
        let _: String = replica.ask(&["REPLICAOF", "127.0.0.1", &port]).await;
    };
    follow(&servers[1], &servers[0]).await;
    let signpost = Signpost::to(servers[0].address()).await;
    let stage = stage(format!("redis://{}", signpost.address), false).await;
    let mut primary = 0;
    row("redis_replica_promoted", stage, async |stage| {
        let (old, new) = (&servers[primary], &servers[1 - primary]);
        was_used(old).await;
        stage
            .until("the replica follows", async || {
                let info: String = new.ask(&["INFO", "replication"]).await;
                info.contains("master_link_status:up")
            })
            .await;
        let before = waiting(old).await;
        let _: String = new.ask(&["REPLICAOF", "NO", "ONE"]).await;
        signpost.turn(new.address());
        // The old one lives on, and open connections to it stay open.
        follow(old, new).await;
        primary = 1 - primary;
        back(stage, new, &before).await
    })
    .await;
}
