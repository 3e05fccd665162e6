//! A job as operators read it, in a list and whole.

use chrono::{DateTime, Utc};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Lane, State as JobState};
use packtrain_core::limits::EVENTS_SHOWN;
use packtrain_core::ports::{self, Attempt, JobEvent};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::Api;
use crate::problem::Problem;

/// A job in a list.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobSummary {
    id: JobId,
    tenant: TenantId,
    #[schema(example = "tax.report")]
    kind: String,
    lane: Lane,
    state: JobState,
    /// Attempts that began.
    attempts: u16,
    /// Attempts it may have.
    attempts_max: u16,
    created_at: DateTime<Utc>,
    /// Not before this time, while scheduled.
    run_at: Option<DateTime<Utc>>,
    /// When the last attempt began.
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// The job whose batch it is a member of.
    batch: Option<JobId>,
    /// Why it is scheduled: `asked`; `retry` or `snooze` with a code; `unserved` with the kind and
    /// payload version that no worker serves. Or for what it waits: its batch, or its gate.
    #[schema(example = "gate: its turn has not come")]
    reason: Option<String>,
}

/// A job.
#[derive(Serialize, ToSchema)]
#[schema(as = Job)]
pub(crate) struct JobView {
    #[serde(flatten)]
    summary: JobSummary,
    /// What it was asked to do.
    #[schema(value_type = Object)]
    payload: Value,
    /// What it returned.
    #[schema(value_type = Option<Object>)]
    result: Option<Value>,
    /// The gate that bounds how many jobs are in play beside it.
    #[schema(example = "tax.report")]
    gate: Option<String>,
    /// It expires when it was never started by this time.
    deadline: Option<DateTime<Utc>>,
    /// Attempts that failed, oldest first.
    failures: Vec<FailureView>,
    /// What it said of its way: the 50 newest events, in order.
    events: Vec<EventView>,
}

impl JobView {
    /// Where the job is in its life.
    pub(super) const fn state(&self) -> JobState {
        self.summary.state
    }
}

/// An attempt that failed.
#[derive(Serialize, ToSchema)]
#[schema(as = Failure)]
pub(crate) struct FailureView {
    /// Which attempt, from 1.
    attempt: u16,
    /// Stable word for programs.
    #[schema(example = "tax.file_rejected")]
    code: String,
    /// What happened, for a person.
    message: String,
    ended_at: DateTime<Utc>,
}

/// An event of a job.
#[derive(Serialize, ToSchema)]
#[schema(as = JobEvent)]
pub(crate) struct EventView {
    /// Its place among the job's events, from 1.
    seq: i64,
    at: DateTime<Utc>,
    /// `stage` or `progress`.
    #[schema(example = "stage")]
    name: String,
    #[schema(value_type = Object)]
    data: Value,
}

impl From<JobEvent> for EventView {
    fn from(event: JobEvent) -> Self {
        Self {
            seq: event.seq,
            at: event.at,
            name: event.name,
            data: event.data,
        }
    }
}

impl From<ports::JobSummary> for JobSummary {
    fn from(job: ports::JobSummary) -> Self {
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

impl From<Attempt> for FailureView {
    fn from(attempt: Attempt) -> Self {
        Self {
            attempt: attempt.number,
            code: attempt.code,
            message: attempt.message,
            ended_at: attempt.ended_at,
        }
    }
}

/// A job of any tenant, with everything that is told of it.
pub(super) async fn view(api: &Api, id: JobId) -> Result<JobView, Problem> {
    let found = api.operator.find(id).await?;
    let mut job = found.ok_or_else(Problem::not_found)?;
    let events = api.events.newest(job.tenant, id, EVENTS_SHOWN).await?;
    let failures = std::mem::take(&mut job.failures);
    Ok(JobView {
        payload: job.payload.take(),
        result: job.result.take(),
        gate: job.gate.take(),
        deadline: job.deadline,
        failures: failures.into_iter().map(FailureView::from).collect(),
        events: events.into_iter().map(EventView::from).collect(),
        summary: ports::JobSummary::from(job).into(),
    })
}
