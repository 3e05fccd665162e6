//! The name of the person whose report it is.

use std::fmt;

use packtrain_core::field::FieldError;
use packtrain_tax::written::name_slip;
use serde::{Deserialize, Serialize};

/// Characters of a taxpayer's name.
pub const TAXPAYER_CHARS_MAX: usize = 200;

/// A name as it was sent; what prints a payload does not print it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Taxpayer(String);

impl Taxpayer {
    /// The name, for the report alone.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is wrong with it.
    pub(super) fn check(&self) -> Option<FieldError> {
        let what = name_slip("taxpayer", &self.0, TAXPAYER_CHARS_MAX)?;
        Some(FieldError::new(
            "/taxpayer",
            "taxpayer",
            format!("The {what}."),
        ))
    }
}

impl fmt::Debug for Taxpayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
