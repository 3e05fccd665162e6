//! What goes wrong with Redis is said once a second for each cause, however often it goes wrong.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long one cause is not spoken of again.
const SILENCE: Duration = Duration::from_secs(1);

/// When each cause was spoken of last.
#[derive(Debug, Default)]
pub(super) struct Complaints(Mutex<BTreeMap<&'static str, Instant>>);

impl Complaints {
    /// Whether this cause may be spoken of now.
    pub(super) fn may(&self, cause: &'static str) -> bool {
        let now = Instant::now();
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_due = last.get(cause).is_none_or(|at| now - *at >= SILENCE);
        if is_due {
            last.insert(cause, now);
        }
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cause_is_spoken_of_once_a_second_and_others_beside_it() {
        let complaints = Complaints::default();
        assert!(complaints.may("send"));
        assert!(!complaints.may("send"));
        assert!(complaints.may("hear"));
        tokio::time::advance(SILENCE).await;
        assert!(complaints.may("send"));
    }
}
