//! Figures of the whole platform, as `packtrain_operator`.

use async_trait::async_trait;
use packtrain_core::job::Lane;
use packtrain_core::limits::{COUNT_MAX, PACE_MAX, UNSERVED_MAX};
use packtrain_core::ports::{Figures, Gauges, Pace, StoreError, UnservedKind};
use sqlx::PgPool;

use crate::error::refused;

/// Reads figures of all tenants' jobs, and nothing of any tenant.
#[derive(Clone)]
pub struct PgFigures {
    pool: PgPool,
}

impl PgFigures {
    /// Works over the pool of `packtrain_operator`.
    pub const fn new(operator: PgPool) -> Self {
        Self { pool: operator }
    }

    /// What ended within the last minute, by lane, and whether there was more than is counted.
    ///
    /// Ends are written in order of time, so a block range index finds the last minute. The limit
    /// stands outside the materialized parts: inside, a planner would read from the beginning.
    async fn paces(&self) -> Result<(Vec<Pace>, bool), StoreError> {
        let rows = sqlx::query!(
            r#"
            with succeeded as materialized (
                select id
                  from outcome
                 where finished_at > (select now_utc()) - interval '1 minute'
                   and state = 'succeeded'
            ),
            failed as materialized (
                select job_id as id
                  from attempt
                 where ended_at > (select now_utc()) - interval '1 minute'
            )
            select j.lane, count(*) filter (where e.is_done) as "done!",
                   count(*) filter (where not e.is_done) as "failed!"
              from (
                    (select id, true as is_done from succeeded limit $1)
                    union all
                    (select id, false from failed limit $1)
                   ) e
              join job j on j.id = e.id
             group by j.lane
             order by j.lane
            "#,
            PACE_MAX,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to count what ended"))?;
        let most = rows.iter().map(|row| row.done).sum::<i64>();
        let failed = rows.iter().map(|row| row.failed).sum::<i64>();
        let paces = rows.into_iter().filter_map(|row| {
            Some(Pace {
                // A lane that only a newer version knows is not shown.
                lane: row.lane.parse::<Lane>().ok()?,
                done: row.done.unsigned_abs(),
                failed: row.failed.unsigned_abs(),
            })
        });
        Ok((paces.collect(), most.max(failed) >= PACE_MAX))
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
}

#[async_trait]
impl Gauges for PgFigures {
    async fn figures(&self) -> Result<Figures, StoreError> {
        let now = sqlx::query_scalar!(r#"select now_utc() as "now!""#)
            .fetch_one(&self.pool)
            .await
            .map_err(refused("to read the time"))?;
        let (paces, is_at_least) = self.paces().await?;
        Ok(Figures {
            now,
            paces,
            is_at_least,
            unserved: self.unserved().await?,
        })
    }
}
