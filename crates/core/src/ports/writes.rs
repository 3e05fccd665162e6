//! Rows that a job wants written in the transaction that ends it.

use super::ReportRecord;
use crate::time::Timestamp;

/// A row that stands or falls with the end of its job: if the lease is gone, it is not written.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// A finished report with its artefacts, of the job's tenant.
    Report(ReportRecord),
    /// How long a job took from enqueue to done.
    ServiceLevel(ServiceLevel),
}

/// One measured way through the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLevel {
    /// When the job was asked for.
    pub asked_at: Timestamp,
    /// When its work was done.
    pub done_at: Timestamp,
}
