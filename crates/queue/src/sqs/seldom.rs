//! Complaints that are made at most once a second, however often there is reason.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

const EVERY: Duration = Duration::from_secs(1);

/// When the last complaint was made, and how many were kept back since.
#[derive(Debug, Default)]
pub(super) struct Seldom(Mutex<(Option<Instant>, u64)>);

impl Seldom {
    /// How many were kept back, when it is time for another one.
    pub(super) fn is_time(&self) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (last, kept_back) = *state;
        if last.is_some_and(|last| last.elapsed() < EVERY) {
            state.1 += 1;
            return None;
        }
        *state = (Some(Instant::now()), 0);
        Some(kept_back)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_complaint_is_made_once_a_second_and_says_how_many_were_kept_back() {
        let seldom = Seldom::default();
        let said: Vec<_> = (0..4).map(|_| seldom.is_time()).collect();
        assert_eq!(said, [Some(0), None, None, None]);
        tokio::time::advance(EVERY).await;
        assert_eq!(seldom.is_time(), Some(3));
    }
}
