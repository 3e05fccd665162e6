//! Clients of live streams, very many of them in one process.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::stream::{self, StreamExt, TryStreamExt};
use futures::{SinkExt, TryFutureExt};
use packtrain_core::ids::TenantId;
use packtrain_core::ports::StreamTickets;
use packtrain_store::PgLive;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::super::ground::Ground;
use crate::failure::{FAILED, Failure};

/// Clients of one tenant.
const CLIENTS_PER_TENANT: usize = 200;
/// Clients that connect at the same time.
const AT_ONCE: usize = 64;
/// How long a ticket serves here.
const TICKET_LASTS: Duration = Duration::from_secs(600);
/// Bytes that a client sets aside for reading.
const READ_BYTES: usize = 1024;
/// What a client that does not read lets the system keep for it.
const KEPT_BYTES: u32 = 4096;
/// How long a client may hear nothing before the end that it must come to.
const ENDS_WITHIN: Duration = Duration::from_secs(30);
/// The code of a client that is to resume.
const RESUME: u16 = 4001;

type Socket = WebSocketStream<TcpStream>;

/// How clients read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// At once.
    Reads,
    /// Not at all, until they are told to.
    Waits,
}

/// A client heard of something.
#[derive(Debug, Clone, Copy)]
pub(super) struct Receipt {
    /// Its place in the stream.
    pub(super) seq: i64,
    pub(super) at: Instant,
}

/// What became of clients that did not read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Slow {
    /// They were told to resume.
    pub(super) resume: usize,
    /// They were cut off without a word.
    pub(super) cut: usize,
    /// What the one of them had that had most.
    pub(super) told_most: usize,
}

/// Clients that follow one stream.
pub(super) struct Crowd {
    reading: JoinSet<()>,
    receipts: mpsc::UnboundedReceiver<Receipt>,
    waiting: Vec<Socket>,
}

/// What is read of a frame.
#[derive(Deserialize)]
struct Frame {
    r#type: String,
    #[serde(default)]
    seq: i64,
}

fn failed(what: &'static str) -> impl Fn(tokio_tungstenite::tungstenite::Error) -> Failure {
    move |error| Failure::new(FAILED, format!("{what}: {error}"))
}

impl Crowd {
    /// Connects so many clients, of as many tenants as that takes, and lets each follow a stream.
    pub(super) async fn gather(
        ground: &Ground,
        address: SocketAddr,
        clients: usize,
        followed: &str,
    ) -> Result<Self, Failure> {
        let mut tenants = Vec::new();
        for number in 0..clients.div_ceil(CLIENTS_PER_TENANT) {
            tenants.push(ground.tenant(&format!("crowd-{number}")).await?);
        }
        let whose = |client: usize| tenants[client / CLIENTS_PER_TENANT];
        Self::of(
            ground,
            address,
            (0..clients).map(whose),
            followed,
            Pace::Reads,
        )
        .await
    }

    /// Connects a client for each of these tenants, and lets each follow a stream.
    pub(super) async fn of(
        ground: &Ground,
        address: SocketAddr,
        tenants: impl ExactSizeIterator<Item = TenantId>,
        followed: &str,
        pace: Pace,
    ) -> Result<Self, Failure> {
        let clients = tenants.len();
        let tickets = PgLive::new(ground.parts.pools.clone());
        let tickets = &tickets;
        let opening = stream::iter(tenants).map(|tenant| async move {
            let ticket = ticket(ground, tickets, tenant).await?;
            let mut socket = connect(address, &ticket, pace).await?;
            follow(&mut socket, followed).await?;
            Ok::<_, Failure>(socket)
        });
        let mut opening = opening.buffer_unordered(AT_ONCE);
        let (sender, receipts) = mpsc::unbounded_channel();
        let (mut reading, mut waiting) = (JoinSet::new(), Vec::new());
        let mut done = 0;
        while let Some(socket) = opening.try_next().await? {
            match pace {
                Pace::Reads => drop(reading.spawn(read(socket, sender.clone()))),
                Pace::Waits => waiting.push(socket),
            }
            done += 1;
            ground.steps.at(done, clients);
        }
        Ok(Self {
            reading,
            receipts,
            waiting,
        })
    }

    /// Clients that read.
    pub(super) fn count(&self) -> usize {
        self.reading.len()
    }

    /// So many receipts, of whatever clients.
    pub(super) async fn heard(
        &mut self,
        count: usize,
        within: Duration,
    ) -> Result<Vec<Receipt>, Failure> {
        let mut receipts = Vec::with_capacity(count);
        let hearing = async {
            while receipts.len() < count
                && let Some(receipt) = self.receipts.recv().await
            {
                receipts.push(receipt);
            }
        };
        let done = tokio::time::timeout(within, hearing).await;
        if done.is_err() || receipts.len() < count {
            let what = format!("{} of {count} were told within {within:?}", receipts.len());
            return Err(Failure::new(FAILED, what));
        }
        Ok(receipts)
    }

    /// Lets clients read that did not: what they had, and how it ended.
    pub(super) async fn read_at_last(self) -> Result<Slow, Failure> {
        let mut slow = Slow::default();
        for mut socket in self.waiting {
            let mut told = 0;
            let code = loop {
                let next = tokio::time::timeout(ENDS_WITHIN, socket.next()).await;
                let next = next.map_err(|_| {
                    Failure::new(FAILED, "a client that did not read was not closed")
                })?;
                match next {
                    Some(Ok(Message::Text(_))) => told += 1,
                    Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.code.into()),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => break None,
                }
            };
            match code {
                Some(RESUME) => slow.resume += 1,
                _ => slow.cut += 1,
            }
            slow.told_most = slow.told_most.max(told);
        }
        Ok(slow)
    }
}

/// A ticket, made where the API makes them.
async fn ticket(ground: &Ground, tickets: &PgLive, tenant: TenantId) -> Result<String, Failure> {
    let ids = &ground.parts.ids;
    let parts: [u64; 4] = std::array::from_fn(|_| ids.random());
    let secret = parts.map(|part| format!("{part:016x}")).concat();
    let hash = Sha256::digest(secret.as_bytes()).into();
    let kept = tickets.issue(tenant, hash, TICKET_LASTS).await?;
    kept.ok_or_else(|| Failure::new(FAILED, "a tenant has too many tickets"))?;
    Ok(format!("tkt_{secret}"))
}

async fn connect(address: SocketAddr, ticket: &str, pace: Pace) -> Result<Socket, Failure> {
    let opening = async {
        let socket = TcpSocket::new_v4()?;
        if pace == Pace::Waits {
            socket.set_recv_buffer_size(KEPT_BYTES)?;
        }
        socket.connect(address).await
    };
    let stream = opening
        .map_err(|error: std::io::Error| {
            let what = format!("a client cannot connect: {error}");
            Failure::new(FAILED, what).help("raise the limit on open files (ulimit -n)")
        })
        .await?;
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0);
    let url = format!("ws://{address}/v2/premium/stream?ticket={ticket}");
    let opened = client_async_with_config(url, stream, Some(config)).await;
    Ok(opened.map_err(failed("a socket cannot be opened"))?.0)
}

/// Follows a stream from now on.
async fn follow(socket: &mut Socket, followed: &str) -> Result<(), Failure> {
    let asked = format!(r#"{{"subscribe": ["{followed}"]}}"#);
    let sent = socket.send(Message::text(asked)).await;
    sent.map_err(failed("a stream cannot be followed"))?;
    let answer = socket.next().await.transpose();
    let answer = answer.map_err(failed("a stream cannot be followed"))?;
    match answer.as_ref().and_then(frame) {
        Some(frame) if frame.r#type == "subscribed" => Ok(()),
        _ => Err(Failure::new(FAILED, format!("not followed: {answer:?}"))),
    }
}

fn frame(message: &Message) -> Option<Frame> {
    match message {
        Message::Text(text) => serde_json::from_str(text).ok(),
        _ => None,
    }
}

/// Reads to the end, and says when each event came.
async fn read(mut socket: Socket, receipts: mpsc::UnboundedSender<Receipt>) {
    while let Some(Ok(message)) = socket.next().await {
        let at = Instant::now();
        let event = frame(&message).filter(|frame| frame.r#type == "event");
        if let Some(Frame { seq, .. }) = event
            && receipts.send(Receipt { seq, at }).is_err()
        {
            return;
        }
    }
}
