//! Events of jobs.

use async_trait::async_trait;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::limits::EVENTS_MAX;
use packtrain_core::ports::{JobEvent, JobEvents, Noted, StoreError, WAITING};
use serde_json::Value;
use sqlx::PgConnection;

use crate::error::refused;
use crate::gate::{TenantGate, commit};
use crate::pool::Pool;

/// How often an event is written anew when another took its number.
const WRITERS_MAX: usize = 10;

/// Events over the pool of `packtrain_worker` (to write) or `packtrain_app` (to read).
#[derive(Clone)]
pub struct PgEvents {
    gate: TenantGate,
}

impl PgEvents {
    /// Works over a pool.
    pub const fn new(pool: Pool) -> Self {
        Self {
            gate: TenantGate::new(pool),
        }
    }
}

#[async_trait]
impl JobEvents for PgEvents {
    async fn append(
        &self,
        tenant: TenantId,
        job: JobId,
        name: &str,
        data: &Value,
    ) -> Result<Noted, StoreError> {
        for _ in 0..WRITERS_MAX {
            let mut tx = self.gate.begin(tenant).await?;
            // The job writes its stages while the worker writes how far it is: where both take the
            // same number, the second takes the next.
            let written = sqlx::query!(
                r#"
                with last as (
                    select coalesce(e.seq, 0) as seq,
                           case when e.name = 'stage' and e.data ->> 'state' = $6
                                then coalesce(e.data ->> 'name', '') end as waits_in
                      from (select $1::uuid as job_id) j
                      left join lateral (
                           select x.seq, x.name, x.data
                             from job_event x
                            where x.job_id = j.job_id
                            order by x.seq desc
                            limit 1) e on true
                ),
                written as (
                    insert into job_event (job_id, seq, tenant_id, name, data)
                    select $1, last.seq + 1, $2, $3, $4
                      from last
                     where last.seq < $5
                       and last.waits_in is null
                        on conflict do nothing
                    returning seq
                )
                select last.waits_in,
                       (select seq from written) is not null as "is_written!",
                       last.seq >= $5 as "is_full!"
                  from last
                "#,
                job.as_uuid(),
                tenant.as_uuid(),
                name,
                data,
                EVENTS_MAX,
                WAITING,
            )
            .fetch_one(&mut *tx)
            .await
            .map_err(refused("to write a job's event"))?;
            commit(tx, "to write a job's event").await?;
            if let Some(stage) = written.waits_in {
                return Ok(Noted::Waits(stage));
            }
            if written.is_full {
                return Ok(Noted::Full);
            }
            if written.is_written {
                break;
            }
        }
        Ok(Noted::Done)
    }

    async fn append_kept(
        &self,
        tenant: TenantId,
        job: JobId,
        stages: &[Value],
    ) -> Result<(), StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        // Nobody else writes while a job waits, but a worker that lost it: its events or these.
        sqlx::query!(
            r#"
            with last as (
                select coalesce(max(seq), 0) as seq from job_event where job_id = $1
            )
            insert into job_event (job_id, seq, tenant_id, name, data)
            select $1, last.seq + e.place, $2, 'stage', e.data
              from last
             cross join unnest($3::jsonb[]) with ordinality as e (data, place)
             where last.seq + e.place <= $4
                on conflict do nothing
            "#,
            job.as_uuid(),
            tenant.as_uuid(),
            stages,
            EVENTS_MAX,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to write a job's events"))?;
        commit(tx, "to write a job's events").await
    }

    async fn after(
        &self,
        tenant: TenantId,
        job: JobId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        after(&mut tx, job, seq, limit).await
    }

    async fn newest(
        &self,
        tenant: TenantId,
        job: JobId,
        limit: u32,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let mut rows = sqlx::query_as!(
            JobEvent,
            r#"
            select seq, at, name, data
              from job_event
             where job_id = $1
             order by seq desc
             limit $2
            "#,
            job.as_uuid(),
            i64::from(limit),
        )
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to read a job's newest events"))?;
        rows.reverse();
        Ok(rows)
    }
}

/// Events of a job of the transaction's tenant after a place, in order.
pub(crate) async fn after(
    connection: &mut PgConnection,
    job: JobId,
    seq: i64,
    limit: u32,
) -> Result<Vec<JobEvent>, StoreError> {
    sqlx::query_as!(
        JobEvent,
        r#"
        select seq, at, name, data
          from job_event
         where job_id = $1
           and seq > $2
         order by seq
         limit $3
        "#,
        job.as_uuid(),
        seq,
        i64::from(limit),
    )
    .fetch_all(connection)
    .await
    .map_err(refused("to read a job's events"))
}
