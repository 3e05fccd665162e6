//! Workers as operators see them, and the notes of what operators did.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::WorkerId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{AuditEntry, Drain, WorkerView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::id;
use crate::auth::{Operator, Viewer};
use crate::body::{JsonBody, Params};
use crate::page::{self, PageParams};
use crate::problem::Problem;
use crate::{Shared, conditional};

/// The name of the list of workers in its cursors.
const WORKERS: &str = "workers";
/// Where workers are.
const WORKERS_PATH: &str = "/v2/admin/workers";
/// The name of the audit in its cursors.
const AUDIT: &str = "audit";
/// Where the audit is.
const AUDIT_PATH: &str = "/v2/admin/audit";

/// A worker.
#[derive(Serialize, ToSchema)]
#[schema(as = Worker)]
pub(crate) struct Worker {
    /// New at each start.
    id: WorkerId,
    /// Host and process.
    name: String,
    /// Version of the program.
    version: String,
    /// Lanes it serves.
    lanes: Vec<Lane>,
    started_at: DateTime<Utc>,
    /// When it was last heard of; one that is silent for a day is forgotten.
    seen_at: DateTime<Utc>,
    /// When it was asked to drain.
    drain_at: Option<DateTime<Utc>>,
    /// Jobs that it holds.
    running: u64,
}

/// Workers.
#[derive(Serialize, ToSchema)]
pub(crate) struct WorkerList {
    /// The last started first.
    items: Vec<Worker>,
    /// The cursor of the next page; absent on the last.
    next: Option<String>,
}

/// Which workers are to drain.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrainRequest {
    /// All workers of this version of the program.
    #[schema(example = "0.1.0")]
    version: String,
}

/// How many workers were asked.
#[derive(Serialize, ToSchema)]
pub(crate) struct DrainAnswer {
    /// Workers that were not asked before.
    asked: u64,
}

/// What an operator did.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntry)]
pub(crate) struct AuditView {
    at: DateTime<Utc>,
    /// A key, or the command line.
    actor: String,
    #[schema(example = "job.retry")]
    action: String,
    subject: String,
    #[schema(value_type = Object)]
    detail: Value,
}

/// What operators did.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditList {
    /// The last first.
    items: Vec<AuditView>,
    /// The cursor of the next page; absent on the last.
    next: Option<String>,
}

impl From<WorkerView> for Worker {
    fn from(worker: WorkerView) -> Self {
        Self {
            id: worker.id,
            name: worker.name,
            version: worker.version,
            lanes: worker.lanes,
            started_at: worker.started_at,
            seen_at: worker.seen_at,
            drain_at: worker.drain_at,
            running: worker.running,
        }
    }
}

impl From<AuditEntry> for AuditView {
    fn from(entry: AuditEntry) -> Self {
        Self {
            at: entry.at,
            actor: entry.actor,
            action: entry.action,
            subject: entry.subject,
            detail: entry.detail,
        }
    }
}

/// Lists the workers, the last started first.
#[utoipa::path(
    get, path = "/v2/admin/workers", tag = "operation", operation_id = "listWorkers",
    params(PageParams),
    responses((status = 200, description = "A page of workers.", body = WorkerList,
        headers(("Link" = String, description = "The next page, if there is one."))),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Viewer,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, before) = (params.limit()?, params.place(WORKERS)?);
    let mut found = shared.api.control.workers(before, limit + 1).await?;
    let next = page::cut(WORKERS, &mut found, limit, |worker| worker.id);
    let items = found.into_iter().map(Worker::from).collect();
    let list = WorkerList { items, next };
    page::answer(WORKERS_PATH, &list, limit, list.next.as_deref(), &headers)
}

/// Asks a worker to drain: it takes no more work, finishes what it can, and ends.
#[utoipa::path(
    post, path = "/v2/admin/workers/{id}/drain", tag = "operation", operation_id = "drainWorker",
    params(("id" = WorkerId, Path)),
    responses((status = 202, description = "It will drain.", body = DrainAnswer)),
)]
pub(crate) async fn drain(
    State(shared): State<Shared>,
    operator: Operator,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let worker = id::<WorkerId>(&text)?;
    if !shared.api.control.has_worker(worker).await? {
        return Err(Problem::not_found());
    }
    ask(&shared, &operator, &Drain::Worker(worker)).await
}

/// Asks all workers of a version to drain.
#[utoipa::path(
    post, path = "/v2/admin/workers/drain", tag = "operation", operation_id = "drainWorkers",
    request_body = DrainRequest,
    responses((status = 202, description = "They will drain.", body = DrainAnswer)),
)]
pub(crate) async fn drain_version(
    State(shared): State<Shared>,
    operator: Operator,
    JsonBody(request): JsonBody<DrainRequest>,
) -> Result<Response, Problem> {
    ask(&shared, &operator, &Drain::Version(request.version)).await
}

async fn ask(shared: &Shared, operator: &Operator, whom: &Drain) -> Result<Response, Problem> {
    let asked = shared.api.control.drain(&operator.actor, whom).await?;
    let answer = DrainAnswer { asked };
    conditional::json(StatusCode::ACCEPTED, &answer, &HeaderMap::new())
}

/// Lists what operators did, the last first.
#[utoipa::path(
    get, path = "/v2/admin/audit", tag = "operation", operation_id = "listAudit",
    params(PageParams),
    responses((status = 200, description = "A page of entries.", body = AuditList,
        headers(("Link" = String, description = "The next page, if there is one."))),
    ),
)]
pub(crate) async fn audit(
    State(shared): State<Shared>,
    _: Viewer,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let (limit, before) = (params.limit()?, params.place(AUDIT)?);
    let mut found = shared.api.control.audit(before, limit + 1).await?;
    let next = page::cut(AUDIT, &mut found, limit, |entry| entry.id);
    let items = found.into_iter().map(AuditView::from).collect();
    let list = AuditList { items, next };
    page::answer(AUDIT_PATH, &list, limit, list.next.as_deref(), &headers)
}
