//! Digests in the store: what is told of many things in one message, window by window. What a
//! digest is like is JSON here: when its windows end is the rule engine's business.

use async_trait::async_trait;
use serde_json::Value;

use super::{EndpointRecord, IncidentRecord, Step, StoreError};
use crate::ids::{EndpointId, JobId, RuleId, TenantId};
use crate::time::Timestamp;

/// Something that is told with the next digest of an endpoint. Written with the end of the job that
/// would have told it at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gathered {
    /// The rule.
    pub rule: RuleId,
    /// The place of what is told among everything that happened to it.
    pub seq: u32,
    /// Who is told.
    pub endpoint: EndpointId,
}

/// A window that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct EndedWindow {
    /// Whose it is.
    pub tenant: TenantId,
    /// Who is told.
    pub endpoint: EndpointId,
    /// What the digests are like; none after their owner had enough of them: this is the last one.
    pub digest: Option<Value>,
    /// When it began.
    pub began_at: Timestamp,
    /// When it was to end.
    pub due_at: Timestamp,
    /// Up to when is told what was gathered: the end, or for the last one now.
    pub until: Timestamp,
    /// Whether anything is to be told.
    pub has_entries: bool,
}

/// A window in the place of one that has ended. Written with the end of the job that tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NextWindow {
    /// Who is told.
    pub endpoint: EndpointId,
    /// When the one before was to end; where another one came in its place meanwhile, nothing is
    /// written.
    pub ended: Timestamp,
    /// When this one ends; none after the last one.
    pub due_at: Option<Timestamp>,
}

/// All that a digest is made from.
#[derive(Debug, Clone)]
pub struct ToSum {
    /// Who is told.
    pub endpoint: EndpointRecord,
    /// What happened, the oldest first; of very much the beginning.
    pub entries: Vec<(IncidentRecord, Step)>,
    /// How much happened.
    pub count: u64,
    /// How much of it is that a rule fires.
    pub firing: u64,
}

/// Windows of digests, and what is gathered in them.
#[async_trait]
pub trait Digests: Send + Sync {
    /// Has what an endpoint is told gathered: until this moment, and window by window from then on.
    /// Whether there is such an endpoint.
    async fn gather(
        &self,
        tenant: TenantId,
        endpoint: EndpointId,
        digest: &Value,
        due_at: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Has everything told by itself again, and what is gathered at once, in a last digest. Whether
    /// there was one.
    async fn scatter(&self, tenant: TenantId, endpoint: EndpointId) -> Result<bool, StoreError>;

    /// The time by the clock of the store, and windows of all tenants that have ended by then, the
    /// earliest first.
    async fn ended(&self, limit: u32) -> Result<(Timestamp, Vec<EndedWindow>), StoreError>;

    /// What a job tells of a window up to its end: what no other job tells, and the same at every
    /// attempt. None when the endpoint is gone.
    async fn take(
        &self,
        tenant: TenantId,
        endpoint: EndpointId,
        job: JobId,
        until: Timestamp,
    ) -> Result<Option<ToSum>, StoreError>;
}
