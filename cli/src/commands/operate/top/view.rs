//! What there is to see, read from the database.

use std::time::Duration;

use packtrain_core::cron::Cron;
use packtrain_core::limits::{PAGE_MAX, WORKER_SILENT_MAX};
use packtrain_core::ports::{Cause, Control, Figures, Gauges, LaneRecord, StoreError, WorkerView};
use packtrain_core::schedule::ScheduleRecord;
use packtrain_core::time::Timestamp;
use serde_json::{Value, json};

use super::super::Desk;

/// Causes of dead letters that are shown.
const CAUSES: u32 = 5;

/// Everything of one moment.
pub(super) struct View {
    pub(super) figures: Figures,
    pub(super) lanes: Vec<LaneRecord>,
    pub(super) workers: Vec<WorkerView>,
    pub(super) schedules: Vec<ScheduleRecord>,
    pub(super) causes: Vec<Cause>,
}

impl View {
    pub(super) async fn read(desk: &Desk) -> Result<Self, StoreError> {
        Ok(Self {
            figures: desk.parts.figures().figures().await?,
            lanes: desk.control.lanes().await?,
            workers: desk.control.workers(None, PAGE_MAX).await?,
            schedules: desk.control.schedules().await?,
            causes: desk.control.causes(None, CAUSES).await?,
        })
    }

    /// How long ago something was.
    pub(super) fn ago(&self, at: Timestamp) -> Duration {
        (self.figures.now - at).to_std().unwrap_or_default()
    }

    /// Whether a worker was heard of lately.
    pub(super) fn is_alive(&self, worker: &WorkerView) -> bool {
        self.ago(worker.seen_at) <= WORKER_SILENT_MAX
    }

    /// Schedules with their next times, the soonest first; those that rest have none.
    pub(super) fn next(&self) -> Vec<(Option<Timestamp>, &ScheduleRecord)> {
        let of = |schedule: &ScheduleRecord| {
            let cron = Cron::parse(&schedule.cron, &schedule.zone).ok()?;
            cron.next_after(schedule.decided_until)
                .filter(|_| schedule.is_enabled)
        };
        let all = self.schedules.iter();
        let mut all: Vec<_> = all.map(|schedule| (of(schedule), schedule)).collect();
        all.sort_by_key(|(next, schedule)| (next.is_none(), *next, schedule.kind.clone()));
        all
    }

    /// All of it as one document.
    pub(super) fn json(&self) -> Value {
        let lanes = self.lanes.iter().map(|lane| {
            let pace = self.figures.pace(lane.lane);
            json!({
                "lane": lane.lane, "paused_at": lane.paused_at, "queued": lane.queued,
                "oldest": lane.oldest, "running": lane.running, "scheduled": lane.scheduled,
                "waiting": lane.waiting, "dead": lane.dead,
                "done_a_minute": pace.map(|pace| self.figures.a_minute(pace.done)),
                "failed_a_minute": pace.map(|pace| self.figures.a_minute(pace.failed)),
            })
        });
        let workers = self.workers.iter().map(|worker| {
            json!({
                "id": worker.id, "name": worker.name, "version": worker.version,
                "lanes": worker.lanes, "running": worker.running, "seen_at": worker.seen_at,
                "drain_at": worker.drain_at, "alive": self.is_alive(worker),
            })
        });
        let schedules = self.next().into_iter().map(|(next, schedule)| {
            json!({ "kind": schedule.kind, "cron": schedule.cron, "zone": schedule.zone,
                "next": next })
        });
        let causes = self.causes.iter().map(|cause| {
            json!({
                "cause": cause.fingerprint, "kind": cause.kind, "code": cause.code,
                "count": cause.count, "last_at": cause.last_at, "message": cause.message,
            })
        });
        let unserved = self
            .figures
            .unserved
            .iter()
            .map(|one| json!({ "kind": one.kind, "schema": one.schema, "count": one.count }));
        let micros = |took: Duration| u64::try_from(took.as_micros()).ok();
        let canary = self.figures.service_level.map(|level| {
            let lately = level.lately.map(|lately| {
                json!({
                    "count": lately.count, "p50_us": micros(lately.p50),
                    "p95_us": micros(lately.p95), "max_us": micros(lately.max),
                })
            });
            json!({
                "took_us": micros(level.last), "finished_at": level.last_at, "last_hour": lately,
            })
        });
        json!({
            "now": self.figures.now,
            "counted_within_s": self.figures.within.as_secs_f64(),
            "canary": canary,
            "lanes": lanes.collect::<Vec<_>>(),
            "workers": workers.collect::<Vec<_>>(),
            "schedules": schedules.collect::<Vec<_>>(),
            "dead_letters": causes.collect::<Vec<_>>(),
            "unserved": unserved.collect::<Vec<_>>(),
        })
    }
}
