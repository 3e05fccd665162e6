//! What operators do to one job: cancel it, run it now, put it away.

use axum::extract::{Path, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use packtrain_core::ids::JobId;
use packtrain_core::ports::{Change, Hint};

use super::id;
use super::job::{JobView, view};
use crate::auth::Operator;
use crate::problem::{Problem, STATE_UNFIT};
use crate::{Shared, conditional};

/// Cancels a job: at once where it waits, as soon as it stops where it runs.
#[utoipa::path(
    post, path = "/v2/admin/jobs/{id}/cancel", tag = "operation", operation_id = "cancelJob",
    params(("id" = JobId, Path)),
    responses((status = 200, description = "The job; still running until it stopped.",
        body = JobView)),
)]
pub(crate) async fn cancel(
    State(shared): State<Shared>,
    operator: Operator,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    change(&shared, &operator, Change::Cancel, &text).await
}

/// Runs a job now: a dead letter with all its attempts anew, a scheduled job without waiting on.
#[utoipa::path(
    post, path = "/v2/admin/jobs/{id}/retry", tag = "operation", operation_id = "retryJob",
    params(("id" = JobId, Path)),
    responses((status = 200, description = "The job, in its lane.", body = JobView)),
)]
pub(crate) async fn retry(
    State(shared): State<Shared>,
    operator: Operator,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    change(&shared, &operator, Change::Retry, &text).await
}

/// Puts a dead letter away.
#[utoipa::path(
    post, path = "/v2/admin/jobs/{id}/discard", tag = "operation", operation_id = "discardJob",
    params(("id" = JobId, Path)),
    responses((status = 200, description = "The job, discarded.", body = JobView)),
)]
pub(crate) async fn discard(
    State(shared): State<Shared>,
    operator: Operator,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    change(&shared, &operator, Change::Discard, &text).await
}

async fn change(
    shared: &Shared,
    operator: &Operator,
    change: Change,
    text: &str,
) -> Result<Response, Problem> {
    let (api, job) = (&shared.api, id::<JobId>(text)?);
    let changed = api.control.change(&operator.actor, change, &[job]).await?;
    for lane in changed.woken {
        api.hints.send(Hint { lane, about: None });
    }
    let found = view(api, job).await?;
    if changed.done.is_empty() && changed.asked.is_empty() {
        let said = format!(
            "The job is {}; {} does nothing.",
            found.state(),
            change.as_str()
        );
        return Err(Problem::said(&STATE_UNFIT, said));
    }
    conditional::json(StatusCode::OK, &found, &HeaderMap::new())
}
