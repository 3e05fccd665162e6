//! Sends hints in batches, best effort.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::types::{QueueAttributeName as Name, SendMessageBatchRequestEntry};
use futures::future::join_all;
use packtrain_core::fault::chain;
use packtrain_core::ids::IdSource;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Hint, Subject};
use tracing::warn;

use super::client::{Sqs, SqsError};
use super::names::{group, is_fifo};
use super::room::Room;
use super::seldom::Seldom;
use super::{BATCH_MAX, COUNTED, wire};
use crate::counted::Dropped;
use crate::outbox::Outbox;

/// How long hints are gathered before they go.
const GATHER: Duration = Duration::from_millis(5);
/// The longest that is waited to learn how many hints lie in a queue.
const TOLD_WITHIN: Duration = Duration::from_secs(1);
/// What lies in a queue: what can be received, and what somebody has and did not delete yet.
const DEPTHS: [Name; 2] = [
    Name::ApproximateNumberOfMessages,
    Name::ApproximateNumberOfMessagesNotVisible,
];

/// Sends hints.
pub(super) struct Sender {
    sqs: Arc<Sqs>,
    ids: Arc<dyn IdSource>,
    seldom: Seldom,
    /// Complaints of full queues have a second of their own: they are no trouble of the service.
    seldom_full: Seldom,
    rooms: BTreeMap<Lane, Room>,
}

impl Sender {
    pub(super) fn new(sqs: Arc<Sqs>, ids: Arc<dyn IdSource>) -> Self {
        Self {
            sqs,
            ids,
            seldom: Seldom::default(),
            seldom_full: Seldom::default(),
            rooms: Lane::ALL.map(|lane| (lane, Room::default())).into(),
        }
    }

    /// Sends what comes until `stop`; what came before it still goes.
    ///
    /// Of all hints that a lane has at once ten go: one is enough for a worker to come, and more
    /// than ten workers learn of it by looking.
    pub(super) async fn post(mut self, mut outbox: Outbox<Hint>) {
        while let Some(first) = outbox.first().await {
            if !outbox.is_ending() {
                tokio::time::sleep(GATHER).await;
            }
            let mut lanes = outbox.moment(first, BATCH_MAX, COUNTED);
            let mut rooms = std::mem::take(&mut self.rooms);
            let sending = rooms
                .iter_mut()
                .filter_map(|(lane, room)| Some((*lane, room, lanes.remove(lane)?)));
            let sending = sending.map(|(lane, room, hints)| self.go(lane, room, hints));
            join_all(sending).await;
            self.rooms = rooms;
        }
    }

    /// Sends hints of one moment, unless enough lie there. The depth of the queue is looked up
    /// beside, for the next moment: a hint that goes does not wait for it. The next moment does, of
    /// each lane, for a second at most; and after a look in vain there is none for a while.
    async fn go(&self, lane: Lane, room: &mut Room, hints: Vec<Hint>) {
        if room.is_full() && room.is_due() {
            let depth = self.depth(lane).await;
            room.learn(depth);
        }
        if room.is_full() {
            COUNTED.dropped(lane, Dropped::Full, hints.len());
            if let Some(kept_back) = self.seldom_full.is_time() {
                warn!(
                    job.lane = %lane, kept_back,
                    "enough hints wait in the queue, no more are sent; workers look by themselves"
                );
            }
            return;
        }
        let sending = send(&self.sqs, lane, &hints, &*self.ids);
        let sent = if room.is_due() {
            let (sent, depth) = tokio::join!(sending, self.depth(lane));
            room.learn(depth);
            sent
        } else {
            sending.await
        };
        let Err(error) = sent else {
            COUNTED.sent(lane, hints.len());
            room.add(hints.len() as u64);
            return;
        };
        COUNTED.dropped(lane, Dropped::Failed, hints.len());
        if let Some(kept_back) = self.seldom.is_time() {
            let error = chain(&error);
            warn!(
                job.lane = %lane, error, kept_back,
                "hints were not sent, workers will look by themselves"
            );
        }
    }

    /// How many messages lie in a lane's queue; none when that cannot be learned.
    async fn depth(&self, lane: Lane) -> Option<u64> {
        let asking = tokio::time::timeout(TOLD_WITHIN, depth(&self.sqs, lane)).await;
        let error = match asking {
            Ok(Ok(depth)) => return Some(depth),
            Ok(Err(error)) => chain(&error),
            Err(late) => late.to_string(),
        };
        if let Some(kept_back) = self.seldom.is_time() {
            warn!(
                job.lane = %lane, error, kept_back,
                "how many hints lie in the queue cannot be learned, they are sent all the same"
            );
        }
        None
    }
}

async fn depth(sqs: &Sqs, lane: Lane) -> Result<u64, SqsError> {
    let queue = sqs.settings.queue(lane);
    let url = sqs.url(&queue).await?;
    let asking = sqs
        .client()
        .await
        .get_queue_attributes()
        .queue_url(url)
        .set_attribute_names(Some(DEPTHS.to_vec()))
        .send();
    let what = format!("tell how much lies in {queue}");
    let answer = asking.await.map_err(sqs.failed(&queue, what))?;
    let attributes = answer.attributes.unwrap_or_default();
    let number = |name| attributes.get(name)?.parse::<u64>().ok();
    Ok(DEPTHS.iter().filter_map(number).sum())
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
