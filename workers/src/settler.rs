//! Writes ends in batches; a place among the unsettled is free only when its end is durable.
//!
//! While one batch is being written the next gathers: no end waits for company, and the busier the
//! worker, the more of them share a transaction. Where each end has a transaction of its own, many
//! are under way at once instead.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use packtrain_core::ports::{Claims, Hint, Hints, Settlement, StoreError};
use tokio::sync::mpsc;
use tracing::{error, warn};

use crate::fleet::SettleSettings;
use crate::patience::patient;
use crate::registry::Registry;
use crate::slots::Unsettled;

/// Pause after the database could not be reached.
const PAUSE: Duration = Duration::from_millis(250);

/// An end and the place that it frees.
pub(crate) struct Ended {
    pub(crate) settlement: Settlement,
    pub(crate) place: Unsettled,
}

/// Settles until every sender is gone and everything is written.
pub(crate) async fn run(
    settings: SettleSettings,
    mut ends: mpsc::Receiver<Ended>,
    claims: Arc<dyn Claims>,
    hints: Arc<dyn Hints>,
    registry: Arc<Registry>,
) {
    let mut batch = Vec::with_capacity(settings.batch_max);
    let mut writing = FuturesUnordered::new();
    let mut is_open = true;
    loop {
        tokio::select! {
            biased;
            Some(()) = writing.next() => {}
            count = ends.recv_many(&mut batch, settings.batch_max),
                if is_open && writing.len() < settings.at_once =>
            {
                match count {
                    0 => is_open = false,
                    _ => writing.push(end(&*claims, &*hints, &registry, std::mem::take(&mut batch))),
                }
            }
            else => return,
        }
    }
}

/// Writes a batch; its places are free then.
async fn end(claims: &dyn Claims, hints: &dyn Hints, registry: &Registry, batch: Vec<Ended>) {
    let (settlements, places): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|end| (end.settlement, end.place))
        .unzip();
    write(claims, hints, &settlements).await;
    for settlement in &settlements {
        registry.leave(settlement.job, settlement.lease);
    }
    drop(places);
}

/// Writes until the database has decided: an outage delays an end and loses none.
async fn write(claims: &dyn Claims, hints: &dyn Hints, ends: &[Settlement]) {
    loop {
        match patient(claims.settle(ends)).await {
            Ok(settled) => {
                metrics::counter!("packtrain_jobs_fenced_total")
                    .increment(settled.fenced.len() as u64);
                for job in settled.fenced {
                    warn!(job.id = %job, "lease was gone, result thrown away");
                }
                for lane in settled.woken {
                    hints.send(Hint { lane, about: None });
                }
                return;
            }
            Err(StoreError::Unavailable(cause)) => {
                warn!(error = %cause, jobs = ends.len(), "database not reachable, settling again");
                tokio::time::sleep(PAUSE).await;
            }
            Err(refusal) => {
                // The lease stays; when its beat stops counting the reaper gives the jobs back,
                // and they are charged: nothing is lost, and nothing hangs here for ever.
                let cause = packtrain_core::fault::chain(&refusal);
                error!(error = %cause, jobs = ends.len(), "ends were refused");
                return;
            }
        }
    }
}
