//! Schedules in the database: seeded from the catalogue, decided by whichever scheduler is first.

use async_trait::async_trait;

use super::StoreError;
use crate::ids::ScheduleId;
use crate::job::NewJob;
use crate::schedule::{Overlap, Planned, ScheduleRecord};
use crate::time::Timestamp;

/// Schedules, and the database's own time: the only one that decides what is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timetable {
    /// The time when the schedules were read.
    pub now: Timestamp,
    /// Every schedule, by kind.
    pub schedules: Vec<ScheduleRecord>,
}

/// What becomes of the times of one schedule up to a moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// The schedule.
    pub schedule: ScheduleId,
    /// Its version when it was read: an edited schedule is decided anew.
    pub version: i64,
    /// What was decided when it was read.
    pub seen: Timestamp,
    /// What is decided with this.
    pub until: Timestamp,
    /// The times that run, each with its job.
    pub runs: Vec<(Timestamp, NewJob)>,
    /// What becomes of them while the job of the time before has not ended. Of several that would
    /// be let go for each other the last one runs.
    pub overlap: Overlap,
}

/// Schedules as schedulers see them. Every replica may decide; one wins.
#[async_trait]
pub trait Schedules: Send + Sync {
    /// Writes what the catalogue plans; a schedule that a person edited stays as it is.
    async fn seed(&self, planned: &[Planned]) -> Result<(), StoreError>;

    /// Every schedule, at most [`SCHEDULES_MAX`](crate::limits::SCHEDULES_MAX).
    async fn timetable(&self) -> Result<Timetable, StoreError>;

    /// Writes a decision and its jobs in one transaction. None when another scheduler was first or
    /// the schedule was edited: then nothing is written. Else how many jobs are new: none also
    /// when the job of the time before has not ended and times are let go for it.
    async fn decide(&self, decision: &Decision) -> Result<Option<u64>, StoreError>;
}
