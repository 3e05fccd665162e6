//! Claims due jobs of one lane for its free slots.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use packtrain_core::fault::chain;
use packtrain_core::ids::WorkerId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{ClaimedLease, Claims, Floors, HintStream, Wanted};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backend::Assigned;
use crate::patience::patient;
use crate::registry::Registry;
use crate::slots::{Slot, Slots};

/// Jobs of one claim, at most.
const CLAIM_MAX: usize = 200;
/// How long an idle lane waits before it looks without a hint.
const POLL: Duration = Duration::from_secs(1);
/// How often a busy lane is looked at from its beginning.
const LOOK_BELOW: Duration = Duration::from_secs(1);
/// How long what was reached is no floor yet: new work may still enter a little below.
const FLOOR_AGE: Duration = Duration::from_millis(400);
/// Pause after a claim that failed; doubled up to the most.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// How far claims came, and from where the next one looks.
///
/// Work enters at the lane's clock, which follows the claims by a moment. So a claim looks from
/// where the claims were a moment ago, and now and then from the beginning.
struct Reached {
    now: Floors,
    before: Floors,
    long_before: Floors,
    noted: Instant,
    looked_below: Instant,
    /// Whether the last claim left room and looked only behind its floors.
    came_short: bool,
}

impl Reached {
    fn new() -> Self {
        Self {
            now: Floors::default(),
            before: Floors::default(),
            long_before: Floors::default(),
            noted: Instant::now(),
            looked_below: Instant::now(),
            came_short: false,
        }
    }

    /// Where to look from.
    fn floors(&mut self) -> Floors {
        let came_short = std::mem::take(&mut self.came_short);
        if came_short || self.looked_below.elapsed() >= LOOK_BELOW {
            self.looked_below = Instant::now();
            return Floors::default();
        }
        self.long_before.clone()
    }

    /// Takes in how far a claim came.
    fn learn(&mut self, floors: Floors) {
        self.now = floors;
        if self.noted.elapsed() >= FLOOR_AGE {
            self.long_before = std::mem::replace(&mut self.before, self.now.clone());
            self.noted = Instant::now();
        }
    }
}

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
        let mut reached = Reached::new();
        let mut pause = PAUSE_FIRST;
        while let Some(free) = self.free_slots().await {
            let count = free.len();
            let mut floors = reached.floors();
            let has_floors = !floors.0.is_empty();
            let claiming =
                self.claims
                    .claim(self.worker, self.lane, &self.wanted, count, &mut floors);
            match patient(claiming).await {
                Ok(leases) => {
                    reached.learn(floors);
                    pause = PAUSE_FIRST;
                    let filled = self.hand_over(leases, free).await;
                    if filled == count {
                        continue;
                    }
                    if filled > 0 && has_floors {
                        // What was found runs already; below the floors may be more.
                        reached.came_short = true;
                    } else if !self.idle(&mut hints).await {
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

    /// Waits for a hint, or for the poll; false when it is time to stop.
    async fn idle(&self, hints: &mut HintStream) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return false,
            hint = hints.next() => {
                if hint.is_some() {
                    return true;
                }
            }
            () = tokio::time::sleep(POLL) => return true,
        }
        // The transport ended: the poll alone goes on.
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(POLL) => true,
        }
    }
}
