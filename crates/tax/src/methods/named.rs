//! Specific identification: the lots that the row names, before any method.

/// How such a lot was chosen.
pub(crate) const CHOSEN: &str = "lot named in the row";
