//! Our own apalis backend: jobs come from a channel that the feeder fills.
//!
//! It never returns an error (one would end the worker and drop what runs) and keeps no leases
//! (one that is renewed by polling would be lost behind a full buffer): both are done elsewhere,
//! by time. When the channel is closed the backend is exhausted, and the worker ends by itself
//! after what it still runs.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use apalis::prelude::{Backend, Task, WorkerContext};
use apalis_core::backend::BackendConfig;
use apalis_core::backend::finalize::Ephemeral;
use packtrain_core::ids::LeaseId;
use packtrain_core::ports::Claimed;
use packtrain_core::time::Timestamp;
use tokio::sync::mpsc;

use crate::slots::Slot;

/// A claimed job on its way to the runner, with its slot.
pub(crate) struct Assigned {
    /// The lease it runs under.
    pub(crate) lease: LeaseId,
    /// Its bit in the lease.
    pub(crate) bit: u8,
    /// The job.
    pub(crate) job: Claimed,
    /// The slot it holds.
    pub(crate) slot: Slot,
    /// When it was claimed.
    pub(crate) claimed_at: Timestamp,
}

/// Jobs of one lane.
#[derive(Clone)]
pub(crate) struct LaneBackend {
    jobs: Arc<Mutex<mpsc::Receiver<Assigned>>>,
}

impl LaneBackend {
    pub(crate) fn new(jobs: mpsc::Receiver<Assigned>) -> Self {
        Self {
            jobs: Arc::new(Mutex::new(jobs)),
        }
    }
}

impl Backend for LaneBackend {
    type Task = Task<Assigned>;
    type Error = Infallible;

    fn poll_ready(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        worker: &WorkerContext,
    ) -> Poll<Option<Result<Task<Assigned>, Infallible>>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let next = jobs.poll_recv(cx);
        if matches!(next, Poll::Ready(None)) {
            // An exhausted backend alone does not end a worker: it must be told to stop as well.
            if let Err(error) = worker.stop() {
                tracing::error!(error = %error, "the lane's worker could not be stopped");
            }
        }
        next.map(|job| job.map(|job| Ok(Task::new(job))))
    }

    fn poll_close(
        &mut self,
        _: &mut Context<'_>,
        _: &WorkerContext,
    ) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }
}

impl BackendConfig for LaneBackend {
    type Args = Assigned;
    type Id = String;
    type Kind = Ephemeral;
    type Config = ();
    type Layer = tower_layer::Identity;

    fn config(&self) -> &() {
        &()
    }

    fn middleware(&mut self, _: &mut WorkerContext) -> Self::Layer {
        tower_layer::Identity::new()
    }
}
