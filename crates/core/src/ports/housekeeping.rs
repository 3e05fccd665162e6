//! Housekeeping: what nobody needs any more goes.

use async_trait::async_trait;
use serde::Serialize;

use super::StoreError;

/// What was removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Pruned {
    /// Weeks of finished jobs.
    pub weeks: u64,
    /// Idempotency keys past their time.
    pub idempotency_keys: u64,
    /// Times of schedules that are older than any catching up.
    pub schedule_ticks: u64,
    /// Workers that were not seen for long.
    pub workers: u64,
    /// Requests to cancel jobs that are over.
    pub cancel_requests: u64,
    /// Audit entries past their time.
    pub audit_entries: u64,
    /// Service levels past their time.
    pub service_levels: u64,
    /// Blocks past their time.
    pub gas_blocks: u64,
    /// Buckets, forecasts and scores of gas past their time.
    pub gas_figures: u64,
    /// Events of wallets past their time.
    pub chain_events: u64,
    /// Points of metrics past their time.
    pub metric_points: u64,
    /// Tries to tell somebody past their time.
    pub tries: u64,
    /// Incidents past their time.
    pub incidents: u64,
    /// Places of live streams past their time, and tickets that nobody used.
    pub live: u64,
    /// Gates in which nothing moved for as long as jobs are kept.
    pub gates: u64,
    /// Batches, edges and checkpoints of jobs that are gone.
    pub remains: u64,
    /// Weeks of hourly figures of series.
    pub series_weeks: u64,
    /// Anomalies of series past their time.
    pub series_anomalies: u64,
    /// Days, weeks and months of series past their time.
    pub series_buckets: u64,
}

/// Removes what is past its time; safe to run twice, and at once in two places.
#[async_trait]
pub trait Housekeeping: Send + Sync {
    /// Removes a bounded amount of what is past its time.
    async fn prune(&self) -> Result<Pruned, StoreError>;
}
