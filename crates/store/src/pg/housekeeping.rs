//! What is past its time goes, in bounded amounts; as `packtrain_worker`.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ports::{Housekeeping, Pruned, StoreError};
use packtrain_core::schedule::CATCH_UP_MAX;
use sqlx::PgPool;
use sqlx::postgres::types::PgInterval;

use crate::error::refused;

/// Rows of one kind that one run removes, at most.
const ROWS_MAX: i64 = 50_000;
/// Weeks of jobs that one run drops, at most.
const WEEKS_MAX: i32 = 4;
/// How long a worker that went without a word is kept for a reader.
const WORKER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long after the last catching up the times of schedules are kept.
const TICKS_KEPT: Duration = CATCH_UP_MAX.saturating_mul(2);

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Jobs with their outcomes, attempts and events; whole weeks go.
    pub jobs: Duration,
    /// Audit entries.
    pub audit: Duration,
}

/// Removes what is past its time.
#[derive(Clone)]
pub struct PgHousekeeping {
    pool: PgPool,
    retention: Retention,
}

impl PgHousekeeping {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: PgPool, retention: Retention) -> Self {
        Self {
            pool: worker,
            retention,
        }
    }

    async fn idempotency_keys(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            delete from idempotency
             where ctid = any(array(
                   select ctid
                     from idempotency
                    where expires_at < now_utc()
                    limit $1
                      for update skip locked))
            "#,
            ROWS_MAX,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to remove idempotency keys"))?;
        Ok(done.rows_affected())
    }

    async fn schedule_ticks(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            delete from schedule_tick
             where ctid = any(array(
                   select ctid
                     from schedule_tick
                    where tick_at < now_utc() - $1::interval
                    limit $2))
            "#,
            interval(TICKS_KEPT),
            ROWS_MAX,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to remove times of schedules"))?;
        Ok(done.rows_affected())
    }

    async fn workers(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            delete from worker w
             where w.seen_at < now_utc() - $1::interval
               and not exists (select from lease l where l.worker_id = w.id)
            "#,
            interval(WORKER_KEPT),
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to remove workers"))?;
        Ok(done.rows_affected())
    }

    /// A request stays as long as anything could still honour it.
    async fn cancel_requests(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            delete from cancel_request
             where job_id = any(array(
                   select c.job_id
                     from cancel_request c
                    where exists (select from outcome o where o.id = c.job_id)
                       or not exists (select from job j where j.id = c.job_id)
                    limit $1))
            "#,
            ROWS_MAX,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to remove requests to cancel"))?;
        Ok(done.rows_affected())
    }

    async fn audit_entries(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            delete from audit
             where ctid = any(array(
                   select ctid
                     from audit
                    where at < now_utc() - $1::interval
                    limit $2))
            "#,
            interval(self.retention.audit),
            ROWS_MAX,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to remove audit entries"))?;
        Ok(done.rows_affected())
    }

    async fn service_levels(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            delete from service_level
             where ctid = any(array(
                   select ctid
                     from service_level
                    where done_at < now_utc() - $1::interval
                    limit $2))
            "#,
            interval(self.retention.audit),
            ROWS_MAX,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to remove service levels"))?;
        Ok(done.rows_affected())
    }

    /// A gate that a dead letter could enter again stays.
    async fn gates(&self) -> Result<u64, StoreError> {
        let done = sqlx::query!(
            r#"
            delete from gate
             where key = any(array(
                   select g.key
                     from gate g
                    where g.in_play = 0
                      and g.moved_at < now_utc() - $1::interval
                      and not exists (select from waiting w where w.gate_key = g.key)
                      and not exists (select from dead d join job j on j.id = d.id
                                       where j.gate_key = g.key)
                    limit $2
                      for update skip locked))
            "#,
            interval(self.retention.jobs),
            ROWS_MAX,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to remove gates"))?;
        Ok(done.rows_affected())
    }

    async fn remains(&self) -> Result<u64, StoreError> {
        let removed = sqlx::query_scalar!(
            r#"
            with batches as (
                delete from batch
                 where id = any(array(
                       select b.id from batch b
                        where not exists (select from job j where j.id = b.id)
                        limit $1))
                returning 1
            ),
            edges as (
                delete from edge
                 where job = any(array(
                       select e.job from edge e
                        where not exists (select from job j where j.id = e.job)
                        limit $1))
                returning 1
            ),
            checkpoints as (
                delete from checkpoint
                 where job_id = any(array(
                       select c.job_id from checkpoint c
                        where not exists (select from job j where j.id = c.job_id)
                        limit $1))
                returning 1
            )
            select (select count(*) from batches) + (select count(*) from edges)
                   + (select count(*) from checkpoints) as "removed!"
            "#,
            ROWS_MAX,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to remove what jobs left"))?;
        Ok(removed.unsigned_abs())
    }

    async fn weeks(&self) -> Result<u64, StoreError> {
        let dropped = sqlx::query_scalar!(
            r#"select drop_weeks(now_utc() - $1::interval, $2) as "dropped!""#,
            interval(self.retention.jobs),
            WEEKS_MAX,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to drop weeks of jobs"))?;
        Ok(u64::from(dropped.unsigned_abs()))
    }
}

#[async_trait]
impl Housekeeping for PgHousekeeping {
    async fn prune(&self) -> Result<Pruned, StoreError> {
        Ok(Pruned {
            idempotency_keys: self.idempotency_keys().await?,
            schedule_ticks: self.schedule_ticks().await?,
            workers: self.workers().await?,
            cancel_requests: self.cancel_requests().await?,
            audit_entries: self.audit_entries().await?,
            service_levels: self.service_levels().await?,
            gates: self.gates().await?,
            remains: self.remains().await?,
            // Last: the rows above go whatever becomes of this.
            weeks: self.weeks().await?,
        })
    }
}

fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}
