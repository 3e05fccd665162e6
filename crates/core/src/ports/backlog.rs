//! How much work waits in each lane, as time: what fleets are scaled by.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::StoreError;
use crate::job::Lane;
use crate::time::Timestamp;

/// What an attempt of a kind is taken to need while none was measured.
pub const KIND_TIME_UNKNOWN: Duration = Duration::from_secs(1);
/// What a lane's backlog is at least while jobs are due and nobody works there: no number of slots
/// divides it, and it must look like too much to whoever starts workers.
pub const NO_WORKER_BACKLOG: Duration = Duration::from_secs(60 * 60);
/// What a backlog is at most: a collector wants a number.
pub const BACKLOG_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The name of the figure that fleets are scaled out by, in seconds.
pub const BACKLOG_SECONDS: &str = "packtrain_backlog_seconds";

/// What attempts of a kind took in a lane, as a worker measured: how long each held its slot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindTime {
    /// The lane.
    pub lane: Lane,
    /// The kind.
    pub kind: Arc<str>,
    /// How many attempts.
    pub count: u64,
    /// What they took together.
    pub total: Duration,
}

/// Keeps what attempts took, for every process and over every restart.
#[async_trait]
pub trait Times: Send + Sync {
    /// Takes in what was measured since the last call.
    async fn note(&self, measured: &[KindTime]) -> Result<(), StoreError>;
}

/// The work of a lane, and who is there to do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneBacklog {
    /// The lane.
    pub lane: Lane,
    /// Whether a person paused it.
    pub is_paused: bool,
    /// Jobs that are due: none that is for later, or behind a gate or a batch.
    pub jobs: u64,
    /// What those take together, by the measured times of their kinds.
    pub work: Duration,
    /// Since when the oldest of them is due.
    pub oldest: Option<Timestamp>,
    /// Jobs that live workers hold.
    pub in_flight: u64,
    /// Those of them that began.
    pub began: u64,
    /// What the jobs in flight have still to do.
    pub remaining: Duration,
    /// Workers that live and do not drain.
    pub workers: u64,
    /// Jobs that those run at once.
    pub slots: u64,
}

impl LaneBacklog {
    /// How long the slots of the lane need for what is due: nothing while the lane is paused, since
    /// no worker would help, and [`NO_WORKER_BACKLOG`] or more while there is work and no slot.
    pub fn waiting(&self) -> Duration {
        if self.is_paused || self.jobs == 0 {
            return Duration::ZERO;
        }
        let time = match self.slots {
            0 => self.work.max(NO_WORKER_BACKLOG),
            slots => over(self.work, slots),
        };
        time.min(BACKLOG_MAX)
    }

    /// How long the slots of the lane need for what they have begun or claimed already.
    pub fn finishing(&self) -> Duration {
        over(self.remaining, self.slots.max(1)).min(BACKLOG_MAX)
    }

    /// The share of slots at work, in percent; what drains has none.
    pub fn busy_percent(&self) -> u64 {
        let busy = self.began.min(self.slots);
        (busy * 100).checked_div(self.slots).unwrap_or(0)
    }

    /// How long the oldest due job has been due.
    pub fn oldest_age(&self, now: Timestamp) -> Duration {
        let age = self
            .oldest
            .and_then(|since| now.signed_duration_since(since).to_std().ok());
        age.unwrap_or_default()
    }

    /// Its figures for collectors, by the names under which all of them know it.
    pub fn figures(&self, now: Timestamp) -> [(&'static str, f64); 7] {
        [
            (BACKLOG_SECONDS, self.waiting().as_secs_f64()),
            ("packtrain_backlog_jobs", float(self.jobs)),
            (
                "packtrain_backlog_oldest_seconds",
                self.oldest_age(now).as_secs_f64(),
            ),
            ("packtrain_slots_busy_percent", float(self.busy_percent())),
            ("packtrain_in_flight_jobs", float(self.in_flight)),
            (
                "packtrain_in_flight_seconds",
                self.finishing().as_secs_f64(),
            ),
            ("packtrain_slots", float(self.slots)),
        ]
    }
}

fn over(work: Duration, slots: u64) -> Duration {
    let nanos = work.as_nanos() / u128::from(slots);
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "collectors take floats, and counts stop early"
)]
const fn float(count: u64) -> f64 {
    count as f64
}

/// The work of every lane at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Backlog {
    /// The moment, by the database's clock.
    pub now: Timestamp,
    /// The lanes.
    pub lanes: Vec<LaneBacklog>,
}

/// Reads how much work waits.
#[async_trait]
pub trait Backlogs: Send + Sync {
    /// The work of this moment.
    async fn backlog(&self) -> Result<Backlog, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lane() -> LaneBacklog {
        LaneBacklog {
            lane: Lane::Notify,
            is_paused: false,
            jobs: 1_200,
            work: Duration::from_secs(30),
            oldest: None,
            in_flight: 40,
            began: 30,
            remaining: Duration::from_millis(400),
            workers: 2,
            slots: 40,
        }
    }

    #[test]
    fn a_backlog_is_the_work_that_waits_over_the_slots_in_service() {
        assert_eq!(lane().waiting(), Duration::from_millis(750));
        assert_eq!(lane().finishing(), Duration::from_millis(10));
        assert_eq!(lane().busy_percent(), 75);
    }

    #[test]
    fn a_paused_lane_asks_for_no_workers() {
        let paused = LaneBacklog {
            is_paused: true,
            ..lane()
        };
        assert_eq!(paused.waiting(), Duration::ZERO);
    }

    #[test]
    fn without_a_worker_the_backlog_is_large_and_a_number_all_the_same() {
        let left_alone = LaneBacklog {
            slots: 0,
            workers: 0,
            ..lane()
        };
        assert_eq!(left_alone.waiting(), NO_WORKER_BACKLOG);
        assert_eq!(left_alone.busy_percent(), 0);
        let endless = LaneBacklog {
            work: Duration::MAX,
            ..left_alone
        };
        assert_eq!(endless.waiting(), BACKLOG_MAX);
        let idle = LaneBacklog {
            jobs: 0,
            work: Duration::ZERO,
            ..left_alone
        };
        assert_eq!(idle.waiting(), Duration::ZERO);
    }
}
