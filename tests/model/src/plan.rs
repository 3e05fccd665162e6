//! What may be asked for in one small world: every job, its ties and what follows from it, thrown
//! by dice before the first step. A job's place here is its id, so ids repeat exactly.

use crate::dice::Dice;
use crate::jobs::{JOBS_MAX, Job, Jobs};
use crate::tables::NEVER;

/// Lanes of a world.
pub const LANES: usize = 2;
/// Gates of a world.
pub const GATES: usize = 3;
/// Idempotency keys of a world.
pub const KEYS: usize = 2;
/// Times of the schedule.
pub const TIMES: u16 = 3;

/// What the failure of a member means for its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Policy {
    /// Who comes after a dead letter waits for a person.
    Hold,
    /// Every member that has not ended is cancelled.
    Stop,
    /// Who comes after it runs all the same.
    Proceed,
}

/// A gate.
#[derive(Debug, Clone, Copy)]
pub struct GateSpec {
    /// Members in play, at most.
    pub max: u8,
    /// Whether a dead letter keeps its place.
    pub holds_dead: bool,
}

/// A job that may be asked for.
#[derive(Debug, Clone)]
pub struct Spec {
    /// Attempts it may have.
    pub attempts_max: u8,
    /// Where it waits.
    pub lane: u8,
    /// How soon within its lane; 0 is first.
    pub priority: u8,
    /// Whether it has a lease of its own.
    pub long: bool,
    /// Not before so many hours after it was asked for.
    pub delay: u16,
    /// To be started within so many hours.
    pub patience: u16,
    /// Its gate.
    pub gate: Option<u8>,
    /// What it follows from.
    pub parent: Option<Job>,
    /// The job whose batch it is a member of.
    pub batch: Option<Job>,
    /// Members of its batch that must end before it.
    pub after: Jobs,
    /// What follows from it, members of its batch among them.
    pub then: Jobs,
    /// Members of the batch that it makes.
    pub members: Jobs,
    /// What the failure of one of those means.
    pub policy: Policy,
}

/// Which of the things that hold jobs back a world has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ties {
    /// Gates.
    pub gates: bool,
    /// Batches.
    pub batches: bool,
}

/// Everything that may be asked for.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The jobs.
    pub jobs: Vec<Spec>,
    /// Those that clients enqueue.
    pub roots: Jobs,
    /// For each key, two ids under which a client may ask.
    pub keyed: [[Job; 2]; KEYS],
    /// For each time, its job and one that a broken scheduler would make.
    pub timed: Vec<[Job; 2]>,
    /// The gates.
    pub gates: [GateSpec; GATES],
    members_of_gate: [Jobs; GATES],
    gated: Jobs,
}

impl Plan {
    /// Throws a plan.
    pub fn throw(dice: &mut Dice, ties: Ties) -> Self {
        let mut making = Making {
            dice,
            jobs: Vec::with_capacity(JOBS_MAX),
            ties,
        };
        let roots: Jobs = (0..22).map(|_| making.job(None, true)).collect();
        let keyed = [(); KEYS].map(|()| [making.job(None, false), making.job(None, false)]);
        // A key belongs to one kind.
        for job in keyed.into_iter().flatten() {
            making.of(job).long = false;
        }
        let timed: Vec<[Job; 2]> = (0..TIMES)
            .map(|_| [making.job(None, false), making.job(None, false)])
            .collect();
        for root in roots {
            match making.dice.below(6) {
                0 => making.follow_ups(root),
                1 if ties.batches => making.batch(root, true),
                _ => {}
            }
        }
        let gates = [
            GateSpec {
                max: 1,
                holds_dead: true,
            },
            GateSpec {
                max: 1,
                holds_dead: false,
            },
            GateSpec {
                max: 2,
                holds_dead: making.dice.once_in(4),
            },
        ];
        let jobs = making.jobs;
        let mut members_of_gate = [Jobs::NONE; GATES];
        for (job, spec) in (0..).zip(&jobs) {
            if let Some(gate) = spec.gate {
                members_of_gate[usize::from(gate)].add(job);
            }
        }
        let gated = members_of_gate
            .into_iter()
            .fold(Jobs::NONE, |all, of| all | of);
        Self {
            jobs,
            roots,
            keyed,
            timed,
            gates,
            members_of_gate,
            gated,
        }
    }

    /// What the job is.
    pub fn spec(&self, job: Job) -> &Spec {
        &self.jobs[usize::from(job)]
    }

    /// Every job that has this gate.
    pub fn members_of_gate(&self, gate: u8) -> Jobs {
        self.members_of_gate[usize::from(gate)]
    }

    /// Every job that has a gate.
    pub const fn gated(&self) -> Jobs {
        self.gated
    }

    /// These jobs, the members of their batches, and theirs.
    pub fn whole(&self, jobs: Jobs) -> Jobs {
        let (mut whole, mut fresh) = (jobs, jobs);
        while !fresh.is_empty() {
            let reached = fresh.into_iter().map(|job| self.spec(job).members);
            fresh = reached.fold(Jobs::NONE, |all, of| all | of).less(whole);
            whole |= fresh;
        }
        whole
    }
}

struct Making<'d> {
    dice: &'d mut Dice,
    jobs: Vec<Spec>,
    ties: Ties,
}

impl Making<'_> {
    fn job(&mut self, parent: Option<Job>, may_wait: bool) -> Job {
        let dice = &mut *self.dice;
        let patience = match may_wait && dice.once_in(6) {
            true => u16::from(dice.small(4)),
            false => NEVER,
        };
        let delay = match may_wait && dice.once_in(4) {
            true => 1 + u16::from(dice.small(3)),
            false => 0,
        };
        let is_gated = self.ties.gates && dice.once_in(3);
        self.jobs.push(Spec {
            attempts_max: 1 + dice.small(3),
            lane: dice.small(LANES * 2) / 3,
            priority: 4 + dice.small(2),
            long: dice.once_in(5),
            delay,
            patience,
            gate: is_gated.then(|| dice.small(GATES)),
            parent,
            batch: None,
            after: Jobs::NONE,
            then: Jobs::NONE,
            members: Jobs::NONE,
            policy: Policy::Hold,
        });
        u8::try_from(self.jobs.len() - 1).unwrap_or(u8::MAX)
    }

    fn has_room(&self, count: usize) -> bool {
        self.jobs.len() + count <= JOBS_MAX
    }

    fn of(&mut self, job: Job) -> &mut Spec {
        &mut self.jobs[usize::from(job)]
    }

    fn follow_ups(&mut self, cause: Job) {
        for _ in 0..=self.dice.below(2) {
            if self.has_room(1) {
                let job = self.job(Some(cause), false);
                self.of(cause).then.add(job);
            }
        }
    }

    /// Members of which some come after others, often one that comes after all, and now and then
    /// one that splits once more.
    fn batch(&mut self, cause: Job, may_split: bool) {
        let count = 2 + self.dice.below(3);
        if !self.has_room(count + 1) {
            return;
        }
        self.of(cause).policy = match self.dice.below(3) {
            0 => Policy::Hold,
            1 => Policy::Stop,
            _ => Policy::Proceed,
        };
        let mut members = Jobs::NONE;
        for place in 0..=count {
            let job = self.job(Some(cause), false);
            let after = match place == count {
                true => members,
                false => {
                    let some = members.into_iter().filter(|_| self.dice.once_in(3));
                    some.collect()
                }
            };
            let member = self.of(job);
            (member.batch, member.after) = (Some(cause), after);
            members.add(job);
        }
        let spec = self.of(cause);
        (spec.members, spec.then) = (members, spec.then | members);
        if may_split && self.dice.once_in(2) {
            let first = members.into_iter().next();
            if let Some(first) = first {
                self.batch(first, false);
            }
        }
    }
}
