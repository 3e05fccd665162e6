//! Schedules as operators see and change them.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::cron::Cron;
use packtrain_core::ids::{ScheduleId, TenantId};
use packtrain_core::job::NewJob;
use packtrain_core::ports::{Edited, ScheduleEdit};
use packtrain_core::schedule::{JITTER_MAX_S, Missed, Overlap, ScheduleRecord};
use packtrain_jobs::catalogue;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::id;
use super::job::JobView;
use super::jobs::accept;
use crate::auth::{Operator, Viewer};
use crate::body::JsonBody;
use crate::problem::{Problem, STALE};
use crate::request::Asked;
use crate::{Api, Shared, conditional};

/// How many coming times a schedule shows.
const NEXT_SHOWN: usize = 3;

/// A schedule.
#[derive(Serialize, ToSchema)]
#[schema(as = Schedule)]
pub(crate) struct ScheduleView {
    id: ScheduleId,
    #[schema(example = "ops.keep_warm")]
    kind: String,
    #[schema(example = "*/5 * * * *")]
    cron: String,
    #[schema(example = "UTC")]
    zone: String,
    missed: Missed,
    /// A job begins up to so many seconds after its time: each by its own delay, which is made of
    /// schedule and time.
    jitter_s: u32,
    /// What becomes of a time while the job of the time before has not ended.
    overlap: Overlap,
    enabled: bool,
    /// The next times at which it comes, while it is enabled; without the jitter.
    next: Vec<DateTime<Utc>>,
    /// When a person changed it; from then on it does not follow the program's plan.
    edited_at: Option<DateTime<Utc>>,
    /// Rises with every edit; the tag of this schedule.
    version: i64,
}

/// Every schedule.
#[derive(Serialize, ToSchema)]
pub(crate) struct ScheduleList {
    /// By kind.
    items: Vec<ScheduleView>,
}

/// What to change of a schedule; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleChange {
    /// Five fields, six with seconds first, seven with a year last, or `@daily` and its like.
    #[schema(example = "0 6 * * mon-fri")]
    cron: Option<String>,
    /// A name such as `Europe/Berlin`.
    zone: Option<String>,
    missed: Option<Missed>,
    /// An hour at most.
    #[schema(maximum = 3600)]
    jitter_s: Option<u32>,
    overlap: Option<Overlap>,
    enabled: Option<bool>,
}

fn shown(record: ScheduleRecord, now: DateTime<Utc>) -> ScheduleView {
    let cron = Cron::parse(&record.cron, &record.zone).ok();
    let coming = |cron: &Cron| {
        std::iter::successors(cron.next_after(now), |at| cron.next_after(*at))
            .take(NEXT_SHOWN)
            .collect()
    };
    let next = cron.as_ref().filter(|_| record.is_enabled).map(coming);
    ScheduleView {
        id: record.id,
        kind: record.kind,
        cron: record.cron,
        zone: record.zone,
        missed: record.missed,
        jitter_s: record.jitter_s,
        overlap: record.overlap,
        enabled: record.is_enabled,
        next: next.unwrap_or_default(),
        edited_at: record.edited_at,
        version: record.version,
    }
}

/// Lists the schedules.
#[utoipa::path(
    get, path = "/v2/admin/schedules", tag = "operation", operation_id = "listSchedules",
    responses((status = 200, description = "Every schedule.", body = ScheduleList)),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Viewer,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let now = shared.api.clock.now();
    let records = shared.api.control.schedules().await?;
    let items = records.into_iter().map(|record| shown(record, now));
    let items = items.collect();
    conditional::json(StatusCode::OK, &ScheduleList { items }, &headers)
}

/// Changes a schedule. It goes on from now: an edit makes up for nothing.
#[utoipa::path(
    patch, path = "/v2/admin/schedules/{id}", tag = "operation", operation_id = "editSchedule",
    params(
        ("id" = ScheduleId, Path),
        ("if-match" = Option<String>, Header, description = "The version that is edited."),
    ),
    request_body = ScheduleChange,
    responses((status = 200, description = "The schedule as it is now.", body = ScheduleView,
        headers(("ETag" = String, description = "The schedule's version.")))),
)]
pub(crate) async fn edit(
    State(shared): State<Shared>,
    operator: Operator,
    Path(text): Path<String>,
    headers: HeaderMap,
    JsonBody(change): JsonBody<ScheduleChange>,
) -> Result<Response, Problem> {
    let (api, schedule) = (&shared.api, id::<ScheduleId>(&text)?);
    let version = conditional::version(&headers)?;
    let known = find(api, schedule).await?;
    check(&known, &change)?;
    let edit = ScheduleEdit {
        cron: change.cron,
        zone: change.zone,
        missed: change.missed,
        jitter_s: change.jitter_s,
        overlap: change.overlap,
        is_enabled: change.enabled,
    };
    // The text was checked together with what is left as it was: an edit between is an obstacle.
    let version = version.or(Some(known.version));
    let edited = api
        .control
        .edit_schedule(&operator.actor, schedule, &edit, version);
    match edited.await? {
        Edited::Yes => {}
        Edited::Stale => return Err(Problem::of(&STALE)),
        Edited::Missing => return Err(Problem::not_found()),
    }
    let record = find(api, schedule).await?;
    let version = record.version;
    conditional::versioned(&shown(record, api.clock.now()), version)
}

/// Runs what a schedule enqueues, now.
#[utoipa::path(
    post, path = "/v2/admin/schedules/{id}/run", tag = "operation", operation_id = "runSchedule",
    params(("id" = ScheduleId, Path)),
    responses((status = 202, description = "The job is enqueued.", body = JobView,
        headers(("Location" = String, description = "Where the job is.")))),
)]
pub(crate) async fn run_now(
    State(shared): State<Shared>,
    operator: Operator,
    asked: Asked,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let schedule = find(api, id(&text)?).await?;
    let entry = catalogue::find(&schedule.kind).ok_or_else(Problem::not_found)?;
    let job = NewJob {
        schedule: Some(schedule.id),
        ..entry.job(api.ids.job(), TenantId::SYSTEM, json!({}))
    };
    accept(&shared, &operator, &asked, job).await
}

/// Text and zone are read together, as they will stand together.
fn check(known: &ScheduleRecord, change: &ScheduleChange) -> Result<(), Problem> {
    if let Some(jitter_s) = change.jitter_s.filter(|jitter_s| *jitter_s > JITTER_MAX_S) {
        let said = format!("{jitter_s} is more than {JITTER_MAX_S} seconds");
        return Err(Problem::field("/jitter_s", "jitter_too_long", said));
    }
    let cron = change.cron.as_deref().unwrap_or(&known.cron);
    let zone = change.zone.as_deref().unwrap_or(&known.zone);
    let Err(error) = Cron::parse(cron, zone) else {
        return Ok(());
    };
    let (pointer, code) = match error {
        packtrain_core::cron::CronError::Zone(_) => ("/zone", "unknown_zone"),
        _ => ("/cron", "cron"),
    };
    Err(Problem::field(pointer, code, error.to_string()))
}

async fn find(api: &Api, wanted: ScheduleId) -> Result<ScheduleRecord, Problem> {
    let all = api.control.schedules().await?;
    let found = all.into_iter().find(|record| record.id == wanted);
    found.ok_or_else(Problem::not_found)
}
