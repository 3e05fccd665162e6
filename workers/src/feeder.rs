//! Claims due jobs of one lane for its free slots.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::StreamExt;
use packtrain_core::fault::chain;
use packtrain_core::ids::WorkerId;
use packtrain_core::job::Lane;
use packtrain_core::patience::patient;
use packtrain_core::ports::{ClaimedLease, Claims, Floors, Heard, HintStream, Wanted};
use packtrain_core::time::Clock;
use packtrain_core::vitals::Pulse;
use tokio::sync::{mpsc, watch::Sender as Watched};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::backend::Assigned;
use crate::reached::Reached;
use crate::registry::Registry;
use crate::slots::{Slot, Slots};

/// Jobs of one claim, at most.
const CLAIM_MAX: usize = 200;
/// Jobs of one look from the beginning, at most: it may take long, and holds its slots meanwhile.
const LOOK_MAX: usize = 8;
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
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) jobs: mpsc::Sender<Assigned>,
    pub(crate) pulse: Pulse,
    pub(crate) stop: CancellationToken,
}

impl Feeder {
    /// Claims as long as there are free slots and due jobs; else waits for a hint or a second.
    pub(crate) async fn run(self, hints: HintStream) {
        let reached = Watched::new(Reached::new(Instant::now()));
        tokio::join!(self.follow(&reached, hints), self.look_below(&reached));
        self.pulse.rest();
    }

    /// Claims behind the floors: what is new.
    async fn follow(&self, reached: &Watched<Reached>, mut hints: HintStream) {
        let mut pause = PAUSE_FIRST;
        let mut heard: Option<Heard> = None;
        while let Some(free) = self.free_for_new().await {
            self.pulse.turn();
            let from = reached.borrow().floors();
            let goes_on = match self.claim(reached, from, free).await {
                Some(left_room) => {
                    self.pulse.answered();
                    pause = PAUSE_FIRST;
                    // Only now: where a transport gives a hint again that was not looked at, a
                    // worker that dies before its claim leaves it to another. Elsewhere the next
                    // look of another worker finds the job.
                    if let Some(heard) = heard.take() {
                        heard.looked();
                    }
                    !left_room || self.idle(&mut hints, &mut heard).await
                }
                None => self.rest(&mut pause).await,
            };
            if !goes_on {
                break;
            }
        }
    }

    /// Claims from the lane's beginning when it is time to: what entered below the floors. A
    /// second loop, because such a claim can take long, and what is new must not wait for it.
    async fn look_below(&self, reached: &Watched<Reached>) {
        let mut pause = PAUSE_FIRST;
        let mut learned = reached.subscribe();
        loop {
            let rest = learned.borrow_and_update().until_look_below(Instant::now());
            if !rest.is_zero() {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => break,
                    _ = learned.changed() => {}
                    () = tokio::time::sleep(rest) => {}
                }
                continue;
            }
            let Some(free) = self.free_slots(LOOK_MAX).await else {
                break;
            };
            match self.claim(reached, Floors::default(), free).await {
                Some(_) => pause = PAUSE_FIRST,
                None if self.rest(&mut pause).await => {}
                None => break,
            }
        }
    }

    /// Claims for so many slots and hands over what came; whether it left room, or none if it
    /// failed.
    async fn claim(
        &self,
        reached: &Watched<Reached>,
        from: Floors,
        free: Vec<Slot>,
    ) -> Option<bool> {
        let (count, began) = (free.len(), Instant::now());
        let mut floors = from.clone();
        let claiming = self
            .claims
            .claim(self.worker, self.lane, &self.wanted, count, &mut floors);
        match patient(claiming).await {
            Ok(leases) => {
                let came = Instant::now();
                let left_room = self.hand_over(leases, free).await < count;
                reached.send_modify(|reached| {
                    reached.learn((&from, began), floors, left_room, came);
                });
                Some(left_room)
            }
            Err(error) => {
                warn!(job.lane = %self.lane, error = %chain(&error), "claim failed");
                None
            }
        }
    }

    /// Waits after a claim that failed; false when it is time to stop.
    async fn rest(&self, pause: &mut Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => return false,
            () = tokio::time::sleep(*pause) => {}
        }
        *pause = (*pause * 2).min(PAUSE_MOST);
        true
    }

    /// Waits for free slots. While jobs of this lane have them that is no standing still; slots
    /// that nobody has and nobody gets are, however much other lanes hold.
    async fn free_for_new(&self) -> Option<Vec<Slot>> {
        let mut waiting = std::pin::pin!(self.free_slots(CLAIM_MAX));
        let mut rests = false;
        loop {
            tokio::select! {
                biased;
                free = &mut waiting => return free,
                () = tokio::time::sleep(POLL) => match self.registry.holds_for(self.lane) {
                    true => {
                        self.pulse.rest();
                        rests = true;
                    }
                    false if rests => {
                        self.pulse.turn();
                        rests = false;
                    }
                    false => {}
                },
            }
        }
    }

    /// Waits for a free slot and takes so many that are free; none when it is time to stop.
    async fn free_slots(&self, most: usize) -> Option<Vec<Slot>> {
        let first = tokio::select! {
            biased;
            () = self.stop.cancelled() => return None,
            slot = self.slots.free() => slot?,
        };
        let mut free = vec![first];
        while free.len() < most {
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
        let claimed_at = self.clock.now();
        for lease in leases {
            self.registry.hold(self.lane, lease.lease, lease.jobs.len());
            for (bit, job) in lease.jobs {
                let slot = free
                    .next()
                    .expect("a claim returns no more jobs than slots asked for");
                let assigned = Assigned {
                    lease: lease.lease,
                    bit,
                    job,
                    slot,
                    claimed_at,
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

    /// Waits for a hint, and no longer than the poll; false when it is time to stop.
    async fn idle(&self, hints: &mut HintStream, heard: &mut Option<Heard>) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return false,
            hint = hints.next() => {
                *heard = hint;
                if heard.is_some() {
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

#[cfg(test)]
mod tests {
    use packtrain_core::ids::{ClockIds, IdSource};
    use packtrain_core::time::SystemClock;
    use packtrain_core::vitals::{STUCK_AFTER, Vitals};

    use super::*;
    use crate::renewal::tests::Broken;

    #[tokio::test(start_paused = true)]
    async fn a_feeder_waits_for_slots_that_jobs_have_and_is_stuck_at_slots_that_nobody_has() {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        let (vitals, registry, lease) =
            (Vitals::default(), Arc::<Registry>::default(), ids.lease());
        let (jobs, _assigned) = mpsc::channel(1);
        let slots = Slots::new(1);
        let _taken = slots.free_now().unwrap();
        registry.hold(Lane::Io, lease, 1);
        let feeder = Feeder {
            worker: ids.worker(),
            lane: Lane::Io,
            wanted: Vec::new(),
            slots,
            claims: Arc::new(Broken { panics: false }),
            registry: Arc::clone(&registry),
            clock: Arc::new(SystemClock),
            jobs,
            pulse: vitals.watch("feeder", STUCK_AFTER),
            stop: CancellationToken::new(),
        };
        let mut feeding = std::pin::pin!(feeder.run(Box::pin(futures::stream::pending())));
        let mut pass = async |time: Duration| {
            assert!(tokio::time::timeout(time, &mut feeding).await.is_err());
        };
        pass(STUCK_AFTER * 10).await;
        assert_eq!(vitals.stuck(), []);
        assert_eq!(vitals.unanswered(), []);
        registry.forget(lease);
        // What another lane holds are not the slots of this one.
        registry.hold(Lane::Cpu, ids.lease(), 1);
        pass(STUCK_AFTER - POLL).await;
        assert_eq!(vitals.stuck(), []);
        pass(POLL * 4).await;
        assert_eq!(vitals.stuck().len(), 1);
    }
}
