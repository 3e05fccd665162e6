//! Receives hints, only when somebody is ready to look, and no more than jobs could begin.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_sqs::config::Builder;
use aws_sdk_sqs::types::{DeleteMessageBatchRequestEntry, Message};
use futures::stream::{self, Stream, StreamExt};
use packtrain_core::fault::chain;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Death, Free, Heard};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::warn;

use super::client::{Sqs, SqsError};
use super::returned::Returned;
use super::seldom::Seldom;
use super::{BATCH_MAX, COUNTED, wire};

/// Pause after a poll that failed; doubled up to the most.
const PAUSE_FIRST: Duration = Duration::from_millis(200);
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// Returned dead letters of one lane that are revived at once. A worker's pool of connections is
/// for its jobs first.
const RETURNED_AT_ONCE: usize = 2;
/// Deletions of this process that are under way at once.
pub(super) const DELETIONS_MAX: usize = 16;

/// Listens to the queue of one lane.
pub(super) struct Ear {
    pub(super) sqs: Arc<Sqs>,
    pub(super) lane: Lane,
    /// What is received is hidden from others: no more than could begin here.
    pub(super) free: Free,
    pub(super) returned: Returned,
    pub(super) tasks: TaskTracker,
    pub(super) seldom: Arc<Seldom>,
    /// Room for deletions, of all lanes together.
    pub(super) deletions: Arc<Semaphore>,
}

/// The hints of a lane: one for all messages of a poll. More is asked for only when this is polled,
/// so that a worker with full hands leaves the messages to the others. They are deleted when the
/// worker has looked; until then they are hidden, and come again. Nothing is asked for while dead
/// letters of the poll before are still seen to.
pub(super) fn hints(ear: Ear) -> impl Stream<Item = Heard> + Send {
    stream::unfold(
        (ear, PAUSE_FIRST, None),
        |(ear, mut pause, seen_to)| async move {
            let mut seen_to: Option<JoinHandle<()>> = seen_to;
            loop {
                if let Some(letters) = seen_to.take() {
                    // One that panicked has said so; its letters come again.
                    letters.await.ok();
                }
                match ear.poll().await {
                    Ok(messages) => {
                        pause = PAUSE_FIRST;
                        let (hints, letters) = apart(messages);
                        seen_to = ear.see_to(letters);
                        if !hints.is_empty() {
                            COUNTED.heard(ear.lane, hints.len());
                            return Some((ear.heard(hints), (ear, pause, seen_to)));
                        }
                    }
                    Err(error) => {
                        COUNTED.deaf();
                        ear.complain(&error, "hints cannot be received yet");
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(PAUSE_MOST);
                    }
                }
            }
        },
    )
}

impl Ear {
    async fn poll(&self) -> Result<Vec<Message>, SqsError> {
        let settings = &self.sqs.settings;
        let queue = settings.queue(self.lane);
        let url = self.sqs.url(&queue).await?;
        let patience = Builder::new().timeout_config(self.sqs.patience_of_polls());
        let polling = self
            .sqs
            .client()
            .await
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(self.most())
            .wait_time_seconds(seconds(settings.wait))
            .visibility_timeout(seconds(settings.visibility))
            .customize()
            .config_override(patience)
            .send();
        let what = format!("give messages of {queue}");
        let answer = polling.await.map_err(self.sqs.failed(&queue, what))?;
        Ok(answer.messages.unwrap_or_default())
    }

    /// How many messages are asked for.
    fn most(&self) -> i32 {
        let most = (self.free)().clamp(1, BATCH_MAX);
        i32::try_from(most).unwrap_or(1)
    }

    /// Sees to dead letters that came back, in a task of their own: this stream may rest for long,
    /// and a transaction must not rest with it.
    fn see_to(&self, letters: Vec<(Death, String)>) -> Option<JoinHandle<()>> {
        if letters.is_empty() {
            return None;
        }
        let (returned, sqs, lane) = (self.returned.clone(), Arc::clone(&self.sqs), self.lane);
        Some(self.tasks.spawn(async move {
            let (returned, sqs) = (&returned, &sqs);
            let each = stream::iter(letters);
            each.for_each_concurrent(RETURNED_AT_ONCE, |(death, handle)| async move {
                if returned.is_done(death).await {
                    delete(sqs, lane, vec![handle], &returned.seldom).await;
                }
            })
            .await;
        }))
    }

    fn heard(&self, handles: Vec<String>) -> Heard {
        let (sqs, lane, tasks) = (Arc::clone(&self.sqs), self.lane, self.tasks.clone());
        let seldom = Arc::clone(&self.seldom);
        let deletions = Arc::clone(&self.deletions);
        Heard::until_looked(self.lane, move || {
            // Without room they stay: they come again, and mean nothing new.
            let Ok(room) = deletions.try_acquire_owned() else {
                return;
            };
            tasks.spawn(async move {
                delete(&sqs, lane, handles, &seldom).await;
                drop(room);
            });
        })
    }

    fn complain(&self, error: &SqsError, what: &'static str) {
        complain(&self.seldom, self.lane, error, what);
    }
}

/// The handles of hints, and the dead letters among messages.
fn apart(messages: Vec<Message>) -> (Vec<String>, Vec<(Death, String)>) {
    let (mut hints, mut letters) = (Vec::new(), Vec::new());
    for message in messages {
        let Some(handle) = message.receipt_handle else {
            continue;
        };
        match message.body.as_deref().and_then(wire::death) {
            Some(death) => letters.push((death, handle)),
            None => hints.push(handle),
        }
    }
    (hints, letters)
}

/// Deletes messages of one poll. One that stays comes again, and means nothing new.
async fn delete(sqs: &Sqs, lane: Lane, handles: Vec<String>, seldom: &Seldom) {
    if let Err(error) = try_delete(sqs, lane, handles).await {
        complain(
            seldom,
            lane,
            &error,
            "messages were not deleted and will come again",
        );
    }
}

async fn try_delete(sqs: &Sqs, lane: Lane, handles: Vec<String>) -> Result<(), SqsError> {
    let queue = sqs.settings.queue(lane);
    let url = sqs.url(&queue).await?;
    let entries = (0..).zip(handles).map(|(place, handle): (usize, _)| {
        let entry = DeleteMessageBatchRequestEntry::builder();
        let entry = entry.id(place.to_string()).receipt_handle(handle);
        entry.build().expect("id and receipt are set")
    });
    let deleting = sqs
        .client()
        .await
        .delete_message_batch()
        .queue_url(url)
        .set_entries(Some(entries.collect()))
        .send();
    let what = format!("delete messages of {queue}");
    let answer = deleting.await.map_err(sqs.failed(&queue, &*what))?;
    match answer.failed.first() {
        None => Ok(()),
        Some(failed) => {
            let source = failed.message.as_deref().unwrap_or(&failed.code).into();
            Err(SqsError::Failed { what, source })
        }
    }
}

fn complain(seldom: &Seldom, lane: Lane, error: &SqsError, what: &'static str) {
    if let Some(kept_back) = seldom.is_time() {
        warn!(job.lane = %lane, error = %chain(error), kept_back, "{what}");
    }
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}
