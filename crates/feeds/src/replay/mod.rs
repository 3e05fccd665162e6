//! Hosts that were recorded, replayed on this machine: what `packtrain dev` and the tests ask in
//! place of the internet. And the door through which real ones are recorded.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use packtrain_core::chain::Chain;
use packtrain_core::quantity::Quantity;
use packtrain_core::secret::Secret;
use packtrain_core::time::Clock;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

use self::asked::{Asked, Refused};
use self::fault::{RETRY_AFTER_S, nulled};
use self::market::Costs;
use self::own::Own;
use self::player::Player;
use self::recorder::Recorder;
use self::vault::Worth;

pub use self::fault::Fault;
pub use self::market::MoveError;
pub use self::recorder::RealHosts;

mod asked;
mod chain;
mod fault;
mod files;
mod market;
mod moves;
mod own;
mod player;
mod recorder;
mod tape;
mod vault;
mod written;

/// Connections at the same time; others wait.
const CONNECTIONS_MAX: usize = 64;

/// The body of an answer.
type Body = BoxBody<Bytes, io::Error>;

/// Recorded hosts, on a port of this machine.
pub struct Replay {
    address: SocketAddr,
    shared: Arc<Shared>,
}

/// Where answers come from.
enum Source {
    /// What this program brings along.
    Own(Own),
    /// A folder into which somebody recorded.
    Folder(Player),
    /// Real hosts, while they are recorded.
    Real(Recorder),
}

struct Shared {
    source: Source,
    fault: Mutex<Option<Fault>>,
}

impl Replay {
    /// Serves all that this program brings along on a free port of the loopback address, until
    /// `stop`.
    ///
    /// # Errors
    /// What the system says of the port, or that a record cannot be read.
    pub async fn start(
        clock: Arc<dyn Clock>,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        Self::of(Source::Own(Own::read(clock)?), tasks, stop).await
    }

    /// The same with what was recorded into a folder.
    ///
    /// # Errors
    /// What the system says of the port, or that nothing was recorded there.
    pub async fn of_folder(
        folder: &Path,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        Self::of(Source::Folder(Player::open(folder)?), tasks, stop).await
    }

    /// Passes on what these hosts answer, and writes it down in a folder, which must be empty or
    /// not there.
    ///
    /// # Errors
    /// What the system says of the port or of the folder, or that an address cannot be asked.
    pub async fn recording(
        hosts: &RealHosts,
        folder: &Path,
        tasks: &TaskTracker,
        stop: CancellationToken,
    ) -> io::Result<Self> {
        Self::of(Source::Real(Recorder::open(hosts, folder)?), tasks, stop).await
    }

    async fn of(source: Source, tasks: &TaskTracker, stop: CancellationToken) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            source,
            fault: Mutex::default(),
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

    /// The chains that are here, and the address of each of their nodes.
    pub fn nodes(&self) -> impl Iterator<Item = (Chain, Secret<String>)> {
        let nodes = match &self.shared.source {
            Source::Own(own) => own.nodes(),
            Source::Folder(player) => player.nodes(),
            Source::Real(recorder) => recorder.nodes(),
        };
        let url = self.url();
        nodes
            .into_iter()
            .map(move |(chain, node)| (chain, Secret::new(format!("{url}/rpc/{chain}/{node}"))))
    }

    /// The base address of the host of prices.
    pub fn prices(&self) -> Secret<String> {
        Secret::new(format!("{}/llama-coins", self.url()))
    }

    /// Where a price is moved: a number that is PUT there is what the coin costs from now on, and a
    /// GET tells what it costs. Only what this program brings along can be moved.
    pub fn move_url(&self, coin: &str) -> String {
        format!("{}{}{coin}", self.url(), moves::PRICES)
    }

    /// From now on a coin costs this many dollars.
    ///
    /// # Errors
    /// [`MoveError`] when there is no such coin, or this is no price, or prices are not this
    /// program's own.
    pub fn set_price(&self, coin: &str, usd: &str) -> Result<(), MoveError> {
        self.shared.source.move_price(coin, usd).map(drop)
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
        let set = self
            .shared
            .source
            .move_holding(protocol, token, (amount, usd));
        set.map(drop)
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
    // Whoever moves a price is no reader of it, nor is who looks there: faults are for those.
    if request.method() == Method::PUT {
        return Ok(moves::moved(&shared.source, request).await);
    }
    if let Some(coin) = moves::looked_at(&request) {
        return Ok(moves::shown(&shared.source, &coin));
    }
    let fault = *shared.fault.lock().unwrap_or_else(PoisonError::into_inner);
    match fault {
        Some(Fault::Late(delay)) => tokio::time::sleep(delay).await,
        Some(Fault::Busy) => return Ok(Refused::busy(RETRY_AFTER_S).answer()),
        Some(Fault::BadGateway) => return Ok(Refused::from(StatusCode::BAD_GATEWAY).answer()),
        Some(Fault::Truncated | Fault::Nulls) | None => {}
    }
    let said = match Asked::of(request).await {
        Some(asked) => shared.source.said(&asked).await,
        None => Err(StatusCode::PAYLOAD_TOO_LARGE.into()),
    };
    let text = match said {
        Ok(text) => text,
        Err(refused) => return Ok(refused.answer()),
    };
    let body = match fault {
        Some(Fault::Truncated) => broken_off(&text),
        Some(Fault::Nulls) => whole(nulled(&text)),
        _ => whole(text),
    };
    Ok(json(body))
}

/// An answer that is JSON.
fn json(body: Body) -> Response<Body> {
    let mut answer = Response::new(body);
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}

impl Refused {
    fn answer(self) -> Response<Body> {
        let mut answer = Response::new(whole(Bytes::new()));
        *answer.status_mut() = self.status;
        if let Some(seconds) = self.retry_after_s {
            answer.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        answer
    }
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

impl Source {
    async fn said(&self, asked: &Asked) -> Result<Bytes, Refused> {
        match self {
            Self::Own(own) => own.said(asked).ok_or(StatusCode::NOT_FOUND.into()),
            Self::Folder(player) => player.said(asked).await,
            Self::Real(recorder) => recorder.said(asked).await,
        }
    }

    fn move_price(&self, coin: &str, usd: &str) -> Result<Quantity, MoveError> {
        match self {
            Self::Own(own) => own.move_price(coin, usd),
            Self::Folder(_) | Self::Real(_) => Err(MoveError::NotOurs),
        }
    }

    fn price(&self, coin: &str) -> Result<Costs, MoveError> {
        match self {
            Self::Own(own) => own.price(coin),
            Self::Folder(_) | Self::Real(_) => Err(MoveError::NotOurs),
        }
    }

    fn move_holding(
        &self,
        protocol: &str,
        token: &str,
        worth: (&str, &str),
    ) -> Result<Worth, MoveError> {
        match self {
            Self::Own(own) => own.move_holding(protocol, token, worth),
            Self::Folder(_) | Self::Real(_) => Err(MoveError::NotOurs),
        }
    }
}

#[cfg(test)]
mod tests;
