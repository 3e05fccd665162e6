//! Hints over a real Redis that is flushed, filled, evicted from, killed, promoted, shared.

use std::sync::Arc;
use std::time::Instant;

use futures::{FutureExt, StreamExt};
use packtrain_core::ids::JobId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hint, HintStream, Hints, Subject, Warmth};
use packtrain_core::secret::Secret;
use packtrain_queue::{RedisHints, RedisSettings, RedisWarmth, Refused, refuse_eviction};
use packtrain_tests::{Program, Redis, Signpost, free_port, promptly, redis_cluster, skip, until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use uuid::Uuid;

/// The keys of the lane that most tests use.
const QUEUE: &str = "{packtrain:hint:io}";
/// Hints that may wait in a lane.
const WAITING_MAX: u64 = 5_000;

fn settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: Secret::new(url.to_owned()),
        authority: None,
        prefix: "packtrain".to_owned(),
        is_cluster: false,
        name: "host-1".to_owned(),
    }
}

/// One process's transport.
struct Side {
    hints: Arc<RedisHints>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Side {
    fn new(settings: &RedisSettings, listens: bool) -> Self {
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let hints = RedisHints::start(settings, listens, &tasks, stop.clone()).unwrap();
        Self {
            hints: Arc::new(hints),
            tasks,
            stop,
        }
    }

    fn at(url: &str, listens: bool) -> Self {
        Self::new(&settings(url), listens)
    }

    fn send(&self, lane: Lane) {
        self.hints.send(Hint { lane, about: None });
    }

    /// Ends it and waits until nothing of it is left.
    async fn end(self) {
        self.stop.cancel();
        self.tasks.close();
        promptly(self.tasks.wait()).await;
    }
}

fn key(what: &str) -> String {
    format!("{QUEUE}:{what}")
}

async fn waiting(redis: &Redis) -> u64 {
    let due: u64 = redis.ask(&["LLEN", &key("active")]).await;
    let sent: u64 = redis.ask(&["ZCARD", &key("scheduled")]).await;
    due + sent
}

async fn listeners(redis: &Redis) -> Vec<String> {
    redis.ask(&["ZRANGE", &key("workers"), "0", "-1"]).await
}

/// Waits until so many workers wait for hints.
async fn listened(redis: &Redis, count: usize) {
    until("the workers wait for hints", async || {
        listeners(redis).await.len() == count
    })
    .await;
}

/// Sends hints until one is heard: one that is sent while Redis is away is lost.
async fn heard_at_last(from: &Side, hints: &mut HintStream) {
    until("a hint is heard", async || {
        from.send(Lane::Io);
        hints.next().now_or_never().is_some()
    })
    .await;
}

/// Takes hints until none waits in Redis.
async fn take_all(redis: &Redis, hints: &mut HintStream) -> usize {
    let mut count = 0;
    while waiting(redis).await > 0 {
        promptly(hints.next()).await.unwrap();
        count += 1;
    }
    count
}

/// Takes what was heard and is left from before.
fn drain(hints: &mut HintStream) -> usize {
    let mut count = 0;
    while hints.next().now_or_never().is_some() {
        count += 1;
    }
    count
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hint_of_one_process_wakes_another_in_the_lane_it_names() {
    let test = "a_hint_of_one_process_wakes_another_in_the_lane_it_names";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut io = worker.hints.subscribe(&[Lane::Io]).await;
    let mut cpu = worker.hints.subscribe(&[Lane::Cpu]).await;
    listened(&redis, 1).await;
    api.send(Lane::Io);
    assert_eq!(promptly(io.next()).await.unwrap().lane, Lane::Io);
    assert!(cpu.next().now_or_never().is_none());
    api.end().await;
    worker.end().await;
    // Who ended is not on the list any more, and nothing else is left behind.
    let keys: Vec<String> = redis.ask(&["KEYS", "*"]).await;
    let left: Vec<_> = keys
        .iter()
        .filter(|key| !key.ends_with(":signal"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_in_redis_says_lane_kind_job_and_trace() {
    let test = "what_waits_in_redis_says_lane_kind_job_and_trace";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let api = Side::at(&redis.url(), false);
    let job = JobId::from_uuid(Uuid::from_u128(7));
    api.hints.send(Hint {
        lane: Lane::Io,
        about: Some(Subject {
            kind: "tax.import".to_owned(),
            job: Some(job),
            group: None,
            trace_parent: Some("00-01-02-01".to_owned()),
        }),
    });
    until("the hint lies there", async || waiting(&redis).await == 1).await;
    let notes: Vec<String> = redis.ask(&["HVALS", &key("data")]).await;
    let note: serde_json::Value = serde_json::from_str(&notes[0]).unwrap();
    let expected = serde_json::json!({
        "lane": "io", "kind": "tax.import", "job": job.to_string(), "trace_parent": "00-01-02-01",
    });
    assert_eq!(note, expected);
    // What nobody takes goes by itself.
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
async fn a_process_that_is_busy_leaves_hints_to_others() {
    let test = "a_process_that_is_busy_leaves_hints_to_others";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let api = Side::at(&redis.url(), false);
    let (busy, free) = (Side::at(&redis.url(), true), Side::at(&redis.url(), true));
    let mut waits = busy.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    let mut takes = free.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 2).await;
    let (mut taken, mut sent) = (0, 0);
    // All but one come to who takes them, whoever is quicker.
    until("the free one has heard the rest", async || {
        if sent < 20 && taken + 1 >= sent {
            api.send(Lane::Io);
            sent += 1;
        }
        taken += drain(&mut takes);
        taken >= 19
    })
    .await;
    assert!(drain(&mut waits) <= 1);
    for side in [api, busy, free] {
        side.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_with_more_hints_than_its_scripts_can_move_is_cut_and_read_on() {
    let test = "a_queue_with_more_hints_than_its_scripts_can_move_is_cut_and_read_on";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
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
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
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
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
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
async fn hints_are_heard_again_after_all_keys_are_flushed() {
    let test = "hints_are_heard_again_after_all_keys_are_flushed";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
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
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let mut redis = Redis::start(&program).await;
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
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
async fn a_start_without_redis_hears_hints_when_it_comes() {
    let test = "a_start_without_redis_hears_hints_when_it_comes";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let mut redis = Redis::start(&program).await;
    redis.kill().await;
    promptly(refuse_eviction(&settings(&redis.url())))
        .await
        .unwrap();
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    redis.start_again().await;
    listened(&redis, 1).await;
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_whose_data_was_evicted_do_not_poison_their_queue() {
    let test = "hints_whose_data_was_evicted_do_not_poison_their_queue";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
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
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
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
async fn a_redis_that_is_full_takes_no_hints_and_does_again_when_it_has_room() {
    let test = "a_redis_that_is_full_takes_no_hints_and_does_again_when_it_has_room";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn a_user_of_the_prefix_alone_suffices_and_the_keys_of_others_stay_as_they_are() {
    let test = "a_user_of_the_prefix_alone_suffices_and_the_keys_of_others_stay_as_they_are";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let page = include_str!("../../docs/transports.md");
    let line = page
        .lines()
        .find(|line| line.starts_with("ACL SETUSER packtrain"));
    let words: Vec<&str> = line.unwrap().split_whitespace().collect();
    let _: String = redis.ask(&words).await;
    let _: String = redis.ask(&["SET", "theirs", "untouched"]).await;
    let host = redis.address();
    let settings = settings(&format!("redis://packtrain:a-long-password@{host}"));
    refuse_eviction(&settings).await.unwrap();
    let (api, worker) = (Side::new(&settings, false), Side::new(&settings, true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    api.send(Lane::Io);
    assert_eq!(promptly(hints.next()).await.unwrap().lane, Lane::Io);
    RedisWarmth::new(&settings).unwrap().warm().await.unwrap();
    api.end().await;
    worker.end().await;
    let refused: redis::Value = redis.ask(&["ACL", "LOG"]).await;
    assert_eq!(
        refused,
        redis::Value::Array(Vec::new()),
        "nothing was refused"
    );
    assert_eq!(redis.ask::<String>(&["GET", "theirs"]).await, "untouched");
    let client = redis::Client::open(settings.url.reveal().as_str()).unwrap();
    let mut user = client.get_multiplexed_async_connection().await.unwrap();
    for words in [
        vec!["GET", "theirs"],
        vec!["FLUSHALL"],
        vec!["PUBLISH", "theirs", "x"],
    ] {
        let mut command = redis::Cmd::new();
        words.iter().for_each(|word| {
            command.arg(*word);
        });
        let refused = command
            .query_async::<redis::Value>(&mut user)
            .await
            .unwrap_err();
        assert_eq!(refused.code(), Some("NOPERM"), "{words:?}");
    }
}

/// The command that the page gives to operators.
fn user_of_the_page() -> Vec<&'static str> {
    let page = include_str!("../../docs/transports.md");
    let line = page
        .lines()
        .find(|line| line.starts_with("ACL SETUSER packtrain"));
    line.unwrap().split_whitespace().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_go_through_a_cluster_whose_slots_lie_on_two_servers() {
    let test = "hints_go_through_a_cluster_whose_slots_lie_on_two_servers";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let [a, b] = redis_cluster(&program).await;
    for node in [&a, &b] {
        let _: String = node.ask(&user_of_the_page()).await;
    }
    let host = a.address();
    let settings = RedisSettings {
        is_cluster: true,
        ..settings(&format!("redis://packtrain:a-long-password@{host}"))
    };
    refuse_eviction(&settings).await.unwrap();
    let (api, worker) = (Side::new(&settings, false), Side::new(&settings, true));
    for lane in Lane::ALL {
        let mut hints = worker.hints.subscribe(&[lane]).await;
        until("a hint is heard", async || {
            api.send(lane);
            hints.next().now_or_never().is_some()
        })
        .await;
    }
    for node in [&a, &b] {
        let keys: Vec<String> = node.ask(&["KEYS", "*"]).await;
        assert!(!keys.is_empty(), "each server has lanes");
    }
    RedisWarmth::new(&settings).unwrap().warm().await.unwrap();
    api.end().await;
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_kept_warm_by_a_nudge_that_is_heard() {
    let test = "redis_is_kept_warm_by_a_nudge_that_is_heard";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let mut redis = Redis::start(&program).await;
    let warmth = RedisWarmth::new(&settings(&redis.url())).unwrap();
    assert_eq!(warmth.what(), "hints redis");
    let warmed = warmth.warm().await.unwrap();
    assert!(!warmed.cold.is_zero() && !warmed.warm.is_zero());
    redis.kill().await;
    assert!(warmth.warm().await.is_err());
}

/// How often scripts were run.
async fn scripts_run(redis: &Redis) -> u128 {
    let stats: String = redis.ask(&["INFO", "commandstats"]).await;
    let calls = stats.split("cmdstat_evalsha:calls=").nth(1).unwrap();
    calls.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_nudge_makes_a_worker_look_before_its_next_poll() {
    let test = "a_nudge_makes_a_worker_look_before_its_next_poll";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let redis = Redis::start(&program).await;
    let worker = Side::at(&redis.url(), true);
    let _hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    let subscribed = async || {
        let count: Vec<redis::Value> = redis.ask(&["PUBSUB", "NUMSUB", &key("nudge")]).await;
        count.get(1) == Some(&redis::Value::Int(1))
    };
    until("it listens for nudges", subscribed).await;
    let (before, began) = (scripts_run(&redis).await, Instant::now());
    for _ in 0..200 {
        let _: u64 = redis.ask(&["PUBLISH", &key("nudge"), "1"]).await;
    }
    let polls = began.elapsed().as_millis() / 50 + 1;
    let looks = scripts_run(&redis).await - before;
    assert!(
        looks > 2 * polls,
        "{looks} looks in the time of {polls} polls"
    );
    worker.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hints_go_over_tls_to_a_server_whose_authority_is_named_and_to_no_other() {
    let test = "hints_go_over_tls_to_a_server_whose_authority_is_named_and_to_no_other";
    let Some(program) = Program::Redis.find(test) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let (key, signed) = (
        folder.path().join("key.pem"),
        folder.path().join("signed.pem"),
    );
    let made = tokio::process::Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
        ])
        .args(["-nodes", "-days", "2", "-subj", "/CN=localhost"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args([
            "-keyout".as_ref(),
            key.as_os_str(),
            "-out".as_ref(),
            signed.as_os_str(),
        ])
        .output()
        .await;
    let Ok(made) = made else {
        return skip(test, "openssl is missing");
    };
    assert!(made.status.success(), "{made:?}");
    let port = free_port().await;
    let options = [
        format!("tls-port {port}"),
        format!("tls-cert-file {}", signed.display()),
        format!("tls-key-file {}", key.display()),
        format!("tls-ca-cert-file {}", signed.display()),
        "tls-auth-clients no".to_owned(),
    ];
    let redis = Redis::with(&program, &options.each_ref().map(String::as_str)).await;
    let unknown = settings(&format!("rediss://127.0.0.1:{port}"));
    let known = RedisSettings {
        authority: Some(std::fs::read(&signed).unwrap()),
        ..unknown.clone()
    };
    assert!(RedisWarmth::new(&unknown).unwrap().warm().await.is_err());
    RedisWarmth::new(&known).unwrap().warm().await.unwrap();
    let (api, worker) = (Side::new(&known, false), Side::new(&known, true));
    let mut hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(&redis, 1).await;
    heard_at_last(&api, &mut hints).await;
    api.end().await;
    worker.end().await;
}
