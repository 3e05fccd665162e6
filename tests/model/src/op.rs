//! What is asked of the store, each in one transaction, and what it answers.

use crate::jobs::{Job, Jobs};

/// A lease's id: the fencing token.
pub type LeaseNo = u32;

/// How one job of a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Done; what the plan says follows.
    Succeeded,
    /// Failed, and back after so many hours.
    Retry(u8),
    /// Back after so many hours without having spent an attempt.
    Snooze(u8),
    /// Failed for good.
    Dead,
    /// Stopped by a person.
    Cancelled,
    /// Not started by its deadline.
    Expired,
    /// Back to its lane as it was.
    Released,
}

/// The end of one job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settlement {
    /// The lease it ran under.
    pub lease: LeaseNo,
    /// Its bit in the lease.
    pub bit: u8,
    /// The job.
    pub job: Job,
    /// How it ended.
    pub end: End,
}

/// What is asked of the store, and, last, what happens outside of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A client enqueues jobs, known ones among them.
    Enqueue(Vec<Job>),
    /// A client asks for a job under an idempotency key.
    Request {
        /// The id that it would have.
        job: Job,
        /// Which key.
        key: u8,
        /// Which body.
        body: u8,
    },
    /// A scheduler decides the times of its view up to now.
    Decide {
        /// What was decided when it looked.
        seen: u16,
        /// What is decided with this.
        until: u16,
    },
    /// A worker claims these, in this order.
    Claim {
        /// Who.
        worker: u8,
        /// Where.
        lane: u8,
        /// The id of the first lease; further ones count up.
        first: LeaseNo,
        /// Which jobs.
        picks: Vec<Job>,
        /// How many it asked for.
        count: u8,
    },
    /// A worker notes that jobs of a lease begin.
    Begin {
        /// Which lease.
        lease: LeaseNo,
        /// Which of its bits.
        bits: u8,
    },
    /// A worker renews the leases that it names.
    Renew {
        /// Who.
        worker: u8,
        /// Which leases.
        leases: Vec<LeaseNo>,
    },
    /// A worker writes ends.
    Settle(Vec<Settlement>),
    /// Somebody, whose own clock is off by so many hours, promotes what is due.
    Promote {
        /// How far off.
        offset: u8,
    },
    /// A reaper takes a lease whose beat it saw.
    Reap {
        /// Which lease.
        lease: LeaseNo,
        /// What it saw.
        beat: u16,
    },
    /// The sweeper ends what was cancelled or is late.
    Sweep,
    /// A gate's count is damaged from outside, and the sweeper repairs it.
    Repair {
        /// Which gate.
        gate: u8,
        /// What the count becomes.
        in_play: u8,
    },
    /// The first half of a cancel: the requests are committed.
    Ask(Jobs),
    /// The second half: what waits among them ends.
    Halt(Jobs),
    /// Both halves.
    Cancel(Jobs),
    /// An operator runs dead and scheduled jobs now.
    Retry(Jobs),
    /// An operator puts dead letters away.
    Discard(Jobs),
    /// An operator pauses or resumes a lane.
    Pause {
        /// Which lane.
        lane: u8,
        /// Whether nothing of it is claimed any more.
        on: bool,
    },
    /// The database's clock goes on by so many hours.
    Advance(u8),
    /// Outside: the code of a job begins to run.
    Runs {
        /// Under which lease.
        lease: LeaseNo,
        /// At which bit.
        bit: u8,
    },
    /// Outside: everything was well for long; all work must have ended.
    Quiet,
}

/// What is to become of a claimed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It runs.
    Run,
    /// It ends as cancelled.
    Cancelled,
    /// It ends as expired.
    Expired,
}

/// A claimed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    /// Its lease.
    pub lease: LeaseNo,
    /// Its bit.
    pub bit: u8,
    /// The job.
    pub job: Job,
    /// Attempts charged before.
    pub charged: u8,
    /// What is to become of it.
    pub due: Due,
}

/// What the store answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Nothing to tell.
    Done,
    /// So many rows.
    Count(u32),
    /// The job that stands for the request; none on a conflict.
    Requested(Option<Job>),
    /// A schedule's decision: none when another was first.
    Decided(Option<u32>),
    /// Jobs under leases.
    Claimed(Vec<Granted>),
    /// Leases that still stand.
    Leases(Vec<LeaseNo>),
    /// Leases that are held, and jobs that a person asked to stop.
    Renewed(Vec<LeaseNo>, Jobs),
    /// Ends written, and jobs that were fenced.
    Settled(u32, Vec<Job>),
    /// Jobs that came back, and that died.
    Reaped(u32, u32),
    /// Jobs that ended as cancelled, and as expired.
    Swept(u32, u32),
    /// Jobs that were changed at once, and that were asked to stop.
    Changed(Jobs, Jobs),
}
