//! Claims due jobs of one lane for its free slots.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use packtrain_core::fault::chain;
use packtrain_core::ids::WorkerId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{ClaimedLease, Claims, HintStream, Wanted};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backend::Assigned;
use crate::patience::patient;
use crate::reached::Reached;
use crate::registry::Registry;
use crate::slots::{Slot, Slots};

/// Jobs of one claim, at most.
const CLAIM_MAX: usize = 200;
/// How long an idle lane waits before it looks without a hint.
const POLL: Duration = Duration::from_secs(1);
/// Pause after a claim that failed; doubled up to the most.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// Feeds one lane until it is told to stop.
pub(crate) struct Feeder {
    pub(crate) worker: WorkerId,
    pub(crate) lane: Lane,
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) slots: Slots,
    pub(crate) claims: Arc<dyn Claims>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) jobs: mpsc::Sender<Assigned>,
    pub(crate) stop: CancellationToken,
}

impl Feeder {
    /// Claims as long as there are free slots and due jobs; else waits for a hint or a second.
    pub(crate) async fn run(self, mut hints: HintStream) {
        let mut reached = Reached::new(Instant::now());
        let mut pause = PAUSE_FIRST;
        while let Some(free) = self.free_slots().await {
            let (count, began) = (free.len(), Instant::now());
            let from = reached.floors(began);
            let mut floors = from.clone();
            let claiming =
                self.claims
                    .claim(self.worker, self.lane, &self.wanted, count, &mut floors);
            match patient(claiming).await {
                Ok(leases) => {
                    let came = Instant::now();
                    pause = PAUSE_FIRST;
                    let left_room = self.hand_over(leases, free).await < count;
                    reached.learn((&from, began), floors, left_room, came);
                    let rest = reached.until_look_below(Instant::now()).min(POLL);
                    if left_room && !rest.is_zero() && !self.idle(&mut hints, rest).await {
                        break;
                    }
                }
                Err(error) => {
                    warn!(job.lane = %self.lane, error = %chain(&error), "claim failed");
                    tokio::select! {
                        () = self.stop.cancelled() => break,
                        () = tokio::time::sleep(pause) => pause = (pause * 2).min(PAUSE_MOST),
                    }
                }
            }
        }
    }

    /// Waits for a free slot and takes all that are free; none when it is time to stop.
    async fn free_slots(&self) -> Option<Vec<Slot>> {
        let first = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            slot = self.slots.free() => slot?,
        };
        let mut free = vec![first];
        while free.len() < CLAIM_MAX {
            match self.slots.free_now() {
                Some(slot) => free.push(slot),
                None => break,
            }
        }
        Some(free)
    }

    async fn hand_over(&self, leases: Vec<ClaimedLease>, free: Vec<Slot>) -> usize {
        let mut free = free.into_iter();
        let mut filled = 0;
        for lease in leases {
            self.registry.hold(lease.lease, lease.jobs.len());
            for (bit, job) in lease.jobs {
                let slot = free
                    .next()
                    .expect("a claim returns no more jobs than slots asked for");
                let assigned = Assigned {
                    lease: lease.lease,
                    bit,
                    job,
                    slot,
                };
                if self.jobs.send(assigned).await.is_err() {
                    // The runtime is gone; the reaper gives the claimed jobs back.
                    self.registry.forget(lease.lease);
                    return filled;
                }
                filled += 1;
            }
        }
        filled
    }

    /// Waits for a hint, and no longer than this; false when it is time to stop.
    async fn idle(&self, hints: &mut HintStream, rest: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return false,
            hint = hints.next() => {
                if hint.is_some() {
                    return true;
                }
            }
            () = tokio::time::sleep(rest) => return true,
        }
        // The transport ended: the poll alone goes on.
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(rest) => true,
        }
    }
}
