//! What must hold, each by the sentence that promises it, and who judges whether it does.

use crate::ghost::Ghost;
use crate::jobs::{Job, Jobs};
use crate::op::{Answer, Due, End, Granted, Op, Settlement};
use crate::plan::{GATES, KEYS, Plan, Policy};
use crate::tables::Tables;

macro_rules! invariants {
    ($($name:ident $sentence:literal,)+) => {
        /// What must hold.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Invariant {
            $(#[doc = $sentence] $name,)+
        }

        impl Invariant {
            /// Every invariant.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The sentence that promises it.
            pub const fn sentence(self) -> &'static str {
                match self {
                    $(Self::$name => $sentence,)+
                }
            }
        }
    };
}

invariants! {
    OnePlace "Whatever happens in whatever order, a job is in exactly one place.",
    OneHolder "Two workers never hold the same job.",
    Fence "A result that comes under a lease that is gone changes nothing.",
    EffectWithEnd "The effect that a job writes with its end is there once when it succeeded, and never else.",
    FollowUpsWithCause "Follow-up work is written with the end of its cause.",
    TimeRunsOnce "A time of a schedule runs once, whichever scheduler decides it, and however often.",
    OneJobPerRequest "The same request under the same key makes one job.",
    CancelIsHonoured "A cancelled job ends as cancelled wherever it is and however it comes back.",
    RequestEndsWithJob "Who ends a job removes its cancel request, however it ends.",
    TriesAreCharged "An attempt that failed, or was lost after it began, is charged.",
    OthersAreNotCharged "What snoozed, was given back or never began is not charged.",
    RedriveStartsAnew "A redriven dead letter has all its attempts anew.",
    LostComeBackAlone "A job that was lost while it ran comes back alone in its lease.",
    DiesWhenSpent "A job dies when its attempts are spent, however they were spent.",
    MovedBeatIsAlive "A lease whose beat has moved since the reaper saw it is not taken.",
    NoBeginUnderGoneLease "A job does not begin under a lease that is gone.",
    UnknownLeaseComesBack "A lease that no process knows of is not renewed, and its jobs come back.",
    HintsMayBeLost "Losing every hint loses no work.",
    AllWorkEnds "When all is well for long enough, all work ends.",
    PausedLaneRests "Nothing of a paused lane is claimed.",
    NotBeforeItsTime "Nothing is due before its time, by the database's clock and nobody else's.",
    LateJobsExpire "A job that was not started by its deadline is not started.",
    TriedJobsDoNotExpire "A job that was tried does not expire.",
    UrgentFirst "What is more urgent is claimed first.",
    WithinLimit "Of a gate's members no more than its limit are in play.",
    InPlayIsCounted "A gate's count is the number of its members in play.",
    NobodyWaitsForRoom "Nobody waits at a gate in which there is room.",
    InGateOrder "Members of a gate come into play in the order in which they were asked for.",
    DeadHeadHolds "A dead letter keeps its place in a gate that holds dead letters.",
    UngatedTouchNoGate "Work without a gate touches no gate.",
    GateIsRepaired "The sweeper repairs a gate whose count is wrong while others wait.",
    AfterItsCauses "A member of a batch runs after the members that must end before it.",
    CountsOnce "A member that is redriven and ends again counts once for those that wait for it.",
    WaitsForSomething "Nobody waits for a member that will never end well, unless to be cancelled.",
    StopStops "In a batch that stops, the failure of one member cancels all that have not ended.",
    CancelReachesAll "Who cancels a job cancels every unfinished member of its batch, and theirs.",
    WhatFollowsIsCancelled "A job that succeeds although its cancel was requested passes the request on.",
}

/// Judges steps.
#[derive(Debug, Clone, Default)]
pub struct Judge {
    ghost: Ghost,
}

type Verdict = Result<(), Invariant>;

fn must(holds: bool, invariant: Invariant) -> Verdict {
    if holds { Ok(()) } else { Err(invariant) }
}

impl Judge {
    /// Judges one step.
    ///
    /// # Errors
    /// The first invariant that the step breaks.
    pub fn judge(
        &mut self,
        plan: &Plan,
        before: &Tables,
        op: &Op,
        answer: &Answer,
        after: &Tables,
    ) -> Verdict {
        let step = Step {
            plan,
            before,
            after,
            ghost: &self.ghost,
        };
        match (op, answer) {
            (Op::Claim { lane, .. }, Answer::Claimed(granted)) => step.claim(*lane, granted)?,
            (Op::Settle(ends), Answer::Settled(written, fenced)) => {
                step.settle(ends, *written, fenced)?;
            }
            (Op::Reap { lease, beat }, _) => step.reap(*lease, *beat)?,
            (Op::Ask(jobs) | Op::Cancel(jobs), _) => step.cancel(*jobs)?,
            (Op::Retry(jobs), _) => step.redrive(*jobs)?,
            (Op::Repair { gate, .. }, _) => step.repair(*gate)?,
            (Op::Runs { lease, bit }, _) => {
                let seen = step.ghost.lease(*lease);
                let stands = seen.is_some_and(|seen| seen.open >> bit & 1 == 1);
                must(stands, Invariant::NoBeginUnderGoneLease)?;
            }
            (Op::Quiet, _) => step.quiet()?,
            _ => {}
        }
        step.gates_untouched(op)?;
        step.moves(op)?;
        let known = self.ghost.satisfied;
        self.ghost.hear(plan, before, op, answer, after);
        let step = Step {
            plan,
            before,
            after,
            ghost: &self.ghost,
        };
        step.places()?;
        step.charges()?;
        step.requests()?;
        step.gates()?;
        step.batches(known)
    }
}

struct Step<'a> {
    plan: &'a Plan,
    before: &'a Tables,
    after: &'a Tables,
    ghost: &'a Ghost,
}

impl Step<'_> {
    fn claim(&self, lane: u8, granted: &[Granted]) -> Verdict {
        let paused = self.before.paused[usize::from(lane)];
        must(!paused || granted.is_empty(), Invariant::PausedLaneRests)?;
        let (mut claimed, mut least) = (Jobs::NONE, 0);
        for one in granted {
            let job = one.job;
            let is_free = self.before.ready.has(job)
                && !self.after.ready.has(job)
                && !self.before.held().has(job)
                && !claimed.has(job);
            must(is_free, Invariant::OneHolder)?;
            claimed.add(job);
            least = least.max(self.plan.spec(job).priority);
            let mut company = granted.iter().filter(|other| other.lease == one.lease);
            let is_alone = company.nth(1).is_none();
            must(
                is_alone || !self.ghost.lost.has(job),
                Invariant::LostComeBackAlone,
            )?;
            let asked = self.ghost.asked.has(job);
            must(
                !asked || one.due == Due::Cancelled,
                Invariant::CancelIsHonoured,
            )?;
            let late = self.ghost.is_late(job, self.before.now);
            must(
                asked || !late || one.due == Due::Expired,
                Invariant::LateJobsExpire,
            )?;
            must(
                late || one.due != Due::Expired,
                Invariant::TriedJobsDoNotExpire,
            )?;
        }
        let mut left = self.after.ready.into_iter().map(|job| self.plan.spec(job));
        let passed = left.any(|spec| spec.lane == lane && spec.priority < least);
        must(!passed, Invariant::UrgentFirst)
    }

    fn settle(&self, ends: &[Settlement], written: u32, fenced: &[Job]) -> Verdict {
        let (open, gone): (Vec<&Settlement>, Vec<&Settlement>) =
            ends.iter().partition(|end| self.ghost.is_open(end));
        let rightly: Jobs = open.iter().map(|end| end.job).collect();
        let ended = (self.after.over() | self.after.dead).less(self.before.over());
        let gone_jobs: Jobs = gone.iter().map(|end| end.job).collect();
        let is_fenced = gone.iter().all(|end| fenced.contains(&end.job))
            && usize::try_from(written) == Ok(open.len())
            && fenced.len() == gone.len()
            && (ended & gone_jobs)
                .less(rightly | self.before.dead)
                .is_empty();
        must(is_fenced, Invariant::Fence)?;
        for end in open.iter().filter(|end| end.end == End::Succeeded) {
            let spec = self.plan.spec(end.job);
            let follows = spec.then & self.after.unfinished();
            if self.before.requests.has(end.job) {
                let all = follows.less(self.after.requests).is_empty();
                must(all, Invariant::WhatFollowsIsCancelled)?;
            }
        }
        Ok(())
    }

    fn reap(&self, lease: u32, beat: u16) -> Verdict {
        let was_there = self.ghost.lease(lease);
        let moved = was_there.is_some_and(|seen| seen.beat > beat);
        must(
            !moved || self.after.lease(lease).is_some(),
            Invariant::MovedBeatIsAlive,
        )
    }

    fn cancel(&self, jobs: Jobs) -> Verdict {
        let whole = self.plan.whole(jobs) & self.after.unfinished();
        let all = whole.less(self.after.requests).is_empty();
        must(all, Invariant::CancelReachesAll)
    }

    fn redrive(&self, jobs: Jobs) -> Verdict {
        let mut redriven = (jobs & self.before.dead).less(self.after.dead).into_iter();
        let anew = redriven.all(|job| self.after.charged[usize::from(job)] == 0);
        must(anew, Invariant::RedriveStartsAnew)
    }

    fn repair(&self, gate: u8) -> Verdict {
        let counted = self.in_gate(gate).len();
        let says = u32::from(self.after.gates[usize::from(gate)].in_play);
        must(counted == says, Invariant::GateIsRepaired)
    }

    /// Nothing works against the work any more: what is left was forgotten.
    fn quiet(&self) -> Verdict {
        must(
            self.after.leases.is_empty(),
            Invariant::UnknownLeaseComesBack,
        )?;
        must(self.after.ready.is_empty(), Invariant::HintsMayBeLost)?;
        let left = self.after.known.less(self.after.over());
        must(left.is_empty(), Invariant::AllWorkEnds)
    }

    /// Members that count as in play, dead ones where those keep their place.
    fn in_gate(&self, gate: u8) -> Jobs {
        let spec = self.plan.gates[usize::from(gate)];
        let mut play = self.after.in_play();
        if spec.holds_dead {
            play |= self.after.dead;
        }
        play & self.plan.members_of_gate(gate)
    }

    fn gates_untouched(&self, op: &Op) -> Verdict {
        if self.before.gates == self.after.gates || matches!(op, Op::Repair { .. }) {
            return Ok(());
        }
        let (old, new) = (self.before, self.after);
        let moved = (old.known.0 ^ new.known.0)
            | (old.ready.0 ^ new.ready.0)
            | (old.scheduled.0 ^ new.scheduled.0)
            | (old.waiting.0 ^ new.waiting.0)
            | (old.dead.0 ^ new.dead.0)
            | (old.over().0 ^ new.over().0);
        let moved = Jobs(moved);
        let asked_for = matches!(op, Op::Enqueue(_));
        let gated = !(moved & self.plan.gated()).is_empty();
        let counts = |tables: &Tables| tables.gates.map(|gate| gate.in_play);
        must(
            gated || asked_for || counts(old) == counts(new),
            Invariant::UngatedTouchNoGate,
        )
    }

    /// What comes into play comes at its time and in its turn.
    fn moves(&self, op: &Op) -> Verdict {
        let due = self.after.ready.less(self.before.ready);
        let mut early = due.into_iter().filter(|job| {
            let at = usize::from(*job);
            let known = self.before.known.has(*job);
            let since = self.before.now + self.plan.spec(*job).delay;
            let not_before = if known {
                self.ghost.not_before[at]
            } else {
                since
            };
            // What an operator runs now, or a reaper gives back, is due at once.
            let came = self.before.scheduled.has(*job) || self.before.waiting.has(*job) || !known;
            came && not_before > self.after.now
        });
        let by_hand = matches!(op, Op::Retry(_));
        must(
            by_hand || early.next().is_none(),
            Invariant::NotBeforeItsTime,
        )?;
        let expired = self.after.ended[3].less(self.before.ended[3]) & self.ghost.tried;
        must(expired.is_empty(), Invariant::TriedJobsDoNotExpire)?;
        if self.after.waiting.is_empty() {
            return Ok(());
        }
        let came = self.after.in_play().less(self.before.in_play());
        for (gate, spec) in (0..).zip(self.plan.gates) {
            let members = self.after.waiting & self.plan.members_of_gate(gate);
            // Whoever only now waits for nothing else may find that somebody came before.
            let stood = members.into_iter().filter(|job| {
                let at = usize::from(*job);
                let was_held = self.before.waiting.has(*job) && self.before.needs[at] > 0;
                self.after.needs[at] == 0 && !was_held
            });
            let Some(next) = stood.map(|job| self.after.seq[usize::from(job)]).min() else {
                continue;
            };
            let mut came = came & self.plan.members_of_gate(gate);
            if spec.holds_dead {
                came = came.less(self.before.dead);
            }
            let mut came = came.into_iter();
            let in_order = came.all(|job| self.after.seq[usize::from(job)] < next);
            must(in_order, Invariant::InGateOrder)?;
        }
        Ok(())
    }

    fn places(&self) -> Verdict {
        let tables = self.after;
        let (mut once, mut twice) = (Jobs::NONE, Jobs::NONE);
        let mut put = |jobs: Jobs| {
            twice |= once & jobs;
            once |= jobs;
        };
        for jobs in [tables.ready, tables.scheduled, tables.waiting, tables.dead] {
            put(jobs);
        }
        for jobs in tables.ended {
            put(jobs);
        }
        for lease in &tables.leases {
            for (_, job) in lease.open_jobs() {
                put(Jobs::of(job));
            }
        }
        must(
            twice.is_empty() && once == tables.known,
            Invariant::OnePlace,
        )?;
        for job in tables.known {
            let is_done = tables.ended[0].has(job);
            let effects = tables.effects[usize::from(job)];
            must(effects == u8::from(is_done), Invariant::EffectWithEnd)?;
            let then = self.plan.spec(job).then;
            let written = if is_done { then } else { Jobs::NONE };
            must(
                then & tables.known == written,
                Invariant::FollowUpsWithCause,
            )?;
        }
        for [one, other] in self.plan.timed.iter().copied() {
            let both = tables.known.has(one) && tables.known.has(other);
            must(!both, Invariant::TimeRunsOnce)?;
        }
        for key in 0..KEYS {
            let [one, other] = self.plan.keyed[key];
            let both = tables.known.has(one) && tables.known.has(other);
            must(!both, Invariant::OneJobPerRequest)?;
        }
        Ok(())
    }

    fn charges(&self) -> Verdict {
        for job in self.after.known {
            let at = usize::from(job);
            let (says, spent) = (self.after.charged[at], self.ghost.spent[at]);
            must(says >= spent, Invariant::TriesAreCharged)?;
            must(says <= spent, Invariant::OthersAreNotCharged)?;
        }
        let mut in_play = self.after.in_play().into_iter();
        let spent = in_play
            .any(|job| self.ghost.spent[usize::from(job)] >= self.plan.spec(job).attempts_max);
        must(!spent, Invariant::DiesWhenSpent)
    }

    fn requests(&self) -> Verdict {
        let forgotten = self.ghost.asked.less(self.after.requests);
        must(forgotten.is_empty(), Invariant::CancelIsHonoured)?;
        let left = self.after.requests & (self.after.over() | self.after.dead);
        must(left.is_empty(), Invariant::RequestEndsWithJob)
    }

    fn gates(&self) -> Verdict {
        let play = self.after.in_play();
        for gate in 0..GATES {
            let spec = self.plan.gates[gate];
            let limit = u32::from(spec.max);
            let gate = u8::try_from(gate).unwrap_or(0);
            let alive = (play & self.plan.members_of_gate(gate)).len();
            let members = self.in_gate(gate).len();
            must(alive > limit || members <= limit, Invariant::DeadHeadHolds)?;
            let says = u32::from(self.after.gates[usize::from(gate)].in_play);
            must(members == says, Invariant::InPlayIsCounted)?;
            must(members <= limit, Invariant::WithinLimit)?;
            let waits = self.after.next_of(self.plan, gate).is_some();
            must(!waits || members == limit, Invariant::NobodyWaitsForRoom)?;
        }
        Ok(())
    }

    /// `known`: who was satisfied before this step.
    fn batches(&self, known: Jobs) -> Verdict {
        let (before, after) = (self.before, self.after);
        let ended = after.over().less(before.over()) | after.dead.less(before.dead);
        let again = match (ended & known).is_empty() {
            true => Invariant::AfterItsCauses,
            false => Invariant::CountsOnce,
        };
        let play = after.in_play();
        for job in after.unfinished() {
            let spec = self.plan.spec(job);
            if spec.after.is_empty() {
                continue;
            }
            let unmet = spec.after.less(self.ghost.satisfied);
            if play.has(job) {
                must(unmet.is_empty(), again)?;
                continue;
            }
            must(
                unmet.len() == u32::from(after.needs[usize::from(job)]),
                again,
            )?;
            let is_stuck = !(unmet & after.over()).is_empty();
            must(
                !is_stuck || after.requests.has(job),
                Invariant::WaitsForSomething,
            )?;
        }
        let failed = ended.less(after.ended[0]);
        for job in failed {
            let Some(parent) = self.plan.spec(job).batch else {
                continue;
            };
            let parent = self.plan.spec(parent);
            if parent.policy == Policy::Stop {
                let left = (parent.members & after.unfinished()).less(after.requests);
                must(left.is_empty(), Invariant::StopStops)?;
            }
        }
        Ok(())
    }
}
