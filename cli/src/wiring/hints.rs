//! Which transport carries hints.

use std::sync::Arc;

use packtrain_core::ids::IdSource;
use packtrain_core::ports::{Bell, Hints, Warmth};
use packtrain_queue::{BellWarmth, PgHints};
use packtrain_store::{PgControl, Pools};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sqs::{self, Queues};
use crate::failure::Failure;
use crate::settings::{Settings, Transport};

/// What a transport is made with.
pub(crate) struct Means<'a> {
    pub(crate) settings: &'a Settings,
    pub(crate) bell: &'a Arc<dyn Bell>,
    pub(crate) queues: &'a Queues,
    pub(crate) pools: &'a Pools,
    pub(crate) ids: &'a Arc<dyn IdSource>,
    /// Whether this process works on hints.
    pub(crate) listens: bool,
    pub(crate) tasks: &'a TaskTracker,
    pub(crate) stop: &'a CancellationToken,
}

/// Starts the transport that the settings name.
pub(crate) fn start(means: &Means<'_>) -> Result<Arc<dyn Hints>, Failure> {
    let (listens, tasks, stop) = (means.listens, means.tasks, means.stop);
    match means.settings.hints.transport {
        Transport::Pg => {
            let bell = Arc::clone(means.bell);
            Ok(Arc::new(PgHints::start(bell, listens, tasks, stop.clone())))
        }
        Transport::Redis => redis::start(means.settings, listens, tasks, stop),
        Transport::Sqs => {
            // A dead letter that comes back from a queue runs again by the rights of a worker.
            let revive = PgControl::new(means.pools.worker.clone(), Arc::clone(means.ids));
            let ids = Arc::clone(means.ids);
            let hints = means.queues.hints(Arc::new(revive), ids, tasks, stop);
            hints.ok_or_else(sqs::missing)
        }
    }
}

/// Refuses a transport that would harm others; to be asked before a process serves.
pub(crate) async fn check(settings: &Settings) -> Result<(), Failure> {
    match settings.hints.transport {
        Transport::Redis => redis::check(settings).await,
        // Queues are asked for with the database.
        Transport::Pg | Transport::Sqs => Ok(()),
    }
}

/// The transport, kept warm; none where it is asked all the time anyway.
pub(crate) fn warmth(
    settings: &Settings,
    bell: &Arc<dyn Bell>,
) -> Result<Option<Arc<dyn Warmth>>, Failure> {
    match settings.hints.transport {
        Transport::Pg => Ok(Some(Arc::new(BellWarmth::new(Arc::clone(bell))))),
        Transport::Redis => redis::warmth(settings).map(Some),
        Transport::Sqs => Ok(None),
    }
}

#[cfg(feature = "redis")]
mod redis {
    use packtrain_queue::{RedisHints, RedisSettings, RedisWarmth, Refused, refuse_eviction};

    use super::{Arc, CancellationToken, Failure, Hints, Settings, TaskTracker, Warmth};
    use crate::failure::USAGE;
    use crate::process::worker_name;
    use crate::wiring::authority;

    pub(super) fn start(
        settings: &Settings,
        listens: bool,
        tasks: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<Arc<dyn Hints>, Failure> {
        let hints = RedisHints::start(&wanted(settings)?, listens, tasks, stop.clone());
        Ok(Arc::new(hints.map_err(|refused| failure(&refused))?))
    }

    pub(super) async fn check(settings: &Settings) -> Result<(), Failure> {
        if settings.redis.evicting {
            return Ok(());
        }
        let asked = refuse_eviction(&wanted(settings)?).await;
        asked.map_err(|refused| failure(&refused))
    }

    pub(super) fn warmth(settings: &Settings) -> Result<Arc<dyn Warmth>, Failure> {
        let warmth = RedisWarmth::new(&wanted(settings)?);
        Ok(Arc::new(warmth.map_err(|refused| failure(&refused))?))
    }

    fn wanted(settings: &Settings) -> Result<RedisSettings, Failure> {
        let redis = &settings.redis;
        let Some(url) = redis.url.get() else {
            let what = "redis.url: empty, but hints.transport is redis";
            return Err(Failure::new(USAGE, what).help("set it to the address of a Redis"));
        };
        Ok(RedisSettings {
            url,
            authority: authority("redis.ca_file", &redis.ca_file)?,
            prefix: redis.prefix.clone(),
            is_cluster: redis.cluster,
            may_evict: redis.evicting,
            name: worker_name(std::process::id()),
        })
    }

    fn failure(refused: &Refused) -> Failure {
        let failure = Failure::new(USAGE, format!("redis.url: {refused}"));
        match refused {
            Refused::Address(_) => {
                failure.help("write it as redis://user:password@host:6379, or rediss:// for TLS")
            }
            Refused::Evicting(_) => failure.help(
                "give hints a Redis with maxmemory-policy noeviction, or set redis.evicting = \
                 true: hints that are dropped delay work by about a second and lose nothing, but \
                 what others keep on that server may be dropped for them",
            ),
        }
    }
}

#[cfg(not(feature = "redis"))]
mod redis {
    use super::{Arc, CancellationToken, Failure, Hints, Settings, TaskTracker, Warmth};
    use crate::failure::USAGE;

    pub(super) fn start(
        _: &Settings,
        _: bool,
        _: &TaskTracker,
        _: &CancellationToken,
    ) -> Result<Arc<dyn Hints>, Failure> {
        Err(missing())
    }

    pub(super) async fn check(_: &Settings) -> Result<(), Failure> {
        Err(missing())
    }

    pub(super) fn warmth(_: &Settings) -> Result<Arc<dyn Warmth>, Failure> {
        Err(missing())
    }

    fn missing() -> Failure {
        let what = "hints.transport: this build has no Redis";
        Failure::new(USAGE, what).help("build with the cargo feature redis, or take pg")
    }
}
