//! What Prometheus collects: what this process counted, and what stands in the lanes.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use packtrain_core::ports::LaneRecord;

use crate::Shared;
use crate::auth::Operator;
use crate::problem::Problem;

/// The exposition format, version 0.0.4.
pub(crate) const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Shows counters of this process and what stands in the lanes, as Prometheus reads it.
#[utoipa::path(
    get, path = "/metrics", tag = "operation", operation_id = "readMetrics",
    responses((status = 200, description = "Figures in the exposition format.", body = String,
        content_type = "text/plain")),
)]
pub(crate) async fn metrics(
    State(shared): State<Shared>,
    _: Operator,
) -> Result<Response, Problem> {
    let now = shared.api.clock.now();
    for lane in shared.api.control.lanes().await? {
        gauge(&lane, now);
    }
    let text = (shared.api.metrics)();
    Ok(([(CONTENT_TYPE, MEDIA_TYPE)], text).into_response())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "gauges are floats, and counts stop early"
)]
fn gauge(lane: &LaneRecord, now: packtrain_core::time::Timestamp) {
    let name = lane.lane.as_str();
    for (state, count) in [
        ("queued", lane.queued),
        ("scheduled", lane.scheduled),
        ("waiting", lane.waiting),
        ("running", lane.running),
        ("dead", lane.dead),
    ] {
        let labels = [("lane", name), ("state", state)];
        metrics::gauge!("packtrain_queue_depth", &labels).set(count as f64);
    }
    let oldest = lane
        .oldest
        .map(|since| (now - since).to_std().unwrap_or_default());
    let seconds = oldest.unwrap_or_default().as_secs_f64();
    metrics::gauge!("packtrain_queue_oldest_seconds", "lane" => name).set(seconds);
    let is_paused = f64::from(u8::from(lane.paused_at.is_some()));
    metrics::gauge!("packtrain_lane_paused", "lane" => name).set(is_paused);
}
