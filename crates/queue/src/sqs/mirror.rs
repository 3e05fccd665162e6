//! Dead letters in the dead-letter queues, for operators who look there.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::ports::{DeadLetter, Death, Mirror, MirrorError};
use tracing::warn;

use super::client::{Sqs, SqsError};
use super::names::{group, is_fifo};
use super::{BATCH_MAX, wire};

/// Bytes of the bodies of one request, at most: SQS takes a little more, counted with attributes.
const BYTES_MAX: usize = 1_000_000;

/// The dead-letter queues.
pub struct SqsMirror(Arc<Sqs>);

impl SqsMirror {
    /// Shows dead letters in the dead-letter queues of these queues.
    pub const fn new(sqs: Arc<Sqs>) -> Self {
        Self(sqs)
    }
}

#[async_trait]
impl Mirror for SqsMirror {
    async fn show(&self, dead: &[DeadLetter]) -> Result<Vec<Death>, MirrorError> {
        let mut lanes = BTreeMap::<Lane, Vec<&DeadLetter>>::new();
        for letter in dead {
            lanes.entry(letter.lane).or_default().push(letter);
        }
        let (mut shown, mut failed) = (Vec::new(), None);
        for (lane, letters) in lanes {
            let (mut bare, before) = (Vec::new(), shown.len());
            for batch in batches(&letters) {
                match self.put(lane, &batch).await {
                    Ok(put) => {
                        shown.extend(put.taken);
                        bare.extend(put.refused.into_iter().filter_map(without_payload));
                    }
                    Err(error) => failed = Some(error),
                }
            }
            // What the queue does not like is most likely in the payload, which the database has.
            for batch in batches(&bare.iter().collect::<Vec<_>>()) {
                match self.put(lane, &batch).await {
                    Ok(put) => shown.extend(put.taken),
                    Err(error) => failed = Some(error),
                }
            }
            let put = shown.len() - before;
            count_missing(lane, letters.len().saturating_sub(put));
        }
        match failed {
            // What lies there lies there, whatever became of the rest.
            Some(error) if shown.is_empty() => Err(MirrorError(Box::new(error))),
            Some(error) => {
                warn!(error = %chain(&error), "some dead letters are not in their queue yet");
                Ok(shown)
            }
            None => Ok(shown),
        }
    }
}

/// Each is tried again, and counted again: a count that goes on growing is a queue that takes none.
fn count_missing(lane: Lane, count: usize) {
    if count > 0 {
        metrics::counter!("packtrain_deaths_unmirrored_total", "lane" => lane.as_str())
            .increment(count as u64);
    }
}

/// What became of a batch; what is in neither of these was not taken for now.
struct Put<'a> {
    /// They lie in the queue.
    taken: Vec<Death>,
    /// The queue refuses them as they are.
    refused: Vec<&'a DeadLetter>,
}

impl SqsMirror {
    async fn put<'a>(
        &self,
        lane: Lane,
        batch: &[(&'a DeadLetter, String)],
    ) -> Result<Put<'a>, SqsError> {
        let sqs = &self.0;
        let queue = sqs.settings.dead_queue(lane);
        let url = sqs.url(&queue).await?;
        let entries = (0..).zip(batch).map(|(place, (letter, body)): (usize, _)| {
            // Turns among tenants; in a queue that keeps order, one order a tenant.
            let entry = SendMessageBatchRequestEntry::builder()
                .id(place.to_string())
                .message_group_id(group(&letter.tenant.to_string()))
                .message_body(body);
            let once = is_fifo(&queue).then(|| once(letter.death));
            let entry = entry.set_message_deduplication_id(once);
            entry.build().expect("id and body are set")
        });
        let sending = sqs
            .client()
            .await
            .send_message_batch()
            .queue_url(url)
            .set_entries(Some(entries.collect()))
            .send();
        let what = format!("take dead letters for {queue}");
        let answer = sending.await.map_err(sqs.failed(&queue, what))?;
        for failed in &answer.failed {
            let said = failed.message.as_deref().unwrap_or(&failed.code);
            warn!(
                queue,
                error = said,
                "a dead letter was refused by its queue"
            );
        }
        let at = |id: &str| {
            let place: usize = id.parse().ok()?;
            batch.get(place).map(|(letter, _)| *letter)
        };
        let taken = answer.successful.iter().filter_map(|sent| at(&sent.id));
        let refused = answer.failed.iter().filter(|failed| failed.sender_fault);
        Ok(Put {
            taken: taken.map(|letter| letter.death).collect(),
            refused: refused.filter_map(|failed| at(&failed.id)).collect(),
        })
    }
}

/// The letter with its payload left out, if it had one.
fn without_payload(letter: &DeadLetter) -> Option<DeadLetter> {
    letter.payload.as_ref()?;
    Some(DeadLetter {
        payload: None,
        ..letter.clone()
    })
}

/// The same for one death at every try: a queue that keeps order swallows the second within five
/// minutes.
fn once(death: Death) -> String {
    format!("{}-{}", death.job, death.at.timestamp_micros())
}

/// Letters with their bodies, as many a batch as fit into a request.
fn batches<'a>(letters: &[&'a DeadLetter]) -> Vec<Vec<(&'a DeadLetter, String)>> {
    let (mut all, mut bytes) = (Vec::<Vec<_>>::new(), 0);
    for letter in letters {
        let body = wire::envelope(letter);
        bytes += body.len();
        match all.last_mut() {
            Some(batch) if batch.len() < BATCH_MAX && bytes <= BYTES_MAX => {
                batch.push((*letter, body));
            }
            _ => {
                bytes = body.len();
                all.push(vec![(*letter, body)]);
            }
        }
    }
    all
}
