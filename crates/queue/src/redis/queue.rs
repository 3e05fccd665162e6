//! One lane's queue, as one worker sees it: registered, fetched from, kept tidy.
//!
//! Hints are pushed and fetched by the scripts of apalis-redis. What it keeps of workers and of
//! finished tasks is not used: it grows without bound, touches a key outside the queue's slot, and
//! stops for good at the first entry whose data was evicted.

use std::error::Error as _;
use std::io;
use std::sync::LazyLock;
use std::time::Duration;

use apalis::prelude::WorkerContext;
use apalis_redis::queries::fetch_next;
use apalis_redis::{Config, Error};
use redis::{RedisError, RedisResult, Script};
use tokio::time::Instant;

use super::link::{Link, is_of_the_link};
use super::sender::{KEPT, WAITING_MAX};

/// How often a worker gives a sign of life, and after how long without one it counts as dead.
const SIGN_EVERY: Duration = Duration::from_secs(10);
const DEAD_AFTER: Duration = Duration::from_secs(60);
/// How often the queue is tidied.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// What a server says that does not do what we ask for now, or is not the one to ask; a queue is
/// not broken for that.
const REFUSALS: [&str; 8] = [
    "OOM",
    "NOPERM",
    "MISCONF",
    "NOREPLICAS",
    "BUSY",
    "TRYAGAIN",
    "MOVED",
    "ASK",
];

/// A sign of life by the server's clock: those of many machines differ.
static SIGN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "redis.call('zadd', KEYS[1], redis.call('time')[1], ARGV[1])
         redis.call('expire', KEYS[1], ARGV[2])",
    )
});
static TIDY: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("tidy.lua")));

/// A lane's queue.
pub(super) struct Queue {
    link: Link,
    config: Config,
    /// The hint that was handed over and still has to be removed.
    handed: Option<String>,
    signed: Option<Instant>,
    tidied: Option<Instant>,
}

impl Queue {
    pub(super) const fn new(link: Link, config: Config) -> Self {
        Self {
            link,
            config,
            handed: None,
            signed: None,
            tidied: None,
        }
    }

    /// Gives a sign of life, and tidies, when it is time.
    pub(super) async fn keep(&mut self, worker: &WorkerContext) -> RedisResult<()> {
        if self.signed.is_none_or(|at| at.elapsed() >= SIGN_EVERY) {
            SIGN.key(self.config.workers_set())
                .arg(worker.name())
                .arg(KEPT.as_secs())
                .invoke_async::<()>(&mut self.link)
                .await?;
            self.signed = Some(Instant::now());
        }
        if self.tidied.is_none_or(|at| at.elapsed() >= TIDY_EVERY) {
            self.cut(WAITING_MAX).await?;
        }
        Ok(())
    }

    /// Removes what is more than this, oldest first, and what the dead left behind.
    pub(super) async fn cut(&mut self, most: u64) -> RedisResult<u64> {
        let config = &self.config;
        let removed = TIDY
            .key(config.active_jobs_list())
            .key(config.scheduled_jobs_set())
            .key(config.job_data_hash())
            .key(config.workers_set())
            .arg(most)
            .arg(DEAD_AFTER.as_secs())
            .arg(config.job_meta_hash())
            .arg(config.inflight_jobs_set())
            .invoke_async(&mut self.link)
            .await?;
        self.tidied = Some(Instant::now());
        Ok(removed)
    }

    /// What the next hint says, if one lies there.
    pub(super) async fn fetch(&mut self, worker: &WorkerContext) -> Result<Option<Vec<u8>>, Error> {
        let fetched = fetch_next(&mut self.link, worker, &self.config).await?;
        let Some(task) = fetched.into_iter().next() else {
            return Ok(None);
        };
        self.handed = task.task_id().map(ToString::to_string);
        Ok(Some(task.args))
    }

    /// Removes the hint that was handed over: whatever comes of it, nobody needs it again.
    pub(super) async fn clear(&mut self, worker: &WorkerContext) -> RedisResult<()> {
        let Some(id) = self.handed.take() else {
            return Ok(());
        };
        let config = &self.config;
        redis::pipe()
            .cmd("SREM")
            .arg(config.inflight_set_for(worker))
            .arg(&id)
            .ignore()
            .cmd("HDEL")
            .arg(config.job_data_hash())
            .arg(&id)
            .ignore()
            .cmd("DEL")
            .arg(format!("{}:{id}", config.job_meta_hash()))
            .ignore()
            .query_async(&mut self.link)
            .await
    }

    /// Takes this worker off the list.
    pub(super) async fn leave(&mut self, worker: &WorkerContext) -> RedisResult<()> {
        self.clear(worker).await?;
        redis::pipe()
            .cmd("ZREM")
            .arg(self.config.workers_set())
            .arg(worker.name())
            .ignore()
            .cmd("DEL")
            .arg(self.config.inflight_set_for(worker))
            .ignore()
            .query_async(&mut self.link)
            .await
    }
}

/// What a failed fetch says of the queue.
pub(super) enum Failed {
    /// The server, or the way to it, is not well.
    Link,
    /// The worker is not on the list any more: somebody flushed the server, or it came back empty.
    Forgotten,
    /// The queue itself cannot be read: parts of it were evicted, or it is too long.
    Broken,
}

impl Failed {
    pub(super) fn of(error: &Error) -> Self {
        let Error::Database(error) = error else {
            return Self::Broken;
        };
        let said = error.to_string();
        if said.contains("worker not registered") {
            Self::Forgotten
        } else if is_unreadable(error) {
            Self::Broken
        } else if is_of_the_link(error) || error.code().is_some_and(|code| REFUSALS.contains(&code))
        {
            Self::Link
        } else {
            Self::Broken
        }
    }
}

/// Whether apalis-redis, not the network, found that what it read is none of its tasks.
fn is_unreadable(error: &RedisError) -> bool {
    let cause = error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::InvalidData)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_does_not_do_it_for_now_has_no_broken_queue() {
        let said = |line: &str| {
            let line = format!("-{line}\r\n");
            let answer = redis::parse_redis_value(line.as_bytes()).unwrap();
            Failed::of(&Error::Database(answer.extract_error().unwrap_err()))
        };
        for line in [
            "BUSY Redis is busy running a script.",
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "NOREPLICAS Not enough good replicas to write.",
            "MOVED 3999 127.0.0.1:6381",
            "OOM command not allowed when used memory > 'maxmemory'.",
        ] {
            assert!(matches!(said(line), Failed::Link), "{line}");
        }
        let broken = "WRONGTYPE Operation against a key holding the wrong kind of value";
        assert!(matches!(said(broken), Failed::Broken));
    }
}
