//! The life of jobs, as the store keeps it: enqueue, claim, renew, settle, promote, reap.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use uuid::Uuid;

use super::{Settled, Settlement, StoreError};
use crate::ids::{JobId, LeaseId, TenantId, WorkerId};
use crate::job::{Bound, Kind, Lane, NewJob, Priority, Rate, State};
use crate::time::Timestamp;

/// What an enqueue did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enqueued {
    /// Jobs that are new; the others were there already.
    pub created: u64,
}

/// An idempotency key with the hash of the request that carries it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// What the client sent, unique per tenant and kind.
    pub key: String,
    /// SHA-256 of the request body.
    pub body_sha256: [u8; 32],
    /// Until when the key is remembered.
    pub expires_at: Timestamp,
}

/// What a keyed enqueue did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requested {
    /// The job is new.
    Created(JobId),
    /// The same request was made before; this is its job.
    Repeated(JobId),
    /// The key was used for another request.
    Conflict,
}

/// A job as a reader sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRecord {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its kind.
    pub kind: String,
    /// Where it waits or waited.
    pub lane: Lane,
    /// Where it is in its life.
    pub state: State,
    /// Attempts that began.
    pub attempts: u16,
    /// Attempts it may have.
    pub attempts_max: u16,
    /// What it was asked to do.
    pub payload: Value,
    /// What it returned.
    pub result: Option<Value>,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// Not before this time, while scheduled.
    pub run_at: Option<Timestamp>,
    /// It expires when it was never started by this time.
    pub deadline: Option<Timestamp>,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The job whose batch it is a member of.
    pub batch: Option<JobId>,
    /// The gate that bounds it, without its tenant.
    pub gate: Option<String>,
    /// Why it is scheduled (`asked`, `retry: code`, `snooze: code`, `unserved: kind version`), or
    /// for what it waits.
    pub reason: Option<String>,
    /// Failed attempts, oldest first.
    pub failures: Vec<Attempt>,
}

/// A job in a list: without what it was asked and what it returned, which may be large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSummary {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its kind.
    pub kind: String,
    /// Where it waits or waited.
    pub lane: Lane,
    /// Where it is in its life.
    pub state: State,
    /// Attempts that began.
    pub attempts: u16,
    /// Attempts it may have.
    pub attempts_max: u16,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// Not before this time, while scheduled.
    pub run_at: Option<Timestamp>,
    /// When the last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// The job whose batch it is a member of.
    pub batch: Option<JobId>,
    /// Why it is scheduled, or for what it waits; see [`JobRecord::reason`].
    pub reason: Option<String>,
}

impl From<JobRecord> for JobSummary {
    fn from(job: JobRecord) -> Self {
        Self {
            id: job.id,
            tenant: job.tenant,
            kind: job.kind,
            lane: job.lane,
            state: job.state,
            attempts: job.attempts,
            attempts_max: job.attempts_max,
            created_at: job.created_at,
            run_at: job.run_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            batch: job.batch,
            reason: job.reason,
        }
    }
}

/// A failed or lost attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Which one, from 1.
    pub number: u16,
    /// Stable word.
    pub code: String,
    /// What happened, for a person.
    pub message: String,
    /// When it ended.
    pub ended_at: Timestamp,
}

/// Which jobs an operator wants to see; newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JobFilter {
    /// Only this kind.
    pub kind: Option<String>,
    /// Only this lane.
    pub lane: Option<Lane>,
    /// Only this state.
    pub state: Option<State>,
    /// Only jobs that wait or run: scheduled, waiting, queued, running.
    pub is_under_way: bool,
    /// Only this tenant.
    pub tenant: Option<TenantId>,
    /// Only dead letters of this cause.
    pub cause: Option<String>,
    /// Only members of the batch that this job made.
    pub batch: Option<JobId>,
    /// Only jobs before this one.
    pub before: Option<JobId>,
    /// Only jobs after this one.
    pub after: Option<JobId>,
    /// The oldest first, rather than the newest.
    pub is_oldest_first: bool,
    /// At most so many.
    pub limit: u32,
}

/// Which of its own jobs a tenant wants to see; newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnJobs<'a> {
    /// Of this kind.
    pub kind: &'a str,
    /// Only jobs before this one.
    pub before: Option<JobId>,
    /// The words of the payload that are wanted beside: a payload may be large.
    pub words: &'a [&'a str],
    /// At most so many.
    pub limit: u32,
}

/// A job in the list of its tenant.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnJob {
    /// Its id.
    pub id: JobId,
    /// Where it is in its life.
    pub state: State,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
    /// What was asked for, as far as it was wanted: an object.
    pub asked: Value,
}

/// Enqueues and reads one tenant's jobs.
#[async_trait]
pub trait JobQueue: Send + Sync {
    /// Enqueues jobs, at most [`ENQUEUE_MAX`](crate::limits::ENQUEUE_MAX), all of one tenant.
    /// Jobs that exist are left as they are.
    async fn enqueue(&self, tenant: TenantId, jobs: &[NewJob]) -> Result<Enqueued, StoreError>;

    /// Enqueues one job under an idempotency key.
    async fn request(&self, job: &NewJob, keyed: &Keyed) -> Result<Requested, StoreError>;

    /// A tenant's job.
    async fn find(&self, tenant: TenantId, id: JobId) -> Result<Option<JobRecord>, StoreError>;

    /// A tenant's jobs of a kind, newest first.
    async fn list(&self, tenant: TenantId, wanted: OwnJobs<'_>) -> Result<Vec<OwnJob>, StoreError>;
}

/// Reads jobs of all tenants.
#[async_trait]
pub trait OperatorJobs: Send + Sync {
    /// Jobs, newest first, unless the filter says otherwise.
    async fn list(&self, filter: &JobFilter) -> Result<Vec<JobSummary>, StoreError>;

    /// The same jobs by their ids alone.
    async fn ids(&self, filter: &JobFilter) -> Result<Vec<JobId>, StoreError>;

    /// The same jobs with payloads and results, but without their failures.
    async fn records(&self, filter: &JobFilter) -> Result<Vec<JobRecord>, StoreError>;

    /// Any tenant's job.
    async fn find(&self, id: JobId) -> Result<Option<JobRecord>, StoreError>;

    /// Whether there is such a tenant.
    async fn has_tenant(&self, tenant: TenantId) -> Result<bool, StoreError>;
}

/// A kind that a worker can run, up to a schema version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// The kind.
    pub kind: Kind,
    /// The newest payload version it knows.
    pub schema_max: u16,
    /// Whether each job has a lease of its own.
    pub long: bool,
}

/// Where to look from, per priority: entries up to here were seen taken.
///
/// Dead index entries pile up at the front of a busy lane; starting behind them keeps a claim
/// cheap. What entered below the floors is found by a claim without any.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Floors(pub BTreeMap<Priority, (i64, Uuid)>);

/// A claimed batch under one lease.
#[derive(Debug, Clone, PartialEq)]
pub struct ClaimedLease {
    /// The fencing token.
    pub lease: LeaseId,
    /// Its jobs, each with its bit.
    pub jobs: Vec<(u8, Claimed)>,
}

/// A claimed job.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Its id.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its kind.
    pub kind: Arc<str>,
    /// Version of its payload.
    pub schema: u16,
    /// What it is asked to do.
    pub payload: Value,
    /// Attempts that were charged before this one.
    pub attempts: u16,
    /// Attempts it may have.
    pub attempts_max: u16,
    /// When it was enqueued.
    pub created_at: Timestamp,
    /// How long it stood ready before it was claimed, by the database's clock.
    pub waited: Duration,
    /// Trace context of what caused it.
    pub trace_parent: Option<String>,
    /// Whether it is to be run at all.
    pub due: Due,
    /// Who waits for its end.
    pub bound: Bound,
}

/// What is to become of a claimed job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// It runs.
    Run,
    /// A person asked to cancel it before it was claimed: it ends as cancelled.
    Cancelled,
    /// It was not started by its deadline: it ends as expired.
    Expired,
}

/// A worker as it presents itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerRecord {
    /// Its id, new at each start.
    pub id: WorkerId,
    /// Host and process, for a person.
    pub name: String,
    /// Version of the program.
    pub version: String,
    /// Lanes it serves.
    pub lanes: Vec<Lane>,
    /// How many of their jobs it runs at once, in the order of the lanes.
    pub slots: Vec<u32>,
    /// Kinds it runs.
    pub kinds: Vec<Served>,
    /// Classes of rate of those kinds.
    pub rates: Vec<Rate>,
    /// How often it renews its leases.
    pub renew_every: Duration,
}

/// A kind that a worker looks for in a lane, up to a payload version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// Where it looks.
    pub lane: Lane,
    /// The kind.
    pub kind: Kind,
    /// The newest payload version it knows.
    pub schema_max: u16,
}

/// Claims and settles, for workers.
#[async_trait]
pub trait Claims: Send + Sync {
    /// Presents a worker that starts.
    async fn register(&self, worker: &WorkerRecord) -> Result<(), StoreError>;

    /// Takes a worker that ends off the list.
    async fn unregister(&self, worker: WorkerId) -> Result<(), StoreError>;

    /// Claims at most `count` due jobs of a lane, of the wanted kinds, in order of priority,
    /// fair key and id. Fewer than `count` means that no more are due behind the floors; these then
    /// say how far the claim came.
    async fn claim(
        &self,
        worker: WorkerId,
        lane: Lane,
        wanted: &[Wanted],
        count: usize,
        floors: &mut Floors,
    ) -> Result<Vec<ClaimedLease>, StoreError>;

    /// Notes that jobs of leases really began; from here on a lost lease costs them an attempt.
    /// Returns the leases that still stand: jobs of the others must not run.
    async fn started(&self, began: &[(LeaseId, Vec<u8>)]) -> Result<Vec<LeaseId>, StoreError>;

    /// Writes ends of jobs, in one transaction: all that are not fenced.
    async fn settle(&self, ends: &[Settlement]) -> Result<Settled, StoreError>;

    /// The jobs among these whose end is there and was written under this attempt: for a worker
    /// that got no answer, settled again and was fenced, perhaps by its own first try. Only a
    /// success, a retry and a dead letter leave behind whose they are.
    async fn written(&self, ends: &[Settlement]) -> Result<Vec<JobId>, StoreError>;

    /// A connection of its own for the thread that renews leases.
    async fn renewals(&self) -> Result<Box<dyn Renewals>, StoreError>;
}

/// What a renewal learned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Renewed {
    /// Leases that the worker still holds.
    pub held: Vec<LeaseId>,
    /// Jobs of the worker that a person asked to stop.
    pub cancelled: Vec<JobId>,
    /// Whether a person asked the worker to drain.
    pub drain: bool,
}

/// Renews leases over a connection of its own.
#[async_trait]
pub trait Renewals: Send {
    /// Moves the beat of these leases, if they are still the worker's. A lease that the worker does
    /// not name stands still until a reaper takes it: nobody works on its jobs.
    async fn renew(&mut self, worker: WorkerId, leases: &[LeaseId]) -> Result<Renewed, StoreError>;
}
