//! How much work waits in each lane, as scalers read it.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::State;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::ports::{Backlog, LaneBacklog};
use packtrain_core::time::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::auth::Viewer;
use crate::problem::Problem;
use crate::{Shared, conditional};

/// The work of a lane, and who is there to do it.
#[derive(Serialize, ToSchema)]
#[schema(as = LaneBacklog)]
pub(crate) struct LaneView {
    /// How long the slots in service need for the jobs that are due; 3600 or more while jobs are
    /// due and no worker lives, 0 while the lane is paused.
    seconds: f64,
    /// Jobs that are due.
    jobs: u64,
    /// How long the oldest of them has been due.
    oldest_seconds: f64,
    /// What they take together, by the measured times of their kinds.
    work_seconds: f64,
    /// Jobs that live workers hold.
    in_flight_jobs: u64,
    /// How long the slots in service need for those.
    in_flight_seconds: f64,
    /// The share of slots at work.
    busy_percent: u64,
    /// Workers that live and do not drain.
    workers: u64,
    /// Jobs that they run at once.
    slots: u64,
    /// Whether a person paused the lane.
    paused: bool,
}

/// The work of every lane, by its name.
#[derive(Serialize, ToSchema)]
#[schema(as = Backlog)]
pub(crate) struct BacklogView {
    /// The moment of the look, by the database's clock: some seconds ago, a minute at most.
    at: DateTime<Utc>,
    lanes: BTreeMap<&'static str, LaneView>,
}

impl LaneView {
    fn of(lane: &LaneBacklog, now: Timestamp) -> Self {
        Self {
            seconds: seconds(lane.waiting()),
            jobs: lane.jobs,
            oldest_seconds: seconds(lane.oldest_age(now)),
            work_seconds: seconds(lane.work),
            in_flight_jobs: lane.in_flight,
            in_flight_seconds: seconds(lane.finishing()),
            busy_percent: lane.busy_percent(),
            workers: lane.workers,
            slots: lane.slots,
            paused: lane.is_paused,
        }
    }
}

impl From<Backlog> for BacklogView {
    fn from(backlog: Backlog) -> Self {
        let lanes = backlog.lanes.iter();
        Self {
            at: backlog.now,
            lanes: lanes
                .map(|lane| (lane.lane.as_str(), LaneView::of(lane, backlog.now)))
                .collect(),
        }
    }
}

/// To the millisecond: nobody scales by less.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1_000.0).round() / 1_000.0
}

/// Shows how much work waits in each lane, as time.
#[utoipa::path(
    get, path = "/v2/admin/backlog", tag = "operation", operation_id = "readBacklog",
    responses((status = 200, description = "The work of every lane.", body = BacklogView)),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = BacklogView::from(shared.api.backlogs.backlog().await?);
    conditional::json(StatusCode::OK, &view, &headers)
}

#[cfg(test)]
mod tests {
    use packtrain_core::job::Lane;
    use serde_json::Value;

    use super::*;

    /// The value at a path with dots, as a scaler is told where to look.
    fn at<'a>(document: &'a Value, path: &str) -> &'a Value {
        path.split('.').fold(document, |value, name| &value[name])
    }

    #[test]
    fn a_scaler_finds_each_lane_by_a_path_and_numbers_there() {
        let lane = |lane, slots| LaneBacklog {
            lane,
            is_paused: false,
            jobs: 9,
            work: Duration::from_micros(1_234_567),
            oldest: None,
            in_flight: 0,
            began: 0,
            remaining: Duration::ZERO,
            workers: slots,
            slots,
        };
        let view = BacklogView::from(Backlog {
            now: "2026-11-24T12:00:00Z".parse().unwrap(),
            lanes: vec![lane(Lane::Cpu, 1), lane(Lane::Bulk, 0)],
        });
        let document = serde_json::to_value(&view).unwrap();
        assert_eq!(at(&document, "lanes.cpu.seconds").as_f64(), Some(1.235));
        assert_eq!(at(&document, "lanes.bulk.seconds").as_f64(), Some(3_600.0));
        assert_eq!(at(&document, "lanes.cpu.busy_percent").as_u64(), Some(0));
    }
}
