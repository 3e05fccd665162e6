//! Hosts that were recorded, replayed on this machine: what `packtrain dev` and the tests ask in
//! place of the internet.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use packtrain_core::chain::Chain;
use packtrain_core::secret::Secret;
use packtrain_core::time::Clock;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use self::chain::MovingChain;
use self::fault::{RETRY_AFTER_S, nulled};
use self::market::Market;
use self::vault::Vault;

pub use self::fault::Fault;
pub use self::market::MoveError;

mod chain;
mod fault;
mod files;
mod market;
mod vault;

/// Connections at the same time; others wait.
const CONNECTIONS_MAX: usize = 64;
/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of a price that somebody moves.
const PRICE_BYTES_MAX: usize = 100;
/// Where prices are asked for, and where they are moved.
const CURRENT: &str = "/llama-coins/prices/current/";
const MOVES: &str = "/prices/";
/// Where it is asked what is locked and held, and where a holding is moved.
const PROTOCOLS: &str = "/llama-api/protocols";
const PROTOCOL: &str = "/llama-api/protocol/";
const HOLDINGS: &str = "/holdings/";
/// Where stablecoins are listed.
const STABLECOINS: &str = "/llama-stablecoins/stablecoins";
/// The chains that were recorded; `crates/feeds/fixtures/README.md` says how.
const CHAINS: [(Chain, &[u8]); 2] = [
    (
        Chain::Ethereum,
        include_bytes!("../../fixtures/rpc/ethereum.json"),
    ),
    (Chain::Base, include_bytes!("../../fixtures/rpc/base.json")),
];

/// The body of an answer.
type Body = BoxBody<Bytes, io::Error>;

/// Recorded hosts, on a port of this machine.
pub struct Replay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    chains: Vec<(Chain, MovingChain)>,
    clock: Arc<dyn Clock>,
    fault: Mutex<Option<Fault>>,
    market: Market,
    vault: Vault,
}

impl Replay {
    /// Serves all that is recorded on a free port of the loopback address, until `stop`.
    ///
    /// # Errors
    /// What the system says of the port, or that a record cannot be read.
    pub async fn start(
        clock: Arc<dyn Clock>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        let chains = CHAINS.iter().map(|(chain, text)| {
            let moving = MovingChain::read(text).map_err(io::Error::other)?;
            Ok((*chain, moving))
        });
        let shared = Arc::new(Shared {
            chains: chains.collect::<io::Result<_>>()?,
            clock,
            fault: Mutex::default(),
            market: Market::default(),
            vault: Vault::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let serving = serve(listener, Arc::clone(&shared), tasks.clone(), stop.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(serving).await;
        });
        Ok(Self { address, shared })
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The chains that are recorded, and the address of a node of each.
    pub fn nodes(&self) -> impl Iterator<Item = (Chain, Secret<String>)> {
        let chains = self.shared.chains.iter();
        chains.map(|(chain, _)| (*chain, Secret::new(format!("{}/rpc/{chain}", self.url()))))
    }

    /// The base address of the host of prices.
    pub fn prices(&self) -> Secret<String> {
        Secret::new(format!("{}/llama-coins", self.url()))
    }

    /// Where a price is moved: a number that is PUT there is what the coin costs from now on.
    pub fn move_url(&self, coin: &str) -> String {
        format!("{}{MOVES}{coin}", self.url())
    }

    /// From now on a coin costs this many dollars.
    ///
    /// # Errors
    /// [`MoveError`] when there is no such coin, or this is no price.
    pub fn set_price(&self, coin: &str, usd: &str) -> Result<(), MoveError> {
        self.shared.market.set(coin, usd)
    }

    /// From now on a protocol holds so much of a token, which is worth this many dollars.
    ///
    /// # Errors
    /// [`MoveError`] when there is no such protocol or token, or these are no numbers.
    pub fn set_holding(
        &self,
        protocol: &str,
        token: &str,
        amount: &str,
        usd: &str,
    ) -> Result<(), MoveError> {
        self.shared.vault.set(protocol, token, (amount, usd))
    }

    /// The address of DefiLlama's host of protocols and chains.
    pub fn llama_api(&self) -> Secret<String> {
        Secret::new(format!("{}/llama-api", self.url()))
    }

    /// The address of its host of stablecoins.
    pub fn llama_stablecoins(&self) -> Secret<String> {
        Secret::new(format!("{}/llama-stablecoins", self.url()))
    }

    /// The address of its host of yields.
    pub fn llama_yields(&self) -> Secret<String> {
        Secret::new(format!("{}/llama-yields", self.url()))
    }

    /// From now on every answer has this fault, or none.
    pub fn set_fault(&self, fault: Option<Fault>) {
        *self
            .shared
            .fault
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = fault;
    }
}

async fn serve(
    listener: TcpListener,
    shared: Arc<Shared>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                debug!(%error, "a connection to the replay was not taken");
                continue;
            }
        };
        let (shared, stop) = (Arc::clone(&shared), stop.clone());
        tasks.spawn(async move {
            stop.run_until_cancelled(converse(stream, shared)).await;
            drop(place);
        });
    }
}

async fn converse(stream: TcpStream, shared: Arc<Shared>) {
    let service = service_fn(|request| answer(Arc::clone(&shared), request));
    let talk = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = talk.await {
        // An answer that is to break off does so here.
        debug!(%error, "a connection to the replay ended");
    }
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    // Whoever moves a price is no reader of it: faults are for those.
    if request.method() == Method::PUT {
        return Ok(moved(&shared, request).await);
    }
    let fault = *shared.fault.lock().unwrap_or_else(PoisonError::into_inner);
    match fault {
        Some(Fault::Late(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Busy) => return Ok(refusal(StatusCode::TOO_MANY_REQUESTS)),
        Some(Fault::BadGateway) => return Ok(refusal(StatusCode::BAD_GATEWAY)),
        Some(Fault::Truncated | Fault::Nulls) | None => {}
    }
    let Some(text) = shared.said(request).await else {
        return Ok(refusal(StatusCode::NOT_FOUND));
    };
    let body = match fault {
        Some(Fault::Truncated) => broken_off(&text),
        Some(Fault::Nulls) => whole(nulled(&text)),
        _ => whole(text),
    };
    let mut answer = Response::new(body);
    let json = http::HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    Ok(answer)
}

/// Moves a price or a holding, and says so. Browsers do not PUT to another site without being
/// allowed to, so no page that somebody looks at moves anything here.
async fn moved(shared: &Shared, request: Request<Incoming>) -> Response<Body> {
    let path = request.uri().path().to_owned();
    let body = Limited::new(request.into_body(), PRICE_BYTES_MAX)
        .collect()
        .await;
    let text = body.map(|body| body.to_bytes()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let done = if let Some(coin) = path.strip_prefix(MOVES) {
        let set = shared.market.set(coin, &text);
        set.map(|()| format!("{coin} costs ${} from now on\n", text.trim()))
    } else if let Some((protocol, token)) = holding(&path) {
        let (amount, usd) = text.trim().split_once(' ').unwrap_or_default();
        let set = shared.vault.set(protocol, token, (amount, usd));
        set.map(|()| format!("{protocol} holds {amount} {token} from now on, worth ${usd}\n"))
    } else {
        return refusal(StatusCode::NOT_FOUND);
    };
    let (status, said) = match done {
        Ok(said) => (StatusCode::OK, said),
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error}\n")),
    };
    let mut answer = Response::new(whole(said.into()));
    *answer.status_mut() = status;
    answer
}

/// The protocol and the token of a holding that is moved.
fn holding(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(HOLDINGS)?.split_once('/')
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut answer = Response::new(whole(Bytes::new()));
    *answer.status_mut() = status;
    if status == StatusCode::TOO_MANY_REQUESTS {
        answer
            .headers_mut()
            .insert(RETRY_AFTER, RETRY_AFTER_S.into());
    }
    answer
}

fn whole(text: Bytes) -> Body {
    Full::new(text).map_err(|never| match never {}).boxed()
}

/// The first half, and then nothing more, where more was promised.
fn broken_off(text: &Bytes) -> Body {
    let half = text.slice(..text.len() / 2);
    let end = io::Error::from(io::ErrorKind::ConnectionAborted);
    StreamBody::new(stream::iter([Ok(Frame::data(half)), Err(end)])).boxed()
}

impl Shared {
    /// What the host that a path names answers; none where there is no such host.
    async fn said(&self, request: Request<Incoming>) -> Option<Bytes> {
        let path = request.uri().path();
        let Some(name) = path.strip_prefix("/rpc/") else {
            let is_read = request.method() == Method::GET;
            return is_read.then(|| self.told(path)).flatten();
        };
        let (_, chain) = self.chains.iter().find(|(one, _)| one.as_str() == name)?;
        if request.method() != Method::POST {
            return None;
        }
        let body = Limited::new(request.into_body(), BODY_BYTES_MAX).collect();
        let body: Value = serde_json::from_slice(&body.await.ok()?.to_bytes()).ok()?;
        let said: Value = match body {
            Value::Array(calls) => calls.iter().map(|call| self.one(chain, call)).collect(),
            call => self.one(chain, &call),
        };
        Some(said.to_string().into())
    }

    /// What stands under a path of a host that is read.
    fn told(&self, path: &str) -> Option<Bytes> {
        if let Some(coins) = path.strip_prefix(CURRENT) {
            return self.market.answer(coins, self.clock.now());
        }
        if let Some(slug) = path.strip_prefix(PROTOCOL) {
            return self.vault.protocol(slug, self.clock.now());
        }
        match path {
            PROTOCOLS => self.vault.protocols(),
            STABLECOINS => self.market.stablecoins(),
            _ => files::answer(path),
        }
    }

    fn one(&self, chain: &MovingChain, call: &Value) -> Value {
        let method = call["method"].as_str().unwrap_or_default();
        let params = call["params"].as_array().map_or(&[][..], Vec::as_slice);
        let id = &call["id"];
        match chain.answer(method, params, self.clock.now()) {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": id, "result": result }),
            Err((code, message)) => json!({
                "jsonrpc": "2.0", "id": id, "error": { "code": code, "message": message },
            }),
        }
    }
}

#[cfg(test)]
mod tests;
