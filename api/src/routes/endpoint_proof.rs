//! How owners prove that they want an endpoint: with the code that is sent there.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use packtrain_core::ids::{EndpointId, JobId};
use packtrain_core::job::About;
use packtrain_core::ports::{AskedAgain, EndpointRecord, Proof};
use packtrain_core::proof::Code;
use packtrain_jobs::alerts::verify::Verify;
use serde::Deserialize;
use utoipa::ToSchema;

use super::endpoints::{EndpointView, find, shown};
use super::{id, wake};
use crate::Shared;
use crate::auth::User;
use crate::body::JsonBody;
use crate::problem::{
    CODE_SENT, CODE_STALE, CODE_WRONG, ENDPOINT_VERIFIED, LIMIT_REACHED, Problem,
};
use crate::request::Asked;

/// What was sent.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeRequest {
    /// The code; small letters, spaces and missing dashes do no harm.
    #[schema(example = "7K3M-0QZX-9TAB")]
    code: String,
}

/// Proves that the owner of an endpoint reads what is sent there: it is told from now on. Five
/// wrong codes make the right one void.
#[utoipa::path(
    post, path = "/v2/premium/endpoints/{id}/verify", tag = "alerts",
    operation_id = "verifyEndpoint",
    params(("id" = EndpointId, Path)),
    request_body = CodeRequest,
    responses((status = 200, description = "The endpoint.", body = EndpointView)),
)]
pub(crate) async fn verify(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    JsonBody(given): JsonBody<CodeRequest>,
) -> Result<Response, Problem> {
    let endpoint = id::<EndpointId>(&text)?;
    let endpoints = &shared.api.alerts.endpoints;
    // What is no code counts as a wrong one.
    let hash = Code::read(&given.code).map_or([0; 32], |code| code.hash(endpoint));
    match endpoints.prove(user.tenant, endpoint, &hash).await? {
        Proof::Right | Proof::Before => {}
        Proof::Wrong => return Err(Problem::of(&CODE_WRONG)),
        Proof::Stale => {
            let said = "A code holds for 24 hours and five wrong ones. Ask for another.";
            return Err(Problem::said(&CODE_STALE, said));
        }
        Proof::Missing => return Err(Problem::not_found()),
    }
    let record = find(&shared, user.tenant, endpoint).await?;
    Ok(Json(shown(record)).into_response())
}

/// Sends another code, at most one a minute and five to an endpoint.
#[utoipa::path(
    post, path = "/v2/premium/endpoints/{id}/codes", tag = "alerts",
    operation_id = "sendEndpointCode",
    params(("id" = EndpointId, Path)),
    responses((status = 202, description = "A message with a code is on its way.")),
)]
pub(crate) async fn send_code(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    asked: Asked,
) -> Result<Response, Problem> {
    let endpoint = id::<EndpointId>(&text)?;
    let api = &shared.api;
    match api
        .alerts
        .endpoints
        .ask_again(user.tenant, endpoint)
        .await?
    {
        AskedAgain::Now => {}
        AskedAgain::Early => {
            let said = "A code was sent within the last minute.";
            return Err(Problem::said(&CODE_SENT, said));
        }
        AskedAgain::Many => {
            let said = "As many codes were sent as are.";
            return Err(Problem::said(&LIMIT_REACHED, said));
        }
        AskedAgain::Before => return Err(Problem::of(&ENDPOINT_VERIFIED)),
        AskedAgain::Missing => return Err(Problem::not_found()),
    }
    ask(&shared, &user, endpoint, api.ids.job(), &asked).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Has the first code sent to an endpoint that waits for its proof; once for each address that it
/// gets, however often it is asked for.
pub(super) async fn ask_first(
    shared: &Shared,
    user: &User,
    endpoint: &EndpointRecord,
    asked: &Asked,
) -> Result<(), Problem> {
    let Some(since) = endpoint.unverified_since else {
        return Ok(());
    };
    let job = endpoint.id.proof_job(since);
    ask(shared, user, endpoint.id, job, asked).await
}

/// Has a code sent to an endpoint, by this job.
async fn ask(
    shared: &Shared,
    user: &User,
    endpoint: EndpointId,
    job: JobId,
    asked: &Asked,
) -> Result<(), Problem> {
    let api = &shared.api;
    let payload = serde_json::to_value(Verify { endpoint });
    let payload = payload.map_err(|error| Problem::internal(error.to_string()))?;
    let mut job = About::of::<Verify>().job(job, user.tenant, payload);
    let enqueueing = asked.enqueues(&mut job, &*api.clock);
    let jobs = std::slice::from_ref(&job);
    api.jobs.enqueue(user.tenant, jobs).await?;
    wake(shared, &job, enqueueing);
    Ok(())
}
