//! A cache in Redis. It is asked for a short time and never waited for: a Redis that is slow, away,
//! full, flushed or another's makes reads go to their source, and nothing else.

mod complaints;
mod link;
mod sealed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use packtrain_core::limits::CACHE_VALUE_BYTES_MAX;
use packtrain_core::ports::{Cache, CacheKey, Service};
use packtrain_core::secret::Secret;
use redis::{Cmd, RedisError};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::warn;

use complaints::Complaints;
use link::{Link, Unanswered};

/// Where a service's cache lies.
#[derive(Debug, Clone)]
pub struct RedisPlace {
    /// `redis://` or `rediss://`, with user and password if there are any.
    pub url: Secret<String>,
    /// The number of the database; none takes the one that the address names.
    pub database: Option<u8>,
    /// Certificates (PEM) of the authority that signed the server's; the public ones without.
    pub authority: Option<Vec<u8>>,
    /// What all keys begin with.
    pub prefix: String,
    /// Whether the server is part of a cluster, which has no numbered databases.
    pub is_cluster: bool,
    /// How long an answer is waited for.
    pub answer_within: Duration,
}

/// Why a cache cannot lie in this Redis.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The address cannot be read.
    #[error("the address is none of a Redis: {0}")]
    Address(String),
    /// The address names a database although the service has one of its own.
    #[error("the address names database {0}, but each service has one of its own")]
    Database(i64),
    /// The address names a database in a cluster.
    #[error("the address names database {0}, but a cluster has none")]
    DatabaseOfCluster(i64),
}

/// A service's cache in Redis.
pub struct RedisCache {
    service: Service,
    prefix: String,
    link: Link,
    complaints: Arc<Complaints>,
}

impl RedisCache {
    /// Connects when it is first asked, and ends with `stop`. A Redis that is away is no reason not
    /// to start.
    ///
    /// # Errors
    /// When the address is none, or names a database that it must not.
    pub fn start(
        service: Service,
        place: &RedisPlace,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> Result<Self, Refused> {
        let complaints = Arc::new(Complaints::default());
        let told = Arc::clone(&complaints);
        let tell = move |error: &RedisError| complain(service, "away", error, &told);
        Ok(Self {
            service,
            prefix: place.prefix.clone(),
            link: Link::start(place, tell, tasks, stop)?,
            complaints,
        })
    }

    /// No tag in braces: a cluster is to spread a cache over its servers.
    fn name(&self, key: &CacheKey) -> String {
        format!("{}:cache:{}", self.prefix, key.as_str())
    }

    async fn ask<T: redis::FromRedisValue>(&self, cmd: &Cmd) -> Option<T> {
        match self.link.ask(cmd).await {
            Ok(answer) => Some(answer),
            // Why was said when it went, and is said again when it does not come back.
            Err(Unanswered::Away) => {
                count(self.service, "away");
                None
            }
            Err(Unanswered::Error(error)) => {
                let cause = match error.is_timeout() {
                    true => "late",
                    false if error.is_io_error() => "away",
                    false => "refused",
                };
                count(self.service, cause);
                complain(self.service, cause, &error, &self.complaints);
                None
            }
        }
    }
}

#[async_trait]
impl Cache for RedisCache {
    async fn get(&self, key: &CacheKey) -> Option<Bytes> {
        let name = self.name(key);
        // One byte more than a value of ours has: what others put there may be of any length.
        let mut cmd = redis::cmd("GETRANGE");
        cmd.arg(&name).arg(0).arg(sealed::BYTES_MAX);
        let bytes: Vec<u8> = self.ask(&cmd).await?;
        if bytes.is_empty() {
            return None;
        }
        let opened = sealed::open(&name, bytes);
        if opened.is_none() {
            count(self.service, "damaged");
            if self.complaints.may() {
                let service = self.service.as_str();
                warn!(
                    cache.service = service,
                    "cache in redis holds what was not written there, taken as not there"
                );
            }
        }
        opened
    }

    async fn put(&self, key: &CacheKey, value: Bytes, lasts: Duration) {
        let ms = u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX);
        if value.len() > CACHE_VALUE_BYTES_MAX || ms == 0 {
            return;
        }
        let name = self.name(key);
        let mut cmd = redis::cmd("SET");
        cmd.arg(&name).arg(sealed::seal(&name, &value));
        cmd.arg("PX").arg(ms.min(link::LASTS_MS_MAX));
        self.ask::<()>(&cmd).await;
    }
}

fn count(service: Service, cause: &'static str) {
    let labels = [("service", service.as_str()), ("cause", cause)];
    metrics::counter!("packtrain_cache_errors_total", &labels).increment(1);
}

fn complain(service: Service, cause: &str, error: &RedisError, complaints: &Complaints) {
    if complaints.may() {
        warn!(
            cache.service = service.as_str(),
            cause,
            error = %error,
            "cache in redis was of no use, reads go to their source"
        );
    }
}
