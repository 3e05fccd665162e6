//! What people do to jobs that are on their way, and to the lanes, schedules and workers.
//!
//! Every write leaves an audit entry in its own transaction.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;
use serde::Serialize;
use uuid::Uuid;

use super::{JobFilter, Keyed, Requested, StoreError};
use crate::ids::{JobId, ScheduleId, WorkerId};
use crate::job::{Lane, NewJob};
use crate::schedule::{Missed, Overlap, ScheduleRecord};
use crate::time::Timestamp;

/// Who does it, as the audit keeps it: a key's id, or the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor(pub String);

/// What is to become of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(utoipa::ToSchema)]
pub enum Change {
    /// Ends as cancelled: at once where it waits, as soon as it stops where it runs.
    Cancel,
    /// Runs now: a dead letter with all its attempts anew, a scheduled job without waiting on.
    Retry,
    /// A dead letter ends as discarded.
    Discard,
}

impl Change {
    /// The word in routes and in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Discard => "discard",
        }
    }
}

/// What became of jobs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// Changed at once.
    pub done: Vec<JobId>,
    /// Running jobs that were asked to stop.
    pub asked: Vec<JobId>,
    /// Lanes in which something became ready.
    pub woken: Vec<Lane>,
}

/// A lane as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneRecord {
    /// Which lane.
    pub lane: Lane,
    /// Since when nothing of it is claimed.
    pub paused_at: Option<Timestamp>,
    /// Rises with every edit.
    pub version: i64,
    /// Due jobs, up to [`COUNT_MAX`](crate::limits::COUNT_MAX).
    pub queued: u64,
    /// Jobs for later, up to the same.
    pub scheduled: u64,
    /// Jobs behind a gate or a parent, up to the same.
    pub waiting: u64,
    /// Jobs at work.
    pub running: u64,
    /// Dead letters, up to the same.
    pub dead: u64,
    /// Since when its oldest due job is due.
    pub oldest: Option<Timestamp>,
}

/// Dead letters of one cause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The same for dead letters of one kind, code and form of message.
    pub fingerprint: String,
    /// Their kind.
    pub kind: String,
    /// Their code.
    pub code: String,
    /// The newest one's message.
    pub message: String,
    /// How many there are.
    pub count: u64,
    /// When the first of them died.
    pub first_at: Timestamp,
    /// When the last of them died.
    pub last_at: Timestamp,
}

impl Cause {
    /// Where it stands in the list of causes.
    pub fn place(&self) -> CausePlace {
        CausePlace {
            count: self.count,
            last_at: self.last_at,
            fingerprint: self.fingerprint.clone(),
        }
    }
}

/// A place in the list of causes, written as `count.micros.fingerprint`. It holds although the
/// cause that stood there is gone: what comes after it is told by its parts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CausePlace {
    /// How many dead letters.
    pub count: u64,
    /// When the last of them died.
    pub last_at: Timestamp,
    /// Of which cause.
    pub fingerprint: String,
}

impl fmt::Display for CausePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.last_at.timestamp_micros();
        write!(f, "{}.{micros}.{}", self.count, self.fingerprint)
    }
}

/// A text that names no place in the list of causes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a place in the list of causes")]
pub struct UnknownPlace;

impl FromStr for CausePlace {
    type Err = UnknownPlace;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(UnknownPlace);
        let count = part()?.parse().map_err(|_| UnknownPlace)?;
        let micros = part()?.parse().map_err(|_| UnknownPlace)?;
        Ok(Self {
            count,
            last_at: Timestamp::from_timestamp_micros(micros).ok_or(UnknownPlace)?,
            fingerprint: part()?.to_owned(),
        })
    }
}

/// A worker as operators see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerView {
    /// Its id, new at each start.
    pub id: WorkerId,
    /// Host and process.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Lanes it serves.
    pub lanes: Vec<Lane>,
    /// When it started.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub seen_at: Timestamp,
    /// When it was asked to drain.
    pub drain_at: Option<Timestamp>,
    /// Jobs that it holds.
    pub running: u64,
}

/// What a person changes of a schedule; none leaves as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScheduleEdit {
    /// Cron text, checked by the caller.
    pub cron: Option<String>,
    /// The time zone's name, checked by the caller.
    pub zone: Option<String>,
    /// What becomes of missed times.
    pub missed: Option<Missed>,
    /// Seconds by which its jobs begin later, checked by the caller.
    pub jitter_s: Option<u32>,
    /// What becomes of a time while the job of the one before has not ended.
    pub overlap: Option<Overlap>,
    /// Whether it runs.
    pub is_enabled: Option<bool>,
}

/// What an edit that names a version did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// It is written.
    Yes,
    /// Somebody else changed it since that version; nothing is written.
    Stale,
    /// There is no such thing.
    Missing,
}

/// An entry of the audit.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEntry {
    /// Its id; later entries have greater ones.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What was done, such as `job.retry`.
    pub action: String,
    /// To what.
    pub subject: String,
    /// Further facts.
    pub detail: serde_json::Value,
}

/// What operators do.
#[async_trait]
pub trait Control: Send + Sync {
    /// Changes jobs, at most [`CHANGE_MAX`](crate::limits::CHANGE_MAX); those to which the change
    /// does not apply are left as they are.
    async fn change(
        &self,
        actor: &Actor,
        change: Change,
        jobs: &[JobId],
    ) -> Result<Changed, StoreError>;

    /// Every lane.
    async fn lanes(&self) -> Result<Vec<LaneRecord>, StoreError>;

    /// Pauses or resumes a lane, if it still has this version; none means whatever it has.
    async fn pause(
        &self,
        actor: &Actor,
        lane: Lane,
        is_paused: bool,
        version: Option<i64>,
    ) -> Result<Edited, StoreError>;

    /// Causes of dead letters, the most frequent first, from after a place on.
    async fn causes(
        &self,
        after: Option<&CausePlace>,
        limit: u32,
    ) -> Result<Vec<Cause>, StoreError>;

    /// How many jobs match from [`JobFilter::before`] on, up to
    /// [`COUNT_MAX`](crate::limits::COUNT_MAX).
    async fn count(&self, filter: &JobFilter) -> Result<u64, StoreError>;

    /// Every schedule.
    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError>;

    /// Edits a schedule, if it still has this version; none means whatever it has.
    async fn edit_schedule(
        &self,
        actor: &Actor,
        schedule: ScheduleId,
        edit: &ScheduleEdit,
        version: Option<i64>,
    ) -> Result<Edited, StoreError>;

    /// Enqueues a job on behalf of an operator, once per idempotency key where one is given.
    async fn enqueue(
        &self,
        actor: &Actor,
        job: &NewJob,
        keyed: Option<&Keyed>,
    ) -> Result<Requested, StoreError>;

    /// Workers that are known, the last started first, from before one of them on.
    async fn workers(
        &self,
        before: Option<WorkerId>,
        limit: u32,
    ) -> Result<Vec<WorkerView>, StoreError>;

    /// Whether a worker is known.
    async fn has_worker(&self, worker: WorkerId) -> Result<bool, StoreError>;

    /// Asks a worker, or all of a version, to drain; says how many were asked.
    async fn drain(&self, actor: &Actor, whom: &Drain) -> Result<u64, StoreError>;

    /// The audit, newest first, from before one of its entries on.
    async fn audit(&self, before: Option<Uuid>, limit: u32) -> Result<Vec<AuditEntry>, StoreError>;
}

/// Who is to drain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drain {
    /// One worker.
    Worker(WorkerId),
    /// All of a version of the program.
    Version(String),
}
