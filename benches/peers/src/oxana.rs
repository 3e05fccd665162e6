//! oxana: how it is set up, filled and run.

use std::time::Duration;

use anyhow::Result;
use async_trait::async_trait;
use oxana::{FromContext, JobContext, QueueConfig, Storage, Worker};

use crate::probe::{self, Probe, now_us};
use crate::work::How;

/// The best setting found.
const CONCURRENCY: usize = 50;
/// A push wakes nobody: an idle worker looks again after so long, by default after 10 s.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl oxana::Job for Probe {}

struct ProbeQueue;

impl oxana::Queue for ProbeQueue {
    fn to_config() -> QueueConfig {
        QueueConfig::as_static("probe")
    }
}

struct ProbeWorker;

impl FromContext<()> for ProbeWorker {
    fn from_context((): &()) -> Self {
        Self
    }
}

#[async_trait]
impl Worker<Probe> for ProbeWorker {
    type Error = oxana::BoxError;

    async fn process(&self, job: Probe, _: &JobContext) -> Result<(), Self::Error> {
        job.work().await;
        Ok(())
    }
}

/// A producer's access.
#[derive(Clone)]
pub(crate) struct Oxana(Storage);

impl Oxana {
    pub(crate) async fn open(url: &str) -> Result<Self> {
        let opened = Self(Storage::from_url(url)?);
        opened.unfinished().await?;
        Ok(opened)
    }

    /// Enqueues one job; microseconds since 1970 just before.
    pub(crate) async fn one(&self, job: Probe) -> Result<i64> {
        let since = now_us();
        self.0.enqueue(ProbeQueue, job).await?;
        Ok(since)
    }

    pub(crate) async fn many(&self, count: usize) -> Result<()> {
        let jobs = (0..count).map(|_| Probe { hold_ms: 0 });
        self.0.enqueue_list(ProbeQueue, jobs).await?;
        Ok(())
    }

    /// Jobs that are not over; one that is done is deleted.
    pub(crate) async fn unfinished(&self) -> Result<i64> {
        Ok(i64::try_from(self.0.jobs_count().await?)?)
    }
}

/// Works until the process is ended.
pub(crate) async fn work(url: &str, how: How) -> Result<()> {
    let runtime = Storage::from_url(url)?
        .runtime(())
        .worker::<ProbeWorker, Probe>();
    let runtime = match how {
        How::Usual => runtime.queue::<ProbeQueue>(),
        How::Tuned => runtime.queue_with_concurrency::<ProbeQueue>(CONCURRENCY),
        How::Idle => runtime
            .queue_with_concurrency::<ProbeQueue>(CONCURRENCY)
            .dequeue_timeout(LOOK_EVERY),
        How::Slots(slots) => runtime.queue_with_concurrency::<ProbeQueue>(slots as usize),
    };
    probe::ready();
    runtime.run().await?;
    Ok(())
}
