//! Settings of what lies with AWS.

use serde::Deserialize;

use super::Address;

/// Where, and with whose rights: those that the SDK finds.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Aws {
    pub(crate) region: String,
    pub(crate) endpoint_url: Address,
}
