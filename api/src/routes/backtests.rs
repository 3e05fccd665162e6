//! Back-tests: what a rule would have done, asked for before it is made.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use packtrain_core::ids::{BacktestId, JobId};
use packtrain_core::ports::JobRecord;
use packtrain_jobs::alerts::backtest::{Backtest, Tested};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::made::{self, CourseView, Order, Thing};
use super::rules::operable;
use crate::Shared;
use crate::auth::User;
use crate::body::JobBody;
use crate::problem::Problem;
use crate::serve::Closing;
use crate::stream::{DoneEvent, Seen, SeenParams};

/// A back-test: where it is, and what came of it.
#[derive(Serialize, ToSchema)]
#[schema(as = BacktestOfRule)]
pub(crate) struct BacktestView {
    id: BacktestId,
    /// What was asked for.
    #[schema(value_type = Backtest)]
    request: Value,
    /// What the rule would have done, once that is known.
    #[schema(value_type = Option<Tested>)]
    result: Option<Value>,
    #[serde(flatten)]
    course: CourseView,
}

impl Thing for BacktestView {
    type Job = Backtest;
    type Id = BacktestId;
    const PATH: &'static str = "/v2/premium/alerts/backtests";

    fn of_job(job: JobId) -> BacktestId {
        BacktestId::of_job(job)
    }

    fn job(id: &BacktestId) -> JobId {
        id.job()
    }

    fn summary(job: &JobRecord) -> Option<Value> {
        job.result.clone()
    }

    fn new(id: BacktestId, request: Value, mut course: CourseView) -> Self {
        Self {
            id,
            request,
            result: course.take_summary(),
            course,
        }
    }
}

/// Asks what a rule would have done. The same key with the same body is one back-test.
#[utoipa::path(
    post, path = "/v2/premium/alerts/backtests", tag = "alerts",
    operation_id = "requestBacktest",
    params(
        ("idempotency-key" = String, Header, description = "Names this request: a repetition makes \
            nothing twice. Kept for 24 hours.", max_length = 255),
        ("prefer" = Option<String>, Header, description = "`wait=N`: wait up to N seconds, at most \
            30, until the back-test is finished.", example = "wait=10"),
    ),
    request_body = Backtest,
    responses(
        (status = 200, description = "The back-test ended within the time that was preferred.",
            body = BacktestView),
        (status = 202, description = "The back-test will be made.", body = BacktestView,
            headers(
                ("Location" = String, description = "Where the back-test is."),
                ("Retry-After" = u32, description = "When to look again, in seconds."),
            )),
    ),
)]
pub(crate) async fn request(
    State(shared): State<Shared>,
    order: Order,
    JobBody(wanted): JobBody<Backtest>,
) -> Result<Response, Problem> {
    operable(&order.user, &wanted.rule)?;
    made::request::<BacktestView>(&shared, order, &wanted, &[]).await
}

/// Shows a back-test.
#[utoipa::path(
    get, path = "/v2/premium/alerts/backtests/{id}", tag = "alerts",
    operation_id = "showBacktest",
    params(("id" = BacktestId, Path)),
    responses(
        (status = 200, description = "The back-test.", body = BacktestView,
            headers(("ETag" = String, description = "Changes with the back-test."))),
        (status = 304, description = "The client has this answer already."),
    ),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    made::show::<BacktestView>(&shared, user, &text, &headers).await
}

/// Follows a back-test: `stage` events, and `done` at the end.
#[utoipa::path(
    get, path = "/v2/premium/alerts/backtests/{id}/events", tag = "alerts",
    operation_id = "followBacktest",
    params(
        ("id" = BacktestId, Path),
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
    made::events::<BacktestView>(shared, user, closing, &text, seen).await
}
