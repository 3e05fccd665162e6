//! Reports: ask for one, follow it, take its files.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use http::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, ETAG, RETRY_AFTER};
use http::{HeaderMap, HeaderValue, StatusCode};
use packtrain_core::field::FieldError;
use packtrain_core::ids::{FileId, JobId, ReportId, TenantId};
use packtrain_core::job::{About, Job, State as JobState};
use packtrain_core::limits::EVENTS_MAX;
use packtrain_core::ports::{ArtefactRecord, JobRecord, Requested};
use packtrain_jobs::tax::report::Report;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::job::FailureView;
use super::jobs::check_size;
use super::{id, locate, wake};
use crate::auth::User;
use crate::body::JsonBody;
use crate::idempotency::RequiredKey;
use crate::problem::{KEY_REUSED, Problem};
use crate::request::Asked;
use crate::serve::Closing;
use crate::stages::{ProgressView, StageView, told};
use crate::stream::{self as events_stream, Subject};
use crate::wait::Wait;
use crate::{Api, Shared, conditional, file_name};

/// Files that are looked up at the same time.
const LOOKUPS: usize = 4;
/// After how many seconds a client may look at an unfinished report again.
const RETRY_AFTER_S: u32 = 1;

/// A tax report: where it is, and what came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = Report)]
pub(crate) struct ReportView {
    id: ReportId,
    /// Where it is in its life.
    state: JobState,
    /// What was asked for.
    #[schema(value_type = packtrain_jobs::tax::report::Report)]
    request: Value,
    created_at: DateTime<Utc>,
    /// When the last attempt began.
    started_at: Option<DateTime<Utc>>,
    finished_at: Option<DateTime<Utc>>,
    /// Attempts that began.
    attempts: u16,
    /// How far the present stage is.
    progress: Option<ProgressView>,
    /// What was done so far, in order.
    stages: Vec<StageView>,
    /// Attempts that failed, oldest first.
    failures: Vec<FailureView>,
    /// Totals, counts and the weightiest warnings, once it succeeded.
    #[schema(value_type = Option<Object>)]
    summary: Option<Value>,
    /// What can be downloaded, once it succeeded.
    artifacts: Vec<ArtifactView>,
    links: Links,
}

/// A file of a report.
#[derive(Serialize, ToSchema)]
#[schema(as = Artifact)]
struct ArtifactView {
    #[schema(example = "tax-2025-us.pdf")]
    name: String,
    #[schema(example = "application/pdf")]
    media_type: String,
    size_bytes: u64,
    /// SHA-256 of its bytes; also its entity tag.
    sha256: String,
    /// Where its bytes are.
    href: String,
}

/// Where to go from a report.
#[derive(Serialize, ToSchema)]
struct Links {
    #[serde(rename = "self")]
    own: String,
    /// Its progress as server-sent events.
    events: String,
}

/// Asks for a tax report from uploaded files. The same key with the same body is one report.
#[utoipa::path(
    post, path = "/v2/premium/reports", tag = "reports", operation_id = "requestReport",
    params(
        ("idempotency-key" = String, Header, description = "Names this request: a repetition makes \
            nothing twice. Kept for 24 hours.", max_length = 255),
        ("prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most \
            30, until the report is finished.", example = "wait=10"),
    ),
    request_body = Report,
    responses(
        (status = 200, description = "The report ended within the time that was preferred.",
            body = ReportView),
        (status = 202, description = "The report will be made.", body = ReportView, headers(
            ("Location" = String, description = "Where the report is."),
            ("Retry-After" = u32, description = "When to look again, in seconds."),
        )),
    ),
)]
pub(crate) async fn request(
    State(shared): State<Shared>,
    user: User,
    RequiredKey(key): RequiredKey,
    asked: Asked,
    wait: Wait,
    closing: Closing,
    JsonBody(report): JsonBody<Report>,
) -> Result<Response, Problem> {
    let (api, tenant) = (&shared.api, user.tenant);
    valid(report.check())?;
    check_files(api, tenant, &report.files).await?;
    let payload =
        serde_json::to_value(&report).map_err(|error| Problem::internal(error.to_string()))?;
    check_size(&payload, "")?;
    let keyed = key.of_user(&payload, api.clock.now());
    let mut job = About::of::<Report>().job(api.ids.job(), tenant, payload);
    job.trace_parent = asked.trace_parent;
    let made = match api.jobs.request(&job, &keyed).await? {
        Requested::Created(made) => {
            wake(&shared, &job);
            made
        }
        Requested::Repeated(made) => made,
        Requested::Conflict => return Err(Problem::of(&KEY_REUSED)),
    };
    let is_final = wait.for_end(&shared, &closing, tenant, made).await?;
    let view = view(api, tenant, ReportId::of_job(made)).await?;
    let status = match is_final {
        true => StatusCode::OK,
        false => StatusCode::ACCEPTED,
    };
    // A tag that the client knows is no reason to answer a request to make something by 304.
    let mut response = conditional::json(status, &view, &HeaderMap::new())?;
    locate(&mut response, &view.links.own);
    wait.tell(response.headers_mut());
    if !is_final {
        response
            .headers_mut()
            .insert(RETRY_AFTER, RETRY_AFTER_S.into());
    }
    Ok(response)
}

/// Shows a report.
#[utoipa::path(
    get, path = "/v2/premium/reports/{id}", tag = "reports", operation_id = "showReport",
    params(("id" = ReportId, Path)),
    responses(
        (status = 200, description = "The report.", body = ReportView,
            headers(("ETag" = String, description = "Changes with the report."))),
        (status = 304, description = "The client has this answer already."),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = view(&shared.api, user.tenant, id(&text)?).await?;
    conditional::json(StatusCode::OK, &view, &headers)
}

/// Follows a report: `stage` and `progress` events, and `done` at the end.
#[utoipa::path(
    get, path = "/v2/premium/reports/{id}/events", tag = "reports", operation_id = "followReport",
    params(
        ("id" = ReportId, Path),
        ("last-event-id" = Option<i64>, Header, description = "The last event that was seen; the \
            stream goes on after it.", minimum = 0),
    ),
    responses(
        (status = 200, description = "The events, as they happen. The stream ends after `done`, \
            or after ten minutes.", body = events_stream::DoneEvent,
            content_type = "text/event-stream"),
        (status = 204, description = "The client has seen the end; there is no more to come."),
    ),
)]
pub(crate) async fn events(
    State(shared): State<Shared>,
    user: User,
    closing: Closing,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let report: ReportId = id(&text)?;
    find_job(&shared.api, user.tenant, report).await?;
    let subject = Subject::of(user.tenant, report.job(), &headers);
    events_stream::open(shared, closing, subject).await
}

/// Downloads a file of a finished report.
#[utoipa::path(
    get, path = "/v2/premium/reports/{id}/artifacts/{name}", tag = "reports",
    operation_id = "downloadArtifact",
    params(
        ("id" = ReportId, Path),
        ("name" = String, Path, description = "A name that the report lists.",
            example = "tax-2025-us.pdf"),
    ),
    responses(
        (status = 200, description = "Its bytes, in its own media type.", body = String,
            content_type = "application/octet-stream",
            headers(("ETag" = String, description = "SHA-256 of the bytes."))),
        (status = 304, description = "The client has these bytes already."),
    ),
)]
pub(crate) async fn artifact(
    State(shared): State<Shared>,
    user: User,
    Path((text, name)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let found = shared.api.reports.find(user.tenant, id(&text)?).await?;
    let artefacts = found.map(|report| report.artefacts).unwrap_or_default();
    let artefact = artefacts.into_iter().find(|artefact| artefact.name == name);
    let artefact = artefact.ok_or_else(Problem::not_found)?;
    let tag = conditional::tag(&artefact.stored.sha256)?;
    if conditional::is_known(&headers, &tag) {
        return Ok(conditional::not_modified(tag));
    }
    let media_type = HeaderValue::from_str(&artefact.media_type)
        .map_err(|error| Problem::internal(error.to_string()))?;
    let disposition = file_name::attachment(&artefact.name)
        .ok_or_else(|| Problem::internal("an artefact's name fits no header"))?;
    let bytes = shared.api.objects.get(&artefact.stored.key).await?;
    let headers = [
        (CONTENT_TYPE, media_type),
        (CONTENT_DISPOSITION, disposition),
        (CACHE_CONTROL, conditional::revalidate()),
        (ETAG, tag),
    ];
    Ok((headers, bytes).into_response())
}

fn valid(errors: Vec<FieldError>) -> Result<(), Problem> {
    if errors.is_empty() {
        Ok(())
    } else {
        Err(Problem::invalid(errors))
    }
}

/// Every file must be there. Whether it can be read is the report's own business: a repeated
/// request must be answered as the first one was, and a file's state may change in between.
async fn check_files(api: &Api, tenant: TenantId, files: &[FileId]) -> Result<(), Problem> {
    let found: Vec<_> = stream::iter(files.to_vec())
        .map(|file| api.files.find(tenant, file))
        .buffered(LOOKUPS)
        .try_collect()
        .await?;
    let missing = found.iter().zip(files).enumerate();
    let errors: Vec<_> = missing
        .filter(|(_, (found, _))| found.is_none())
        .map(|(place, (_, file))| {
            let said = format!("{file} does not exist.");
            FieldError::new(format!("/files/{place}"), "file_missing", said)
        })
        .collect();
    valid(errors)
}

async fn find_job(api: &Api, tenant: TenantId, id: ReportId) -> Result<JobRecord, Problem> {
    let found = api.jobs.find(tenant, id.job()).await?;
    found
        .filter(|job| job.kind == Report::KIND.as_str())
        .ok_or_else(Problem::not_found)
}

async fn view(api: &Api, tenant: TenantId, id: ReportId) -> Result<ReportView, Problem> {
    let job = find_job(api, tenant, id).await?;
    let all = u32::try_from(EVENTS_MAX).unwrap_or(u32::MAX);
    let events = api.events.after(tenant, id.job(), 0, all).await?;
    let made = match job.state {
        JobState::Succeeded => api.reports.find(tenant, id).await?,
        _ => None,
    };
    let (summary, artefacts) = match made {
        Some(report) => (Some(report.summary), report.artefacts),
        None => (None, Vec::new()),
    };
    let told = told(&events, job.state);
    let own = path(id.job());
    let artifact = |artefact| artifact_view(&own, artefact);
    Ok(ReportView {
        id,
        state: job.state,
        request: job.payload,
        created_at: job.created_at,
        started_at: job.started_at,
        finished_at: job.finished_at,
        attempts: job.attempts,
        progress: told.progress,
        stages: told.stages,
        failures: job.failures.into_iter().map(FailureView::from).collect(),
        summary,
        artifacts: artefacts.into_iter().map(artifact).collect(),
        links: Links {
            events: format!("{own}/events"),
            own,
        },
    })
}

fn path(job: JobId) -> String {
    format!("/v2/premium/reports/{}", ReportId::of_job(job))
}

fn artifact_view(report: &str, artefact: ArtefactRecord) -> ArtifactView {
    ArtifactView {
        href: format!("{report}/artifacts/{}", artefact.name),
        name: artefact.name,
        media_type: artefact.media_type,
        size_bytes: artefact.stored.size_bytes,
        sha256: artefact.stored.sha256,
    }
}
