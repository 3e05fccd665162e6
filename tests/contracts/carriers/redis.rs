//! Hints over a real Redis.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::ports::Hints;
use packtrain_core::secret::Secret;
use packtrain_queue::{RedisHints, RedisSettings};
use packtrain_tests::{Proxy, Redis, until};

use super::{Carrier, Process};

/// Puts an entry where hints lie, as a sender does.
const PUT: &str = "redis.call('hset', KEYS[1], '1', ARGV[1])
    redis.call('hset', KEYS[2] .. ':1', 'attempts', 0, 'max_attempts', 25, 'status', 'Pending')
    redis.call('zadd', KEYS[3], 0, '1')";

/// Puts many there, as senders do in the course of days.
const FILL: &str = "for id = 1, tonumber(ARGV[1]) do
        redis.call('hset', KEYS[1], id, '{}')
        redis.call('hset', KEYS[2] .. ':' .. id,
            'attempts', 0, 'max_attempts', 25, 'status', 'Pending')
        redis.call('zadd', KEYS[3], 0, id)
    end";
/// Hints that may lie in a lane.
const LYING_MAX: usize = 5_000;

pub(in crate::contracts) struct RedisCarrier {
    redis: Redis,
    network: Proxy,
}

impl RedisCarrier {
    pub(in crate::contracts) async fn carrier(program: &str) -> Box<dyn Carrier> {
        let redis = Redis::start(program).await;
        let network = Proxy::to(redis.address()).await;
        Box::new(Self { redis, network })
    }
}

fn key(lane: Lane, what: &str) -> String {
    format!("{{packtrain:hint:{lane}}}:{what}")
}

#[async_trait(?Send)]
impl Carrier for RedisCarrier {
    fn process(&self, listens: bool) -> Process {
        let settings = RedisSettings {
            url: Secret::new(format!("redis://{}", self.network.address)),
            authority: None,
            prefix: "packtrain".to_owned(),
            is_cluster: false,
            may_evict: false,
            name: "host-1".to_owned(),
        };
        Process::of(|tasks, stop| {
            let hints = RedisHints::start(&settings, listens, tasks, stop).unwrap();
            Arc::new(hints) as Arc<dyn Hints>
        })
    }

    async fn listened(&self, lane: Lane, count: usize) {
        until("the workers wait for hints", async || {
            let workers: u64 = self.redis.ask(&["ZCARD", &key(lane, "workers")]).await;
            workers == count as u64
        })
        .await;
    }

    async fn lying(&self, lane: Lane) -> usize {
        let due: usize = self.redis.ask(&["LLEN", &key(lane, "active")]).await;
        let sent: usize = self.redis.ask(&["ZCARD", &key(lane, "scheduled")]).await;
        due + sent
    }

    async fn fill(&self, lane: Lane) -> Option<usize> {
        let [data, meta, sent] = ["data", "meta", "scheduled"].map(|what| key(lane, what));
        let count = LYING_MAX.to_string();
        let filling = ["EVAL", FILL, "3", &data, &meta, &sent, &count];
        let _: redis::Value = self.redis.ask(&filling).await;
        Some(LYING_MAX)
    }

    async fn arrived(&self, _: &str) {}

    async fn texts(&self, lane: Lane) -> Vec<String> {
        self.redis.ask(&["HVALS", &key(lane, "data")]).await
    }

    async fn put(&self, lane: Lane, text: &str) {
        let [data, meta, sent] = ["data", "meta", "scheduled"].map(|what| key(lane, what));
        let putting = ["EVAL", PUT, "3", &data, &meta, &sent, text];
        let _: redis::Value = self.redis.ask(&putting).await;
    }

    async fn pass_what_is_hidden(&self) {}

    fn soon(&self) -> Duration {
        Duration::from_secs(3)
    }

    fn network(&self) -> &Proxy {
        &self.network
    }
}
