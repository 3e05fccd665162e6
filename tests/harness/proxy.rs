//! A network between a process and a server, to be cut or slowed down.

use std::future::pending;
use std::io;
use std::net::SocketAddr;
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

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Everything passes.
    Well,
    /// Everything passes, 4 KiB a second on each connection and each way.
    Slow,
    /// What is sent is swallowed, and nobody is told; new connections are taken and not answered.
    Hole,
    /// The server's side of every connection is closed, and the client is not told.
    HalfOpen,
    /// Every connection is closed, and new ones are closed at once: the server is away.
    Away,
}

impl Network {
    const fn is_cut(self) -> bool {
        matches!(self, Self::Hole | Self::HalfOpen | Self::Away)
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
        let inner = tasks.clone();
        tasks.spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                inner.spawn(lead(client, server, watching.clone()));
            }
        });
        Self { address, state }
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

async fn lead(mut client: TcpStream, server: SocketAddr, mut state: watch::Receiver<State>) {
    let before = state.borrow().cuts;
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    let (watching, back) = (state.clone(), state.clone());
    let passing = async {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        tokio::try_join!(
            pass(from_client, to_server, watching),
            pass(from_server, to_client, back)
        )
    };
    let cut = tokio::select! {
        cut = state.wait_for(|state| state.now.is_cut() || state.cuts > before) => {
            cut.map(|state| state.last_cut)
        }
        _ = passing => return,
    };
    let server = match cut {
        Ok(Network::Away) => return,
        Ok(Network::HalfOpen) => {
            drop(server);
            None
        }
        _ => Some(server),
    };
    // Both sides stay silent, whatever the network does afterwards. But a client that hangs up is
    // heard when the network is well again, since TCP repeats that: else the server would keep the
    // other side of every connection that was ever cut.
    let mut swallowed = vec![0; PIECE_BYTES];
    while client
        .read(&mut swallowed)
        .await
        .is_ok_and(|length| length > 0)
    {}
    if state.wait_for(|state| !state.now.is_cut()).await.is_err() {
        return pending().await;
    }
    drop(server);
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
        for part in piece[..length].chunks(SLOW_BYTES) {
            if state.borrow().now == Network::Slow {
                tokio::time::sleep(SLOW_EVERY).await;
            }
            to.write_all(part).await?;
        }
    }
}
