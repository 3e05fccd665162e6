//! What a running job sees: the world through ports, the time, and whether to stop.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Progress;
use crate::cpu::{self, CpuPool};
use crate::fault::{Fault, Verdict};
use crate::ids::{IdSource, JobId, LeaseId, TenantId};
use crate::limits::{FAN_OUT_MAX, RESULT_BYTES_MAX};
use crate::ports::{JobFilter, JobRecord, Noted, WAITING, World};
use crate::time::{Clock, Timestamp};

/// The stage of a job that has named none yet.
const FIRST_STAGE: &str = "begin";

/// What a running job sees of the world.
pub struct Ctx {
    /// Its own id.
    pub job: JobId,
    /// The lease it runs under: the fencing token.
    pub lease: LeaseId,
    /// The job whose batch it is a member of.
    pub batch: Option<JobId>,
    /// Whose data it works on.
    pub tenant: TenantId,
    /// Which attempt this is, from 1.
    pub attempt: u16,
    /// When the job was asked for: the same in every attempt, so that results repeat.
    pub asked_at: Timestamp,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// New ids.
    pub ids: Arc<dyn IdSource>,
    /// Set when the attempt must stop: cancelled, out of time, or the worker drains.
    pub cancel: CancellationToken,
    /// Where work for the cores runs.
    pub cpu: Arc<dyn CpuPool>,
    /// How far it is; readable by the worker while the job runs.
    pub progress: Arc<Progress>,
    /// Everything outside.
    pub world: Arc<World>,
}

impl Ctx {
    /// Enters a named stage and writes it to the job's events, so that a reader sees it at once.
    ///
    /// # Errors
    /// A retry when the event could not be written.
    pub async fn stage(&self, name: &'static str) -> Result<(), Fault> {
        let at = self.clock.now();
        let before = self.progress.snapshot().stage;
        let left = self.progress.enter(name, at);
        if let Some(left) = left {
            self.note(left).await?;
            // It came further than where it waited.
            self.tell_kept(before).await?;
        }
        self.note(BTreeMap::from([
            ("name", name.into()),
            ("state", "running".into()),
        ]))
        .await
    }

    /// Leaves the last stage when the work is done, so that a reader sees it end as the others did.
    ///
    /// # Errors
    /// A retry when the event could not be written.
    pub async fn leave_stage(&self) -> Result<(), Fault> {
        if let Some(left) = self.progress.snapshot().closed(self.clock.now()) {
            self.note(left).await?;
        }
        self.wait_no_more().await
    }

    /// Notes that the job waits for something that is away, as the code says; false when that is
    /// known, or nothing more is written: however often it tries in vain, this is one event.
    ///
    /// # Errors
    /// A retry when the event could not be written.
    pub async fn begin_to_wait(&self, code: &str) -> Result<bool, Fault> {
        if self.progress.waits() {
            return Ok(false);
        }
        let stage = self.progress.snapshot().stage;
        let data = serde_json::json!({
            "name": stage.unwrap_or(FIRST_STAGE), "state": WAITING, "code": code,
        });
        let events = &self.world.events;
        let noted = events.append(self.tenant, self.job, "stage", &data).await?;
        Ok(noted == Noted::Done)
    }

    /// Writes what was kept back while the job counted as waiting, which it does no more.
    ///
    /// # Errors
    /// A retry when the events could not be written.
    pub async fn wait_no_more(&self) -> Result<(), Fault> {
        self.tell_kept(None).await
    }

    async fn tell_kept(&self, stage: Option<&str>) -> Result<(), Fault> {
        if let Some(kept) = self.progress.take_kept(stage) {
            let events = &self.world.events;
            events.append_kept(self.tenant, self.job, &kept).await?;
        }
        Ok(())
    }

    /// Writes what a stage says, or keeps it back while the job counts as waiting.
    async fn note(&self, data: BTreeMap<&str, Value>) -> Result<(), Fault> {
        let data = serde_json::to_value(data).map_err(|error| Fault::fatal("job.event", error))?;
        if self.progress.keep(&data) {
            return Ok(());
        }
        let events = &self.world.events;
        match events.append(self.tenant, self.job, "stage", &data).await? {
            Noted::Done | Noted::Full => {}
            Noted::Waits(stage) => self.progress.keep_from(stage, data),
        }
        Ok(())
    }

    /// Keeps how far the job came, for a later attempt to go on from.
    ///
    /// # Errors
    /// A retry when it could not be written or another worker has the job now; a fatal fault when
    /// it is larger than a result may be.
    pub async fn save_checkpoint(&self, data: &Value) -> Result<(), Fault> {
        if data.to_string().len() > RESULT_BYTES_MAX {
            let said = format!("a checkpoint of more than {RESULT_BYTES_MAX} bytes");
            return Err(Fault::said(Verdict::Fatal, "job.too_large", said));
        }
        let checkpoints = &self.world.checkpoints;
        let saved = checkpoints.save(self.tenant, self.job, self.lease, data);
        if saved.await? {
            return Ok(());
        }
        let said = "another worker has the job now";
        Err(Fault::said(Verdict::Retry(None), "job.lease_lost", said))
    }

    /// What an earlier attempt kept with [`save_checkpoint`](Self::save_checkpoint).
    ///
    /// # Errors
    /// A retry when it could not be read.
    pub async fn checkpoint(&self) -> Result<Option<Value>, Fault> {
        let found = self.world.checkpoints.find(self.tenant, self.job).await?;
        Ok(found)
    }

    /// The members of the batch that this job is of, itself among them, with their results: for
    /// the job that follows all of them. None for a job that is of no batch.
    ///
    /// # Errors
    /// A retry when they could not be read.
    pub async fn members(&self) -> Result<Vec<JobRecord>, Fault> {
        let Some(batch) = self.batch else {
            return Ok(Vec::new());
        };
        let filter = JobFilter {
            batch: Some(batch),
            limit: u32::try_from(FAN_OUT_MAX + 1).unwrap_or(u32::MAX),
            ..JobFilter::default()
        };
        Ok(self.world.jobs.records(&filter).await?)
    }

    /// Runs `work` on the pool for computation. Use it for anything over a millisecond, and poll
    /// [`Stop::requested`] in loops.
    ///
    /// # Errors
    /// A fatal fault when the work panics: the same input would panic again.
    pub async fn cpu<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Stop) -> T + Send + 'static,
    ) -> Result<T, Fault> {
        let stop = Stop {
            cancel: self.cancel.clone(),
            progress: Arc::clone(&self.progress),
        };
        cpu::run(&*self.cpu, move || work(&stop))
            .await
            .map_err(|panic| Fault::said(Verdict::Fatal, "job.panicked", panic.to_string()))
    }
}

/// What a computation sees of its job: whether to stop, and where to say how far it is.
pub struct Stop {
    cancel: CancellationToken,
    progress: Arc<Progress>,
}

impl Stop {
    /// Whether the result is wanted no more.
    pub fn requested(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Says how far the stage is.
    pub fn progress(&self, done: u64, total: u64) {
        self.progress.set(done, total);
    }
}
