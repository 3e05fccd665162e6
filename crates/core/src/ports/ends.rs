//! How jobs end, as workers tell it.

use std::time::Duration;

use serde_json::Value;

use super::Write;
use crate::fault::Fault;
use crate::ids::{JobId, LeaseId};
use crate::job::{Bound, Lane, NewJob, OnFailure};

/// How one job of a lease ended.
#[derive(Debug, Clone, PartialEq)]
pub enum End {
    /// It is done.
    Succeeded(Success),
    /// It failed and comes back.
    Retry {
        /// What went wrong.
        fault: Fault,
        /// After how long.
        delay: Duration,
    },
    /// It comes back without having spent an attempt.
    Snooze {
        /// Why.
        fault: Fault,
        /// After how long.
        delay: Duration,
    },
    /// It failed for good.
    Dead {
        /// What went wrong.
        fault: Fault,
    },
    /// A person stopped it.
    Cancelled,
    /// It was not started by its deadline.
    Expired,
    /// It goes back to its lane as it was: the worker drains.
    Released,
}

impl End {
    /// Whether the job does not come back by itself.
    pub const fn is_over(&self) -> bool {
        match self {
            Self::Succeeded(_) | Self::Dead { .. } | Self::Cancelled | Self::Expired => true,
            Self::Retry { .. } | Self::Snooze { .. } | Self::Released => false,
        }
    }
}

/// What a job that is done leaves behind, all of it in the transaction that ends it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Success {
    /// Small result for readers.
    pub result: Option<Value>,
    /// Jobs that follow, members of its batch among them.
    pub then: Vec<NewJob>,
    /// Whether it made a batch, and what the failure of a member means.
    pub batch: Option<OnFailure>,
    /// Rows that the job wants written with its end.
    pub writes: Vec<Write>,
}

/// The end of one job.
#[derive(Debug, Clone, PartialEq)]
pub struct Settlement {
    /// The lease it ran under.
    pub lease: LeaseId,
    /// Its bit in the lease.
    pub bit: u8,
    /// The job.
    pub job: JobId,
    /// Which attempt this was, from 1.
    pub attempt: u16,
    /// Who waits for its end.
    pub bound: Bound,
    /// How it ended.
    pub end: End,
}

/// What a settle did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Jobs whose end was written.
    pub written: u64,
    /// Jobs whose lease was gone: nothing of theirs was written.
    pub fenced: Vec<JobId>,
    /// Lanes in which something became ready.
    pub woken: Vec<Lane>,
}
