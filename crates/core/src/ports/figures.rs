//! Figures of the whole platform, as the database has them: for collectors and people who watch.

use async_trait::async_trait;

use super::{StoreError, UnservedKind};
use crate::job::Lane;
use crate::time::Timestamp;

/// What ended in a lane within the last minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The lane.
    pub lane: Lane,
    /// Jobs that succeeded.
    pub done: u64,
    /// Attempts that failed or were lost.
    pub failed: u64,
}

/// Figures of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The moment, by the database's clock.
    pub now: Timestamp,
    /// Lanes in which something ended.
    pub paces: Vec<Pace>,
    /// Whether more ended than is counted, [`PACE_MAX`](crate::limits::PACE_MAX): then the paces
    /// are at least what they say.
    pub is_at_least: bool,
    /// Jobs that wait for a worker that serves their kind.
    pub unserved: Vec<UnservedKind>,
}

/// Reads figures.
#[async_trait]
pub trait Gauges: Send + Sync {
    /// The figures of this moment.
    async fn figures(&self) -> Result<Figures, StoreError>;
}
