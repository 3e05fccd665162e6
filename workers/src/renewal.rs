//! Renews leases from a thread of its own, over a connection of its own.
//!
//! A blocked runtime, a long poll or a full buffer cannot stop it. What it learns (leases that are
//! gone, jobs that a person asked to stop) goes to the registry.

use std::sync::Arc;
use std::time::Duration;

use packtrain_core::ids::WorkerId;
use packtrain_core::patience::patient_for;
use packtrain_core::ports::{Claims, Renewals, StoreError};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::registry::Registry;

/// How long a new connection may take to renew, at least.
const CONNECT_WITHIN: Duration = Duration::from_secs(1);

/// Starts the thread; it ends when `stop` is cancelled.
pub(crate) fn start(
    worker: WorkerId,
    every: Duration,
    claims: Arc<dyn Claims>,
    registry: Arc<Registry>,
    drain: CancellationToken,
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
                    () = renew(worker, every, &*claims, &registry, &drain) => {}
                }
            });
        })
}

async fn renew(
    worker: WorkerId,
    every: Duration,
    claims: &dyn Claims,
    registry: &Registry,
    drain: &CancellationToken,
) {
    let mut connection: Option<Box<dyn Renewals>> = None;
    let mut ticks = tokio::time::interval(every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A connection that went silent must not cost the leases: another is opened in time. To
        // open one takes many ways to the database and back, however short leases are.
        let limit = match connection {
            Some(_) => every * 2,
            None => (every * 2).max(CONNECT_WITHIN),
        };
        let renewing = once(worker, claims, registry, &mut connection);
        match patient_for(limit, renewing).await {
            Ok(is_asked) if is_asked && !drain.is_cancelled() => {
                info!("worker was asked to drain");
                drain.cancel();
            }
            Ok(_) => {}
            Err(error) => {
                let cause = packtrain_core::fault::chain(&error);
                warn!(error = %cause, "leases could not be renewed, connecting again");
                connection = None;
            }
        }
    }
}

/// Renews once; says whether the worker was asked to drain.
async fn once(
    worker: WorkerId,
    claims: &dyn Claims,
    registry: &Registry,
    connection: &mut Option<Box<dyn Renewals>>,
) -> Result<bool, StoreError> {
    // Read before the question: a lease that is claimed meanwhile is not missing from the answer.
    let before = registry.leases();
    let connected = match connection {
        Some(connected) => connected,
        None => connection.insert(claims.renewals().await?),
    };
    let renewed = connected.renew(worker, &before).await?;
    let lost = registry.lose(|lease| before.contains(&lease) && !renewed.held.contains(&lease));
    if lost > 0 {
        warn!(jobs = lost, "leases are gone, their jobs stop");
    }
    let cancelled = registry.cancel(&renewed.cancelled);
    if cancelled > 0 {
        info!(jobs = cancelled, "jobs were asked to stop");
    }
    Ok(renewed.drain)
}
