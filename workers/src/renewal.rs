//! Renews leases from a thread of its own, over a connection of its own.
//!
//! A blocked runtime, a long poll or a full buffer cannot stop it. What it learns (leases that are
//! gone, jobs that a person asked to stop) goes to the registry.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use packtrain_core::ids::WorkerId;
use packtrain_core::ports::{Claims, Renewals, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::registry::Registry;

/// Starts the thread; it ends when `stop` is cancelled.
pub(crate) fn start(
    worker: WorkerId,
    every: Duration,
    claims: Arc<dyn Claims>,
    registry: Arc<Registry>,
    stop: CancellationToken,
) -> std::io::Result<std::thread::JoinHandle<()>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("renewal".to_owned())
        .spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = renew(worker, every, &*claims, &registry) => {}
                }
            });
        })
}

async fn renew(worker: WorkerId, every: Duration, claims: &dyn Claims, registry: &Registry) {
    let mut connection: Option<Box<dyn Renewals>> = None;
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = once(worker, claims, registry, &mut connection).await {
            let cause = packtrain_core::fault::chain(&error);
            warn!(error = %cause, "leases could not be renewed, connecting again");
            connection = None;
        }
    }
}

async fn once(
    worker: WorkerId,
    claims: &dyn Claims,
    registry: &Registry,
    connection: &mut Option<Box<dyn Renewals>>,
) -> Result<(), StoreError> {
    // Read before the question: a lease that is claimed meanwhile is not missing from the answer.
    let before: HashSet<_> = registry.leases().into_iter().collect();
    let connected = match connection {
        Some(connected) => connected,
        None => connection.insert(claims.renewals().await?),
    };
    let renewed = connected.renew(worker).await?;
    let lost = registry.lose(|lease| before.contains(&lease) && !renewed.held.contains(&lease));
    if lost > 0 {
        warn!(jobs = lost, "leases are gone, their jobs stop");
    }
    let cancelled = registry.cancel(&renewed.cancelled);
    if cancelled > 0 {
        info!(jobs = cancelled, "jobs were asked to stop");
    }
    Ok(())
}
