//! Where caches lie: for each service in its Redis, or else in the memory of this process.

use std::sync::Arc;

use packtrain_cache::{MemoryCache, Services};
use packtrain_core::ports::{Cache, NoCache, Service};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::failure::Failure;
use crate::settings::Settings;

/// Opens the caches of all services. Nothing is connected yet: a Redis that is away is no reason
/// not to start.
pub(super) fn open(
    settings: &Settings,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Result<Arc<dyn Cache>, Failure> {
    let mut all = Vec::new();
    for service in Service::ALL {
        let shared = redis::open(settings, service, tasks, stop)?;
        all.push((service, shared.unwrap_or_else(|| in_memory(settings))));
    }
    Ok(Arc::new(Services::new(all)))
}

fn in_memory(settings: &Settings) -> Arc<dyn Cache> {
    match settings.cache.memory_mb {
        0 => Arc::new(NoCache),
        mb => Arc::new(MemoryCache::new(mb * 1024 * 1024)),
    }
}

#[cfg(feature = "redis")]
mod redis {
    use std::time::Duration;

    use packtrain_cache::{RedisCache, RedisPlace};

    use super::{Arc, Cache, CancellationToken, Failure, Service, Settings, TaskTracker};
    use crate::failure::USAGE;
    use crate::wiring::authority;

    /// A service's cache in its Redis, if it has one.
    pub(super) fn open(
        settings: &Settings,
        service: Service,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Option<Arc<dyn Cache>>, Failure> {
        let cache = &settings.cache;
        let (key, url, database) = match cache.own_url(service).get() {
            Some(url) => (format!("cache.{service}_url"), url, None),
            None => match cache.url.get() {
                Some(url) => ("cache.url".to_owned(), url, Some(cache.database(service))),
                None => return Ok(None),
            },
        };
        let place = RedisPlace {
            url,
            database,
            authority: authority("cache.ca_file", &cache.ca_file)?,
            prefix: cache.prefix.clone(),
            is_cluster: cache.cluster,
            answer_within: Duration::from_millis(cache.answer_ms),
        };
        let opened = RedisCache::start(service, &place, tasks, stop.clone());
        let opened = opened.map_err(|refused| {
            Failure::new(USAGE, format!("{key}: {refused}")).help(
                "write it as redis://user:password@host:6379, or rediss:// for TLS; a database of \
                 its own is named in the address of one service only",
            )
        });
        Ok(Some(Arc::new(opened?)))
    }
}

#[cfg(not(feature = "redis"))]
mod redis {
    use super::{Arc, Cache, CancellationToken, Failure, Service, Settings, TaskTracker};
    use crate::failure::USAGE;

    pub(super) fn open(
        settings: &Settings,
        service: Service,
        _: &TaskTracker,
        _: &CancellationToken,
    ) -> Result<Option<Arc<dyn Cache>>, Failure> {
        let cache = &settings.cache;
        if cache
            .url
            .get()
            .or_else(|| cache.own_url(service).get())
            .is_none()
        {
            return Ok(None);
        }
        let what = format!("cache.url or cache.{service}_url: this build has no Redis");
        Err(Failure::new(USAGE, what).help("build with the cargo feature redis, or leave it empty"))
    }
}
