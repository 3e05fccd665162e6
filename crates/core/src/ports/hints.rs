//! Hints: "look in lane X". They may be lost or doubled; the database alone decides.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures::Stream;

use super::StoreError;
use crate::ids::JobId;
use crate::job::{Lane, NewJob};

/// Look in a lane. What it is about is for a reader's eyes only: a transport that carries lanes
/// alone, as PostgreSQL's does, writes it to the sender's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Where to look.
    pub lane: Lane,
    /// What was enqueued, if one thing.
    pub about: Option<Subject>,
}

/// What a hint is about, as far as its sender knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The kind of the job.
    pub kind: String,
    /// The job.
    pub job: Option<JobId>,
    /// What keeps its order or takes turns: its gate, else its tenant.
    pub group: Option<String>,
    /// The W3C trace context of the request that caused it.
    pub trace_parent: Option<String>,
}

impl Subject {
    /// What a job is, for the hint that it is there.
    pub fn of(job: &NewJob) -> Self {
        let gate = job.ties.gate.as_ref().map(|gate| gate.key.to_string());
        Self {
            kind: job.kind.to_string(),
            job: Some(job.id),
            group: Some(gate.unwrap_or_else(|| job.tenant.to_string())),
            trace_parent: job.trace_parent.clone(),
        }
    }

    /// Nothing more than a kind.
    pub fn kind(kind: impl Into<String>) -> Self {
        Self {
            kind: kind.into(),
            job: None,
            group: None,
            trace_parent: None,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        match self.job {
            Some(job) => write!(f, " {job}"),
            None => Ok(()),
        }
    }
}

/// A hint as it came. A transport that gives a hint again until somebody took it learns from
/// [`Heard::looked`] that somebody did; one that is dropped before comes again.
pub struct Heard {
    /// Where to look.
    pub lane: Lane,
    receipt: Option<Box<dyn FnOnce() + Send>>,
}

impl Heard {
    /// A hint that is gone once it was heard.
    pub const fn once(lane: Lane) -> Self {
        Self {
            lane,
            receipt: None,
        }
    }

    /// A hint that comes again unless somebody looked: then `receipt` is called.
    pub fn until_looked(lane: Lane, receipt: impl FnOnce() + Send + 'static) -> Self {
        Self {
            lane,
            receipt: Some(Box::new(receipt)),
        }
    }

    /// The lane was looked into after the hint came.
    pub fn looked(self) {
        if let Some(receipt) = self.receipt {
            receipt();
        }
    }
}

impl fmt::Debug for Heard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heard")
            .field("lane", &self.lane)
            .finish_non_exhaustive()
    }
}

/// Hints as they come; it ends only with the transport. Who takes one is ready to look.
pub type HintStream = Pin<Box<dyn Stream<Item = Heard> + Send>>;

/// How many jobs could begin at this moment where it is asked.
pub type Free = Arc<dyn Fn() -> usize + Send + Sync>;

/// Carries hints between processes.
#[async_trait]
pub trait Hints: Send + Sync {
    /// Sends hints, best effort: returns at once and never fails, since losing one only delays.
    fn send(&self, hint: Hint);

    /// Hints for the given lanes, from now on.
    async fn subscribe(&self, lanes: &[Lane]) -> HintStream;

    /// The same for a lane in which so many jobs could begin. A transport that is given several
    /// hints at once, and keeps them from others meanwhile, asks for no more than that.
    async fn subscribe_for(&self, lane: Lane, _free: Free) -> HintStream {
        self.subscribe(&[lane]).await
    }
}

/// Wakes other processes through the database; the hint transport of the embedded default.
#[async_trait]
pub trait Bell: Send + Sync {
    /// Rings for lanes. What nobody hears is lost.
    async fn ring(&self, lanes: &[Lane]) -> Result<(), StoreError>;

    /// A listener of its own, over a direct connection.
    async fn listen(&self) -> Result<Box<dyn Listener>, StoreError>;
}

/// Hears a [`Bell`].
#[async_trait]
pub trait Listener: Send {
    /// The next ring; an error when the connection broke, and then a new listener is needed.
    async fn next(&mut self) -> Result<Lane, StoreError>;

    /// Ends the connection in good order.
    async fn close(self: Box<Self>);
}
