//! Which transport carries hints.

use std::sync::Arc;

use packtrain_core::ports::{Bell, Hints};
use packtrain_queue::PgHints;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Starts the transport that the settings name.
pub(crate) fn start(
    bell: Arc<dyn Bell>,
    listens: bool,
    tasks: &TaskTracker,
    stop: &CancellationToken,
) -> Arc<dyn Hints> {
    Arc::new(PgHints::start(bell, listens, tasks, stop.clone()))
}
