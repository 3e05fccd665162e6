//! Whether the process lives, whether it is ready, and what it offers.

use std::sync::LazyLock;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use packtrain_core::ports::StoreError;
use serde::Serialize;
use tokio::time::timeout;
use utoipa::ToSchema;

use crate::Shared;
use crate::openapi::openapi_json;
use crate::problem::{DRAINING, Problem};
use crate::serve::{Closing, Draining};

/// How long the database may take to say that it is there.
const READY_TIME_MAX: Duration = Duration::from_secs(2);

/// The description, written once.
static DESCRIPTION: LazyLock<Bytes> = LazyLock::new(|| openapi_json().into());

/// One word on how it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct Health {
    /// `alive` or `ready`.
    status: &'static str,
}

/// Says that the process lives; asks nothing outside of it.
#[utoipa::path(
    get, path = "/healthz", tag = "platform", operation_id = "checkAlive", security(()),
    responses((status = 200, description = "The process lives.", body = Health)),
)]
pub(crate) async fn alive() -> Json<Health> {
    Json(Health { status: "alive" })
}

/// Says whether requests should be sent here.
#[utoipa::path(
    get, path = "/readyz", tag = "platform", operation_id = "checkReady", security(()),
    responses((status = 200, description = "Requests are welcome.", body = Health)),
)]
pub(crate) async fn ready(
    State(shared): State<Shared>,
    closing: Closing,
    draining: Draining,
) -> Result<Json<Health>, Problem> {
    if closing.is_set() || draining.is_set() {
        return Err(Problem::of(&DRAINING));
    }
    let checked = timeout(READY_TIME_MAX, shared.api.ready.check()).await;
    checked.map_err(|late| StoreError::Unavailable(Box::new(late)))??;
    Ok(Json(Health { status: "ready" }))
}

/// Describes this API (OpenAPI 3.1).
#[utoipa::path(
    get, path = "/v2/openapi.json", tag = "platform", operation_id = "describeApi", security(()),
    responses((status = 200, description = "This document.", body = serde_json::Value)),
)]
pub(crate) async fn description() -> Response {
    ([(CONTENT_TYPE, "application/json")], DESCRIPTION.clone()).into_response()
}
