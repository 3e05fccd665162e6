//! How far long jobs came.

use async_trait::async_trait;
use packtrain_core::ids::{JobId, LeaseId, TenantId};
use packtrain_core::ports::{Checkpoints, StoreError};
use serde_json::Value;

use crate::error::refused;
use crate::pool::Pool;

/// Checkpoints, as `packtrain_worker`.
#[derive(Clone)]
pub struct PgCheckpoints {
    pool: Pool,
}

impl PgCheckpoints {
    /// Works over the pool of `packtrain_worker`.
    pub const fn new(worker: Pool) -> Self {
        Self { pool: worker }
    }
}

#[async_trait]
impl Checkpoints for PgCheckpoints {
    async fn save(
        &self,
        tenant: TenantId,
        job: JobId,
        lease: LeaseId,
        data: &Value,
    ) -> Result<bool, StoreError> {
        // The lease's row is locked: a reaper waits, and so does what a later attempt reads.
        let done = sqlx::query!(
            r#"
            with held as materialized (
                select l.id
                  from lease l
                 where l.id = $3
                   and (l.open >> (array_position(l.ids, $1) - 1)) & 1 = 1
                   for share
            )
            insert into checkpoint as c (job_id, tenant_id, data)
            select $1, $2, $4
              from held
                on conflict (job_id) do update
               set data = excluded.data,
                   at = now_utc()
             where c.tenant_id = excluded.tenant_id
            "#,
            job.as_uuid(),
            tenant.as_uuid(),
            lease.as_uuid(),
            data,
        )
        .execute(&self.pool)
        .await
        .map_err(refused("to write a checkpoint"))?;
        Ok(done.rows_affected() == 1)
    }

    async fn find(&self, tenant: TenantId, job: JobId) -> Result<Option<Value>, StoreError> {
        sqlx::query_scalar!(
            "select data from checkpoint where job_id = $1 and tenant_id = $2",
            job.as_uuid(),
            tenant.as_uuid(),
        )
        .fetch_optional(&self.pool)
        .await
        .map_err(refused("to read a checkpoint"))
    }
}
