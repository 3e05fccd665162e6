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

/// What became of an event that was to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// It is written.
    Done,
    /// It is not: it would have been one too many.
    Full,
    /// It is not: the last event says that the job waits, in the stage of this name.
    Waits(String),
}

/// What the last event of a job says that waits for something that is away; its data names the
/// stage, the code and the state `waiting`.
pub const WAITING: &str = "waiting";

/// Writes and reads the events of jobs.
#[async_trait]
pub trait JobEvents: Send + Sync {
    /// Appends an event. Beyond [`EVENTS_MAX`](crate::limits::EVENTS_MAX) nothing is written, and
    /// nothing behind one that says that the job waits: what its tries say is kept back until it
    /// waits no more.
    async fn append(
        &self,
        tenant: TenantId,
        job: JobId,
        name: &str,
        data: &Value,
    ) -> Result<Noted, StoreError>;

    /// Appends the events of stages that were kept back while the job waited, which it does no
    /// more, all of them or none.
    async fn append_kept(
        &self,
        tenant: TenantId,
        job: JobId,
        stages: &[Value],
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
