//! Figures of the whole platform, as `packtrain_operator`.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::limits::{
    COUNT_MAX, ENDS_MAX, SERVICE_LEVEL_WITHIN, SERVICE_LEVELS_MAX, UNSERVED_MAX, WORKER_SILENT_MAX,
};
use packtrain_core::ports::{
    Figures, Gauges, Pace, ServiceLevel, Spread, StoreError, UnservedKind, WorkerCounts,
};

use crate::error::refused;
use crate::pool::Pool;

/// No rate is told from a shorter time.
const SPAN_MIN: Duration = Duration::from_millis(10);

/// Reads figures of all tenants' jobs, and nothing of any tenant.
#[derive(Clone)]
pub struct PgFigures {
    pool: Pool,
}

impl PgFigures {
    /// Works over the pool of `packtrain_operator`.
    pub const fn new(operator: Pool) -> Self {
        Self { pool: operator }
    }

    /// What ended lately, by lane, and within how long: the last minute, or a shorter time when
    /// more ended than is counted.
    ///
    /// Ends are written in order of time, so that a block range index finds the last minute. Each
    /// end's job is looked up by itself: a join would read all jobs.
    async fn paces(&self) -> Result<(Vec<Pace>, Duration), StoreError> {
        let rows = sqlx::query!(
            r#"
            with ended as materialized (
                select e.id, e.at, e.is_done
                  from (
                        select id, finished_at as at, true as is_done
                          from outcome
                         where finished_at > (select now_utc()) - interval '1 minute'
                           and state = 'succeeded'
                         union all
                        select job_id, ended_at, false
                          from attempt
                         where ended_at > (select now_utc()) - interval '1 minute'
                       ) e
                 order by e.at desc
                 limit $1
            ),
            span as (
                select case when count(*) < $1 then 60.0
                            else extract(epoch from (select now_utc()) - min(at))
                       end::double precision as seconds
                  from ended
            )
            select j.lane as "lane!", count(*) filter (where e.is_done) as "done!",
                   count(*) filter (where not e.is_done) as "failed!",
                   (select seconds from span) as "seconds!"
              from ended e
             cross join lateral (select lane from job where id = e.id limit 1) j
             group by j.lane
             order by j.lane
            "#,
            ENDS_MAX,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to count what ended"))?;
        let seconds = rows.first().map_or(60.0, |row| row.seconds);
        let paces = rows.into_iter().filter_map(|row| {
            Some(Pace {
                // A lane that only a newer version knows is not shown.
                lane: row.lane.parse::<Lane>().ok()?,
                done: row.done.unsigned_abs(),
                failed: row.failed.unsigned_abs(),
            })
        });
        let within = Duration::try_from_secs_f64(seconds).unwrap_or(SPAN_MIN);
        Ok((paces.collect(), within.max(SPAN_MIN)))
    }

    async fn workers(&self) -> Result<WorkerCounts, StoreError> {
        let silent_ms = i64::try_from(WORKER_SILENT_MAX.as_millis()).unwrap_or(i64::MAX);
        let row = sqlx::query!(
            r#"
            select count(*) filter (where w.is_heard and w.drain_at is null) as "alive!",
                   count(*) filter (where w.is_heard and w.drain_at is not null) as "draining!",
                   count(*) filter (where not w.is_heard) as "silent!"
              from (select drain_at,
                           seen_at >= now_utc() - $1::bigint * interval '1 millisecond' as is_heard
                      from worker) w
            "#,
            silent_ms,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to count workers"))?;
        Ok(WorkerCounts {
            alive: row.alive.unsigned_abs(),
            draining: row.draining.unsigned_abs(),
            silent: row.silent.unsigned_abs(),
        })
    }

    async fn unserved(&self) -> Result<Vec<UnservedKind>, StoreError> {
        let rows = sqlx::query!(
            r#"
            select u.kind, u.schema, count(*) as "count!"
              from (select kind, schema
                      from scheduled
                     where reason like 'unserved: %'
                     limit $1) u
             group by u.kind, u.schema
             order by count(*) desc, u.kind, u.schema
             limit $2
            "#,
            COUNT_MAX,
            UNSERVED_MAX,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to count what nobody serves"))?;
        let kinds = rows.into_iter().map(|row| UnservedKind {
            kind: row.kind,
            schema: row.schema.unsigned_abs(),
            count: row.count.unsigned_abs(),
        });
        Ok(kinds.collect())
    }

    async fn service_level(&self) -> Result<Option<ServiceLevel>, StoreError> {
        let within_ms = i64::try_from(SERVICE_LEVEL_WITHIN.as_millis()).unwrap_or(i64::MAX);
        let row = sqlx::query!(
            r#"
            with took as (
                select done_at,
                       greatest(extract(epoch from done_at - asked_at), 0)::float8 as seconds,
                       done_at > (select now_utc()) - $1::bigint * interval '1 millisecond'
                           as is_late
                  from service_level
                 order by done_at desc
                 limit $2
            )
            select (array_agg(done_at order by done_at desc))[1] as last_at,
                   (array_agg(seconds order by done_at desc))[1] as last,
                   count(*) filter (where is_late) as "count!",
                   percentile_disc(0.5) within group (order by seconds) filter (where is_late)
                       as p50,
                   percentile_disc(0.95) within group (order by seconds) filter (where is_late)
                       as p95,
                   max(seconds) filter (where is_late) as max
              from took
            "#,
            within_ms,
            SERVICE_LEVELS_MAX,
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to read the service level"))?;
        let took = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let lately = || {
            Some(Spread {
                count: row.count.unsigned_abs(),
                p50: took(row.p50?),
                p95: took(row.p95?),
                max: took(row.max?),
            })
        };
        let (Some(last_at), Some(last)) = (row.last_at, row.last) else {
            return Ok(None);
        };
        Ok(Some(ServiceLevel {
            last_at,
            last: took(last),
            lately: lately(),
        }))
    }
}

#[async_trait]
impl Gauges for PgFigures {
    async fn figures(&self) -> Result<Figures, StoreError> {
        let now = sqlx::query_scalar!(r#"select now_utc() as "now!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(refused("to read the time"))?;
        let (paces, within) = self.paces().await?;
        Ok(Figures {
            now,
            paces,
            within,
            workers: self.workers().await?,
            unserved: self.unserved().await?,
            service_level: self.service_level().await?,
        })
    }
}
