//! Which transport carries hints.

use std::sync::Arc;

use packtrain_core::ids::IdSource;
use packtrain_core::ports::{Bell, Hints};
use packtrain_queue::PgHints;
use packtrain_store::{PgControl, Pools};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::sqs::Queues;

/// Starts the transport that the settings name.
pub(crate) fn start(
    bell: Arc<dyn Bell>,
    listens: bool,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<dyn Hints> {
    Arc::new(PgHints::start(bell, listens, tasks, stop.clone()))
}

/// Over SQS, when the settings say so. A dead letter that comes back from a queue runs again by the
/// rights of a worker.
pub(crate) fn over_sqs(
    queues: &Queues,
    pools: &Pools,
    ids: &Arc<dyn IdSource>,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Option<Arc<dyn Hints>> {
    let revive = PgControl::new(pools.worker.clone(), Arc::clone(ids));
    queues.hints(Arc::new(revive), Arc::clone(ids), tasks, stop)
}
