//! Reports: ask for one, follow it, take its files.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::{JobId, ReportId};
use packtrain_jobs::tax::report::Report;
use packtrain_jobs::tax::row::Story;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::listed::{self, MadePage};
use super::made::{self, ArtifactParams, CourseView, Order, Thing};
use super::story;
use crate::auth::User;
use crate::body::{JobBody, Params};
use crate::page::PageParams;
use crate::problem::Problem;
use crate::serve::Closing;
use crate::stream::{DoneEvent, Seen, SeenParams};
use crate::{Shared, conditional};

/// A tax report: where it is, and what came of it. Its summary has totals, counts, the
/// weightiest warnings, and the answers and rules that did nothing.
#[derive(Serialize, ToSchema)]
#[schema(as = Report)]
pub(crate) struct ReportView {
    id: ReportId,
    /// What was asked for.
    #[schema(value_type = packtrain_jobs::tax::report::Report)]
    request: Value,
    #[serde(flatten)]
    course: CourseView,
}

impl Thing for ReportView {
    type Job = Report;
    type Id = ReportId;
    const PATH: &'static str = "/v2/premium/reports";

    fn of_job(job: JobId) -> ReportId {
        ReportId::of_job(job)
    }

    fn job(id: &ReportId) -> JobId {
        id.job()
    }

    fn new(id: ReportId, request: Value, course: CourseView) -> Self {
        Self {
            id,
            request,
            course,
        }
    }
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
    order: Order,
    JobBody(wanted): JobBody<Report>,
) -> Result<Response, Problem> {
    made::request::<ReportView>(&shared, order, &wanted, &wanted.uploads()).await
}

/// Lists reports, newest first.
#[utoipa::path(
    get, path = "/v2/premium/reports", tag = "reports", operation_id = "listReports",
    params(PageParams),
    responses((status = 200, description = "A page of reports.", body = MadePage,
        headers(("Link" = String, description = "The next page, if there is one."))),
    ),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    user: User,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    listed::list::<ReportView>(&shared, user, &params, &headers).await
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
    made::show::<ReportView>(&shared, user, &text, &headers).await
}

/// Follows a report: `stage` and `progress` events, and `done` at the end.
#[utoipa::path(
    get, path = "/v2/premium/reports/{id}/events", tag = "reports", operation_id = "followReport",
    params(
        ("id" = ReportId, Path),
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
    made::events::<ReportView>(shared, user, closing, &text, seen).await
}

/// Downloads a file of a finished report.
#[utoipa::path(
    get, path = "/v2/premium/reports/{id}/artifacts/{name}", tag = "reports",
    operation_id = "downloadArtifact",
    params(
        ("id" = ReportId, Path),
        ("name" = String, Path, description = "A name that the report lists.",
            example = "tax-2025-us.pdf"),
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
    made::artifact::<ReportView>(&shared, user, (&text, &name), &params, &headers).await
}

/// The story of one row: what it became, by which lots, rule and price, and why, out of the figures
/// (JSON) of a finished report.
///
/// A row of which the report says nothing is not found: one that no chosen year has, or that only
/// brought in units which nothing used, unless the report has the format `harvest`.
#[utoipa::path(
    get, path = "/v2/premium/reports/{id}/rows/{row}", tag = "reports",
    operation_id = "explainRow",
    params(
        ("id" = ReportId, Path),
        ("row" = String, Path, description = "The row's id, as the report names it.",
            max_length = 300, example = "s7"),
    ),
    responses(
        (status = 200, description = "What the report says of the row.", body = Story,
            headers(("ETag" = String, description = "Changes with the answer."))),
        (status = 304, description = "The client has this answer already."),
    ),
)]
pub(crate) async fn row(
    State(shared): State<Shared>,
    user: User,
    Path((text, row)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let story = story::of::<ReportView>(&shared, user, (&text, row)).await?;
    conditional::json(StatusCode::OK, &story, &headers)
}
