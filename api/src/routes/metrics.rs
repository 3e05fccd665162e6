//! What Prometheus collects: what this process counted, and what the database says of the whole.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use packtrain_core::cron::Cron;
use packtrain_core::ports::{Backlog, Figures, LaneRecord, WorkerCounts};
use packtrain_core::schedule::ScheduleRecord;
use packtrain_core::time::Timestamp;

use crate::auth::Viewer;
use crate::problem::Problem;
use crate::{Api, Shared};

/// The exposition format, version 0.0.4.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Kinds that are told apart where they come from the database; the others are taken together.
const KINDS_MAX: usize = 50;
/// What those others are called.
const OTHER: &str = "other";

/// Shows counters of this process and figures of the whole platform, as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", operation_id = "readMetrics",
    responses((status = 200, description = "Figures in the exposition format.", body = String,
        content_type = "text/plain")),
)]
pub(crate) async fn metrics(State(shared): State<Shared>, _: Viewer) -> Result<Response, Problem> {
    for gauge in read(&shared.api, &shared.kinds).await? {
        metrics::gauge!(gauge.name, &gauge.labels).set(gauge.value);
    }
    let text = (shared.api.metrics)();
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

/// Kinds that were shown once: a figure of theirs that is gone is shown as 0.
pub(crate) type Kinds = Mutex<BTreeSet<String>>;

/// One figure.
#[derive(Debug, Clone, PartialEq)]
struct Gauge {
    name: &'static str,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

fn gauge<const N: usize>(
    name: &'static str,
    labels: [(&'static str, &str); N],
    value: f64,
) -> Gauge {
    let labels = labels.map(|(label, value)| (label, value.to_owned()));
    Gauge {
        name,
        labels: labels.to_vec(),
        value,
    }
}

async fn read(api: &Api, kinds: &Kinds) -> Result<Vec<Gauge>, Problem> {
    let figures = api.figures.figures().await?;
    let mut gauges = Vec::new();
    for lane in api.control.lanes().await? {
        of_lane(&lane, &figures, &mut gauges);
    }
    let backlog = api.backlogs.backlog().await?;
    of_backlog(&backlog, &mut gauges);
    let age = (figures.now - backlog.now).to_std().unwrap_or_default();
    let age = gauge("packtrain_backlog_age_seconds", [], age.as_secs_f64());
    gauges.push(age);
    of_workers(figures.workers, &mut gauges);
    of_service_level(&figures, &mut gauges);
    of_schedules(&api.control.schedules().await?, figures.now, &mut gauges);
    let mut known = kinds.lock().unwrap_or_else(PoisonError::into_inner);
    of_unserved(&figures, &mut known, &mut gauges);
    Ok(gauges)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are floats, and counts stop early"
)]
const fn float(count: u64) -> f64 {
    count as f64
}

fn of_lane(lane: &LaneRecord, figures: &Figures, gauges: &mut Vec<Gauge>) {
    let name = lane.lane.as_str();
    for (state, count) in [
        ("queued", lane.queued),
        ("scheduled", lane.scheduled),
        ("waiting", lane.waiting),
        ("running", lane.running),
        ("dead", lane.dead),
    ] {
        let labels = [("lane", name), ("state", state)];
        gauges.push(gauge("packtrain_queue_depth", labels, float(count)));
    }
    let oldest = lane
        .oldest
        .map(|since| (figures.now - since).to_std().unwrap_or_default());
    let seconds = oldest.unwrap_or_default().as_secs_f64();
    let labels = [("lane", name)];
    gauges.push(gauge("packtrain_queue_oldest_seconds", labels, seconds));
    let is_paused = f64::from(u8::from(lane.paused_at.is_some()));
    gauges.push(gauge("packtrain_lane_paused", labels, is_paused));
}

/// The same figures as the scheduler publishes: a collector may take either.
fn of_backlog(backlog: &Backlog, gauges: &mut Vec<Gauge>) {
    for lane in &backlog.lanes {
        for (name, value) in lane.figures(backlog.now) {
            gauges.push(gauge(name, [("lane", lane.lane.as_str())], value));
        }
    }
}

fn of_workers(workers: WorkerCounts, gauges: &mut Vec<Gauge>) {
    for (state, count) in [
        ("alive", workers.alive),
        ("draining", workers.draining),
        ("silent", workers.silent),
    ] {
        gauges.push(gauge("packtrain_workers", [("state", state)], float(count)));
    }
}

/// How long measured jobs took lately, and how long ago the last of them was settled: one that is
/// measured no more must not look like one that is fast. Not a number while nothing was measured.
fn of_service_level(figures: &Figures, gauges: &mut Vec<Gauge>) {
    let level = figures.service_level;
    let lately = level.and_then(|level| level.lately);
    let seconds = |took: Option<Duration>| took.map_or(f64::NAN, |took| took.as_secs_f64());
    for (quantile, took) in [
        ("0.5", lately.map(|lately| lately.p50)),
        ("0.95", lately.map(|lately| lately.p95)),
        ("1", lately.map(|lately| lately.max)),
    ] {
        let (name, labels) = ("packtrain_service_level_seconds", [("quantile", quantile)]);
        gauges.push(gauge(name, labels, seconds(took)));
    }
    let age = level.map(|level| (figures.now - level.last_at).to_std().unwrap_or_default());
    let name = "packtrain_service_level_age_seconds";
    gauges.push(gauge(name, [], seconds(age)));
}

/// How late each schedule's next time is: more than a moment means that no scheduler works.
fn of_schedules(schedules: &[ScheduleRecord], now: Timestamp, gauges: &mut Vec<Gauge>) {
    for schedule in schedules {
        let cron = Cron::parse(&schedule.cron, &schedule.zone).ok();
        let next = cron.and_then(|cron| cron.next_after(schedule.decided_until));
        let late = next
            .filter(|_| schedule.is_enabled)
            .and_then(|next| (now - next).to_std().ok());
        let late = late.unwrap_or_default().as_secs_f64();
        let labels = [("kind", schedule.kind.as_str())];
        gauges.push(gauge("packtrain_schedule_late_seconds", labels, late));
    }
}

/// By kind: payload versions are taken together, and so are kinds beyond those that have a label.
fn of_unserved(figures: &Figures, known: &mut BTreeSet<String>, gauges: &mut Vec<Gauge>) {
    for unserved in &figures.unserved {
        if known.len() < KINDS_MAX {
            known.insert(unserved.kind.clone());
        }
    }
    let of = |wanted: &dyn Fn(&str) -> bool| {
        let of = figures.unserved.iter().filter(|one| wanted(&one.kind));
        float(of.map(|one| one.count).sum())
    };
    let name = "packtrain_jobs_unserved";
    for kind in known.iter() {
        gauges.push(gauge(name, [("kind", kind)], of(&|one| one == kind)));
    }
    if known.len() >= KINDS_MAX {
        let others = of(&|one| !known.contains(one));
        gauges.push(gauge(name, [("kind", OTHER)], others));
    }
}

#[cfg(test)]
mod tests;
