//! How far a long job came: what a later attempt finds again.

use async_trait::async_trait;
use serde_json::Value;

use super::StoreError;
use crate::ids::{JobId, LeaseId, TenantId};

/// Keeps one checkpoint a job.
#[async_trait]
pub trait Checkpoints: Send + Sync {
    /// Writes how far the job came, if the lease under which it runs still stands; says whether it
    /// does. A worker that lost its lease cannot set a later attempt back.
    async fn save(
        &self,
        tenant: TenantId,
        job: JobId,
        lease: LeaseId,
        data: &Value,
    ) -> Result<bool, StoreError>;

    /// What the last attempt that wrote one left.
    async fn find(&self, tenant: TenantId, job: JobId) -> Result<Option<Value>, StoreError>;
}
