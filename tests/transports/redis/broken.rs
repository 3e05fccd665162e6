//! What is done to Redis, and how hints go on.

use futures::StreamExt;
use packtrain_core::job::Lane;
use packtrain_core::ports::Hints;
use packtrain_queue::{RedisSettings, Refused, refuse_eviction};
use packtrain_tests::{Program, Redis, Signpost, promptly, redis_cluster, until};

use super::{Side, drain, heard_at_last, key, listened, listeners, settings, sides, waiting};

#[tokio::test(flavor = "multi_thread")]
async fn hints_are_heard_again_after_all_keys_are_flushed() {
    let test = "hints_are_heard_again_after_all_keys_are_flushed";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let (api, worker, mut hints) = sides(&redis).await;
    let before = listeners(&redis).await;
    let _: String = redis.ask(&["FLUSHALL"]).await;
    listened(&redis, 1).await;
    // It came back under another name: the old one might still be known elsewhere.
    assert_ne!(listeners(&redis).await, before);
    api.send(Lane::Io);
    assert_eq!(promptly(hints.next()).await.unwrap().lane, Lane::Io);
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_are_heard_again_after_redis_was_killed_and_came_back_empty() {
    let test = "hints_are_heard_again_after_redis_was_killed_and_came_back_empty";
    let Some(mut redis) = Redis::of(test).await else {
        return;
    };
    let (api, worker, mut hints) = sides(&redis).await;
    redis.kill().await;
    // Nobody is held up and nothing fails while it is away.
    for _ in 0..10_000 {
        api.send(Lane::Io);
    }
    redis.start_again().await;
    listened(&redis, 1).await;
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_starts_though_redis_cannot_be_asked_whether_it_evicts() {
    let test = "a_process_starts_though_redis_cannot_be_asked_whether_it_evicts";
    let Some(mut redis) = Redis::of(test).await else {
        return;
    };
    redis.kill().await;
    promptly(refuse_eviction(&settings(&redis.url())))
        .await
        .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_whose_data_was_evicted_do_not_poison_their_queue() {
    let test = "hints_whose_data_was_evicted_do_not_poison_their_queue";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    for _ in 0..3 {
        api.send(Lane::Io);
    }
    until("hints lie there", async || waiting(&redis).await > 0).await;
    let _: u64 = redis.ask(&["DEL", &key("data")]).await;
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    until("the rest of them is removed", async || {
        waiting(&redis).await == 0
    })
    .await;
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_evicts_is_refused_and_one_that_does_not_is_taken() {
    let test = "a_redis_that_evicts_is_refused_and_one_that_does_not_is_taken";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let settings = settings(&redis.url());
    refuse_eviction(&settings).await.unwrap();
    for policy in ["allkeys-lru", "volatile-ttl"] {
        let _: String = redis
            .ask(&["CONFIG", "SET", "maxmemory-policy", policy])
            .await;
        let refused = refuse_eviction(&settings).await.unwrap_err();
        assert!(matches!(&refused, Refused::Evicting(named) if named == policy));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_came_back_evicting_gets_no_hints_until_it_evicts_no_more() {
    let test = "a_redis_that_came_back_evicting_gets_no_hints_until_it_evicts_no_more";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let mut redis = Redis::with(&program, &["maxmemory-policy allkeys-lru"]).await;
    redis.kill().await;
    // It is away at the start, which is no reason not to start.
    refuse_eviction(&settings(&redis.url())).await.unwrap();
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    api.send(Lane::Io);
    redis.start_again().await;
    let _: String = redis.ask(&["CONFIG", "RESETSTAT"]).await;
    // The test asks as well: its questions before this one are in the answer.
    let mut own = 0;
    until("both ask it whether it evicts", async || {
        api.send(Lane::Io);
        let stats: String = redis.ask(&["INFO", "commandstats"]).await;
        let count = stats.split_once("cmdstat_info:calls=");
        let count = count.and_then(|(_, rest)| rest.split(',').next()?.parse().ok());
        own += 1;
        count.unwrap_or(0) > own
    })
    .await;
    for _ in 0..100 {
        api.send(Lane::Io);
        tokio::task::yield_now().await;
    }
    assert_eq!(waiting(&redis).await, 0);
    assert_eq!(listeners(&redis).await, Vec::<String>::new());
    let mending = ["CONFIG", "SET", "maxmemory-policy", "noeviction"];
    let _: String = redis.ask(&mending).await;
    listened(&redis, 1).await;
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_refused_when_one_of_its_primaries_evicts() {
    let test = "a_cluster_is_refused_when_one_of_its_primaries_evicts";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let [a, b] = redis_cluster(&program).await;
    let settings = RedisSettings {
        is_cluster: true,
        ..settings(&a.url())
    };
    refuse_eviction(&settings).await.unwrap();
    let evicting = ["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"];
    let _: String = b.ask(&evicting).await;
    let refused = refuse_eviction(&settings).await.unwrap_err();
    assert!(matches!(&refused, Refused::Evicting(policy) if policy == "allkeys-lru"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_is_full_takes_no_hints_and_does_again_when_it_has_room() {
    let test = "a_redis_that_is_full_takes_no_hints_and_does_again_when_it_has_room";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let (api, worker, mut hints) = sides(&redis).await;
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "1"]).await;
    until("it is full", async || {
        redis
            .try_ask::<String>(&["SET", "other", "x"])
            .await
            .is_err()
    })
    .await;
    for _ in 0..100 {
        api.send(Lane::Io);
    }
    let _: String = redis.ask(&["CONFIG", "SET", "maxmemory", "0"]).await;
    listened(&redis, 1).await;
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_follow_the_address_to_a_replica_that_was_promoted() {
    let test = "hints_follow_the_address_to_a_replica_that_was_promoted";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let (first, second) = (Redis::start(&program).await, Redis::start(&program).await);
    let (host, port) = ("127.0.0.1", first.address().port().to_string());
    let _: String = second.ask(&["REPLICAOF", host, &port]).await;
    let signpost = Signpost::to(first.address()).await;
    let url = format!("redis://{}", signpost.address);
    let (api, worker) = (Side::at(&url, false), Side::at(&url, true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&first, 1).await;
    heard_at_last(&api, &mut hints).await;
    // The old primary lives on as a replica, and open connections to it stay open.
    let _: String = second.ask(&["REPLICAOF", "NO", "ONE"]).await;
    signpost.turn(second.address());
    let port = second.address().port().to_string();
    let _: String = first.ask(&["REPLICAOF", host, &port]).await;
    until("the worker waits at the new primary", async || {
        let clients: String = second.ask(&["CLIENT", "LIST"]).await;
        clients.contains("cmd=evalsha") && clients.contains("sub=6")
    })
    .await;
    drain(&mut hints);
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}
