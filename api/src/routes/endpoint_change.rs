//! What their owners change about endpoints: what they are called, and where they lead.

use axum::extract::{Path, State};
use axum::response::Response;
use http::HeaderMap;
use packtrain_core::ids::EndpointId;
use packtrain_core::ports::{EndpointChange, EndpointError, EndpointRecord};
use serde::Deserialize;
use utoipa::ToSchema;

use super::endpoints::{EndpointView, editable, find, named, reached};
use super::{endpoint_proof, id};
use crate::Shared;
use crate::auth::User;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::request::Asked;

/// How often an endpoint is changed that another request changes meanwhile.
const CHANGE_TRIES: usize = 5;

/// What is to be changed about an endpoint; what is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointEdit {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200, example = "desk")]
    name: Option<String>,
    /// Another address of the same channel.
    #[schema(example = "https://example.org/hooks/packtrain")]
    address: Option<String>,
}

/// Changes what an endpoint is called, or where it leads. Its channel, its secrets, its digest and
/// the rules that tell it stay. At another address it is as new as one that is made: its owner has
/// to prove that he wants it there, and what failed elsewhere counts for nothing. Messages that are
/// on their way go to the address that stands when they are tried; those that are tried before it
/// is proved are not sent, and not later either. Where the answer did not come, repeat
/// the request without `If-Match`: one code is sent.
#[utoipa::path(
    patch, path = "/v2/premium/endpoints/{id}", tag = "alerts", operation_id = "changeEndpoint",
    params(
        ("id" = EndpointId, Path),
        ("if-match" = Option<String>, Header, description = "The version that is changed."),
    ),
    request_body = EndpointEdit,
    responses((status = 200, description = "The endpoint as it is now.", body = EndpointView,
        headers(("ETag" = String, description = "The endpoint's version.")))),
)]
pub(crate) async fn change(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
    asked: Asked,
    JsonBody(edit): JsonBody<EndpointEdit>,
) -> Result<Response, Problem> {
    let endpoint = id::<EndpointId>(&text)?;
    let mut tries = 0;
    loop {
        let known = find(&shared, user.tenant, endpoint).await?;
        editable(known.clone())?.expect(&headers)?;
        let change = edit.read(&shared, &known)?;
        tries += 1;
        let endpoints = &shared.api.alerts.endpoints;
        match endpoints.change(user.tenant, &known, &change).await {
            Err(EndpointError::Moved) if tries < CHANGE_TRIES => {}
            done => break done?,
        }
    }
    let record = find(&shared, user.tenant, endpoint).await?;
    // Also where the address stood already: the request that wrote it may have ended before its
    // code was asked for.
    if edit.address.is_some() {
        endpoint_proof::ask_first(&shared, &user, &record, &asked).await?;
    }
    Ok(editable(record)?.edited())
}

impl EndpointEdit {
    /// What becomes of an endpoint, or what is wrong where.
    fn read(&self, shared: &Shared, known: &EndpointRecord) -> Result<EndpointChange, Problem> {
        let mut errors = Vec::new();
        let name = self.name.as_deref().and_then(|name| {
            let name = named(name).map_err(|error| errors.push(error)).ok()?;
            (name != known.name).then_some(name)
        });
        let address = self.address.as_deref().and_then(|address| {
            let address = reached(shared, &known.channel, address);
            let (_, address) = address.map_err(|error| errors.push(error)).ok()?;
            (address != known.address).then_some(address)
        });
        match errors.is_empty() {
            true => Ok(EndpointChange {
                name,
                address,
                needs_proof: shared.api.alerts.needs_proof,
            }),
            false => Err(Problem::invalid(errors)),
        }
    }
}
