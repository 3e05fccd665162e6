//! Workers as operators see them, and the notes of what operators did.

use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::WorkerId;
use packtrain_core::job::Lane;
use packtrain_core::limits::PAGE_MAX;
use packtrain_core::ports::{AuditEntry, Drain, WorkerView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::id;
use crate::auth::Operator;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::{Shared, conditional};

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

/// Lists the workers.
#[utoipa::path(
    get, path = "/v2/admin/workers", tag = "operation", operation_id = "listWorkers",
    responses((status = 200, description = "The last 200 workers.", body = WorkerList)),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    _: Operator,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let workers = shared.api.control.workers(PAGE_MAX).await?;
    let items = workers.into_iter().map(Worker::from).collect();
    conditional::json(StatusCode::OK, &WorkerList { items }, &headers)
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
    let known = shared.api.control.workers(PAGE_MAX).await?;
    if known.iter().all(|known| known.id != worker) {
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
    responses((status = 200, description = "The last 200 entries.", body = AuditList)),
)]
pub(crate) async fn audit(
    State(shared): State<Shared>,
    _: Operator,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let entries = shared.api.control.audit(None, PAGE_MAX).await?;
    let items = entries.into_iter().map(AuditView::from).collect();
    conditional::json(StatusCode::OK, &AuditList { items }, &headers)
}
