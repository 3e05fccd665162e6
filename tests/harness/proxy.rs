//! A network between a process and a server, to be cut or slowed down.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Bytes that pass at once.
const PIECE_BYTES: usize = 16 * 1024;
/// Bytes that pass at once when the network is slow, and how long each such piece takes.
const SLOW_BYTES: usize = 1024;
const SLOW_EVERY: Duration = Duration::from_millis(250);
/// How long each way is when the server is far: a question and its answer take twice as long.
const FAR: Duration = Duration::from_millis(100);

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Everything passes.
    Well,
    /// Everything passes, 4 KiB a second on each connection and each way.
    Slow,
    /// Everything passes, 100 ms later: 200 ms there and back.
    Far,
    /// What is sent is swallowed, and nobody is told; new connections are taken and not answered.
    Hole,
    /// As a hole, for a client that trusts TCP to notice: when the network is well again, what was
    /// connected meanwhile is reset. A kernel gives up on what nobody acknowledges in time
    /// (`tcp_user_timeout`), and the one of this proxy acknowledges what is swallowed.
    Outlasted,
    /// The server's side of every connection is closed, and the client is not told.
    HalfOpen,
    /// Every connection is closed, and new ones are closed at once: the server is away.
    Away,
    /// Every connection is reset (RST), and new ones are at once.
    Reset,
}

impl Network {
    const fn is_cut(self) -> bool {
        matches!(
            self,
            Self::Hole | Self::Outlasted | Self::HalfOpen | Self::Away | Self::Reset
        )
    }
}

/// What the network does, and what it has done: a cut that is over already has cut all the same.
#[derive(Debug, Clone, Copy)]
struct State {
    now: Network,
    cuts: u64,
    last_cut: Network,
}

/// A network with one way through.
pub struct Proxy {
    /// Where it takes connections.
    pub address: SocketAddr,
    state: watch::Sender<State>,
    met: Arc<AtomicU64>,
}

impl Proxy {
    /// Leads to this server, until the test's runtime ends.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let (state, watching) = watch::channel(State {
            now: Network::Well,
            cuts: 0,
            last_cut: Network::Well,
        });
        let tasks = TaskTracker::new();
        let (inner, met) = (tasks.clone(), Arc::new(AtomicU64::new(0)));
        let counted = Arc::clone(&met);
        tasks.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let way = Way {
                    state: watching.clone(),
                    met: Arc::clone(&counted),
                };
                inner.spawn(way.lead(client, server));
            }
        });
        Self {
            address,
            state,
            met,
        }
    }

    /// How often somebody met with trouble so far: a connection that was refused or reset, a piece
    /// that was sent and swallowed. A trouble that nobody meets with tests nothing.
    pub fn met(&self) -> u64 {
        self.met.load(Ordering::SeqCst)
    }

    /// From now on the network does this. A connection that was cut does not come back.
    pub fn set(&self, network: Network) {
        self.state.send_modify(|state| {
            state.now = network;
            if network.is_cut() {
                state.cuts += 1;
                state.last_cut = network;
            }
        });
    }
}

/// The way of one connection.
struct Way {
    state: watch::Receiver<State>,
    met: Arc<AtomicU64>,
}

impl Way {
    async fn lead(mut self, mut client: TcpStream, server: SocketAddr) {
        let State { now, cuts, .. } = *self.state.borrow();
        if matches!(now, Network::Away | Network::Reset) {
            self.meet();
            return end(&client, None, now);
        }
        let Ok(mut server) = TcpStream::connect(server).await else {
            return;
        };
        let (watching, back) = (self.state.clone(), self.state.clone());
        let passing = async {
            let (from_client, to_client) = client.split();
            let (from_server, to_server) = server.split();
            tokio::try_join!(
                pass(from_client, to_server, watching),
                pass(from_server, to_client, back)
            )
        };
        let is_cut = |state: &State| state.now.is_cut() || state.cuts > cuts;
        let cut = tokio::select! {
            cut = self.state.wait_for(is_cut) => cut.map(|state| state.last_cut),
            _ = passing => return,
        };
        let server = match cut {
            Ok(Network::Away) => return,
            Ok(Network::Reset) => {
                self.meet();
                return end(&client, Some(&server), Network::Reset);
            }
            Ok(Network::Outlasted) => {
                let mut well = self.state.clone();
                tokio::select! {
                    () = self.swallow(&mut client) => {}
                    _ = well.wait_for(|state| !state.now.is_cut()) => {}
                }
                return end(&client, Some(&server), Network::Reset);
            }
            Ok(Network::HalfOpen) => {
                drop(server);
                None
            }
            _ => Some(server),
        };
        self.swallow(&mut client).await;
        if self
            .state
            .wait_for(|state| !state.now.is_cut())
            .await
            .is_err()
        {
            return pending().await;
        }
        drop(server);
    }

    /// Both sides stay silent, whatever the network does afterwards. But a client that hangs up is
    /// heard when the network is well again, since TCP repeats that: else the server would keep the
    /// other side of every connection that was ever cut.
    async fn swallow(&self, client: &mut TcpStream) {
        let mut swallowed = vec![0; PIECE_BYTES];
        while client
            .read(&mut swallowed)
            .await
            .is_ok_and(|length| length > 0)
        {
            self.meet();
        }
    }

    fn meet(&self) {
        self.met.fetch_add(1, Ordering::SeqCst);
    }
}

/// Sees to it that the end of these connections is a reset where it is to be one.
fn end(client: &TcpStream, server: Option<&TcpStream>, how: Network) {
    if how == Network::Reset {
        for side in [Some(client), server].into_iter().flatten() {
            side.set_zero_linger().ok();
        }
    }
}

/// Passes everything on, one way, until the end.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    loop {
        let length = from.read(&mut piece).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        if state.borrow().now == Network::Far {
            tokio::time::sleep(FAR).await;
        }
        for part in piece[..length].chunks(SLOW_BYTES) {
            if state.borrow().now == Network::Slow {
                tokio::time::sleep(SLOW_EVERY).await;
            }
            to.write_all(part).await?;
        }
    }
}
