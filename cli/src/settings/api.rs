//! Where the API listens, and how it ends.

use serde::Deserialize;

use super::Problem;

/// The longest that `/readyz` may refuse beforehand: with the 20 s that requests have to end and
/// the 10 s of the farewell to the database, an API is gone within 110 s, as a worker is.
const NOTICE_S_MAX: u64 = 80;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Api {
    pub(crate) listen: String,
    pub(crate) drain_notice_s: u64,
}

impl Api {
    /// What would make the API outlast what a container service grants.
    pub(super) fn problem(&self) -> Option<Problem> {
        let is_long = self.drain_notice_s > NOTICE_S_MAX;
        is_long.then(|| {
            let what = format!("{} is more than {NOTICE_S_MAX}", self.drain_notice_s);
            ("api.drain_notice_s".to_owned(), what)
        })
    }
}
