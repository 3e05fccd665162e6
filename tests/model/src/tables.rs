//! The tables: where jobs stand, as keys of tables and not as a column of a job, so that a broken
//! machine can put a job in two places or in none.

use crate::jobs::{JOBS_MAX, Job, Jobs};
use crate::op::LeaseNo;
use crate::plan::{GATES, KEYS, LANES, Plan};

/// No time.
pub const NEVER: u16 = u16::MAX;
/// Jobs of a lease, at most: its bits are a byte here.
pub const LEASE_JOBS_MAX: usize = 8;

/// A claimed batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// The fencing token.
    pub no: LeaseNo,
    /// Whose it is.
    pub worker: u8,
    /// Rises while it is renewed.
    pub beat: u16,
    /// Its jobs, by bit.
    pub jobs: [Job; LEASE_JOBS_MAX],
    /// How many.
    pub count: u8,
    /// Bits that are not settled.
    pub open: u8,
    /// Bits that began.
    pub started: u8,
}

impl Lease {
    /// Bit and job of those that are still open.
    pub fn open_jobs(&self) -> impl Iterator<Item = (u8, Job)> + '_ {
        let bits = (0..self.count).filter(|bit| self.open >> bit & 1 == 1);
        bits.map(|bit| (bit, self.jobs[usize::from(bit)]))
    }
}

/// A gate's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gate {
    /// Members in play, as counted.
    pub in_play: u8,
    /// The place of the next member.
    pub next_seq: u16,
}

/// How a job ended, as an index of [`Tables::ended`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Succeeded,
    /// Stopped by a person.
    Cancelled,
    /// A dead letter that was put away.
    Discarded,
    /// Not started in time.
    Expired,
}

/// Every table of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// The database's time, in hours.
    pub now: u16,
    /// Jobs that were asked for.
    pub known: Jobs,
    /// Due work.
    pub ready: Jobs,
    /// Work for later.
    pub scheduled: Jobs,
    /// Work behind a gate or a batch.
    pub waiting: Jobs,
    /// Dead letters.
    pub dead: Jobs,
    /// Ends, by [`Outcome`].
    pub ended: [Jobs; 4],
    /// Claimed batches.
    pub leases: Vec<Lease>,
    /// Requests to cancel.
    pub requests: Jobs,
    /// Entries that are to be alone in their lease.
    pub solo: Jobs,
    /// Jobs that have a lost attempt among their attempts.
    pub lost: Jobs,
    /// Attempts charged, as the entry has them.
    pub charged: [u8; JOBS_MAX],
    /// Rows of failed attempts.
    pub failed: [u8; JOBS_MAX],
    /// Jobs that wait and named a time when they were asked for.
    pub timed: Jobs,
    /// Not before this hour.
    pub run_at: [u16; JOBS_MAX],
    /// Not started after this hour.
    pub deadline: [u16; JOBS_MAX],
    /// Places in gates.
    pub seq: [u16; JOBS_MAX],
    /// Edges: which jobs must end before it.
    pub after: [Jobs; JOBS_MAX],
    /// How many those are, as counted.
    pub needs: [u8; JOBS_MAX],
    /// Jobs that made a batch.
    pub batches: Jobs,
    /// Gates.
    pub gates: [Gate; GATES],
    /// Lanes of which nothing is claimed.
    pub paused: [bool; LANES],
    /// Idempotency keys: body and job.
    pub keys: [Option<(u8, Job)>; KEYS],
    /// Up to when the schedule is decided.
    pub decided: u16,
    /// Times of the schedule that ran, as bits.
    pub ticks: u64,
    /// Rows without a key that a job writes with its success.
    pub effects: [u8; JOBS_MAX],
}

impl Default for Tables {
    fn default() -> Self {
        Self {
            now: 0,
            known: Jobs::NONE,
            ready: Jobs::NONE,
            scheduled: Jobs::NONE,
            waiting: Jobs::NONE,
            dead: Jobs::NONE,
            ended: [Jobs::NONE; 4],
            leases: Vec::new(),
            requests: Jobs::NONE,
            solo: Jobs::NONE,
            lost: Jobs::NONE,
            charged: [0; JOBS_MAX],
            failed: [0; JOBS_MAX],
            timed: Jobs::NONE,
            run_at: [0; JOBS_MAX],
            deadline: [NEVER; JOBS_MAX],
            seq: [0; JOBS_MAX],
            after: [Jobs::NONE; JOBS_MAX],
            needs: [0; JOBS_MAX],
            batches: Jobs::NONE,
            gates: [Gate::default(); GATES],
            paused: [false; LANES],
            keys: [None; KEYS],
            decided: 0,
            ticks: 0,
            effects: [0; JOBS_MAX],
        }
    }
}

impl Tables {
    /// Jobs under a lease whose bit is open.
    pub fn held(&self) -> Jobs {
        let open = self.leases.iter().flat_map(Lease::open_jobs);
        open.map(|(_, job)| job).collect()
    }

    /// Jobs that have an outcome.
    pub fn over(&self) -> Jobs {
        self.ended[0] | self.ended[1] | self.ended[2] | self.ended[3]
    }

    /// Jobs that have neither an outcome nor a dead letter.
    pub fn unfinished(&self) -> Jobs {
        self.known.less(self.over() | self.dead)
    }

    /// Jobs that stand in ready, scheduled or a lease.
    pub fn in_play(&self) -> Jobs {
        self.ready | self.scheduled | self.held()
    }

    /// Members of a gate among jobs that wait for nothing else, the next first to come.
    pub fn next_of(&self, plan: &Plan, gate: u8) -> Option<Job> {
        let free = (self.waiting & plan.members_of_gate(gate)).into_iter();
        free.filter(|job| self.needs[usize::from(*job)] == 0)
            .min_by_key(|job| self.seq[usize::from(*job)])
    }

    /// The lease of this number.
    pub fn lease(&self, no: LeaseNo) -> Option<&Lease> {
        self.leases.iter().find(|lease| lease.no == no)
    }

    pub(crate) fn end(&mut self, job: Job, how: Outcome) {
        self.ended[how as usize].add(job);
    }
}
