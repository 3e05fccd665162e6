//! Digests of endpoints: one message a window in place of one for each thing that happens.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use packtrain_core::field::FieldError;
use packtrain_core::ids::EndpointId;
use packtrain_core::time::Timestamp;
use packtrain_jobs::alerts::digest::Rhythm;
use serde_json::Value;

use super::endpoints::{EndpointView, find, shown};
use super::id;
use crate::Shared;
use crate::auth::User;
use crate::body::JsonBody;
use crate::problem::Problem;

/// A digest as it is stored, and when the first one is due; or what is wrong with it.
pub(super) fn stored(
    digest: &Rhythm,
    now: Timestamp,
) -> Result<(Value, Timestamp), Vec<FieldError>> {
    let errors = digest.check();
    if !errors.is_empty() {
        return Err(errors);
    }
    let unwritten =
        |error: serde_json::Error| vec![FieldError::new("", "invalid", error.to_string())];
    let value = serde_json::to_value(digest).map_err(unwritten)?;
    Ok((value, digest.next_end(now, now)))
}

/// Has what an endpoint is told gathered, and told in one message a window. What is critical is
/// told at once all the same, unless the digest says otherwise.
#[utoipa::path(
    put, path = "/v2/premium/endpoints/{id}/digest", tag = "alerts",
    operation_id = "gatherForEndpoint",
    params(("id" = EndpointId, Path)),
    request_body = Rhythm,
    responses((status = 200, description = "The endpoint.", body = EndpointView)),
)]
pub(crate) async fn gather(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    JsonBody(digest): JsonBody<Rhythm>,
) -> Result<Response, Problem> {
    let endpoint = id::<EndpointId>(&text)?;
    let api = &shared.api;
    let (digest, due_at) = stored(&digest, api.clock.now()).map_err(Problem::invalid)?;
    let digests = &api.alerts.digests;
    if !digests
        .gather(user.tenant, endpoint, &digest, due_at)
        .await?
    {
        return Err(Problem::not_found());
    }
    let record = find(&shared, user.tenant, endpoint).await?;
    Ok(Json(shown(record)).into_response())
}

/// Has an endpoint told of each thing by itself again. What was gathered is told within a minute or
/// two, in a last digest.
#[utoipa::path(
    delete, path = "/v2/premium/endpoints/{id}/digest", tag = "alerts",
    operation_id = "scatterForEndpoint",
    params(("id" = EndpointId, Path)),
    responses((status = 204, description = "There are no digests any more.")),
)]
pub(crate) async fn scatter(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let endpoint = id::<EndpointId>(&text)?;
    match shared
        .api
        .alerts
        .digests
        .scatter(user.tenant, endpoint)
        .await?
    {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Problem::not_found()),
    }
}
