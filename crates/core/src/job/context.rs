//! What a running job sees: the world through ports, the time, and whether to stop.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use super::Progress;
use crate::cpu::{self, CpuPool};
use crate::fault::{Fault, Verdict};
use crate::ids::{IdSource, JobId, TenantId};
use crate::ports::World;
use crate::time::{Clock, Timestamp};

/// What a running job sees of the world.
pub struct Ctx {
    /// Its own id.
    pub job: JobId,
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
        let left = self.progress.enter(name, at);
        if let Some(left) = left {
            self.note("stage", left).await?;
        }
        self.note(
            "stage",
            BTreeMap::from([("name", name.into()), ("state", "running".into())]),
        )
        .await
    }

    /// Leaves the last stage when the work is done, so that a reader sees it end as the others did.
    ///
    /// # Errors
    /// A retry when the event could not be written.
    pub async fn leave_stage(&self) -> Result<(), Fault> {
        match self.progress.snapshot().closed(self.clock.now()) {
            Some(left) => self.note("stage", left).await,
            None => Ok(()),
        }
    }

    async fn note(&self, name: &str, data: BTreeMap<&str, Value>) -> Result<(), Fault> {
        let data = serde_json::to_value(data).map_err(|error| Fault::fatal("job.event", error))?;
        self.world
            .events
            .append(self.tenant, self.job, name, &data)
            .await
            .map_err(Fault::from)
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
