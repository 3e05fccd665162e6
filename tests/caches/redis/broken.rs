//! What is done to Redis, and how reads go on: every one of them gives the right value.

use std::time::Duration;

use futures::future::join_all;
use packtrain_cache::RedisPlace;
use packtrain_core::limits::CACHE_VALUE_BYTES_MAX;
use packtrain_core::ports::Owner;
use packtrain_core::secret::Secret;
use packtrain_tests::{Network, Nobody, Program, Proxy, Redis, Signpost, promptly, until};

use super::{open, place, reader};
use crate::caches::{Reader, key, tenant, word};

/// What the key of a word of everybody is called in Redis.
fn name(of: &str) -> String {
    format!("packtrain:cache:{}", key(Owner::Everyone, of).as_str())
}

/// Reads that together must not take long.
async fn many_reads(reader: &Reader) {
    let reading = async {
        for number in 0..200 {
            let name = format!("w{number}");
            assert_eq!(reader.read(Owner::Everyone, &name).await, word(&name));
        }
    };
    promptly(reading).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_while_all_keys_are_flushed_and_are_hits_again_after() {
    let test = "reads_go_on_while_all_keys_are_flushed_and_are_hits_again_after";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let reader = reader(&place(&redis.url())).await;
    for round in 1..=5 {
        let names: Vec<String> = (0..20).map(|number| format!("w{number}")).collect();
        let reading = join_all(names.iter().map(|name| reader.read(Owner::Everyone, name)));
        let flushing = redis.ask::<String>(&["FLUSHALL"]);
        let (found, _) = tokio::join!(reading, flushing);
        for (found, name) in found.iter().zip(&names) {
            assert_eq!(*found, word(name), "round {round}");
        }
    }
    let _: String = redis.ask(&["FLUSHALL"]).await;
    assert!(!reader.hits("w1").await);
    assert!(reader.hits("w1").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_go_on_while_redis_is_away_and_are_hits_again_when_it_is_back() {
    let test = "reads_go_on_while_redis_is_away_and_are_hits_again_when_it_is_back";
    let Some(mut redis) = Redis::of(test).await else {
        return;
    };
    let reader = reader(&place(&redis.url())).await;
    redis.kill().await;
    many_reads(&reader).await;
    assert_eq!(reader.loads(), 200);
    redis.start_again().await;
    until("reads are hits again", async || reader.hits("w1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_does_not_answer_is_waited_for_once_and_then_left_alone() {
    let test = "a_redis_that_does_not_answer_is_waited_for_once_and_then_left_alone";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    for network in [Network::Hole, Network::HalfOpen] {
        let proxy = Proxy::to(redis.address()).await;
        let reader = reader(&RedisPlace {
            answer_within: Duration::from_secs(2),
            ..place(&format!("redis://{}", proxy.address))
        })
        .await;
        proxy.set(network);
        // One of them waits for two seconds. If each did, they would take minutes.
        many_reads(&reader).await;
        assert!(reader.loads() >= 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_was_never_there_costs_nothing_but_the_loads() {
    let nobody = Nobody::hold();
    let reader = Reader::new(open(&place(&format!("redis://{}", nobody.address))));
    many_reads(&reader).await;
    assert_eq!(reader.loads(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_costs_hits_until_it_is_the_right_one() {
    let test = "a_wrong_password_costs_hits_until_it_is_the_right_one";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let _: String = redis
        .ask(&["ACL", "SETUSER", "cache", "on", ">right", "~*", "+@all"])
        .await;
    let url = format!("redis://cache:wrong@{}", redis.address());
    let reader = Reader::new(open(&place(&url)));
    many_reads(&reader).await;
    assert_eq!(reader.loads(), 200);
    until("it was refused", async || {
        let log: redis::Value = redis.ask(&["ACL", "LOG"]).await;
        format!("{log:?}").contains("auth")
    })
    .await;
    let _: String = redis.ask(&["ACL", "SETUSER", "cache", ">wrong"]).await;
    until("reads are hits", async || reader.hits("w1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_keeps_nothing_and_does_again_when_it_has_room() {
    let test = "a_redis_that_is_full_keeps_nothing_and_does_again_when_it_has_room";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let reader = reader(&place(&redis.url())).await;
    assert!(!reader.hits("kept").await);
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    many_reads(&reader).await;
    many_reads(&reader).await;
    // What was there is found while nothing new is taken.
    assert!(reader.hits("kept").await);
    assert_eq!(reader.loads(), 401);
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    until("reads are hits again", async || reader.hits("w1").await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_evicts_gives_right_values_or_none() {
    let test = "a_redis_that_evicts_gives_right_values_or_none";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let options = ["maxmemory 3mb", "maxmemory-policy allkeys-lru"];
    let redis = Redis::with(&program, &options).await;
    let reader = reader(&place(&redis.url())).await;
    let names: Vec<String> = (0..60)
        .map(|number| format!("{number}-").repeat(20_000))
        .collect();
    for _ in 0..2 {
        for name in &names {
            assert!(reader.read(Owner::Everyone, name).await == word(name));
        }
    }
    let info: String = redis.ask(&["INFO", "stats"]).await;
    let evicted = info.lines().find(|line| line.starts_with("evicted_keys:"));
    assert_ne!(evicted, Some("evicted_keys:0"), "something was evicted");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_else_put_there_is_a_miss_and_is_replaced() {
    let test = "what_somebody_else_put_there_is_a_miss_and_is_replaced";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let reader = reader(&place(&redis.url())).await;
    assert!(!reader.hits("a").await);
    assert!(!reader.hits("b").await);
    let (a, b) = (name("a"), name("b"));
    let large = "x".repeat(CACHE_VALUE_BYTES_MAX * 3);
    for words in [
        vec!["SET", &*a, "garbage"],
        vec!["SET", &*a, &*large],
        vec!["SETRANGE", &*a, "30", "longer"],
        // A whole value, but another's.
        vec!["COPY", &*b, &*a, "REPLACE"],
    ] {
        let _: redis::Value = redis.ask(&words).await;
        assert!(!reader.hits("a").await, "{}", words[0]);
        assert!(reader.hits("a").await, "{}", words[0]);
    }
    // Of another type: it is replaced as well.
    let _: i64 = redis.ask(&["DEL", &a]).await;
    let _: i64 = redis.ask(&["LPUSH", &a, "x"]).await;
    assert!(!reader.hits("a").await);
    assert!(reader.hits("a").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_follow_the_address_to_a_replica_that_was_promoted() {
    let test = "reads_follow_the_address_to_a_replica_that_was_promoted";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let (first, second) = (Redis::start(&program).await, Redis::start(&program).await);
    let signpost = Signpost::to(first.address()).await;
    let reader = reader(&place(&format!("redis://{}", signpost.address))).await;
    // The old primary lives on as a replica, and the connection to it stays open.
    signpost.turn(second.address());
    let port = second.address().port().to_string();
    let _: String = first.ask(&["REPLICAOF", "127.0.0.1", &port]).await;
    until("values are kept at the new primary", async || {
        reader.read(tenant(1), "a").await;
        second.ask::<i64>(&["DBSIZE"]).await > 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_share_what_one_of_them_loaded() {
    let Some(redis) = Redis::of("two_processes_share_what_one_of_them_loaded").await else {
        return;
    };
    let place = RedisPlace {
        url: Secret::new(redis.url()),
        answer_within: Duration::from_secs(10),
        ..place("")
    };
    let (one, other) = (reader(&place).await, reader(&place).await);
    assert!(!one.hits("a").await);
    assert!(other.hits("a").await);
    assert_eq!(other.loads(), 0);
}
