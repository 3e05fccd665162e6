//! Until when a job may be started.

use std::time::Duration;

use crate::time::Timestamp;

/// Until when a job may be started; one that was never started by then expires. A job that began
/// in time may be tried again after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deadline {
    /// Until this moment.
    At(Timestamp),
    /// So long after it is due: when it is enqueued, or not before which it may run. The store
    /// counts by its own clock, which is the one that expiry goes by.
    Within(Duration),
}

impl Deadline {
    /// The moment, where it is one.
    pub const fn moment(self) -> Option<Timestamp> {
        match self {
            Self::At(moment) => Some(moment),
            Self::Within(_) => None,
        }
    }

    /// The time after it is due, where it is one.
    pub const fn within(self) -> Option<Duration> {
        match self {
            Self::At(_) => None,
            Self::Within(time) => Some(time),
        }
    }
}
