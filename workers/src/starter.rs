//! Notes that jobs began, many in one statement.
//!
//! While one statement is under way, the next jobs gather: the busier the worker, the more of them
//! share a statement, and no job waits for company.

use std::collections::HashMap;
use std::sync::Arc;

use packtrain_core::fault::chain;
use packtrain_core::ids::LeaseId;
use packtrain_core::patience::patient;
use packtrain_core::ports::{Claims, StoreError};
use tokio::sync::{mpsc, oneshot};
use tracing::warn;

/// Jobs of one statement, at most.
const BATCH_MAX: usize = 1_024;

/// A job that is about to begin.
pub(crate) struct Start {
    pub(crate) lease: LeaseId,
    pub(crate) bit: u8,
    pub(crate) told: oneshot::Sender<Begin>,
}

/// Whether a job may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begin {
    /// It is noted.
    Yes,
    /// The lease is gone: another has the job.
    LeaseGone,
    /// The database could not be asked.
    Unknown,
}

/// Notes beginnings until every sender is gone.
pub(crate) async fn run(mut starts: mpsc::Receiver<Start>, claims: Arc<dyn Claims>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while starts.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let mut wanted: HashMap<LeaseId, Vec<u8>> = HashMap::new();
        for start in &batch {
            wanted.entry(start.lease).or_default().push(start.bit);
        }
        let wanted: Vec<(LeaseId, Vec<u8>)> = wanted.into_iter().collect();
        let noted = patient(claims.started(&wanted)).await;
        if let Err(error) = &noted {
            warn!(error = %chain(error), jobs = batch.len(), "beginnings could not be noted");
        }
        for start in batch.drain(..) {
            // A job that was dropped meanwhile does not listen any more.
            start.told.send(answer(&noted, start.lease)).ok();
        }
    }
}

fn answer(noted: &Result<Vec<LeaseId>, StoreError>, lease: LeaseId) -> Begin {
    match noted {
        Ok(held) if held.contains(&lease) => Begin::Yes,
        Ok(_) => Begin::LeaseGone,
        Err(_) => Begin::Unknown,
    }
}
