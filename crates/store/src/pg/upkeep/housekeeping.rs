//! What is past its time goes, in bounded amounts; as `packtrain_worker`.

use std::pin::Pin;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ports::{Housekeeping, Pruned, StoreError};
use packtrain_core::schedule::CATCH_UP_MAX;
use sqlx::postgres::types::PgInterval;

use crate::error::refused;
use crate::pg::alerts::prune;
use crate::pg::gas::data_fee;
use crate::pg::upkeep::older::remove_older;
use crate::pg::{live, series};
use crate::pool::Pool;

/// Rows of one kind that one statement removes, at most.
const ROWS_MAX: i64 = 50_000;
/// Statements for one kind in one run, at most; what is left goes with the next run.
const ROUNDS_MAX: usize = 20;
/// Weeks of jobs that one run drops, at most.
const WEEKS_MAX: i32 = 4;
/// How long a worker that went without a word is kept for a reader.
const WORKER_KEPT: Duration = Duration::from_secs(24 * 60 * 60);
/// How long after the last catching up the times of schedules are kept.
const TICKS_KEPT: Duration = CATCH_UP_MAX.saturating_mul(2);

/// How long quarters of an hour of gas are kept, and what was said of them: a year and a month.
const GAS_FIGURES_KEPT: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// How long things are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Jobs with their outcomes, attempts and events; whole weeks go.
    pub jobs: Duration,
    /// Audit entries.
    pub audit: Duration,
    /// What blocks said of the price of gas.
    pub gas: Duration,
    /// Points of metrics, incidents, and tries to tell of them.
    pub alerts: Duration,
    /// Hourly figures of series, of which whole weeks go, and anomalies.
    pub series: Duration,
    /// Days, weeks and months of series.
    pub rollups: Duration,
}

/// Removes at most [`ROWS_MAX`] rows of a kind, and says how many.
type Slice = for<'h> fn(
    &'h PgHousekeeping,
) -> Pin<Box<dyn Future<Output = Result<u64, StoreError>> + Send + 'h>>;

/// Removes what is past its time.
#[derive(Clone)]
pub struct PgHousekeeping {
    pool: Pool,
    retention: Retention,
}

impl PgHousekeeping {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool, retention: Retention) -> Self {
        Self {
            pool: worker,
            retention,
        }
    }

    /// Removes slice after slice until one is not full.
    async fn all(&self, slice: Slice) -> Result<u64, StoreError> {
        let mut sum = 0;
        for _ in 0..ROUNDS_MAX {
            let removed = slice(self).await?;
            sum += removed;
            if removed < ROWS_MAX.unsigned_abs() {
                break;
            }
        }
        Ok(sum)
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
        let kept = interval(TICKS_KEPT);
        remove_older!(
            &self.pool, "schedule_tick" by "tick_at", kept, ROWS_MAX, "to remove times of schedules"
        )
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
        let kept = interval(self.retention.audit);
        remove_older!(&self.pool, "audit" by "at", kept, ROWS_MAX, "to remove audit entries")
    }

    async fn service_levels(&self) -> Result<u64, StoreError> {
        let kept = interval(self.retention.audit);
        remove_older!(
            &self.pool, "service_level" by "done_at", kept, ROWS_MAX, "to remove service levels"
        )
    }

    async fn chain_events(&self) -> Result<u64, StoreError> {
        prune::chain_events(&self.pool, interval(self.retention.alerts), ROWS_MAX).await
    }

    async fn metric_points(&self) -> Result<u64, StoreError> {
        let age = self.retention.alerts.max(prune::POINTS_KEPT_MIN);
        prune::points(&self.pool, interval(age), ROWS_MAX).await
    }

    async fn tries(&self) -> Result<u64, StoreError> {
        prune::tries(&self.pool, interval(self.retention.alerts), ROWS_MAX).await
    }

    async fn steps(&self) -> Result<u64, StoreError> {
        prune::steps(&self.pool, interval(self.retention.alerts), ROWS_MAX).await
    }

    async fn incidents(&self) -> Result<u64, StoreError> {
        prune::incidents(&self.pool, interval(self.retention.alerts), ROWS_MAX).await
    }

    async fn live(&self) -> Result<u64, StoreError> {
        let alerts = interval(self.retention.alerts);
        live::prune::places(&self.pool, alerts, interval(self.retention.gas), ROWS_MAX).await
    }

    async fn gas_blocks(&self) -> Result<u64, StoreError> {
        let kept = interval(self.retention.gas);
        let pool = &self.pool;
        let blocks = remove_older!(
            pool, "gas_block" by "seen_at", kept, ROWS_MAX, "to remove blocks"
        )?;
        Ok(blocks + data_fee::prune(pool, kept, ROWS_MAX).await?)
    }

    async fn gas_figures(&self) -> Result<u64, StoreError> {
        let (pool, kept) = (&self.pool, interval(GAS_FIGURES_KEPT));
        let buckets = remove_older!(
            pool, "gas_bucket" by "at", kept, ROWS_MAX, "to remove figures of gas"
        )?;
        let forecasts = remove_older!(
            pool, "gas_forecast" by "origin", kept, ROWS_MAX, "to remove figures of gas"
        )?;
        let scores = remove_older!(
            pool, "gas_score" by "origin", kept, ROWS_MAX, "to remove figures of gas"
        )?;
        Ok(buckets + forecasts + scores)
    }

    async fn series_buckets(&self) -> Result<u64, StoreError> {
        series::prune::buckets(&self.pool, interval(self.retention.rollups), ROWS_MAX).await
    }

    async fn series_anomalies(&self) -> Result<u64, StoreError> {
        series::prune::anomalies(&self.pool, interval(self.retention.series), ROWS_MAX).await
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
            idempotency_keys: self.all(|me| Box::pin(me.idempotency_keys())).await?,
            schedule_ticks: self.all(|me| Box::pin(me.schedule_ticks())).await?,
            workers: self.workers().await?,
            cancel_requests: self.all(|me| Box::pin(me.cancel_requests())).await?,
            audit_entries: self.all(|me| Box::pin(me.audit_entries())).await?,
            service_levels: self.all(|me| Box::pin(me.service_levels())).await?,
            // Before what it points at.
            live: self.all(|me| Box::pin(me.live())).await?,
            gas_blocks: self.all(|me| Box::pin(me.gas_blocks())).await?,
            gas_figures: self.all(|me| Box::pin(me.gas_figures())).await?,
            chain_events: self.all(|me| Box::pin(me.chain_events())).await?,
            metric_points: self.all(|me| Box::pin(me.metric_points())).await?,
            tries: self.all(|me| Box::pin(me.tries())).await?,
            incidents: {
                self.all(|me| Box::pin(me.steps())).await?;
                self.all(|me| Box::pin(me.incidents())).await?
            },
            gates: self.all(|me| Box::pin(me.gates())).await?,
            remains: self.all(|me| Box::pin(me.remains())).await?,
            series_anomalies: self.all(|me| Box::pin(me.series_anomalies())).await?,
            series_buckets: self.all(|me| Box::pin(me.series_buckets())).await?,
            series_weeks: series::prune::weeks(&self.pool, interval(self.retention.series)).await?,
            // Last: the rows above go whatever becomes of this.
            weeks: self.weeks().await?,
        })
    }
}

pub(crate) fn interval(duration: Duration) -> PgInterval {
    PgInterval {
        months: 0,
        days: 0,
        microseconds: i64::try_from(duration.as_micros()).unwrap_or(i64::MAX),
    }
}
