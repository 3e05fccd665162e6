//! Jobs as operators see them: enqueue any kind, list, look at one.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::header::LINK;
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Deadline, Lane, NewJob, Priority, State as JobState};
use packtrain_core::limits::PAYLOAD_BYTES_MAX;
use packtrain_core::ports::{JobFilter, Requested};
use packtrain_jobs::catalogue;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::job::{JobSummary, JobView, view};
use super::{id, locate, wake};
use crate::auth::{Operator, Viewer};
use crate::body::{JsonBody, Params};
use crate::idempotency::OptionalKey;
use crate::page::{self, next_link, place};
use crate::problem::{KEY_REUSED, Problem, QUERY_MALFORMED};
use crate::request::Asked;
use crate::{Api, Shared, conditional};

/// The name of the list of jobs in its cursors.
const JOBS: &str = "jobs";
/// How far ahead a job may be scheduled.
const AHEAD_MAX: chrono::Duration = chrono::Duration::days(366);
/// Where jobs are.
const PATH: &str = "/v2/admin/jobs";

/// A job to be enqueued; its schema lists every kind with its payload.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct JobRequest {
    kind: String,
    #[serde(default = "nothing")]
    payload: Value,
    #[serde(default)]
    tenant: Option<TenantId>,
    #[serde(default)]
    run_at: Option<DateTime<Utc>>,
    // Left out where it is not given: else a request that was made before this field existed would
    // have another hash under its idempotency key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<DateTime<Utc>>,
    #[serde(default)]
    priority: Option<Priority>,
}

fn nothing() -> Value {
    Value::Object(serde_json::Map::new())
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListParams {
    /// Only this kind.
    #[param(example = "tax.report")]
    kind: Option<String>,
    /// Only this lane.
    #[param(inline)]
    lane: Option<Lane>,
    /// Only this state.
    #[param(inline)]
    state: Option<JobState>,
    /// Only this tenant.
    #[param(inline)]
    tenant: Option<TenantId>,
    /// Only dead letters of this cause.
    #[param(example = "25f3fa8b5ada6d90")]
    cause: Option<String>,
    /// Only members of the batch that this job made.
    #[param(inline)]
    batch: Option<JobId>,
    /// Jobs in this answer, 1 to 200.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// `next` of the page before.
    cursor: Option<String>,
}

/// A page of jobs.
#[derive(Serialize, ToSchema)]
pub(crate) struct JobPage {
    /// Newest first.
    items: Vec<JobSummary>,
    /// The cursor of the next page; absent on the last.
    next: Option<String>,
}

/// Enqueues a job of any kind, for any tenant; without a tenant it is the platform's own.
#[utoipa::path(
    post, path = "/v2/admin/jobs", tag = "operation", operation_id = "enqueueJob",
    params(("idempotency-key" = Option<String>, Header, description = "Names this request: a \
        repetition makes nothing twice. Kept for 24 hours.", max_length = 255)),
    request_body = JobRequest,
    responses((status = 202, description = "The job is enqueued.", body = JobView,
        headers(("Location" = String, description = "Where the job is."))),
    ),
)]
pub(crate) async fn enqueue(
    State(shared): State<Shared>,
    operator: Operator,
    OptionalKey(key): OptionalKey,
    asked: Asked,
    JsonBody(request): JsonBody<JobRequest>,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let body =
        serde_json::to_value(&request).map_err(|error| Problem::internal(error.to_string()))?;
    let mut job = checked(api, request).await?;
    let enqueueing = asked.enqueues(&mut job, &*api.clock);
    let keyed = key.map(|key| key.of_operator(&body, api.clock.now()));
    let made = api
        .control
        .enqueue(&operator.actor, &job, keyed.as_ref())
        .await?;
    let made = match made {
        Requested::Created(made) => {
            wake(&shared, &job, enqueueing);
            made
        }
        Requested::Repeated(made) => made,
        Requested::Conflict => return Err(Problem::of(&KEY_REUSED)),
    };
    let view = view(api, made).await?;
    let mut response = conditional::json(StatusCode::ACCEPTED, &view, &HeaderMap::new())?;
    locate(&mut response, &format!("{PATH}/{made}"));
    Ok(response)
}

/// Lists jobs, newest first.
#[utoipa::path(
    get, path = "/v2/admin/jobs", tag = "operation", operation_id = "listJobs", params(ListParams),
    responses((status = 200, description = "A page of jobs.", body = JobPage,
        headers(("Link" = String, description = "The next page, if there is one."))),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Viewer,
    Params(params): Params<ListParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = page::limit(params.limit)?;
    let filter = JobFilter {
        kind: params.kind.clone().map(known_kind).transpose()?,
        lane: params.lane,
        state: params.state,
        tenant: params.tenant,
        cause: params.cause.clone().map(known_cause).transpose()?,
        batch: params.batch,
        before: place(JOBS, params.cursor.as_deref())?,
        limit: limit + 1,
        ..JobFilter::default()
    };
    let mut found = shared.api.operator.list(&filter).await?;
    let next = page::cut(JOBS, &mut found, limit, |job| job.id);
    let items = found.into_iter().map(JobSummary::from).collect();
    let link = next.as_ref().and_then(|next| link(&params, limit, next));
    let mut response = conditional::json(StatusCode::OK, &JobPage { items, next }, &headers)?;
    if let Some(link) = link {
        response.headers_mut().insert(LINK, link);
    }
    Ok(response)
}

/// Shows a job of any tenant.
#[utoipa::path(
    get, path = "/v2/admin/jobs/{id}", tag = "operation", operation_id = "showJob",
    params(("id" = JobId, Path)),
    responses(
        (status = 200, description = "The job.", body = JobView,
            headers(("ETag" = String, description = "Changes with the job."))),
        (status = 304, description = "The client has this answer already."),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    _: Viewer,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let view = view(&shared.api, id(&text)?).await?;
    conditional::json(StatusCode::OK, &view, &headers)
}

/// Enqueues a job that a route made itself, and answers with it.
pub(super) async fn accept(
    shared: &Shared,
    operator: &Operator,
    asked: &Asked,
    mut job: NewJob,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let enqueueing = asked.enqueues(&mut job, &*api.clock);
    api.control.enqueue(&operator.actor, &job, None).await?;
    wake(shared, &job, enqueueing);
    let view = view(api, job.id).await?;
    let mut response = conditional::json(StatusCode::ACCEPTED, &view, &HeaderMap::new())?;
    locate(&mut response, &format!("{PATH}/{}", job.id));
    Ok(response)
}

/// Refuses a payload that is too large to be kept with its job.
pub(super) fn check_size(payload: &Value, pointer: &str) -> Result<(), Problem> {
    if payload.to_string().len() <= PAYLOAD_BYTES_MAX {
        return Ok(());
    }
    let said = format!("A payload takes at most {PAYLOAD_BYTES_MAX} bytes.");
    Err(Problem::field(pointer, "payload_too_large", said))
}

/// The job that a request asks for, if its kind is known and its payload fits.
async fn checked(api: &Api, request: JobRequest) -> Result<NewJob, Problem> {
    let Some(entry) = catalogue::find(&request.kind) else {
        let known: Vec<_> = catalogue::KINDS
            .iter()
            .map(|entry| entry.about.kind.as_str())
            .collect();
        let said = format!("Known kinds: {}.", known.join(", "));
        return Err(Problem::field("/kind", "unknown_kind", said));
    };
    (entry.check)(&request.payload).map_err(|error| {
        let errors = error.errors.into_iter();
        Problem::invalid(errors.map(|error| error.under("/payload")).collect())
    })?;
    check_size(&request.payload, "/payload")?;
    let now = api.clock.now();
    if request.run_at.is_some_and(|at| at > now + AHEAD_MAX) {
        let said = format!("At most {} days ahead.", AHEAD_MAX.num_days());
        return Err(Problem::field("/run_at", "too_far_ahead", said));
    }
    let due = request.run_at.map_or(now, |at| at.max(now));
    if request.deadline.is_some_and(|deadline| deadline <= due) {
        let said = "It passes before the job is due: the job would never run.";
        return Err(Problem::field("/deadline", "deadline_passes", said));
    }
    let tenant = request.tenant.unwrap_or(TenantId::SYSTEM);
    if !api.operator.has_tenant(tenant).await? {
        let said = format!("{tenant} does not exist.");
        return Err(Problem::field("/tenant", "tenant_missing", said));
    }
    let mut job = entry.job(api.ids.job(), tenant, request.payload);
    job.run_at = request.run_at.filter(|at| *at > now);
    job.deadline = request.deadline.map(Deadline::At).or(job.deadline);
    job.priority = request.priority.unwrap_or(job.priority);
    Ok(job)
}

/// A kind by its form; an older kind that nobody runs any more can still be looked for.
pub(super) fn known_kind(kind: String) -> Result<String, Problem> {
    let is_kind = kind.bytes().all(|b| matches!(b, b'a'..=b'z' | b'_' | b'.'));
    if is_kind && !kind.is_empty() {
        Ok(kind)
    } else {
        Err(Problem::said(
            &QUERY_MALFORMED,
            "`kind` has the form service.verb.",
        ))
    }
}

/// A cause by its form.
fn known_cause(cause: String) -> Result<String, Problem> {
    if !cause.is_empty() && cause.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(cause);
    }
    let said = "`cause` is a name from the list of dead letters.";
    Err(Problem::said(&QUERY_MALFORMED, said))
}

fn link(params: &ListParams, limit: u32, next: &str) -> Option<http::HeaderValue> {
    let filters = [
        ("kind", params.kind.clone()),
        ("lane", params.lane.map(|lane| lane.to_string())),
        ("state", params.state.map(|state| state.to_string())),
        ("tenant", params.tenant.map(|tenant| tenant.to_string())),
        ("cause", params.cause.clone()),
        ("batch", params.batch.map(|batch| batch.to_string())),
        ("limit", Some(limit.to_string())),
        ("cursor", Some(next.to_owned())),
    ];
    let given = filters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    next_link(PATH, &given.collect::<Vec<_>>())
}
