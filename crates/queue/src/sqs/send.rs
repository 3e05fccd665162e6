//! Sends hints in batches, best effort.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use futures::future::join_all;
use packtrain_core::fault::chain;
use packtrain_core::ids::IdSource;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hint, Subject};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::client::{Sqs, SqsError};
use super::names::{group, is_fifo};
use super::seldom::Seldom;
use super::{BATCH_MAX, wire};

/// How long hints are gathered before they go.
const GATHER: Duration = Duration::from_millis(5);

/// Sends what comes until `stop`; what came before it still goes.
///
/// Of all hints that a lane has at once ten go: one is enough for a worker to come, and more than
/// ten workers learn of it by looking.
pub(super) async fn post(
    sqs: Arc<Sqs>,
    mut waiting: mpsc::Receiver<Hint>,
    ids: Arc<dyn IdSource>,
    stop: CancellationToken,
) {
    let seldom = Seldom::default();
    loop {
        let first = tokio::select! {
            () = stop.cancelled(), if !waiting.is_closed() => {
                waiting.close();
                continue;
            }
            hint = waiting.recv() => hint,
        };
        let Some(first) = first else { return };
        if !stop.is_cancelled() {
            tokio::time::sleep(GATHER).await;
        }
        let mut lanes = BTreeMap::<Lane, Vec<Hint>>::new();
        let mut hint = Some(first);
        while let Some(next) = hint {
            let lane = lanes.entry(next.lane).or_default();
            if lane.len() < BATCH_MAX {
                lane.push(next);
            }
            hint = waiting.try_recv().ok();
        }
        let sending = lanes
            .iter()
            .map(|(lane, hints)| send(&sqs, *lane, hints, &*ids));
        for (lane, sent) in lanes.keys().zip(join_all(sending).await) {
            let Err(error) = sent else { continue };
            if let Some(kept_back) = seldom.is_time() {
                let error = chain(&error);
                warn!(
                    job.lane = %lane, error, kept_back,
                    "hints were not sent, workers will look by themselves"
                );
            }
        }
    }
}

async fn send(sqs: &Sqs, lane: Lane, hints: &[Hint], ids: &dyn IdSource) -> Result<(), SqsError> {
    let queue = sqs.settings.queue(lane);
    let url = sqs.url(&queue).await?;
    let keeps_order = is_fifo(&queue);
    let entries = (0..)
        .zip(hints)
        .map(|(place, hint)| entry(place, hint, keeps_order, ids));
    let sending = sqs
        .client()
        .await
        .send_message_batch()
        .queue_url(url)
        .set_entries(Some(entries.collect()))
        .send();
    let what = format!("take hints for {queue}");
    let answer = sending.await.map_err(sqs.failed(&queue, &*what))?;
    match answer.failed.first() {
        None => Ok(()),
        Some(failed) => {
            let said = failed.message.as_deref().unwrap_or(&failed.code);
            let source = said.into();
            Err(SqsError::Failed { what, source })
        }
    }
}

/// In a queue that keeps order a hint has the group of its job, and a job's second hint within five
/// minutes is swallowed; in others the group only says who takes turns with whom.
fn entry(
    place: usize,
    hint: &Hint,
    keeps_order: bool,
    ids: &dyn IdSource,
) -> SendMessageBatchRequestEntry {
    let about = hint.about.as_ref();
    let known = about.and_then(|about: &Subject| about.group.as_deref());
    let entry = SendMessageBatchRequestEntry::builder()
        .id(place.to_string())
        .message_body(wire::hint(hint));
    let entry = if keeps_order {
        let job = about.and_then(|about| about.job);
        let once = job.map_or_else(|| fresh(ids), |job| job.to_string());
        entry
            .message_group_id(group(known.unwrap_or(hint.lane.as_str())))
            .message_deduplication_id(once)
    } else {
        entry.set_message_group_id(known.map(group))
    };
    entry.build().expect("id and body are set")
}

fn fresh(ids: &dyn IdSource) -> String {
    format!("{:016x}{:016x}", ids.random(), ids.random())
}
