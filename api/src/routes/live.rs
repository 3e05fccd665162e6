//! Live streams: a ticket, a socket, and the same as server-sent events.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Utc};
use http::{HeaderMap, StatusCode};
use packtrain_core::limits::STREAM_TICKETS_MAX;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::{IntoParams, ToSchema};

use crate::Shared;
use crate::auth::User;
use crate::body::Params;
use crate::live::{self, EventFrame, Positions, STREAMS_PER_CLIENT_MAX, Session};
use crate::problem::{
    LIMIT_REACHED, Problem, QUERY_MALFORMED, REQUEST_MALFORMED, TICKET_UNKNOWN, UNAVAILABLE,
};
use crate::serve::Closing;

/// How long a ticket serves.
const TICKET_LASTS: Duration = Duration::from_secs(60);
/// What every ticket begins with.
const TICKET_PREFIX: &str = "tkt_";
/// Hexadecimal digits of a ticket: 256 random bits.
const TICKET_DIGITS: usize = 64;

/// What lets one socket in, once.
#[derive(Serialize, ToSchema)]
#[schema(as = StreamTicket)]
pub(crate) struct TicketView {
    /// For the query of the socket's address. It cannot be shown again.
    #[schema(example = "tkt_...")]
    ticket: String,
    /// Until when it serves.
    expires_at: DateTime<Utc>,
}

/// Makes a ticket for one socket. Browsers cannot send a key with a socket, and an address with a
/// key in it would be kept in logs: a ticket serves once, for a minute.
#[utoipa::path(
    post, path = "/v2/premium/stream/tickets", tag = "live", operation_id = "makeStreamTicket",
    responses((status = 201, description = "The ticket.", body = TicketView)),
)]
pub(crate) async fn ticket(State(shared): State<Shared>, user: User) -> Result<Response, Problem> {
    let api = &shared.api;
    let parts: [u64; 4] = std::array::from_fn(|_| api.ids.random());
    let secret = parts.map(|part| format!("{part:016x}")).concat();
    let hash = Sha256::digest(secret.as_bytes()).into();
    let tickets = &api.live.tickets;
    let until = tickets.issue(user.tenant, hash, TICKET_LASTS).await?;
    let expires_at = until.ok_or_else(|| {
        let said = format!("{STREAM_TICKETS_MAX} tickets wait to be used; they end in a minute.");
        Problem::said(&LIMIT_REACHED, said)
    })?;
    let ticket = format!("{TICKET_PREFIX}{secret}");
    Ok((StatusCode::CREATED, Json(TicketView { ticket, expires_at })).into_response())
}

/// Whom a socket is for.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct SocketParams {
    /// A ticket that was not used yet.
    #[param(required = true)]
    ticket: Option<String>,
}

/// The hash of a ticket that has the form of one.
fn presented(params: &SocketParams) -> Option<[u8; 32]> {
    let secret = params.ticket.as_deref()?.strip_prefix(TICKET_PREFIX)?;
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    let is_ticket = secret.len() == TICKET_DIGITS && secret.bytes().all(is_hex);
    is_ticket.then(|| Sha256::digest(secret.as_bytes()).into())
}

/// Opens a WebSocket for whoever the ticket was made for. Frames are JSON of up to 32 KiB: the
/// client sends `{"subscribe": ["alerts", "gas:1"], "after": {"alerts": 17}}`, and is told
/// `subscribed`, `event`, `gap` and `refused`.
#[utoipa::path(
    get, path = "/v2/premium/stream", tag = "live", operation_id = "openStream", security(()),
    params(SocketParams),
    responses((status = 101, description = "The socket is open.")),
)]
pub(crate) async fn socket(
    State(shared): State<Shared>,
    closing: Closing,
    Params(params): Params<SocketParams>,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Result<Response, Problem> {
    let hash = presented(&params).ok_or(Problem::of(&TICKET_UNKNOWN))?;
    // A request that is none of a socket's does not use the ticket up.
    let upgrade = upgrade.map_err(|rejection| {
        let said = format!("Only WebSocket is spoken here: {}", rejection.body_text());
        Problem::said(&REQUEST_MALFORMED, said)
    })?;
    let live = &shared.api.live;
    let tenant = live.tickets.take(hash).await?;
    let tenant = tenant.ok_or(Problem::of(&TICKET_UNKNOWN))?;
    let session = Session::open(live, tenant, live::Sort::Socket)?;
    let open = closing.upgraded();
    let talk = move |socket| async move {
        live::talk(socket, session, closing).await;
        drop(open);
    };
    Ok(live::prepared(upgrade).on_upgrade(talk))
}

/// Which streams are followed.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventsParams {
    /// Their names with commas between them: `alerts`, `jobs`, `portfolio`, `gas:<chain>`,
    /// `job:<job>`.
    #[param(example = "alerts,gas:1")]
    streams: String,
    /// The id of the last event that was seen, for who cannot send the header `Last-Event-ID`,
    /// which counts where both are there.
    #[param(example = "alerts=17,gas:1=204")]
    after: Option<String>,
}

/// Follows live streams. Each event has an id that says where the client is in all of them; who
/// comes back with it as `Last-Event-ID` is told what was missed.
#[utoipa::path(
    get, path = "/v2/premium/stream/events", tag = "live", operation_id = "followStreams",
    params(
        EventsParams,
        ("last-event-id" = Option<String>, Header, description = "The id of the last event that \
            was seen. A stream that it does not name begins with what happens next, and that of a \
            job with its beginning.",
            example = "alerts=17,gas:1=204"),
    ),
    responses((status = 200, description = "The events, as they happen. The answer ends after ten \
        minutes, and when the client is too slow: it then comes back.",
        body = EventFrame<'static>, content_type = "text/event-stream")),
)]
pub(crate) async fn events(
    State(shared): State<Shared>,
    user: User,
    closing: Closing,
    Params(params): Params<EventsParams>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let names: Vec<&str> = params.streams.split(',').map(str::trim).collect();
    if names.len() > STREAMS_PER_CLIENT_MAX {
        let said = format!("At most {STREAMS_PER_CLIENT_MAX} streams are followed.");
        return Err(Problem::said(&QUERY_MALFORMED, said));
    }
    let seen = Positions::of(&headers, params.after, user.tenant)?;
    let sort = live::Sort::Events;
    let mut session = Session::open(&shared.api.live, user.tenant, sort)?;
    for name in names {
        let after = seen.of_stream(name, user.tenant);
        session.follow(name, after).await.map_err(|refusal| {
            let sort = match refusal {
                live::Refusal::Unknown => &QUERY_MALFORMED,
                live::Refusal::Limit => &LIMIT_REACHED,
                live::Refusal::Unavailable => &UNAVAILABLE,
            };
            Problem::said(sort, format!("{name}: {}", refusal.detail()))
        })?;
    }
    Ok(live::answer(session, closing))
}
