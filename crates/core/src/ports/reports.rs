//! Finished reports and comparisons, with their artefacts.

use async_trait::async_trait;
use serde_json::Value;

use super::{StoreError, Stored};
use crate::ids::{ReportId, TenantId};
use crate::time::Timestamp;

/// A finished report, or a comparison of methods.
#[derive(Debug, Clone, PartialEq)]
pub struct ReportRecord {
    /// Its id, which is its job's.
    pub id: ReportId,
    /// The figures that a page shows first: totals, counts, warnings by money at stake.
    pub summary: Value,
    /// When it was finished.
    pub finished_at: Timestamp,
    /// What can be downloaded.
    pub artefacts: Vec<ArtefactRecord>,
}

/// A file that a report offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtefactRecord {
    /// Its name in the route and as a file, such as `tax-2025-us.pdf`.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// Where the bytes are.
    pub stored: Stored,
}

/// Reports of tenants. Another tenant's report does not exist.
#[async_trait]
pub trait Reports: Send + Sync {
    /// A finished report.
    async fn find(
        &self,
        tenant: TenantId,
        id: ReportId,
    ) -> Result<Option<ReportRecord>, StoreError>;
}
