//! A worker, as far as its own memory goes.

use crate::dice::Dice;
use crate::jobs::{Job, Jobs};
use crate::op::{Due, End, Granted, LeaseNo, Settlement};
use crate::plan::Plan;

/// What has become of a claimed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Claimed,
    Runs,
}

#[derive(Debug, Clone, Copy)]
struct Hand {
    lease: LeaseNo,
    bit: u8,
    job: Job,
    charged: u8,
    phase: Phase,
    /// A person asked it to stop.
    stop: bool,
}

/// A worker process.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    /// New at each start.
    pub(crate) id: u8,
    hands: Vec<Hand>,
    /// Ends that are to be written, or of which no answer came.
    ends: Vec<Settlement>,
    still_for: u8,
}

impl Worker {
    pub(crate) const fn new(id: u8) -> Self {
        Self {
            id,
            hands: Vec::new(),
            ends: Vec::new(),
            still_for: 0,
        }
    }

    pub(crate) const fn pause(&mut self, steps: u8) {
        self.still_for = steps;
    }

    pub(crate) const fn wake(&mut self) {
        self.still_for = 0;
    }

    pub(crate) const fn stands_still(&mut self) -> bool {
        let still = self.still_for > 0;
        self.still_for = self.still_for.saturating_sub(1);
        still
    }

    /// Leases that it knows of.
    pub(crate) fn leases(&self) -> Vec<LeaseNo> {
        let hands = self.hands.iter().map(|hand| hand.lease);
        let mut leases: Vec<_> = hands.chain(self.ends.iter().map(|end| end.lease)).collect();
        leases.sort_unstable();
        leases.dedup();
        leases
    }

    pub(crate) fn hold(&mut self, granted: &[Granted]) {
        for one in granted {
            let hand = Hand {
                lease: one.lease,
                bit: one.bit,
                job: one.job,
                charged: one.charged,
                phase: Phase::Claimed,
                stop: false,
            };
            match one.due {
                Due::Run => self.hands.push(hand),
                Due::Cancelled => self.ends.push(hand.ends(End::Cancelled)),
                Due::Expired => self.ends.push(hand.ends(End::Expired)),
            }
        }
    }

    /// Some jobs of one lease that have not begun.
    pub(crate) fn to_begin(&self, dice: &mut Dice) -> Option<(LeaseNo, u8)> {
        let claimed = |hand: &&Hand| hand.phase == Phase::Claimed;
        let waiting: Vec<&Hand> = self.hands.iter().filter(claimed).collect();
        let first = dice.pick(&waiting)?;
        let mates = waiting.iter().filter(|hand| hand.lease == first.lease);
        let some = mates.filter(|_| dice.once_in(2));
        let bits = some.fold(1 << first.bit, |bits, hand| bits | 1 << hand.bit);
        Some((first.lease, bits))
    }

    pub(crate) fn runs(&mut self, lease: LeaseNo, bits: u8) {
        for hand in self.hands.iter_mut().filter(|hand| hand.is_of(lease, bits)) {
            hand.phase = Phase::Runs;
        }
    }

    /// Nobody knows whether the beginning was noted: they go back.
    pub(crate) fn give_back(&mut self, lease: LeaseNo, bits: u8) {
        let gone = self.hands.iter().filter(|hand| hand.is_of(lease, bits));
        self.ends.extend(gone.map(|hand| hand.ends(End::Released)));
        self.let_go(lease, bits);
    }

    pub(crate) fn let_go(&mut self, lease: LeaseNo, bits: u8) {
        self.hands.retain(|hand| !hand.is_of(lease, bits));
    }

    pub(crate) fn learn(&mut self, held: &[LeaseNo], stop: Jobs) {
        self.hands.retain(|hand| held.contains(&hand.lease));
        for hand in &mut self.hands {
            hand.stop |= stop.has(hand.job);
        }
    }

    /// One of the running jobs comes to an end.
    pub(crate) fn finish(&mut self, plan: &Plan, dice: &mut Dice) {
        let runs = |hand: &Hand| hand.phase == Phase::Runs;
        let count = self.hands.iter().filter(|hand| runs(hand)).count();
        let nth = dice.below(count);
        let places = self.hands.iter().enumerate().filter(|(_, hand)| runs(hand));
        if let Some((place, _)) = places.map(|(place, hand)| (place, *hand)).nth(nth) {
            let hand = self.hands.swap_remove(place);
            self.ends.push(hand.ends(hand.end(plan, dice)));
        }
    }

    /// Everything that runs is done.
    pub(crate) fn finish_all(&mut self) {
        let runs = |hand: &Hand| hand.phase == Phase::Runs;
        let done = self.hands.iter().filter(|hand| runs(hand));
        let end = |hand: &Hand| match hand.stop {
            true => hand.ends(End::Cancelled),
            false => hand.ends(End::Succeeded),
        };
        self.ends.extend(done.map(end));
        self.hands.retain(|hand| !runs(hand));
    }

    /// Some of the ends that are not known to be written.
    pub(crate) fn to_settle(&self, dice: &mut Dice) -> Vec<Settlement> {
        let count = 1 + dice.below(4);
        self.ends.iter().take(count).copied().collect()
    }

    pub(crate) fn settled(&mut self, ends: &[Settlement]) {
        self.ends.retain(|end| !ends.contains(end));
    }
}

impl Hand {
    const fn ends(&self, end: End) -> Settlement {
        Settlement {
            lease: self.lease,
            bit: self.bit,
            job: self.job,
            end,
        }
    }

    const fn is_of(&self, lease: LeaseNo, bits: u8) -> bool {
        self.lease == lease && bits >> self.bit & 1 == 1
    }

    fn end(&self, plan: &Plan, dice: &mut Dice) -> End {
        if self.stop && !dice.once_in(3) {
            return End::Cancelled;
        }
        let is_last = self.charged + 1 >= plan.spec(self.job).attempts_max;
        match dice.below(20) {
            0..10 => End::Succeeded,
            10..15 if is_last => End::Dead,
            10..15 => End::Retry(dice.small(3)),
            15..17 => End::Snooze(dice.small(3)),
            17 => End::Dead,
            18 => End::Cancelled,
            _ => End::Released,
        }
    }
}
