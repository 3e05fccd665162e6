//! What goes wrong with a cache is said once a second, however often it goes wrong.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How long nothing is said again.
const SILENCE: Duration = Duration::from_secs(1);

/// When something was said last.
#[derive(Debug, Default)]
pub(super) struct Complaints(Mutex<Option<Instant>>);

impl Complaints {
    /// Whether something may be said now.
    pub(super) fn may(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may = last.is_none_or(|at| at.elapsed() >= SILENCE);
        if may {
            *last = Some(Instant::now());
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_cache_complains_once_a_second() {
        let complaints = Complaints::default();
        assert!(complaints.may());
        assert!(!complaints.may());
        tokio::time::advance(SILENCE).await;
        assert!(complaints.may());
    }
}
