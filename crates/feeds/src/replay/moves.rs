//! What somebody moves in a replay, and what a price is there: the doors for people and tests,
//! beside those of the hosts.

use std::borrow::Cow;

use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use percent_encoding::percent_decode_str;

use super::asked::Refused;
use super::{Body, MoveError, Source, json, whole};

/// Where prices are moved.
pub(super) const PRICES: &str = "/prices/";
/// Where holdings are moved.
const HOLDINGS: &str = "/holdings/";
/// Bytes of a price that somebody moves.
const PRICE_BYTES_MAX: usize = 100;

/// Moves a price or a holding, and says so. Browsers do not PUT to another site without being
/// allowed to, so no page that somebody looks at moves anything here.
pub(super) async fn moved(source: &Source, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let body = Limited::new(request.into_body(), PRICE_BYTES_MAX)
        .collect()
        .await;
    let text = body.map(|body| body.to_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let done = if let Some(coin) = coin(&path) {
        let set = source.move_price(&coin, &text);
        set.map(|usd| format!("{coin} costs ${usd} from now on\n"))
    } else if let Some((protocol, token)) = holding(&path) {
        let (amount, usd) = text.trim().split_once(' ').unwrap_or_default();
        let set = source.move_holding(protocol, token, (amount, usd));
        set.map(|(amount, usd)| {
            format!("{protocol} holds {amount} {token} from now on, worth ${usd}\n")
        })
    } else {
        return Refused::from(StatusCode::NOT_FOUND).answer();
    };
    match done {
        Ok(said) => Response::new(whole(said.into())),
        Err(error) => refused(error),
    }
}

/// The coin whose price somebody asks for where it is moved; none where another thing is asked.
pub(super) fn looked_at(request: &Request<Incoming>) -> Option<String> {
    let is_look = request.method() == Method::GET;
    let coin = is_look.then(|| coin(request.uri().path())).flatten()?;
    Some(coin.into_owned())
}

/// What a coin costs now.
pub(super) fn shown(source: &Source, coin: &str) -> Response<Body> {
    match source.price(coin) {
        Ok(costs) => json(whole(format!("{}\n", costs.json()).into())),
        Err(error) => refused(error),
    }
}

fn refused(error: MoveError) -> Response<Body> {
    let mut answer = Response::new(whole(format!("{error}\n").into()));
    *answer.status_mut() = match error {
        MoveError::Unpriced => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    answer
}

/// The coin whose price a path leads to.
fn coin(path: &str) -> Option<Cow<'_, str>> {
    let coin = path.strip_prefix(PRICES)?;
    Some(percent_decode_str(coin).decode_utf8_lossy())
}

/// The protocol and the token of a holding that is moved.
fn holding(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(HOLDINGS)?.split_once('/')
}
