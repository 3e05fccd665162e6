//! Connections: one pool a role, and the direct address for listening and renewing.

use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ports::{Readiness, StoreError};
use packtrain_core::secret::Secret;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};

use crate::error::refused;
use crate::pool::Pool;

/// Where the database is, for each role.
#[derive(Debug, Clone)]
pub struct Urls {
    /// One tenant a transaction.
    pub app: Secret<String>,
    /// Operators: every tenant's jobs.
    pub operator: Secret<String>,
    /// Workers: claims and settles.
    pub worker: Secret<String>,
    /// As `worker`, but never through a pooler: listening and renewing.
    pub direct: Secret<String>,
    /// Whether the three above go through a pooler in transaction mode: then no statement is
    /// kept prepared on a connection.
    pub pooled: bool,
}

/// One pool a role.
#[derive(Clone)]
pub struct Pools {
    /// Connects as `packtrain_app`.
    pub app: Pool,
    /// Connects as `packtrain_operator`.
    pub operator: Pool,
    /// Connects as `packtrain_worker`.
    pub worker: Pool,
    pub(crate) direct: PgConnectOptions,
}

/// How long a caller waits for a free connection before it is told that there is none.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection may have been idle and still be taken unasked: long enough for a process
/// that has something to do now and then, whose every statement would wait for an answer more; too
/// short for a server to have gone and come back in between.
pub const IDLE_TRUSTED: Duration = Duration::from_millis(500);

/// How long a connection may take to answer while nobody has it. One that is silent would keep its
/// place in the pool for as long as the network tries again, about a quarter of an hour.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);

impl Pools {
    /// Prepares the pools; connections are opened when they are first needed. One that was idle for
    /// longer than `idle_trusted` is asked before it is used.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when an address cannot be read.
    pub fn open(
        urls: &Urls,
        connections_max: u32,
        idle_trusted: Duration,
    ) -> Result<Self, StoreError> {
        let pool = |url: &Secret<String>| -> Result<Pool, StoreError> {
            let mut options = parse(url)?;
            if urls.pooled {
                options = options.statement_cache_capacity(0);
            }
            let inner = PgPoolOptions::new()
                .max_connections(connections_max)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // A connection in use is known to be well: asking each time would double the way.
                .test_before_acquire(false)
                .before_acquire(move |connection, meta| {
                    Box::pin(async move {
                        if meta.idle_for < idle_trusted {
                            return Ok(true);
                        }
                        Ok(answers(connection.ping()).await)
                    })
                })
                // A caller that gave up leaves a statement behind that has no answer yet, and the
                // network may swallow everything just after an answer. sqlx asks a connection that
                // comes back and waits for ever; here it is asked before, and not for long. So it
                // is asked twice, and neither can go: sqlx cannot be told not to ask, and one that
                // it asked into a hole would hold its place in the pool. Nobody waits for these
                // answers: they are had after the caller went on.
                .after_release(|connection, _| {
                    Box::pin(async move { Ok(answers(connection.ping()).await) })
                })
                .connect_lazy_with(options);
            Ok(Pool::new(inner, urls.pooled))
        };
        Ok(Self {
            app: pool(&urls.app)?,
            operator: pool(&urls.operator)?,
            worker: pool(&urls.worker)?,
            direct: parse(&urls.direct)?,
        })
    }

    /// Connections of each role that somebody has at this moment.
    pub fn in_use(&self) -> [(&'static str, u32); 3] {
        let busy = |pool: &Pool| {
            let idle = u32::try_from(pool.num_idle()).unwrap_or(u32::MAX);
            pool.size().saturating_sub(idle)
        };
        [
            ("app", busy(&self.app)),
            ("operator", busy(&self.operator)),
            ("worker", busy(&self.worker)),
        ]
    }

    /// Closes every connection, after what runs on it.
    pub async fn close(&self) {
        tokio::join!(self.app.close(), self.operator.close(), self.worker.close());
    }
}

#[async_trait]
impl Readiness for Pools {
    async fn check(&self) -> Result<(), StoreError> {
        for pool in [&self.app, &self.operator, &self.worker] {
            sqlx::query_scalar!("select 1 as one")
                .fetch_one(pool)
                .await
                .map_err(refused("a readiness check"))?;
        }
        Ok(())
    }
}

/// Whether this ends well, and soon.
async fn answers(asking: impl Future<Output = Result<(), sqlx::Error>>) -> bool {
    let answer = tokio::time::timeout(ANSWER_WITHIN, asking).await;
    matches!(answer, Ok(Ok(())))
}

pub(crate) fn parse(url: &Secret<String>) -> Result<PgConnectOptions, StoreError> {
    let options =
        PgConnectOptions::from_str(url.reveal()).map_err(refused("the database address"))?;
    Ok(options.application_name("packtrain"))
}
