//! Figures of the whole platform, as the database has them: for collectors and people who watch.

use std::time::Duration;

use async_trait::async_trait;

use super::{StoreError, UnservedKind};
use crate::job::Lane;
use crate::time::Timestamp;

const MINUTE: Duration = Duration::from_secs(60);

/// What ended in a lane lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The lane.
    pub lane: Lane,
    /// Jobs that succeeded.
    pub done: u64,
    /// Attempts that failed or were lost.
    pub failed: u64,
}

/// How many workers there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkerCounts {
    /// Heard of lately, and not asked to end.
    pub alive: u64,
    /// Heard of lately, and asked to drain.
    pub draining: u64,
    /// Not heard of lately.
    pub silent: u64,
}

/// How long measured jobs took from enqueue to settled: the service level of the whole platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServiceLevel {
    /// When the last one was settled.
    pub last_at: Timestamp,
    /// How long it took.
    pub last: Duration,
    /// Those that were settled within
    /// [`SERVICE_LEVEL_WITHIN`](crate::limits::SERVICE_LEVEL_WITHIN); none when there was none.
    pub lately: Option<Spread>,
}

/// Times of several jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spread {
    /// How many jobs.
    pub count: u64,
    /// The median.
    pub p50: Duration,
    /// Of twenty jobs, one took longer.
    pub p95: Duration,
    /// The longest.
    pub max: Duration,
}

/// Figures of one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The moment, by the database's clock.
    pub now: Timestamp,
    /// Lanes in which something ended.
    pub paces: Vec<Pace>,
    /// Within how long that was: a minute, or less when more ended than is counted,
    /// [`ENDS_MAX`](crate::limits::ENDS_MAX).
    pub within: Duration,
    /// Workers.
    pub workers: WorkerCounts,
    /// Jobs that wait for a worker that serves their kind.
    pub unserved: Vec<UnservedKind>,
    /// The service level; none while nothing was measured.
    pub service_level: Option<ServiceLevel>,
}

impl Figures {
    /// What would be in a minute, when there was so much lately.
    pub fn a_minute(&self, count: u64) -> u64 {
        let within = self.within.as_millis().max(1);
        u64::try_from(u128::from(count) * MINUTE.as_millis() / within).unwrap_or(u64::MAX)
    }

    /// The pace of a lane; none where nothing of it was counted although not everything was: the
    /// other lanes took it all.
    pub fn pace(&self, lane: Lane) -> Option<Pace> {
        let counted = self.paces.iter().find(|pace| pace.lane == lane).copied();
        let nothing = Pace {
            lane,
            done: 0,
            failed: 0,
        };
        counted.or_else(|| (self.within >= MINUTE).then_some(nothing))
    }
}

/// Reads figures.
#[async_trait]
pub trait Gauges: Send + Sync {
    /// The figures of this moment.
    async fn figures(&self) -> Result<Figures, StoreError>;
}
