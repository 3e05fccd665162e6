//! The connection to Redis: opened when it is needed, thrown away when it may be of no use.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use packtrain_core::patience::timely;
use redis::aio::{ConnectionLike, MultiplexedConnection, PubSub};
use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult,
    ServerErrorKind, TlsCertificates, Value,
};
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;
use tracing::{error, warn};

use super::RedisSettings;
use super::guard::{Said, ask};

/// The longest that a connection may take to be there.
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
/// The longest that Redis may take to answer; a connection that is slower is replaced.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// Who waited for a connection that could not be made does not try at once again.
const FAILED_FOR: Duration = Duration::from_millis(100);
/// A server that evicts is asked again after this: somebody may have mended it.
const REFUSED_FOR: Duration = Duration::from_secs(5);
/// One that did not say whether it evicts is asked again after this.
const UNKNOWN_FOR: Duration = Duration::from_secs(60);

/// Why hints cannot go over this Redis.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The address cannot be read.
    #[error("the address is none of a Redis: {0}")]
    Address(String),
    /// The server drops keys when its memory is full.
    #[error("it drops keys when its memory is full (maxmemory-policy {0})")]
    Evicting(String),
}

/// Why a connection is of no use.
const NO_CONNECTION: &str = "no connection could be made";
const EVICTS: &str = "it drops keys when its memory is full, and is not used";

enum Vetoed {
    Link(RedisError),
    Evicts,
}

/// A connection that all who use Redis share.
#[derive(Clone)]
pub(super) struct Link(Arc<Shared>);

struct Shared {
    /// The server that the address names; one of several in a cluster.
    client: Client,
    cluster: Option<ClusterClient>,
    /// Whether it is taken although it drops keys.
    may_evict: bool,
    state: Mutex<State>,
    /// How many connections were opened so far.
    opened: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    open: Option<(u64, Open)>,
    /// Until when nobody tries again, and why.
    failed: Option<(Instant, &'static str)>,
    /// When the open connection was asked in vain whether its server evicts.
    unknown: Option<Instant>,
}

#[derive(Clone)]
pub(super) enum Open {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

impl State {
    /// Keeps everybody from trying again for so long.
    fn fail(&mut self, rest: Duration, why: &'static str, error: RedisError) -> RedisError {
        self.failed = Some((Instant::now() + rest, why));
        self.unknown = None;
        error
    }
}

impl Link {
    pub(super) fn new(settings: &RedisSettings) -> Result<Self, Refused> {
        let url = settings.url.reveal().as_str();
        let client = match authority(settings) {
            Some(authority) => Client::build_with_tls(url, authority),
            None => Client::open(url),
        };
        let client = client.map_err(|error| address(&error))?;
        let cluster = settings.is_cluster.then(|| cluster(settings));
        Ok(Self(Arc::new(Shared {
            client,
            cluster: cluster.transpose()?,
            may_evict: settings.may_evict,
            state: Mutex::default(),
            opened: watch::Sender::new(0),
        })))
    }

    /// Says when another connection was opened: then others to the same server may be dead as well.
    pub(super) fn opened(&self) -> watch::Receiver<u64> {
        self.0.opened.subscribe()
    }

    /// A connection of its own that hears messages.
    pub(super) async fn listener(&self) -> RedisResult<PubSub> {
        timely(CONNECT_WITHIN, self.0.client.get_async_pubsub()).await
    }

    /// Asks over a connection of its own whether keys are dropped.
    pub(super) async fn ask_policy(&self) -> RedisResult<Said> {
        let mut open = self.0.connect().await?;
        timely(ANSWER_WITHIN, ask(&mut open)).await
    }

    async fn open(&self) -> RedisResult<(u64, Open)> {
        let mut state = self.0.state.lock().await;
        let is_unknown = state.unknown.is_some_and(|at| at.elapsed() >= UNKNOWN_FOR);
        if let Some(open) = &state.open
            && !is_unknown
        {
            return Ok(open.clone());
        }
        if let Some((until, why)) = state.failed
            && Instant::now() < until
        {
            return Err(io::Error::new(io::ErrorKind::NotConnected, why).into());
        }
        let opened = match state.open.take() {
            Some(open) => Ok(open),
            None => self.0.connect().await.map(|connection| {
                self.0.opened.send_modify(|count| *count += 1);
                (*self.0.opened.borrow(), connection)
            }),
        };
        let mut open = match opened {
            Ok(open) => open,
            Err(error) => return Err(state.fail(FAILED_FOR, NO_CONNECTION, error)),
        };
        match self.0.vet(&mut open.1).await {
            Ok(is_known) => state.unknown = (!is_known).then(Instant::now),
            Err(Vetoed::Link(error)) => {
                return Err(state.fail(FAILED_FOR, NO_CONNECTION, error));
            }
            Err(Vetoed::Evicts) => {
                let refused = io::Error::new(io::ErrorKind::NotConnected, EVICTS);
                return Err(state.fail(REFUSED_FOR, EVICTS, refused.into()));
            }
        }
        state.open = Some(open.clone());
        Ok(open)
    }

    /// Throws this connection away after an error that another one may not meet.
    async fn judge(&self, number: u64, error: &RedisError) {
        if is_of_the_link(error) {
            let mut state = self.0.state.lock().await;
            state.open.take_if(|(open, _)| *open == number);
        }
    }

    async fn ask(&self, cmd: &Cmd) -> RedisResult<Value> {
        let (number, mut open) = self.open().await?;
        let asking = match &mut open {
            Open::Single(connection) => connection.req_packed_command(cmd),
            Open::Cluster(connection) => connection.req_packed_command(cmd),
        };
        let answer = timely(ANSWER_WITHIN, asking).await;
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer {
            self.judge(number, error).await;
        }
        answer
    }

    async fn ask_all(
        &self,
        pipeline: &Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisResult<Vec<Value>> {
        let (number, mut open) = self.open().await?;
        let asking = match &mut open {
            Open::Single(connection) => connection.req_packed_commands(pipeline, offset, count),
            Open::Cluster(connection) => connection.req_packed_commands(pipeline, offset, count),
        };
        let answer = timely(ANSWER_WITHIN, asking).await;
        let answer = answer.and_then(|all| all.into_iter().map(Value::extract_error).collect());
        if let Err(error) = &answer {
            self.judge(number, error).await;
        }
        answer
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(self.ask(cmd))
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(self.ask_all(pipeline, offset, count))
    }

    fn get_db(&self) -> i64 {
        self.0.client.get_connection_info().redis_settings().db()
    }
}

impl Shared {
    async fn connect(&self) -> RedisResult<Open> {
        match &self.cluster {
            Some(cluster) => timely(CONNECT_WITHIN, cluster.get_async_connection())
                .await
                .map(Open::Cluster),
            None => self.single().await.map(Open::Single),
        }
    }

    /// Whether it is known that the server behind a connection keeps what it has; an error when it
    /// does not, and may not be used.
    async fn vet(&self, open: &mut Open) -> Result<bool, Vetoed> {
        if self.may_evict {
            return Ok(true);
        }
        let is_single = matches!(open, Open::Single(_));
        let why = match timely(ANSWER_WITHIN, ask(open)).await {
            Ok(Said::Keeps) => return Ok(true),
            Ok(Said::Evicts(policy)) => {
                error!(
                    policy,
                    "redis drops keys when its memory is full: no hints go over it, workers look \
                     by themselves"
                );
                return Err(Vetoed::Evicts);
            }
            Ok(Said::Nothing) => "it does not say".to_owned(),
            // Of a cluster one server may be away, and the others serve.
            Err(error) if is_single && is_of_the_link(&error) => return Err(Vetoed::Link(error)),
            Err(error) => error.to_string(),
        };
        warn!(
            error = why,
            "whether redis evicts could not be asked, going on without knowing"
        );
        Ok(false)
    }

    async fn single(&self) -> RedisResult<MultiplexedConnection> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT_WITHIN))
            .set_response_timeout(Some(ANSWER_WITHIN));
        let connecting = self
            .client
            .get_multiplexed_async_connection_with_config(&config);
        timely(CONNECT_WITHIN, connecting).await
    }
}

fn authority(settings: &RedisSettings) -> Option<TlsCertificates> {
    let authority = settings.authority.clone()?;
    Some(TlsCertificates {
        client_tls: None,
        root_cert: Some(authority),
    })
}

fn cluster(settings: &RedisSettings) -> Result<ClusterClient, Refused> {
    let builder = ClusterClientBuilder::new([settings.url.reveal().as_str()]);
    let builder = match authority(settings) {
        Some(authority) => builder.certs(authority),
        None => builder,
    };
    builder
        .connection_timeout(CONNECT_WITHIN)
        .response_timeout(ANSWER_WITHIN)
        // Our own callers try again, each in its own time.
        .retries(1)
        .build()
        .map_err(|error| address(&error))
}

/// What is wrong with an address, without the address.
fn address(error: &RedisError) -> Refused {
    let detail = error.detail().map(|detail| format!(" ({detail})"));
    Refused::Address(format!(
        "{}{}",
        error.category(),
        detail.unwrap_or_default()
    ))
}

/// Whether another connection, which may lead to another server, may not meet this error.
/// Caches have a list of their own in `crates/cache`: adapters never name each other, and what both
/// name knows no Redis. Who changes one looks at the other.
pub(super) fn is_of_the_link(error: &RedisError) -> bool {
    match error.kind() {
        ErrorKind::Io
        | ErrorKind::Parse
        | ErrorKind::AuthenticationFailed
        | ErrorKind::ClusterConnectionNotFound => true,
        ErrorKind::Server(kind) => matches!(
            kind,
            // A replica that was a primary, or a server that is none yet.
            ServerErrorKind::ReadOnly
                | ServerErrorKind::MasterDown
                | ServerErrorKind::BusyLoading
                | ServerErrorKind::ClusterDown
        ),
        _ => false,
    }
}
