//! Hints over a real Redis that is flushed, filled, evicted from, killed, promoted, shared.

use std::sync::Arc;

use futures::{FutureExt, StreamExt};
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hint, HintStream, Hints};
use packtrain_core::secret::Secret;
use packtrain_queue::{RedisHints, RedisSettings};
use packtrain_tests::{Redis, promptly, until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

mod broken;
mod hints;
mod places;

/// The keys of the lane that most tests use.
const QUEUE: &str = "{packtrain:hint:io}";

fn settings(url: &str) -> RedisSettings {
    RedisSettings {
        url: Secret::new(url.to_owned()),
        authority: None,
        prefix: "packtrain".to_owned(),
        is_cluster: false,
        may_evict: false,
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

/// One who sends hints, and one who waits for those of the usual lane.
async fn sides(redis: &Redis) -> (Side, Side, HintStream) {
    let (api, worker) = (Side::at(&redis.url(), false), Side::at(&redis.url(), true));
    let hints = worker.hints.subscribe(&[Lane::Io]).await;
    listened(redis, 1).await;
    (api, worker, hints)
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
