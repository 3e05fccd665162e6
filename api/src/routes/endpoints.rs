//! Endpoints: where people are told.

use axum::Json;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::field::FieldError;
use packtrain_core::ids::{EndpointId, TenantId};
use packtrain_core::ports::{ChannelKind, EndpointError, EndpointRecord, NewEndpoint};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use packtrain_jobs::alerts::digest::Rhythm;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::rules::sentence;
use super::{endpoint_digest, endpoint_proof, id, locate};
use crate::Shared;
use crate::auth::User;
use crate::body::{JsonBody, Params};
use crate::conditional::Editable;
use crate::idempotency::{OptionalKey, keyed};
use crate::page::{self, PageParams};
use crate::problem::{ENDPOINT_NAMED, KEY_REUSED, LIMIT_REACHED, NOT_SEALED, Problem, STALE};
use crate::request::Asked;

/// Where endpoints are.
pub(super) const PATH: &str = "/v2/premium/endpoints";
/// The name of the list in cursors.
const LIST: &str = "endpoints";
/// Characters of a name.
const NAME_CHARS_MAX: usize = 200;

/// Where somebody is to be told.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointRequest {
    /// What it is called.
    #[schema(min_length = 1, max_length = 200, example = "desk")]
    name: String,
    /// `webhook`, `email`, `slack`, `discord`, `telegram`, `sns` or `sms`.
    #[schema(example = "webhook")]
    channel: String,
    /// An https address, a mailbox, `bot/chat`, the ARN of a topic, or a telephone number such as
    /// `+14155552671`.
    #[schema(example = "https://example.org/hooks/packtrain")]
    address: String,
    /// Has what it is told gathered, and told in one message a window; absent means at once, each
    /// thing by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Rhythm>,
}

/// An endpoint. Its address may hold a token, and is shown without its path.
#[derive(Serialize, ToSchema)]
#[schema(as = Endpoint)]
pub(crate) struct EndpointView {
    id: EndpointId,
    name: String,
    channel: String,
    /// Where it leads, without what only its owner may know.
    place: String,
    created_at: DateTime<Utc>,
    /// Since when it waits for its owner's proof that he wants it: until then nothing is sent there
    /// but the code that proves it.
    #[serde(skip_serializing_if = "Option::is_none")]
    unverified_since: Option<DateTime<Utc>>,
    /// When its owner proved it, or something first arrived there.
    #[serde(skip_serializing_if = "Option::is_none")]
    verified_at: Option<DateTime<Utc>>,
    /// Since when every try failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_since: Option<DateTime<Utc>>,
    /// When it was disabled: nothing is sent there any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<DateTime<Utc>>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_because: Option<String>,
    /// Until when secrets sign that another has replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_secrets_until: Option<DateTime<Utc>>,
    /// How it is told of many things at once; absent where each is told by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Rhythm>,
}

/// A new endpoint.
#[derive(Serialize, ToSchema)]
pub(crate) struct NewEndpointView {
    #[serde(flatten)]
    endpoint: EndpointView,
    /// For a webhook: verifies what is sent, as Standard Webhooks says. It cannot be shown again.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "whsec_...")]
    secret: Option<String>,
}

/// A page of endpoints.
#[derive(Serialize, ToSchema)]
pub(crate) struct EndpointPage {
    items: Vec<EndpointView>,
    /// Cursor of the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

pub(super) fn shown(record: EndpointRecord) -> EndpointView {
    EndpointView {
        id: record.id,
        name: record.name,
        place: place(&record.channel, record.address.reveal()),
        channel: record.channel,
        created_at: record.created_at,
        unverified_since: record.unverified_since,
        verified_at: record.verified_at,
        failing_since: record.failing_since,
        disabled_at: record.disabled_at,
        disabled_because: record.disabled_because,
        old_secrets_until: record.old_secrets_until,
        digest: record.digest.and_then(|it| serde_json::from_value(it).ok()),
    }
}

/// Where an address leads, without path and query, which may be all that is needed to post there.
fn place(channel: &str, address: &str) -> String {
    let host = address.split_once("://").map_or(address, |(_, rest)| rest);
    match channel {
        "email" | "telegram" | "sns" | "sms" => address.to_owned(),
        _ => host
            .split(['/', '?', '#'])
            .next()
            .unwrap_or_default()
            .to_owned(),
    }
}

/// Makes an endpoint. Unless the operator asks for no proof, nothing is told there until its owner
/// has given the code that is sent there (`POST .../verify`). A request that is repeated under its
/// key gets the endpoint that it made, with the secret that signs there now.
#[utoipa::path(
    post, path = "/v2/premium/endpoints", tag = "alerts", operation_id = "createEndpoint",
    params(("idempotency-key" = Option<String>, Header, description = "Names this request: a \
        repetition makes nothing twice. Kept for 24 hours.", max_length = 255)),
    request_body = EndpointRequest,
    responses((status = 201, description = "The endpoint, and what verifies its messages.",
        body = NewEndpointView,
        headers(("Location" = String, description = "Where the endpoint is.")))),
)]
pub(crate) async fn create(
    State(shared): State<Shared>,
    user: User,
    OptionalKey(key): OptionalKey,
    asked: Asked,
    JsonBody(wanted): JsonBody<EndpointRequest>,
) -> Result<Response, Problem> {
    let api = &shared.api;
    let keyed = keyed(key, &wanted, api.clock.now())?;
    let new = wanted.read(&shared, api.clock.now())?;
    let endpoints = &api.alerts.endpoints;
    let made = endpoints.create(user.tenant, &new, keyed.as_ref()).await?;
    let record = find(&shared, user.tenant, made).await?;
    endpoint_proof::ask_first(&shared, &user, &record, &asked).await?;
    let secret = record.secrets.first();
    let view = NewEndpointView {
        secret: secret.map(|secret| secret.reveal().clone()),
        endpoint: shown(record),
    };
    let mut answer = (StatusCode::CREATED, Json(view)).into_response();
    locate(&mut answer, &format!("{PATH}/{made}"));
    Ok(answer)
}

impl EndpointRequest {
    /// The endpoint that is asked for, or what is wrong where.
    fn read(self, shared: &Shared, now: Timestamp) -> Result<NewEndpoint, Problem> {
        let api = &shared.api;
        let mut errors = Vec::new();
        let name = named(&self.name).map_err(|error| errors.push(error));
        let address = reached(shared, &self.channel, &self.address);
        let address = address.map_err(|error| errors.push(error));
        let digest = self.digest.map(|it| endpoint_digest::stored(&it, now));
        let digest = digest.transpose().unwrap_or_else(|wrong| {
            errors.extend(wrong.into_iter().map(|error| error.under("/digest")));
            None
        });
        let (Ok(name), Ok((channel, address)), true) = (name, address, errors.is_empty()) else {
            return Err(Problem::invalid(errors));
        };
        let secret = (channel == ChannelKind::Webhook).then(|| {
            let random = std::array::from_fn(|_| api.ids.random());
            api.alerts.doors.new_secret(random)
        });
        Ok(NewEndpoint {
            id: EndpointId::from_uuid(api.ids.uuid()),
            name,
            channel: channel.as_str().to_owned(),
            address,
            secrets: secret.into_iter().collect(),
            needs_proof: api.alerts.needs_proof,
            digest,
        })
    }
}

/// What an endpoint is to be called.
pub(super) fn named(text: &str) -> Result<String, FieldError> {
    let name = text.trim();
    if let Some((code, said)) = packtrain_core::name::wrong(name, NAME_CHARS_MAX) {
        return Err(FieldError::new("/name", code, format!("The name {said}.")));
    }
    Ok(name.to_owned())
}

/// Where an endpoint of a channel is to lead, as far as it can be judged before anything is sent.
pub(super) fn reached(
    shared: &Shared,
    channel: &str,
    text: &str,
) -> Result<(ChannelKind, Secret<String>), FieldError> {
    let address = Secret::new(text.trim().to_owned());
    let mut known = ChannelKind::ALL.into_iter();
    let Some(kind) = known.find(|kind| kind.as_str() == channel) else {
        let said = "It is none of webhook, email, slack, discord, telegram, sns, sms.";
        return Err(FieldError::new("/channel", "unknown_channel", said));
    };
    match shared.api.alerts.doors.check(kind, &address) {
        Ok(()) => Ok((kind, address)),
        Err(said) => Err(FieldError::new("/address", "address", said)),
    }
}

/// Lists endpoints, newest first.
#[utoipa::path(
    get, path = "/v2/premium/endpoints", tag = "alerts", operation_id = "listEndpoints",
    params(PageParams),
    responses((status = 200, description = "A page of endpoints.", body = EndpointPage,
        headers(("Link" = String, description = "The next page, if there is one.")))),
)]
pub(crate) async fn list(
    State(shared): State<Shared>,
    user: User,
    Params(params): Params<PageParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let limit = params.limit()?;
    let before = params.place::<EndpointId>(LIST)?;
    let endpoints = &shared.api.alerts.endpoints;
    let mut found = endpoints.list(user.tenant, before, limit + 1).await?;
    let next = page::cut(LIST, &mut found, limit, |record| record.id);
    let items = found.into_iter().map(shown).collect();
    let page = EndpointPage { items, next };
    page::answer(PATH, &page, limit, page.next.as_deref(), &headers)
}

/// Shows an endpoint.
#[utoipa::path(
    get, path = "/v2/premium/endpoints/{id}", tag = "alerts", operation_id = "showEndpoint",
    params(("id" = EndpointId, Path)),
    responses((status = 200, description = "The endpoint.", body = EndpointView,
        headers(("ETag" = String, description = "The endpoint's version.")))),
)]
pub(crate) async fn show(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let record = find(&shared, user.tenant, id(&text)?).await?;
    Ok(editable(record)?.read(&headers))
}

/// An endpoint, as it is read and edited. Of its address a part alone is shown.
pub(super) fn editable(record: EndpointRecord) -> Result<Editable, Problem> {
    let unseen = record.address_mark;
    Editable::new(&shown(record), &unseen)
}

/// An endpoint of a tenant.
pub(super) async fn find(
    shared: &Shared,
    tenant: TenantId,
    id: EndpointId,
) -> Result<EndpointRecord, Problem> {
    let found = shared.api.alerts.endpoints.find(tenant, id).await?;
    found.ok_or_else(Problem::not_found)
}

/// Takes an endpoint away that no rule tells.
#[utoipa::path(
    delete, path = "/v2/premium/endpoints/{id}", tag = "alerts",
    operation_id = "removeEndpoint",
    params(("id" = EndpointId, Path)),
    responses((status = 204, description = "The endpoint is gone.")),
)]
pub(crate) async fn remove(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let endpoints = &shared.api.alerts.endpoints;
    match endpoints.remove(user.tenant, id(&text)?).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Problem::not_found()),
    }
}

impl From<EndpointError> for Problem {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::Store(error) => error.into(),
            EndpointError::KeyReused => Self::of(&KEY_REUSED),
            EndpointError::Moved => Self::of(&STALE),
            EndpointError::Unsealed => Self::of(&NOT_SEALED),
            EndpointError::Many(_) | EndpointError::Codes(_) | EndpointError::Secrets(_) => {
                Self::said(&LIMIT_REACHED, sentence(&error))
            }
            EndpointError::Named(_) => Self::said(&ENDPOINT_NAMED, sentence(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::place;

    #[test]
    fn what_is_shown_of_an_address_leaves_out_what_posts_there() {
        for (channel, address, shown) in [
            (
                "slack",
                "https://hooks.slack.com/services/T/B/hush",
                "hooks.slack.com",
            ),
            (
                "webhook",
                "https://example.org:8443?key=hush",
                "example.org:8443",
            ),
            ("webhook", "https://example.org#hush", "example.org"),
            ("email", "ada@example.org", "ada@example.org"),
        ] {
            assert_eq!(place(channel, address), shown);
        }
    }
}
