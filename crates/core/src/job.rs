//! A job: what a kind is, what it asks for, what it returns. The wire form that every part shares.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::fault::Fault;
use crate::field::FieldError;
use crate::ids::{JobId, ScheduleId, TenantId};
use crate::ports::Write;
use crate::schedule::Every;
use crate::time::Timestamp;

pub use context::{Ctx, Stop};
pub use deadline::Deadline;
pub use lane::{Lane, Priority, UnknownLane};
pub use progress::{Progress, Snapshot};
pub use state::State;
pub use ties::{Batch, BatchError, Bound, Entrance, Gate, Member, OnFailure, Placed, Rate, Ties};

mod context;
mod deadline;
mod lane;
mod progress;
mod state;
mod ties;

/// A job's type, `service.verb`; permanent once released.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(&'static str);

impl Kind {
    /// Names a kind.
    ///
    /// # Panics
    /// At compile time, when the name is not lower-case words around one dot.
    pub const fn new(name: &'static str) -> Self {
        let bytes = name.as_bytes();
        let (mut at, mut dots) = (0, 0);
        while at < bytes.len() {
            match bytes[at] {
                b'a'..=b'z' | b'_' => {}
                b'.' if at > 0 && at + 1 < bytes.len() => dots += 1,
                _ => panic!("a kind is service.verb in lower-case letters"),
            }
            at += 1;
        }
        assert!(dots == 1, "a kind has exactly one dot");
        Self(name)
    }

    /// The name.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// A unit of work. The payload struct is the HTTP body, the queue message and the schema.
///
/// Jobs run at least once: write the effect so that a second run changes nothing, and say how in
/// the doc comment of the type.
pub trait Job: Serialize + DeserializeOwned + Send + Sized + 'static {
    /// The name, permanent once released.
    const KIND: Kind;
    /// Where it waits.
    const LANE: Lane;
    /// Version of the payload; a worker claims only versions that it knows.
    const SCHEMA: u16 = 1;
    /// How soon within its lane.
    const PRIORITY: Priority = Priority::NORMAL;
    /// Attempts before it is a dead letter.
    const ATTEMPTS_MAX: u16 = 5;
    /// The longest that one attempt may take.
    const TIME_LIMIT: Duration = Duration::from_secs(300);
    /// How long after it is due it may still be started; later it expires instead. None: always.
    const DEADLINE: Option<Duration> = None;
    /// Whether it may take longer than a renewal: then it has a lease of its own.
    const LONG: bool = true;
    /// When it comes by itself; such a kind must decode from `{}`.
    const EVERY: Option<Every> = None;
    /// What bounds how many of its jobs are in play at once.
    const GATE: Gate = Gate::Open;
    /// How often its jobs may begin.
    const RATE: Option<Rate> = None;

    /// The group in which it runs in order, for a kind whose gate is [`Gate::Group`].
    fn group(&self) -> Option<String> {
        None
    }

    /// What its values get wrong beyond their types; a job that cannot be is not enqueued.
    fn check(&self) -> Vec<FieldError> {
        Vec::new()
    }

    /// Does the work.
    fn run(self, ctx: &Ctx) -> impl Future<Output = Result<Done, Fault>> + Send;
}

/// What a job returns: a small result, and the work that follows.
#[derive(Debug, Default)]
pub struct Done {
    /// Kept in the job's outcome; for pages and scripts.
    pub result: Option<Value>,
    /// Enqueued by the worker in the transaction that settles this job.
    pub then: Vec<FollowUp>,
    /// Jobs that this one splits into, enqueued in the same transaction.
    pub batch: Option<Batch>,
    /// Rows that are written in the same transaction: they and the end stand or fall together.
    pub writes: Vec<Write>,
}

impl Done {
    /// Finished, with nothing to say.
    pub fn quietly() -> Self {
        Self::default()
    }

    /// Finished with a result.
    pub fn with(result: Value) -> Self {
        Self {
            result: Some(result),
            ..Self::default()
        }
    }

    /// Finished, and this follows.
    pub fn then<J: Job>(job: J) -> Self {
        Self {
            then: vec![FollowUp::of(job)],
            ..Self::default()
        }
    }

    /// Finished by splitting into these.
    pub fn fan_out<J: Job>(jobs: impl IntoIterator<Item = J>) -> Self {
        Self {
            then: jobs.into_iter().map(FollowUp::of).collect(),
            ..Self::default()
        }
    }

    /// Finished by splitting into members of which some come after others.
    pub fn batch(batch: Batch) -> Self {
        Self {
            batch: Some(batch),
            ..Self::default()
        }
    }
}

/// A job that another one caused; its id is derived from the cause and its place in the list.
#[derive(Debug, Clone, PartialEq)]
pub struct FollowUp {
    /// Kind, lane, limits.
    pub about: About,
    /// The payload as JSON, or why it could not be written.
    pub payload: Result<Value, String>,
    /// The group in which it runs in order.
    pub group: Option<String>,
    /// Whose data it works on; none for those of its cause. A tenant's job causes none of
    /// another's.
    pub tenant: Option<TenantId>,
}

impl FollowUp {
    /// A follow-up of a known kind.
    pub fn of<J: Job>(job: J) -> Self {
        Self {
            about: About::of::<J>(),
            group: job.group(),
            payload: serde_json::to_value(job).map_err(|error| error.to_string()),
            tenant: None,
        }
    }

    /// The same on the data of a tenant.
    #[must_use]
    pub fn for_tenant(self, tenant: TenantId) -> Self {
        let tenant = Some(tenant);
        Self { tenant, ..self }
    }
}

/// What a kind says of all its jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct About {
    /// The name.
    pub kind: Kind,
    /// Where its jobs wait.
    pub lane: Lane,
    /// Version of the payload.
    pub schema: u16,
    /// How soon within the lane.
    pub priority: Priority,
    /// Attempts before a job is a dead letter.
    pub attempts_max: u16,
    /// The longest that one attempt may take.
    pub time_limit: Duration,
    /// How long after it is due a job may still be started; none means always.
    pub deadline: Option<Duration>,
    /// Whether each job has a lease of its own.
    pub long: bool,
    /// When it comes by itself.
    pub every: Option<Every>,
    /// What bounds how many of its jobs are in play at once.
    pub gate: Gate,
    /// How often its jobs may begin.
    pub rate: Option<Rate>,
}

impl About {
    /// What `J` says.
    pub const fn of<J: Job>() -> Self {
        Self {
            kind: J::KIND,
            lane: J::LANE,
            schema: J::SCHEMA,
            priority: J::PRIORITY,
            attempts_max: J::ATTEMPTS_MAX,
            time_limit: J::TIME_LIMIT,
            deadline: J::DEADLINE,
            long: J::LONG,
            every: J::EVERY,
            gate: J::GATE,
            rate: J::RATE,
        }
    }

    /// A job of this kind, to be enqueued; of a group, if its kind runs groups in order.
    pub fn grouped(
        &self,
        id: JobId,
        tenant: TenantId,
        payload: Value,
        group: Option<&str>,
    ) -> NewJob {
        NewJob {
            ties: Ties {
                gate: Entrance::of(self.gate, self.kind.as_str(), tenant, group),
                rate: self.rate.map(|rate| rate.class.into()),
                ..Ties::default()
            },
            id,
            tenant,
            kind: self.kind.as_str().into(),
            schema: self.schema,
            lane: self.lane,
            priority: self.priority,
            attempts_max: self.attempts_max,
            payload,
            run_at: None,
            deadline: self.deadline.map(Deadline::Within),
            parent: None,
            schedule: None,
            trace_parent: None,
        }
    }

    /// A job of this kind that is of no group.
    pub fn job(&self, id: JobId, tenant: TenantId, payload: Value) -> NewJob {
        self.grouped(id, tenant, payload, None)
    }
}

/// A job to be enqueued.
#[derive(Debug, Clone, PartialEq)]
pub struct NewJob {
    /// Its id; enqueueing the same id twice makes one job.
    pub id: JobId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Its kind, by name: an enqueuer may know kinds that this binary does not run.
    pub kind: Arc<str>,
    /// Version of the payload.
    pub schema: u16,
    /// Where it waits.
    pub lane: Lane,
    /// How soon within the lane.
    pub priority: Priority,
    /// Attempts before it is a dead letter.
    pub attempts_max: u16,
    /// What it is asked to do.
    pub payload: Value,
    /// Not before this time; none means now.
    pub run_at: Option<Timestamp>,
    /// Not started after this: then it expires.
    pub deadline: Option<Deadline>,
    /// The job that caused it.
    pub parent: Option<JobId>,
    /// The schedule that caused it.
    pub schedule: Option<ScheduleId>,
    /// The W3C trace context of the request that caused it.
    pub trace_parent: Option<String>,
    /// What holds it back besides time.
    pub ties: Ties,
}
