//! What owners do to an endpoint: give it another secret, enable it again, try it out.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::StatusCode;
use packtrain_core::ids::{EndpointId, JobId};
use packtrain_core::job::About;
use packtrain_core::ports::{Tested, Try};
use packtrain_jobs::alerts::probe::Probe;
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoints::{EndpointView, PATH, find, shown};
use super::incidents::Answered;
use super::{id, locate, wake};
use crate::Shared;
use crate::auth::User;
use crate::idempotency::{OptionalKey, keyed};
use crate::problem::{ENDPOINT_TESTED, ENDPOINT_UNVERIFIED, Problem};
use crate::request::Asked;

/// A new secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretView {
    /// Verifies what is sent from now on. It cannot be shown again.
    #[schema(example = "whsec_...")]
    secret: String,
    /// Until when the secrets before it sign as well: have your receiver take both, then only
    /// this.
    old_secrets_until: DateTime<Utc>,
}

/// A message that tries an endpoint out.
#[derive(Serialize, ToSchema)]
#[schema(as = EndpointTest)]
pub(crate) struct TestView {
    /// The key under which it is sent.
    id: JobId,
    /// `pending`, `delivered`, `temporary`, `permanent` or `gone`.
    #[schema(example = "delivered")]
    result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<u32>,
    #[serde(flatten)]
    answered: Answered,
}

impl TestView {
    fn pending(id: JobId) -> Self {
        Self {
            id,
            result: "pending".to_owned(),
            at: None,
            latency_ms: None,
            answered: Answered::default(),
        }
    }

    fn of(mut tried: Try) -> Self {
        Self {
            answered: Answered::of(&mut tried),
            id: tried.job,
            result: tried.result,
            at: Some(tried.at),
            latency_ms: Some(tried.latency_ms),
        }
    }
}

/// Gives a webhook another secret. Those before sign beside it for a day; while four sign, there is
/// no fifth. A request that is repeated under its key gets the secret that it made.
#[utoipa::path(
    post, path = "/v2/premium/endpoints/{id}/secrets", tag = "alerts",
    operation_id = "rotateSecret",
    params(
        ("id" = EndpointId, Path),
        ("idempotency-key" = Option<String>, Header, description = "Names this request: a \
            repetition makes nothing twice. Kept for 24 hours.", max_length = 255),
    ),
    responses((status = 201, description = "The new secret.", body = SecretView)),
)]
pub(crate) async fn rotate(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    OptionalKey(key): OptionalKey,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let endpoint = id::<EndpointId>(&text)?;
    // There is no body: what is asked for is told by the endpoint alone.
    let keyed = keyed(key, &endpoint, api.clock.now())?;
    let random = std::array::from_fn(|_| api.ids.random());
    let secret = api.alerts.doors.new_secret(random);
    let endpoints = &api.alerts.endpoints;
    let rotated = endpoints
        .rotate(user.tenant, endpoint, &secret, keyed.as_ref())
        .await?;
    let rotated = rotated.ok_or_else(Problem::not_found)?;
    let view = SecretView {
        secret: rotated.secret.reveal().clone(),
        old_secrets_until: rotated.until,
    };
    Ok((StatusCode::CREATED, Json(view)).into_response())
}

/// Lets messages go to an endpoint again that was disabled. What was not sent meanwhile is not
/// sent.
#[utoipa::path(
    post, path = "/v2/premium/endpoints/{id}/enable", tag = "alerts",
    operation_id = "enableEndpoint",
    params(("id" = EndpointId, Path)),
    responses((status = 200, description = "The endpoint.", body = EndpointView)),
)]
pub(crate) async fn enable(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let endpoint = id::<EndpointId>(&text)?;
    let endpoints = &shared.api.alerts.endpoints;
    if !endpoints.enable(user.tenant, endpoint).await? {
        return Err(Problem::not_found());
    }
    let record = find(&shared, user.tenant, endpoint).await?;
    Ok(Json(shown(record)).into_response())
}

/// Tries an endpoint out: sends it one message of the type `endpoint.test`, at most one in ten
/// seconds. One that is disabled is asked as well, and stays so.
#[utoipa::path(
    post, path = "/v2/premium/endpoints/{id}/test", tag = "alerts",
    operation_id = "testEndpoint",
    params(("id" = EndpointId, Path)),
    responses((status = 202, description = "The message is on its way.", body = TestView,
        headers(("Location" = String, description = "Where it says what came of it.")))),
)]
pub(crate) async fn test(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let endpoint = id::<EndpointId>(&text)?;
    match api.alerts.endpoints.tested(user.tenant, endpoint).await? {
        Tested::Now => {}
        Tested::Already => {
            let said = "It was tried out within the last ten seconds.";
            return Err(Problem::said(&ENDPOINT_TESTED, said));
        }
        Tested::Unverified => return Err(Problem::of(&ENDPOINT_UNVERIFIED)),
        Tested::Missing => return Err(Problem::not_found()),
    }
    let payload = serde_json::to_value(Probe { endpoint });
    let payload = payload.map_err(|error| Problem::internal(error.to_string()))?;
    let mut job = About::of::<Probe>().job(api.ids.job(), user.tenant, payload);
    let enqueueing = asked.enqueues(&mut job, &*api.clock);
    let jobs = std::slice::from_ref(&job);
    api.jobs.enqueue(user.tenant, jobs).await?;
    wake(&shared, &job, enqueueing);
    let view = TestView::pending(job.id);
    let mut answer = (StatusCode::ACCEPTED, Json(view)).into_response();
    locate(&mut answer, &format!("{PATH}/{endpoint}/test/{}", job.id));
    Ok(answer)
}

/// Says what came of a message that tries an endpoint out.
#[utoipa::path(
    get, path = "/v2/premium/endpoints/{id}/test/{test}", tag = "alerts",
    operation_id = "showEndpointTest",
    params(("id" = EndpointId, Path), ("test" = JobId, Path)),
    responses((status = 200, description = "What came of it so far.", body = TestView)),
)]
pub(crate) async fn tested(
    State(shared): State<Shared>,
    user: User,
    Path((endpoint, test)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let (endpoint, test) = (id::<EndpointId>(&endpoint)?, id::<JobId>(&test)?);
    let api = &shared.api;
    let job = api.jobs.find(user.tenant, test).await?;
    let is_test = job.is_some_and(|job| {
        job.kind == About::of::<Probe>().kind.as_str()
            && job.payload["endpoint"] == endpoint.to_string()
    });
    if !is_test {
        return Err(Problem::not_found());
    }
    let tried = api.alerts.endpoints.last_try(user.tenant, test).await?;
    let view = tried.map_or_else(|| TestView::pending(test), TestView::of);
    Ok(Json(view).into_response())
}
