//! Changes of many jobs at once: previewed, then done by a job of their own.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use packtrain_core::ids::TenantId;
use packtrain_core::ports::Change;
use packtrain_jobs::catalogue::entry;
use packtrain_jobs::ops::bulk::{Bulk, Filter};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::job::JobView;
use super::jobs::accept;
use crate::Shared;
use crate::auth::Operator;
use crate::body::JsonBody;
use crate::problem::{COUNT_CHANGED, Problem};
use crate::request::Asked;

/// A change of all jobs that match.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct BulkRequest {
    change: Change,
    filter: Filter,
    /// Only count what matches now.
    #[serde(default)]
    dry_run: bool,
    /// Refuse when another number matches than a person saw before.
    #[serde(default)]
    expected_count: Option<u64>,
}

/// How many jobs match.
#[derive(Serialize, ToSchema)]
pub(crate) struct BulkPreview {
    /// Counted up to 100,000.
    count: u64,
}

/// Changes all jobs that match, in slices, by a job of its own; with `dry_run` only counts them.
#[utoipa::path(
    post, path = "/v2/admin/bulk", tag = "operation", operation_id = "changeJobs",
    request_body = BulkRequest,
    responses(
        (status = 200, description = "What matches now.", body = BulkPreview),
        (status = 202, description = "The job that does it.", body = JobView,
            headers(("Location" = String, description = "Where that job is."))),
    ),
)]
pub(crate) async fn bulk(
    State(shared): State<Shared>,
    operator: Operator,
    asked: Asked,
    JsonBody(request): JsonBody<BulkRequest>,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let bulk = Bulk {
        change: request.change,
        filter: request.filter,
    };
    let payload =
        serde_json::to_value(&bulk).map_err(|error| Problem::internal(error.to_string()))?;
    let entry = entry::<Bulk>();
    (entry.check)(&payload).map_err(|error| Problem::invalid(error.errors))?;
    let count = api.control.count(&bulk.filter.of(bulk.change)).await?;
    if request.dry_run {
        return Ok(Json(BulkPreview { count }).into_response());
    }
    if request
        .expected_count
        .is_some_and(|expected| expected != count)
    {
        let said = format!("{count} jobs match now.");
        return Err(Problem::said(&COUNT_CHANGED, said));
    }
    let job = entry.job(api.ids.job(), TenantId::SYSTEM, payload);
    accept(&shared, &operator, &asked, job).await
}
