//! How long things are kept, in days.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Retention {
    pub(crate) jobs_days: u32,
    pub(crate) audit_days: u32,
    pub(crate) gas_days: u32,
    pub(crate) alerts_days: u32,
    pub(crate) series_days: u32,
    pub(crate) rollups_days: u32,
}
