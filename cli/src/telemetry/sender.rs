//! Sends spans to a collector in batches, and gives up rather than to hold anything up.

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::resource::v1::Resource;
use packtrain_feeds::Post;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use super::layer::Traced;
use super::wire;

/// Spans of one request, at most.
const BATCH_MAX: usize = 512;
/// How long a span waits for others to be sent along.
const GATHER_FOR: Duration = Duration::from_secs(1);
/// How long the collector may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How often a batch is sent, at most.
const TRIES_MAX: u32 = 3;
/// The pause before a batch is sent again; each further one is so many times as long.
const PAUSE_FIRST: Duration = Duration::from_millis(250);
const PAUSE_GROWS: u32 = 4;
/// How often trouble is told, at most.
const TELL_EVERY: Duration = Duration::from_secs(60);
/// Letters of what a collector says that are passed on.
const REASON_LETTERS_MAX: usize = 200;
const MEDIA_TYPE: &str = "application/x-protobuf";

/// What sends.
pub(super) struct Sender {
    post: Post,
    resource: Resource,
    /// Spans that found the queue full.
    overflow: Arc<AtomicU64>,
    /// Spans that were lost since that was told.
    untold: u64,
    told_at: Option<Instant>,
}

impl Sender {
    pub(super) const fn new(post: Post, resource: Resource, overflow: Arc<AtomicU64>) -> Self {
        Self {
            post,
            resource,
            overflow,
            untold: 0,
            told_at: None,
        }
    }

    /// Sends until `stop`, and then what is left.
    pub(super) async fn run(mut self, mut spans: mpsc::Receiver<Traced>, stop: CancellationToken) {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        while gather(&mut spans, &mut batch, &stop).await || !batch.is_empty() {
            self.export(&batch, &stop).await;
            batch.clear();
            let overflow = self.overflow.swap(0, Ordering::Relaxed);
            if overflow > 0 {
                self.complain(overflow, "they came faster than they were taken");
            }
        }
    }

    /// Sends a batch, again if that may help.
    async fn export(&mut self, batch: &[Traced], stop: &CancellationToken) {
        let body = Bytes::from(wire::encode(&self.resource, batch));
        let count = batch.len() as u64;
        let mut pause = PAUSE_FIRST;
        let mut tries = 1;
        loop {
            let sending = self.post.send(MEDIA_TYPE, body.clone(), ANSWER_WITHIN);
            let (trouble, may_pass) = match sending.await {
                Ok((status, answer)) if status.is_success() => return self.taken(count, &answer),
                Ok((status, _)) => {
                    let may_pass = matches!(status.as_u16(), 429 | 502..=504);
                    (format!("the collector answered {status}"), may_pass)
                }
                Err(error) => (error.to_string(), true),
            };
            if !may_pass {
                return self.lost(count, "refused", &trouble);
            }
            if tries == TRIES_MAX || stop.is_cancelled() {
                return self.lost(count, "unreachable", &trouble);
            }
            // Who is told to stop tries once more at once.
            stop.run_until_cancelled(sleep(pause)).await;
            (tries, pause) = (tries + 1, pause * PAUSE_GROWS);
        }
    }

    /// Notes what the collector took, and what it did not.
    fn taken(&mut self, count: u64, answer: &[u8]) {
        let rejected = wire::rejected(answer);
        let refused = rejected.as_ref().map_or(0, |(refused, _)| *refused);
        metrics::counter!("packtrain_spans_exported_total")
            .increment(count.saturating_sub(refused));
        if let Some((refused, why)) = rejected {
            let letters = why.chars().filter(|letter| !letter.is_control());
            let why: String = letters.take(REASON_LETTERS_MAX).collect();
            self.lost(refused, "rejected", &why);
        }
    }

    fn lost(&mut self, count: u64, reason: &'static str, trouble: &str) {
        metrics::counter!("packtrain_spans_dropped_total", "reason" => reason).increment(count);
        self.complain(count, trouble);
    }

    /// Says it to the log, but not all the time.
    fn complain(&mut self, count: u64, trouble: &str) {
        self.untold += count;
        if self.told_at.is_some_and(|at| at.elapsed() < TELL_EVERY) {
            return;
        }
        warn!(
            spans = self.untold,
            error = trouble,
            "spans of traces were dropped"
        );
        (self.untold, self.told_at) = (0, Some(Instant::now()));
    }
}

/// Fills a batch; false when it is time to stop, with what there is.
async fn gather(
    spans: &mut mpsc::Receiver<Traced>,
    batch: &mut Vec<Traced>,
    stop: &CancellationToken,
) -> bool {
    let gathering = async {
        if spans.recv_many(batch, BATCH_MAX).await == 0 {
            // Nobody is left who could tell of a span.
            pending::<()>().await;
        }
        let until = Instant::now() + GATHER_FOR;
        while batch.len() < BATCH_MAX {
            let left = BATCH_MAX - batch.len();
            if timeout_at(until, spans.recv_many(batch, left))
                .await
                .is_err()
            {
                break;
            }
        }
    };
    if stop.run_until_cancelled(gathering).await.is_some() {
        return true;
    }
    while batch.len() < BATCH_MAX
        && let Ok(span) = spans.try_recv()
    {
        batch.push(span);
    }
    false
}
