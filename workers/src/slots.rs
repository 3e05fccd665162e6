//! Slots: how many jobs run at once, and how many may be run and not yet settled.
//!
//! A job that ran makes room for the next one at once, while its end is being written. But only so
//! many ends may be on their way: a worker that dies has at most that many jobs to be run again.

use std::sync::Arc;

use packtrain_core::ports::Free;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Ends that may be on their way beside the slots, at most; a lane with fewer slots has as many.
const SETTLE_BUFFER_MAX: usize = 64;

/// The slots of one lane. At most `slots` jobs run, and at most `slots` and the settle buffer are
/// run and unsettled.
pub(crate) struct Slots {
    run: Arc<Semaphore>,
    unsettled: Arc<Semaphore>,
}

/// A slot that a job runs in.
pub(crate) struct Slot {
    run: OwnedSemaphorePermit,
    unsettled: Unsettled,
}

/// A job's place among the unsettled; it is free when it is dropped.
pub(crate) struct Unsettled(#[expect(dead_code, reason = "held, not read")] OwnedSemaphorePermit);

impl Slots {
    pub(crate) fn new(slots: usize) -> Self {
        let slots = slots.max(1);
        Self {
            run: Arc::new(Semaphore::new(slots)),
            unsettled: Arc::new(Semaphore::new(slots + slots.min(SETTLE_BUFFER_MAX))),
        }
    }

    /// Waits for a free slot.
    pub(crate) async fn free(&self) -> Option<Slot> {
        let unsettled = Arc::clone(&self.unsettled).acquire_owned().await.ok()?;
        let run = Arc::clone(&self.run).acquire_owned().await.ok()?;
        Some(Slot {
            run,
            unsettled: Unsettled(unsettled),
        })
    }

    /// A slot that is free at this moment.
    pub(crate) fn free_now(&self) -> Option<Slot> {
        let unsettled = Arc::clone(&self.unsettled).try_acquire_owned().ok()?;
        let run = Arc::clone(&self.run).try_acquire_owned().ok()?;
        Some(Slot {
            run,
            unsettled: Unsettled(unsettled),
        })
    }

    /// Says how many slots are free whenever it is asked.
    pub(crate) fn count_free(&self) -> Free {
        let (run, unsettled) = (Arc::clone(&self.run), Arc::clone(&self.unsettled));
        Arc::new(move || run.available_permits().min(unsettled.available_permits()))
    }
}

impl Slot {
    /// The job has run: the next one may begin.
    pub(crate) fn ran(self) -> Unsettled {
        drop(self.run);
        self.unsettled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_slots_are_counted_as_they_are_taken_and_given_back() {
        let slots = Slots::new(2);
        let free = slots.count_free();
        assert_eq!(free(), 2);
        let taken = [slots.free_now(), slots.free_now()].map(Option::unwrap);
        assert_eq!(free(), 0);
        let unsettled = taken.map(Slot::ran);
        assert_eq!(free(), 2);
        let others = [slots.free_now(), slots.free_now()].map(Option::unwrap);
        let more = others.map(Slot::ran);
        assert_eq!(free(), 0, "four are unsettled");
        drop((unsettled, more));
        assert_eq!(free(), 2);
    }

    #[test]
    fn so_many_run_at_once_and_so_many_more_may_be_unsettled() {
        let slots = Slots::new(2);
        let take = || slots.free_now();
        let (one, two) = (take().unwrap(), take().unwrap());
        assert!(take().is_none(), "two run");
        let settling = [one.ran(), two.ran()];
        let (three, four) = (take().unwrap(), take().unwrap());
        let more = [three.ran(), four.ran()];
        assert!(take().is_none(), "four are unsettled");
        drop(settling);
        assert!(take().is_some());
        drop(more);
    }
}
