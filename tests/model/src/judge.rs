//! Who judges whether a step keeps the invariants: by what was asked, what was answered, and what
//! moved.

use crate::ghost::Ghost;
use crate::invariants::Invariant;
use crate::jobs::{Job, Jobs};
use crate::op::{Answer, Due, End, Granted, Op, Settlement};
use crate::plan::Plan;
use crate::tables::Tables;

/// Judges steps.
#[derive(Debug, Clone, Default)]
pub(crate) struct Judge {
    ghost: Ghost,
}

pub(crate) type Verdict = Result<(), Invariant>;

pub(crate) fn must(holds: bool, invariant: Invariant) -> Verdict {
    if holds { Ok(()) } else { Err(invariant) }
}

impl Judge {
    /// Judges one step.
    ///
    /// # Errors
    /// The first invariant that the step breaks.
    pub(crate) fn judge(
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

/// A step, and what is known of it.
pub(crate) struct Step<'a> {
    pub(crate) plan: &'a Plan,
    pub(crate) before: &'a Tables,
    pub(crate) after: &'a Tables,
    pub(crate) ghost: &'a Ghost,
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
        let buried = self.after.dead.less(self.before.dead) & self.before.requests;
        must(buried.is_empty(), Invariant::CancelIsHonoured)?;
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
    pub(crate) fn in_gate(&self, gate: u8) -> Jobs {
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
}
