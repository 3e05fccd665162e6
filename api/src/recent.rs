//! The backlog as it was a moment ago: one look at the database serves everyone who asks.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::fault::chain;
use packtrain_core::patience::patient_for;
use packtrain_core::ports::{Backlog, Backlogs, StoreError};
use tokio::sync::Mutex;
use tokio::time::Instant;
use tracing::warn;

/// How long an answer serves everyone: a look is a pass over all due jobs.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// How long a look may take; with so many due jobs that it takes longer, the last answer serves.
const LOOK_WITHIN: Duration = Duration::from_secs(5);
/// How old an answer may be that serves because the database gives no other. A figure that nobody
/// can read any more would look like a steady load.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// Gives out the last look, and looks again when it is old, once at a time.
pub(crate) struct Recent {
    inner: Arc<dyn Backlogs>,
    last: Mutex<Last>,
}

#[derive(Default)]
struct Last {
    seen: Option<(Instant, Backlog)>,
    /// Since when the database gives no answer: nobody asks it at once again.
    failed: Option<Instant>,
}

impl Recent {
    pub(crate) fn new(inner: Arc<dyn Backlogs>) -> Self {
        Self {
            inner,
            last: Mutex::default(),
        }
    }
}

impl Last {
    /// What was seen, if that is no longer ago.
    fn within(&self, age: Duration) -> Option<Backlog> {
        let (at, backlog) = self.seen.as_ref()?;
        (at.elapsed() <= age).then(|| backlog.clone())
    }
}

#[async_trait]
impl Backlogs for Recent {
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        let mut last = self.last.lock().await;
        let rests = last.failed.is_some_and(|at| at.elapsed() < FRESH_FOR);
        let serves = if rests { KEPT_FOR } else { FRESH_FOR };
        if let Some(backlog) = last.within(serves) {
            return Ok(backlog);
        }
        let looked = patient_for(LOOK_WITHIN, self.inner.backlog()).await;
        match looked {
            Ok(backlog) => {
                last.failed = None;
                last.seen = Some((Instant::now(), backlog.clone()));
                Ok(backlog)
            }
            Err(error) => {
                last.failed = Some(Instant::now());
                let kept = last.within(KEPT_FOR);
                if kept.is_some() {
                    let error = chain(&error);
                    warn!(
                        error,
                        "the backlog could not be read, the last one is shown"
                    );
                }
                kept.ok_or(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use packtrain_core::time::Timestamp;

    use super::*;

    /// Counts looks; answers never while it is stuck.
    #[derive(Default)]
    struct Counted {
        looks: AtomicUsize,
        is_stuck: AtomicBool,
    }

    #[async_trait]
    impl Backlogs for Counted {
        async fn backlog(&self) -> Result<Backlog, StoreError> {
            self.looks.fetch_add(1, Ordering::SeqCst);
            if self.is_stuck.load(Ordering::SeqCst) {
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
            Ok(Backlog {
                now: Timestamp::UNIX_EPOCH,
                lanes: Vec::new(),
            })
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_look_at_the_backlog_serves_everyone_for_five_seconds() {
        let counted = Arc::new(Counted::default());
        let recent = Recent::new(counted.clone());
        let (one, other) = tokio::join!(recent.backlog(), recent.backlog());
        assert!(one.is_ok() && other.is_ok());
        assert!(recent.backlog().await.is_ok());
        assert_eq!(counted.looks.load(Ordering::SeqCst), 1);
        tokio::time::advance(FRESH_FOR + Duration::from_millis(1)).await;
        assert!(recent.backlog().await.is_ok());
        assert_eq!(counted.looks.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_backlog_that_cannot_be_read_is_the_last_one_for_a_minute_and_then_an_error() {
        let counted = Arc::new(Counted::default());
        let recent = Recent::new(counted.clone());
        assert!(recent.backlog().await.is_ok());
        counted.is_stuck.store(true, Ordering::SeqCst);
        tokio::time::advance(FRESH_FOR + Duration::from_millis(1)).await;
        assert!(recent.backlog().await.is_ok());
        // Not asked again at once.
        assert!(recent.backlog().await.is_ok());
        assert_eq!(counted.looks.load(Ordering::SeqCst), 2);
        tokio::time::advance(KEPT_FOR).await;
        assert!(recent.backlog().await.is_err());
        counted.is_stuck.store(false, Ordering::SeqCst);
        assert!(recent.backlog().await.is_ok());
    }
}
