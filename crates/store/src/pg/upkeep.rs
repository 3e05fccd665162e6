//! Promotion, reaping, partitions: what keeps the job tables moving.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::ids::LeaseId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{LeaseBeat, Promoted, Reaped, SetAside, StoreError, Swept, Upkeep};
use sqlx::{PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::error::{number, refused};
use crate::gate::commit;
use crate::pg::settle::mask;
use crate::pg::{halt, unserved};

/// How many weeks of partitions are made ahead.
const WEEKS_AHEAD: i32 = 4;

/// Upkeep of the job tables, as `packtrain_worker`.
#[derive(Clone)]
pub struct PgUpkeep {
    pool: PgPool,
}

impl PgUpkeep {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: PgPool) -> Self {
        Self { pool: worker }
    }
}

/// Moves due entries to their lanes, the longest due first.
///
/// The subquery makes the time a constant of the statement, so that the index gives what is due
/// and nothing that lies ahead is read; materialized, no plan can take more than the slice.
pub(crate) async fn promote(pool: &PgPool, limit: u32) -> Result<Promoted, StoreError> {
    let rows = sqlx::query!(
        r#"
        with due as materialized (
            select id
              from scheduled
             where run_at <= (select now_utc())
             order by run_at, id
             limit $1
               for update skip locked
        ),
        taken as (
            delete from scheduled s
             using due
             where s.id = due.id
            returning s.id, s.lane, s.priority, s.kind, s.schema, s.tenant_id, s.attempts, s.solo,
                      s.run_at
        ),
        -- One reservation a tenant and lane, in a fixed order: promoters never wait for each
        -- other in a ring.
        shares as (
            select g.lane, g.tenant_id, f.start, f.step
              from (select lane, tenant_id, count(*)::integer as count
                      from taken
                     group by lane, tenant_id
                     order by lane, tenant_id) g
             cross join lateral fair_reserve(g.lane, g.tenant_id, g.count) f
        ),
        moved as (
            insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts,
                               solo)
            select t.id, t.lane, t.priority,
                   s.start + s.step * (row_number() over (
                       partition by t.lane, t.tenant_id order by t.run_at, t.id) - 1),
                   t.kind, t.schema, t.tenant_id, t.attempts, t.solo
              from taken t
              join shares s on s.lane = t.lane and s.tenant_id = t.tenant_id
            returning lane
        )
        select lane, count(*) as "count!" from moved group by lane
        "#,
        i64::from(limit),
    )
    .fetch_all(pool)
    .await
    .map_err(refused("to promote due jobs"))?;
    let mut promoted = Promoted::default();
    for row in rows {
        promoted.count += row.count.unsigned_abs();
        promoted.woken.extend(row.lane.parse::<Lane>());
    }
    Ok(promoted)
}

#[async_trait]
impl Upkeep for PgUpkeep {
    async fn beats(&self, limit: u32) -> Result<Vec<LeaseBeat>, StoreError> {
        let rows = sqlx::query!(
            "select id, beat from lease order by id limit $1",
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
            })
            .collect())
    }

    async fn reap(&self, seen: LeaseBeat) -> Result<Reaped, StoreError> {
        let mut tx = self
            .pool
            .begin()
            .await
            .map_err(refused("to begin a reaping"))?;
        let lease = sqlx::query!(
            "delete from lease where id = $1 and beat = $2
             returning ids, attempts, open, started",
            seen.lease.as_uuid(),
            seen.beat,
        )
        .fetch_optional(&mut *tx)
        .await
        .map_err(refused("to take a lease"))?;
        let Some(lease) = lease else {
            return Ok(Reaped::default());
        };
        let mut lost = Lost::default();
        for (place, (id, attempts)) in lease.ids.into_iter().zip(lease.attempts).enumerate() {
            let bit = mask(&[number("lease.ids", place)?]);
            if lease.open & bit != 0 {
                lost.ids.push(id);
                lost.attempts.push(attempts);
                lost.started.push(lease.started & bit != 0);
            }
        }
        let reaped = give_back(&mut tx, &lost).await?;
        commit(tx, "to reap a lease").await?;
        Ok(reaped)
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
        let mut connection = self.pool.acquire().await.map_err(refused("a connection"))?;
        Ok(Swept {
            cancelled: halt::cancelled(&mut connection, None).await?.len() as u64,
            expired: halt::expired(&mut connection, passed_within).await?,
        })
    }

    async fn set_aside(&self, age: Duration) -> Result<SetAside, StoreError> {
        unserved::look(&self.pool, age).await
    }

    async fn ensure_partitions(&self) -> Result<(), StoreError> {
        sqlx::query!(
            "select ensure_partitions(now_utc(), $1) as made",
            WEEKS_AHEAD
        )
        .fetch_one(&self.pool)
        .await
        .map_err(refused("to make partitions"))?;
        Ok(())
    }
}

/// The open jobs of a lost lease.
#[derive(Default)]
struct Lost {
    ids: Vec<Uuid>,
    attempts: Vec<i16>,
    started: Vec<bool>,
}

/// Charges the jobs that began and gives all back: those that began come back solo, so that a
/// job that kills its worker takes no neighbours along, or die when their attempts are spent. A
/// job that was ever lost while it ran stays solo on every way back.
async fn give_back(tx: &mut Transaction<'_, Postgres>, lost: &Lost) -> Result<Reaped, StoreError> {
    sqlx::query!(
        r#"
        insert into attempt (job_id, number, tenant_id, code, message)
        select j.id,
               coalesce((select max(a.number) from attempt a where a.job_id = j.id), 0) + 1,
               j.tenant_id, 'job.lost',
               'the worker went away while the job ran'
          from unnest($1::uuid[], $2::smallint[], $3::boolean[]) as l (id, attempts, started)
          join job j on j.id = l.id
         where l.started
        "#,
        &lost.ids,
        &lost.attempts,
        &lost.started,
    )
    .execute(&mut **tx)
    .await
    .map_err(refused("to charge lost attempts"))?;
    let dead = sqlx::query!(
        r#"
        insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint)
        select j.id, j.tenant_id, j.lane, j.kind, l.attempts + 1, 'job.lost',
               'the worker went away while the job ran', fingerprint(j.kind, 'job.lost')
          from unnest($1::uuid[], $2::smallint[], $3::boolean[]) as l (id, attempts, started)
          join job j on j.id = l.id
         where l.started
           and l.attempts + 1 >= j.max_attempts
        "#,
        &lost.ids,
        &lost.attempts,
        &lost.started,
    )
    .execute(&mut **tx)
    .await
    .map_err(refused("to write dead letters"))?
    .rows_affected();
    let lanes = sqlx::query_scalar!(
        r#"
        insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts, solo)
        select j.id, j.lane, j.priority, lane_clock(j.lane), j.kind, j.schema, j.tenant_id,
               l.attempts + l.started::integer,
               l.started or exists (
                   select 1 from attempt a where a.job_id = j.id and a.code = 'job.lost'
               )
          from unnest($1::uuid[], $2::smallint[], $3::boolean[]) as l (id, attempts, started)
          join job j on j.id = l.id
         where not l.started
            or l.attempts + 1 < j.max_attempts
        returning lane
        "#,
        &lost.ids,
        &lost.attempts,
        &lost.started,
    )
    .fetch_all(&mut **tx)
    .await
    .map_err(refused("to give jobs back"))?;
    let mut woken: Vec<Lane> = lanes.iter().filter_map(|lane| lane.parse().ok()).collect();
    woken.sort_unstable();
    woken.dedup();
    Ok(Reaped {
        returned: lanes.len() as u64,
        dead,
        woken,
    })
}
