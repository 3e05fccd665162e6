//! Caches in a real Redis.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use packtrain_cache::{RedisCache, RedisPlace};
use packtrain_core::ports::{Cache, Owner, Service};
use packtrain_core::secret::Secret;
use packtrain_tests::{Program, Redis, redis_cluster, until};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Ground, Reader, key};

mod broken;
mod places;

/// So long nothing takes here unless the test makes it.
const PATIENT: Duration = Duration::from_secs(15);

fn place(url: &str) -> RedisPlace {
    RedisPlace {
        url: Secret::new(url.to_owned()),
        database: None,
        authority: None,
        prefix: "packtrain".to_owned(),
        is_cluster: false,
        answer_within: PATIENT,
    }
}

fn open(place: &RedisPlace) -> Arc<dyn Cache> {
    let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
    Arc::new(RedisCache::start(Service::Tax, place, &tasks, stop).unwrap())
}

/// Waits until a cache is connected.
async fn connected(cache: &Arc<dyn Cache>) {
    let key = key(Owner::Everyone, "is-it-there");
    until("the cache is connected", async || {
        let value = Bytes::from_static(b"yes");
        cache.put(&key, value, PATIENT).await;
        cache.get(&key).await.is_some()
    })
    .await;
}

/// A reader through a cache that is connected.
async fn reader(place: &RedisPlace) -> Reader {
    let cache = open(place);
    connected(&cache).await;
    Reader::new(cache)
}

/// A single server, and a cluster.
pub(super) async fn grounds(test: &str) -> Vec<Ground> {
    let Some(program) = Program::Redis.find(test) else {
        return Vec::new();
    };
    let single = Redis::start(&program).await;
    let cluster = redis_cluster(&program).await;
    let of_cluster = RedisPlace {
        is_cluster: true,
        ..place(&cluster[0].url())
    };
    let mut all = Vec::new();
    for (name, place, servers) in [
        ("redis", place(&single.url()), vec![single]),
        ("cluster", of_cluster, Vec::from(cluster)),
    ] {
        let cache = open(&place);
        connected(&cache).await;
        all.push(Ground {
            name,
            cache,
            _servers: servers,
        });
    }
    all
}
