//! How much alerts may tell.

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alerts {
    messages_a_day: u32,
}

impl Alerts {
    /// Messages that the rules of a tenant tell on a UTC day; none for as many as there are.
    pub(crate) fn messages_a_day(&self) -> Option<u32> {
        (self.messages_a_day > 0).then_some(self.messages_a_day)
    }
}
