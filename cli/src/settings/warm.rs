//! What is asked now and then, so that it stays ready.

use serde::Deserialize;

use super::Addresses;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Warm {
    pub(crate) endpoint_urls: Addresses,
}
