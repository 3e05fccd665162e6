//! What operators do, in memory: one job changes by one rule, one lane, one schedule.

use std::sync::atomic::Ordering;

use async_trait::async_trait;
use packtrain_core::ids::{JobId, ScheduleId, WorkerId};
use packtrain_core::job::{Lane, NewJob, State};
use packtrain_core::ports::{
    Actor, AuditEntry, Backlog, Backlogs, Cause, CausePlace, Change, Changed, Control, Drain,
    Edited, Figures, Gauges, JobFilter, JobQueue, Keyed, LaneRecord, Requested, ScheduleEdit,
    StoreError, WorkerCounts, WorkerView,
};
use packtrain_core::schedule::{Missed, Overlap, ScheduleRecord};
use packtrain_core::time::Clock;
use uuid::Uuid;

use super::fake::{Noon, World};

/// The version of everything that has one, before it is edited.
pub(super) const VERSION: i64 = 7;

#[async_trait]
impl Gauges for World {
    async fn figures(&self) -> Result<Figures, StoreError> {
        Ok(Figures {
            now: Noon.now(),
            paces: Vec::new(),
            within: std::time::Duration::from_secs(60),
            workers: WorkerCounts::default(),
            unserved: Vec::new(),
            service_level: None,
        })
    }
}

#[async_trait]
impl Backlogs for World {
    async fn backlog(&self) -> Result<Backlog, StoreError> {
        Ok(Backlog {
            now: Noon.now(),
            lanes: Vec::new(),
        })
    }
}

#[async_trait]
impl Control for World {
    async fn change(
        &self,
        actor: &Actor,
        change: Change,
        jobs: &[JobId],
    ) -> Result<Changed, StoreError> {
        self.actors.lock().unwrap().push(actor.0.clone());
        let mut changed = Changed::default();
        let mut known = self.jobs.lock().unwrap();
        for id in jobs {
            let Some(job) = known.get_mut(id) else {
                continue;
            };
            let next = match (change, job.state) {
                (Change::Cancel, State::Queued) => State::Cancelled,
                (Change::Retry, State::Dead) => State::Queued,
                (Change::Discard, State::Dead) => State::Discarded,
                _ => continue,
            };
            job.state = next;
            changed.done.push(*id);
            if next == State::Queued {
                changed.woken.push(job.lane);
            }
        }
        Ok(changed)
    }

    async fn lanes(&self) -> Result<Vec<LaneRecord>, StoreError> {
        let is_paused = self.is_paused.load(Ordering::SeqCst);
        Ok(vec![LaneRecord {
            lane: Lane::Io,
            paused_at: is_paused.then(|| Noon.now()),
            version: VERSION + i64::from(is_paused),
            queued: 3,
            scheduled: 0,
            waiting: 0,
            running: 1,
            dead: 0,
            oldest: None,
        }])
    }

    async fn pause(
        &self,
        _: &Actor,
        _: Lane,
        is_paused: bool,
        version: Option<i64>,
    ) -> Result<Edited, StoreError> {
        if version.is_some_and(|version| version != VERSION) {
            return Ok(Edited::Stale);
        }
        self.is_paused.store(is_paused, Ordering::SeqCst);
        Ok(Edited::Yes)
    }

    async fn causes(&self, _: Option<&CausePlace>, _: u32) -> Result<Vec<Cause>, StoreError> {
        Ok(Vec::new())
    }

    async fn count(&self, _: &JobFilter) -> Result<u64, StoreError> {
        Ok(self.jobs.lock().unwrap().len() as u64)
    }

    async fn schedules(&self) -> Result<Vec<ScheduleRecord>, StoreError> {
        Ok(vec![ScheduleRecord {
            id: ScheduleId::of_kind("ops.keep_warm"),
            kind: "ops.keep_warm".to_owned(),
            cron: "*/5 * * * *".to_owned(),
            zone: "UTC".to_owned(),
            missed: Missed::Skip,
            jitter_s: 0,
            overlap: Overlap::Allow,
            is_enabled: true,
            version: VERSION,
            decided_until: Noon.now(),
            edited_at: None,
        }])
    }

    async fn edit_schedule(
        &self,
        _: &Actor,
        _: ScheduleId,
        _: &ScheduleEdit,
        version: Option<i64>,
    ) -> Result<Edited, StoreError> {
        Ok(match version {
            Some(VERSION) => Edited::Yes,
            _ => Edited::Stale,
        })
    }

    async fn enqueue(
        &self,
        actor: &Actor,
        job: &NewJob,
        keyed: Option<&Keyed>,
    ) -> Result<Requested, StoreError> {
        self.actors.lock().unwrap().push(actor.0.clone());
        match keyed {
            Some(keyed) => self.request(job, keyed).await,
            None => {
                self.take(job);
                Ok(Requested::Created(job.id))
            }
        }
    }

    async fn workers(&self, _: Option<WorkerId>, _: u32) -> Result<Vec<WorkerView>, StoreError> {
        Ok(Vec::new())
    }

    async fn has_worker(&self, _: WorkerId) -> Result<bool, StoreError> {
        Ok(false)
    }

    async fn drain(&self, _: &Actor, _: &Drain) -> Result<u64, StoreError> {
        Ok(2)
    }

    async fn audit(&self, _: Option<Uuid>, _: u32) -> Result<Vec<AuditEntry>, StoreError> {
        Ok(Vec::new())
    }
}
