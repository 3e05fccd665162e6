//! Comparisons: what each method of a country would give, asked for, followed, taken as a file.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use packtrain_core::ids::{ComparisonId, JobId};
use packtrain_jobs::tax::compare::Compare;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::listed::{self, MadePage};
use super::made::{self, ArtifactParams, CourseView, Order, Thing};
use crate::Shared;
use crate::auth::User;
use crate::body::{JobBody, Params};
use crate::page::PageParams;
use crate::problem::Problem;
use crate::serve::Closing;
use crate::stream::{DoneEvent, Seen, SeenParams};

/// A comparison of methods: where it is, and what came of it. Its summary has, by tax year, the
/// gain of each method and what the law taxes of it, the country's default method first.
#[derive(Serialize, ToSchema)]
#[schema(as = Comparison)]
pub(crate) struct ComparisonView {
    id: ComparisonId,
    /// What was asked for.
    #[schema(value_type = Compare)]
    request: Value,
    #[serde(flatten)]
    course: CourseView,
}

impl Thing for ComparisonView {
    type Job = Compare;
    type Id = ComparisonId;
    const PATH: &'static str = "/v2/premium/comparisons";

    fn of_job(job: JobId) -> ComparisonId {
        ComparisonId::of_job(job)
    }

    fn job(id: &ComparisonId) -> JobId {
        id.job()
    }

    fn new(id: ComparisonId, request: Value, course: CourseView) -> Self {
        Self {
            id,
            request,
            course,
        }
    }
}

/// Asks for a comparison of all methods that the country's law knows, on uploaded files. The same
/// key with the same body is one comparison.
#[utoipa::path(
    post, path = "/v2/premium/comparisons", tag = "comparisons",
    operation_id = "requestComparison",
    params(
        ("idempotency-key" = String, Header, description = "Names this request: a repetition makes \
            nothing twice. Kept for 24 hours.", max_length = 255),
        ("prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most \
            30, until the comparison is finished.", example = "wait=10"),
    ),
    request_body = Compare,
    responses(
        (status = 200, description = "The comparison ended within the time that was preferred.",
            body = ComparisonView),
        (status = 202, description = "The comparison will be made.", body = ComparisonView,
            headers(
                ("Location" = String, description = "Where the comparison is."),
                ("Retry-After" = u32, description = "When to look again, in seconds."),
            )),
    ),
)]
pub(crate) async fn request(
    State(shared): State<Shared>,
    order: Order,
    JobBody(wanted): JobBody<Compare>,
) -> Result<Response, Problem> {
    made::request::<ComparisonView>(&shared, order, &wanted, &wanted.uploads()).await
}

/// Lists comparisons, newest first.
#[utoipa::path(
    get, path = "/v2/premium/comparisons", tag = "comparisons", operation_id = "listComparisons",
    params(PageParams),
    responses((status = 200, description = "A page of comparisons.", body = MadePage,
        headers(("Link" = String, description = "The next page, if there is one."))),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    user: User,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    listed::list::<ComparisonView>(&shared, user, &params, &headers).await
}

/// Shows a comparison.
#[utoipa::path(
    get, path = "/v2/premium/comparisons/{id}", tag = "comparisons",
    operation_id = "showComparison",
    params(("id" = ComparisonId, Path)),
    responses(
        (status = 200, description = "The comparison.", body = ComparisonView,
            headers(("ETag" = String, description = "Changes with the comparison."))),
        (status = 304, description = "The client has this answer already."),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    made::show::<ComparisonView>(&shared, user, &text, &headers).await
}

/// Follows a comparison: `stage` and `progress` events, and `done` at the end.
#[utoipa::path(
    get, path = "/v2/premium/comparisons/{id}/events", tag = "comparisons",
    operation_id = "followComparison",
    params(
        ("id" = ComparisonId, Path),
        ("last-event-id" = Option<i64>, Header, description = "The last event that was seen; the \
            stream goes on after it.", minimum = 0),
        SeenParams,
    ),
    responses(
        (status = 200, description = "The events, as they happen. The stream ends after `done`, \
            or after ten minutes.", body = DoneEvent,
            content_type = "text/event-stream"),
        (status = 204, description = "The client has seen the end; there is no more to come."),
    ),
)]
pub(crate) async fn events(
    State(shared): State<Shared>,
    user: User,
    closing: Closing,
    Path(text): Path<String>,
    seen: Seen,
) -> Result<Response, Problem> {
    made::events::<ComparisonView>(shared, user, closing, &text, seen).await
}

/// Downloads the file of a finished comparison.
#[utoipa::path(
    get, path = "/v2/premium/comparisons/{id}/artifacts/{name}", tag = "comparisons",
    operation_id = "downloadComparison",
    params(
        ("id" = ComparisonId, Path),
        ("name" = String, Path, description = "A name that the comparison lists.",
            example = "comparison-2025-us.json"),
        ArtifactParams,
    ),
    responses(
        (status = 200, description = "Its bytes, in its own media type.", body = String,
            content_type = "application/octet-stream",
            headers(("ETag" = String, description = "SHA-256 of the bytes."))),
        (status = 303, description = "Its bytes are at another address for a short time. It asks \
            for no key: send none there.",
            headers(("Location" = String, description = "Where the bytes are."))),
        (status = 304, description = "The client has these bytes already."),
    ),
)]
pub(crate) async fn artifact(
    State(shared): State<Shared>,
    user: User,
    Path((text, name)): Path<(String, String)>,
    Params(params): Params<ArtifactParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    made::artifact::<ComparisonView>(&shared, user, (&text, &name), &params, &headers).await
}
