//! How long attempts hold their slots: summed up here, and handed in every few seconds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::patience::patient_for;
use packtrain_core::ports::{End, KindTime, Times};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often what was measured is handed in. A settle that did it would make a few rows the hottest
/// of the database, and who scales a fleet looks no more often than that.
const HAND_IN_EVERY: Duration = Duration::from_secs(5);
/// How long handing in may take; what was measured is given up then.
const HAND_IN_WITHIN: Duration = Duration::from_secs(3);

/// How many attempts, and how long they took together, by lane and kind.
type Sums = HashMap<(Lane, Arc<str>), (u64, Duration)>;

/// What attempts of each kind took since they were handed in last; the kinds are the catalogue's.
#[derive(Default)]
pub(crate) struct Measured {
    inside: Mutex<Sums>,
}

impl Measured {
    /// Notes an attempt, unless something cut it short that says nothing about its kind.
    pub(crate) fn note(&self, lane: Lane, kind: &Arc<str>, end: &End, took: Duration) {
        match end {
            End::Cancelled | End::Expired | End::Released => return,
            End::Succeeded(_) | End::Retry { .. } | End::Snooze { .. } | End::Dead { .. } => {}
        }
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, total) = inside.entry((lane, Arc::clone(kind))).or_default();
        *count += 1;
        *total = total.saturating_add(took);
    }

    /// What was measured since the last call, by lane and kind.
    fn take(&self) -> Vec<KindTime> {
        let mut inside = self.inside.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = inside
            .drain()
            .map(|((lane, kind), (count, total))| KindTime {
                lane,
                kind,
                count,
                total,
            });
        taken.collect()
    }
}

/// Hands in what is measured until `done`, and the rest then.
pub(crate) async fn run(measured: Arc<Measured>, store: Arc<dyn Times>, done: CancellationToken) {
    loop {
        let is_over = done
            .run_until_cancelled(tokio::time::sleep(HAND_IN_EVERY))
            .await
            .is_none();
        let taken = measured.take();
        if !taken.is_empty() {
            let handing = patient_for(HAND_IN_WITHIN, store.note(&taken));
            if let Err(error) = handing.await {
                warn!(error = %chain(&error), "what attempts took could not be kept");
            }
        }
        if is_over {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use packtrain_core::ports::{StoreError, Success};

    use super::*;

    #[derive(Default)]
    struct Kept(Mutex<Vec<Vec<KindTime>>>);

    #[async_trait]
    impl Times for Kept {
        async fn note(&self, measured: &[KindTime]) -> Result<(), StoreError> {
            self.0.lock().unwrap().push(measured.to_vec());
            Ok(())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_hands_in_sums_every_few_seconds_and_the_rest_when_it_ends() {
        let (measured, kept) = (Arc::new(Measured::default()), Arc::new(Kept::default()));
        let done = CancellationToken::new();
        let kind: Arc<str> = "test.step".into();
        let ms = Duration::from_millis;
        let end = End::Succeeded(Success::default());
        measured.note(Lane::Io, &kind, &end, ms(20));
        measured.note(Lane::Io, &kind, &end, ms(40));
        measured.note(Lane::Io, &kind, &End::Released, ms(9_000));
        let store = Arc::clone(&kept) as Arc<dyn Times>;
        let running = run(Arc::clone(&measured), store, done.clone());
        let ending = async {
            tokio::time::sleep(HAND_IN_EVERY * 3 + ms(1)).await;
            measured.note(Lane::Io, &kind, &end, ms(10));
            done.cancel();
        };
        tokio::join!(running, ending);
        let sum = |count, total| {
            vec![KindTime {
                lane: Lane::Io,
                kind: Arc::clone(&kind),
                count,
                total,
            }]
        };
        let kept = kept.0.lock().unwrap();
        assert_eq!(*kept, [sum(2, ms(60)), sum(1, ms(10))]);
    }
}
