//! Events of jobs.

use async_trait::async_trait;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::limits::EVENTS_MAX;
use packtrain_core::ports::{JobEvent, JobEvents, StoreError};
use serde_json::Value;
use sqlx::PgPool;

use crate::error::refused;
use crate::gate::{TenantGate, commit};

/// Events over the pool of `packtrain_worker` (to write) or `packtrain_app` (to read).
#[derive(Clone)]
pub struct PgEvents {
    gate: TenantGate,
}

impl PgEvents {
    /// Works over a pool.
    pub const fn new(pool: PgPool) -> Self {
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
        let mut tx = self.gate.begin(tenant).await?;
        // Two writers of one job exist only while a lost worker's last words arrive beside its
        // successor's: then one of two equal numbers is dropped, and the stages say the same.
        sqlx::query!(
            r#"
            insert into job_event (job_id, seq, tenant_id, name, data)
            select $1, coalesce(max(seq), 0) + 1, $2, $3, $4
              from job_event
             where job_id = $1
            having coalesce(max(seq), 0) < $5
                on conflict do nothing
            "#,
            job.as_uuid(),
            tenant.as_uuid(),
            name,
            data,
            EVENTS_MAX,
        )
        .execute(&mut *tx)
        .await
        .map_err(refused("to write a job's event"))?;
        commit(tx, "to write a job's event").await
    }

    async fn after(
        &self,
        tenant: TenantId,
        job: JobId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<JobEvent>, StoreError> {
        let mut tx = self.gate.begin(tenant).await?;
        let rows = sqlx::query!(
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
        Ok(rows
            .into_iter()
            .map(|row| JobEvent {
                seq: row.seq,
                at: row.at,
                name: row.name,
                data: row.data,
            })
            .collect())
    }
}
