//! Lanes as operators see them: what is in them, and whether they are paused.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::job::Lane;
use packtrain_core::ports::{Edited, Hint, LaneRecord};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::id;
use crate::auth::{Operator, Viewer};
use crate::body::JsonBody;
use crate::problem::{Problem, STALE};
use crate::{Api, Shared, conditional};

/// A lane.
#[derive(Serialize, ToSchema)]
#[schema(as = Lane)]
pub(crate) struct LaneView {
    lane: Lane,
    /// Since when nothing of it is claimed.
    paused_at: Option<DateTime<Utc>>,
    /// Jobs that are due.
    queued: u64,
    /// Jobs for later; counted up to 100,000 over all lanes, as are the next two.
    scheduled: u64,
    /// Jobs behind a gate or a parent.
    waiting: u64,
    /// Jobs at work.
    running: u64,
    /// Dead letters.
    dead: u64,
    /// Since when its oldest due job is due.
    oldest: Option<DateTime<Utc>>,
    /// Rises with every edit; the tag of this lane.
    version: i64,
}

/// Every lane.
#[derive(Serialize, ToSchema)]
pub(crate) struct LaneList {
    items: Vec<LaneView>,
}

/// What to change of a lane.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LaneEdit {
    /// Whether it rests: nothing more of it is claimed, what runs goes on.
    paused: bool,
}

impl From<LaneRecord> for LaneView {
    fn from(record: LaneRecord) -> Self {
        Self {
            lane: record.lane,
            paused_at: record.paused_at,
            queued: record.queued,
            scheduled: record.scheduled,
            waiting: record.waiting,
            running: record.running,
            dead: record.dead,
            oldest: record.oldest,
            version: record.version,
        }
    }
}

/// Lists the lanes.
#[utoipa::path(
    get, path = "/v2/admin/lanes", tag = "operation", operation_id = "listLanes",
    responses((status = 200, description = "Every lane.", body = LaneList)),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Viewer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let lanes = shared.api.control.lanes().await?;
    let items = lanes.into_iter().map(LaneView::from).collect();
    conditional::json(StatusCode::OK, &LaneList { items }, &headers)
}

/// Pauses or resumes a lane.
#[utoipa::path(
    patch, path = "/v2/admin/lanes/{lane}", tag = "operation", operation_id = "editLane",
    params(
        ("lane" = Lane, Path),
        ("if-match" = Option<String>, Header, description = "The version that is edited."),
    ),
    request_body = LaneEdit,
    responses((status = 200, description = "The lane as it is now.", body = LaneView,
        headers(("ETag" = String, description = "The lane's version.")))),
)]
pub(crate) async fn edit(
    State(shared): State<Shared>,
    operator: Operator,
    Path(text): Path<String>,
    headers: HeaderMap,
    JsonBody(edit): JsonBody<LaneEdit>,
) -> Result<Response, Problem> {
    let (api, lane) = (&shared.api, id::<Lane>(&text)?);
    let version = conditional::version(&headers)?;
    let control = &api.control;
    let edited = control.pause(&operator.actor, lane, edit.paused, version);
    if edited.await? != Edited::Yes {
        return Err(Problem::of(&STALE));
    }
    if !edit.paused {
        api.hints.send(Hint { lane, about: None });
    }
    let view = one(api, lane).await?;
    conditional::versioned(&view, view.version)
}

async fn one(api: &Api, wanted: Lane) -> Result<LaneView, Problem> {
    let lanes = api.control.lanes().await?;
    let found = lanes.into_iter().find(|record| record.lane == wanted);
    found.map(LaneView::from).ok_or_else(Problem::not_found)
}
