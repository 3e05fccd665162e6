//! Events of a job: progress and stages, in order.

use async_trait::async_trait;
use serde_json::Value;

use super::StoreError;
use crate::ids::{JobId, TenantId};
use crate::time::Timestamp;

/// One event, as a reader resumes from it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobEvent {
    /// Its place among the job's events, from 1.
    pub seq: i64,
    /// When it was written.
    pub at: Timestamp,
    /// `stage` or `progress`.
    pub name: String,
    /// What it says.
    pub data: Value,
}

/// Writes and reads the events of jobs.
#[async_trait]
pub trait JobEvents: Send + Sync {
    /// Appends an event. Beyond [`EVENTS_MAX`](crate::limits::EVENTS_MAX) nothing is written.
    async fn append(
        &self,
        tenant: TenantId,
        job: JobId,
        name: &str,
        data: &Value,
    ) -> Result<(), StoreError>;

    /// The events after `seq`, in order.
    async fn after(
        &self,
        tenant: TenantId,
        job: JobId,
        seq: i64,
        limit: u32,
    ) -> Result<Vec<JobEvent>, StoreError>;

    /// The newest events, in order.
    async fn newest(
        &self,
        tenant: TenantId,
        job: JobId,
        limit: u32,
    ) -> Result<Vec<JobEvent>, StoreError>;
}
