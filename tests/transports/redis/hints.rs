//! How hints come through, how many, and what is left of them.

use std::time::Instant;

use futures::StreamExt;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hints, Warmth};
use packtrain_queue::RedisWarmth;
use packtrain_tests::{Redis, promptly, until};

use super::{QUEUE, Side, drain, key, listened, settings, sides, take_all, waiting};

/// Hints that may wait in a lane.
const WAITING_MAX: u64 = 5_000;

/// How often scripts were run.
async fn scripts_run(redis: &Redis) -> u128 {
    let stats: String = redis.ask(&["INFO", "commandstats"]).await;
    let calls = stats.split("cmdstat_evalsha:calls=").nth(1).unwrap();
    calls.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ended_is_not_on_the_list_any_more_and_leaves_nothing_behind() {
    let test = "who_ended_is_not_on_the_list_any_more_and_leaves_nothing_behind";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut io = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    api.send(Lane::Io);
    promptly(io.next()).await.unwrap();
    // It is handed over before it is taken off; a process that ends in between leaves it to others.
    let data = ["EXISTS", "{packtrain:hint:io}:data"];
    until("the hint is taken off", async || {
        redis.ask::<i64>(&data).await == 0
    })
    .await;
    api.end().await;
    worker.end().await;
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    let left: Vec<_> = keys
        .iter()
        .filter(|key| !key.ends_with(":signal"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_takes_from_redis_goes_by_itself() {
    let test = "what_nobody_takes_from_redis_goes_by_itself";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let api = Side::at(&redis.url(), false);
    api.send(Lane::Io);
    until("the hint lies there", async || waiting(&redis).await == 1).await;
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    for key in keys {
        until("the key is given an end", async || {
            redis.ask::<i64>(&["TTL", &key]).await > 0
        })
        .await;
    }
    api.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_more_hints_than_its_scripts_can_move_is_cut_and_read_on() {
    let test = "a_queue_with_more_hints_than_its_scripts_can_move_is_cut_and_read_on";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let worker = Side::at(&redis.url(), true);
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    // As if many processes had sent at once what none of them knew of the others.
    let fill = "for i = 1, 9000 do
        redis.call('hset', KEYS[1], i, '{\"lane\":\"io\"}')
        redis.call('hset', KEYS[2] .. ':' .. i, 'attempts', 0, 'max_attempts', 25,
                   'status', 'Pending')
        redis.call('zadd', KEYS[3], 0, i)
    end";
    let (data, meta, scheduled) = (key("data"), key("meta"), key("scheduled"));
    let filling = ["EVAL", fill, "3", &data, &meta, &scheduled];
    let _: redis::Value = redis.ask(&filling).await;
    let mut heard = 0;
    while heard < 4_000 {
        promptly(hints.next()).await.unwrap();
        heard += 1;
    }
    heard += take_all(&redis, &mut hints).await;
    assert!(heard <= 5_000, "{heard}");
    until("nothing of them is left", async || {
        let keys: Vec<String> = redis.ask(&["KEYS", &format!("{QUEUE}:meta:*")]).await;
        keys.is_empty() && redis.ask::<u64>(&["EXISTS", &data]).await == 0
    })
    .await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_hints_are_sent_than_may_wait() {
    let test = "no_more_hints_are_sent_than_may_wait";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let fill = "for i = 1, 4995 do redis.call('zadd', KEYS[1], 0, i) end";
    let scheduled = key("scheduled");
    let _: redis::Value = redis.ask(&["EVAL", fill, "1", &scheduled]).await;
    let api = Side::at(&redis.url(), false);
    until("there is no room", async || {
        api.send(Lane::Io);
        waiting(&redis).await == WAITING_MAX
    })
    .await;
    // Sent and pushed: the hint for another lane went out after them.
    for _ in 0..10 {
        api.send(Lane::Io);
    }
    api.send(Lane::Ops);
    until("later hints went out", async || {
        let other = "{packtrain:hint:ops}:scheduled";
        redis.ask::<u64>(&["ZCARD", other]).await == 1
    })
    .await;
    assert_eq!(waiting(&redis).await, WAITING_MAX);
    api.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_that_were_heard_leave_nothing_in_redis() {
    let test = "hints_that_were_heard_leave_nothing_in_redis";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let (api, worker, mut hints) = sides(&redis).await;
    let (mut sent, mut heard) = (0, 0);
    while sent < 20_000 {
        for _ in 0..16 {
            api.send(Lane::Io);
            sent += 1;
        }
        // One, so that this goes at the pace of the worker.
        promptly(hints.next()).await.unwrap();
        heard += 1 + drain(&mut hints);
    }
    heard += take_all(&redis, &mut hints).await;
    assert!(heard > 1_000, "{heard} passed through redis");
    until("what was handed over is removed", async || {
        let mut keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
        keys.sort();
        keys == [key("signal"), key("workers")]
    })
    .await;
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_kept_warm_by_a_nudge_that_is_heard() {
    let test = "redis_is_kept_warm_by_a_nudge_that_is_heard";
    let Some(mut redis) = Redis::of(test).await else {
        return;
    };
    let warmth = RedisWarmth::new(&settings(&redis.url())).unwrap();
    assert_eq!(warmth.what(), "hints redis");
    let warmed = warmth.warm().await.unwrap();
    assert!(!warmed.cold.is_zero() && !warmed.warm.is_zero());
    redis.kill().await;
    assert!(warmth.warm().await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nudge_makes_a_worker_look_before_its_next_poll() {
    let test = "a_nudge_makes_a_worker_look_before_its_next_poll";
    let Some(redis) = Redis::of(test).await else {
        return;
    };
    let worker = Side::at(&redis.url(), true);
    let _hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    let subscribed = async || {
        let count: Vec<redis::Value> = redis.ask(&["PUBSUB", "NUMSUB", &key("nudge")]).await;
        count.get(1) == Some(&redis::Value::Int(1))
    };
    until("it listens for nudges", subscribed).await;
    // A machine that has much else to do may stand still for as long as many polls.
    until("it looks more often than it polls", async || {
        let (began, before) = (Instant::now(), scripts_run(&redis).await);
        for _ in 0..20 {
            let _: u64 = redis.ask(&["PUBLISH", &key("nudge"), "1"]).await;
        }
        let looks = scripts_run(&redis).await - before;
        let polls = began.elapsed().as_millis() / 50 + 1;
        looks > 2 * polls
    })
    .await;
    worker.end().await;
}
