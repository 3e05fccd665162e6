//! Events of jobs.

use async_trait::async_trait;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::limits::EVENTS_MAX;
use packtrain_core::ports::{JobEvent, JobEvents, StoreError};
use serde_json::Value;

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
    ) -> Result<(), StoreError> {
        for _ in 0..WRITERS_MAX {
            let mut tx = self.gate.begin(tenant).await?;
            // The job writes its stages while the worker writes how far it is: where both take the
            // same number, the second takes the next.
            let written = sqlx::query!(
                r#"
                with last as (
                    select coalesce(max(seq), 0) as seq from job_event where job_id = $1
                ),
                written as (
                    insert into job_event (job_id, seq, tenant_id, name, data)
                    select $1, last.seq + 1, $2, $3, $4
                      from last
                     where last.seq < $5
                        on conflict do nothing
                    returning seq
                )
                select (select seq from written) is not null
                       or last.seq >= $5 as "is_done!"
                  from last
                "#,
                job.as_uuid(),
                tenant.as_uuid(),
                name,
                data,
                EVENTS_MAX,
            )
            .fetch_one(&mut *tx)
            .await
            .map_err(refused("to write a job's event"))?;
            commit(tx, "to write a job's event").await?;
            if written.is_done {
                break;
            }
        }
        Ok(())
    }

    async fn after(
        &self,
        tenant: TenantId,
        job: JobId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query_as!(
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
        .fetch_all(&mut *tx)
        .await
        .map_err(refused("to read a job's events"))?;
        Ok(rows)
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
