//! Writes ends in batches; a place among the unsettled is free only when its end is durable.
//!
//! While one batch is being written the next gathers: no end waits for company, and the busier the
//! worker, the more of them share a transaction. Where each end has a transaction of its own, many
//! are under way at once instead.
//!
//! An outage delays ends, but a worker that drains waits for the database no longer than it may:
//! what is not written then is left, and runs again when its leases have run out.

use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use packtrain_core::fault::chain;
use packtrain_core::ids::JobId;
use packtrain_core::patience::patient;
use packtrain_core::ports::{Claims, End, Hint, Hints, Settlement, StoreError};
use packtrain_core::time::{Clock, Timestamp};
use packtrain_core::vitals::Pulse;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::fleet::SettleSettings;
use crate::registry::Registry;
use crate::slots::Unsettled;
use crate::traced;

/// Pause after the database could not be reached.
const PAUSE: Duration = Duration::from_millis(250);

/// An end and the place that it frees.
pub(crate) struct Ended {
    pub(crate) settlement: Settlement,
    pub(crate) place: Unsettled,
}

/// What settling reaches.
pub(crate) struct Settler {
    pub(crate) claims: Arc<dyn Claims>,
    pub(crate) hints: Arc<dyn Hints>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) pulse: Pulse,
}

/// Settles until every sender is gone and everything is written; from the end of `budget` on,
/// what is not written yet is left.
pub(crate) async fn run(
    settings: SettleSettings,
    ends: mpsc::Receiver<Ended>,
    settler: Settler,
    budget: impl Future<Output = ()>,
) {
    let spent = CancellationToken::new();
    let spending = async {
        budget.await;
        spent.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = settle(settings, ends, &settler, &spent) => {}
        () = spending => {}
    }
    settler.pulse.rest();
}

async fn settle(
    settings: SettleSettings,
    mut ends: mpsc::Receiver<Ended>,
    settler: &Settler,
    spent: &CancellationToken,
) {
    let mut batch = Vec::with_capacity(settings.batch_max);
    let mut writing = FuturesUnordered::new();
    let mut is_open = true;
    loop {
        if writing.is_empty() {
            settler.pulse.rest();
        }
        tokio::select! {
            biased;
            Some(()) = writing.next() => {}
            count = ends.recv_many(&mut batch, settings.batch_max),
                if is_open && writing.len() < settings.at_once =>
            {
                is_open = count > 0;
                if is_open {
                    settler.pulse.turn();
                    let batch = std::mem::take(&mut batch);
                    writing.push(end(settler, spent, batch));
                }
            }
            else => return,
        }
    }
}

/// Writes a batch, or leaves it when the budget is spent; its places are free then.
async fn end(settler: &Settler, spent: &CancellationToken, batch: Vec<Ended>) {
    let (settlements, places): (Vec<_>, Vec<_>) = batch
        .into_iter()
        .map(|end| (end.settlement, end.place))
        .unzip();
    let writing = write(settler, &settlements);
    if spent.run_until_cancelled(writing).await.is_none() {
        for settlement in &settlements {
            let (job, lease) = (settlement.job, settlement.lease);
            warn!(job.id = %job, lease.id = %lease, "end is left, job runs again after its lease");
        }
    }
    for settlement in &settlements {
        settler.registry.leave(settlement.job, settlement.lease);
    }
    drop(places);
}

/// Writes until the database has decided: an outage delays an end and loses none.
async fn write(settler: &Settler, ends: &[Settlement]) {
    let (claims, hints) = (&*settler.claims, &*settler.hints);
    let began = settler.clock.now();
    let mut is_in_doubt = false;
    loop {
        settler.pulse.turn();
        match patient(claims.settle(ends)).await {
            Ok(mut settled) => {
                settler.pulse.answered();
                if is_in_doubt && !settled.fenced.is_empty() {
                    settled.fenced = thrown_away(claims, ends, settled.fenced).await;
                }
                metrics::counter!("packtrain_jobs_fenced_total")
                    .increment(settled.fenced.len() as u64);
                let times = (began, settler.clock.now());
                tell_follow_ups(ends, &settled.fenced, times);
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
                is_in_doubt = true;
                tokio::time::sleep(PAUSE).await;
            }
            Err(refusal) => {
                // The lease stays; when its beat stops counting the reaper gives the jobs back,
                // and they are charged: nothing is lost, and nothing hangs here for ever.
                let cause = chain(&refusal);
                error!(error = %cause, jobs = ends.len(), "ends were refused");
                return;
            }
        }
    }
}

/// Those of the fenced that really were. Where an answer was lost, an end may have been written all
/// the same: it took its lease along, and is fenced by itself when it is settled again.
async fn thrown_away(
    claims: &dyn Claims,
    ends: &[Settlement],
    mut fenced: Vec<JobId>,
) -> Vec<JobId> {
    let ends = ends.iter().filter(|end| fenced.contains(&end.job));
    let ends: Vec<Settlement> = ends.cloned().collect();
    match patient(claims.written(&ends)).await {
        Ok(written) => fenced.retain(|job| !written.contains(job)),
        Err(error) => {
            let error = chain(&error);
            warn!(
                error,
                "ends that were written without an answer count as fenced"
            );
        }
    }
    fenced
}

/// Counts the jobs that these ends brought, but for those that were fenced, and tells of them
/// between when the ends began to be written and when they were.
fn tell_follow_ups(ends: &[Settlement], fenced: &[JobId], times: (Timestamp, Timestamp)) {
    for settlement in ends {
        let End::Succeeded(success) = &settlement.end else {
            continue;
        };
        if success.then.is_empty() || fenced.contains(&settlement.job) {
            continue;
        }
        traced::tell_follow_ups(settlement, &success.then, times.0, times.1);
        for job in &success.then {
            let labels = [
                ("kind", job.kind.to_string()),
                ("lane", job.lane.to_string()),
            ];
            metrics::counter!("packtrain_jobs_enqueued_total", &labels).increment(1);
        }
    }
}

#[cfg(test)]
mod tests;
