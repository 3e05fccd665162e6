//! What must hold of the tables after every step.

use crate::invariants::Invariant;
use crate::jobs::Jobs;
use crate::judge::{Step, Verdict, must};
use crate::plan::{GATES, KEYS, Policy};

impl Step<'_> {
    pub(crate) fn places(&self) -> Verdict {
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

    pub(crate) fn charges(&self) -> Verdict {
        for job in self.after.known {
            let at = usize::from(job);
            let (says, spent) = (self.after.charged[at], self.ghost.spent[at]);
            must(says >= spent, Invariant::TriesAreCharged)?;
            must(says <= spent, Invariant::OthersAreNotCharged)?;
        }
        let in_play = self.after.in_play().into_iter();
        let spent = in_play
            .filter(|job| !self.after.requests.has(*job))
            .any(|job| self.ghost.spent[usize::from(job)] >= self.plan.spec(job).attempts_max);
        must(!spent, Invariant::DiesWhenSpent)
    }

    pub(crate) fn requests(&self) -> Verdict {
        let forgotten = self.ghost.asked.less(self.after.requests);
        must(forgotten.is_empty(), Invariant::CancelIsHonoured)?;
        let left = self.after.requests & (self.after.over() | self.after.dead);
        must(left.is_empty(), Invariant::RequestEndsWithJob)
    }

    pub(crate) fn gates(&self) -> Verdict {
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
    pub(crate) fn batches(&self, known: Jobs) -> Verdict {
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
