//! Promotion, beats, hints, sweeping, partitions: what keeps the job tables moving.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ids::LeaseId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{
    LeaseBeat, Promoted, Reaped, SetAside, StoreError, Swept, Upkeep, Watcher,
};

use crate::error::refused;
use crate::gate::commit;
use crate::pg::jobs::{gates, halt, promote, reap, unserved};
use crate::pool::Pool;

/// How long a place among the watchers is kept after its holder's last word.
const WATCH_KEPT_MS: i64 = 1_000;
/// How many weeks of partitions are made ahead.
const WEEKS_AHEAD: i32 = 4;

/// Upkeep of the job tables, as `packtrain_worker`.
#[derive(Clone)]
pub struct PgUpkeep {
    pool: Pool,
}

impl PgUpkeep {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool) -> Self {
        Self { pool: worker }
    }

    pub(crate) const fn pool(&self) -> &Pool {
        &self.pool
    }
}

#[async_trait]
impl Upkeep for PgUpkeep {
    async fn promote(&self, limit: u32) -> Result<Promoted, StoreError> {
        promote::promote(&self.pool, limit).await
    }

    async fn keep_watch(&self, mine: Option<Watcher>) -> Result<Option<Watcher>, StoreError> {
        // A place that is kept into a far future was taken before the clock was set back.
        sqlx::query_scalar!(
            r#"
            with base as materialized (select now_utc() as now)
            update watch w
               set holder = coalesce($1, (random() * 9e15)::bigint),
                   until = b.now + $2::bigint * interval '1 millisecond'
              from base b
             where w.place = (
                   select p.place
                     from watch p
                    cross join base
                    where p.holder = $1
                       or p.until <= base.now
                       or p.until > base.now + 2 * $2::bigint * interval '1 millisecond'
                    order by p.holder is not distinct from $1 desc, p.place
                    limit 1
                      for update of p skip locked)
            returning w.holder as "holder!"
            "#,
            mine,
            WATCH_KEPT_MS,
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to keep watch"))
    }

    async fn beats(&self, limit: u32) -> Result<Vec<LeaseBeat>, StoreError> {
        let rows = sqlx::query!(
            "select l.id, l.beat, l.lane, (select w.renew_ms from worker w where w.id = l.worker_id)
               from lease l
              order by l.id
              limit $1",
            i64::from(limit)
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to read beats"))?;
        Ok(rows
            .into_iter()
            .map(|row| LeaseBeat {
                lease: LeaseId::from_uuid(row.id),
                beat: row.beat,
                lane: row.lane.parse().ok(),
                renewed_every: row
                    .renew_ms
                    .map(|ms| Duration::from_millis(ms.unsigned_abs().into())),
            })
            .collect())
    }

    async fn reap(&self, seen: LeaseBeat) -> Result<Reaped, StoreError> {
        reap::reap(&self.pool, seen).await
    }

    async fn stale_lanes(&self, age: Duration) -> Result<Vec<Lane>, StoreError> {
        let ms = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let lanes = sqlx::query_scalar!(
            r#"
            select lane
              from unnest(array['pulse', 'notify', 'io', 'cpu', 'bulk', 'ops']) as l (lane)
             where exists (
                   select 1
                     from ready r
                    where r.lane = l.lane
                      and r.since < now_utc() - $1::bigint * interval '1 millisecond'
                   )
            "#,
            ms,
        )
        .fetch_all(&self.pool)
        .await
        .map_err(refused("to look for work that waits"))?;
        Ok(lanes
            .into_iter()
            .flatten()
            .filter_map(|lane| lane.parse().ok())
            .collect())
    }

    async fn sweep(&self, passed_within: Duration) -> Result<Swept, StoreError> {
        let cancelled = halt::sweep_cancelled(&self.pool).await?;
        let expired = halt::sweep_expired(&self.pool, passed_within).await?;
        let mut woken = [cancelled.woken, expired.woken].concat();
        woken.sort_unstable();
        woken.dedup();
        Ok(Swept {
            cancelled: cancelled.jobs.len() as u64,
            expired: expired.jobs.len() as u64,
            has_more: expired.has_more,
            woken,
        })
    }

    async fn repair_gates(&self) -> Result<Vec<Lane>, StoreError> {
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin a repair"))?;
        let woken = gates::repair(&mut tx).await?;
        commit(tx, "to repair gates").await?;
        Ok(woken)
    }

    async fn set_aside(&self, age: Duration) -> Result<SetAside, StoreError> {
        unserved::look(&self.pool, age).await
    }

    async fn ensure_partitions(&self) -> Result<(), StoreError> {
        sqlx::query!(
            "select ensure_partitions(now_utc(), $1) as made,
                    ensure_series_weeks(now_utc(), $1) as series",
            WEEKS_AHEAD
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to make partitions"))?;
        Ok(())
    }
}
