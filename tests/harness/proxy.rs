//! A network between a process and PostgreSQL, to be cut.

use std::future::pending;
use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Network {
    /// Everything passes.
    Well,
    /// What is sent is swallowed, and nobody is told; new connections are taken and not answered.
    Hole,
    /// The server's side of every connection is closed, and the client is not told.
    HalfOpen,
    /// Every connection is closed, and new ones are closed at once: the server is away.
    Away,
}

/// A network with one way through.
pub struct Proxy {
    /// Where it takes connections.
    pub address: SocketAddr,
    state: watch::Sender<Network>,
}

impl Proxy {
    /// Leads to this server, until the test's runtime ends.
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let (state, watching) = watch::channel(Network::Well);
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
        self.state.send_replace(network);
    }
}

async fn lead(mut client: TcpStream, server: SocketAddr, mut state: watch::Receiver<Network>) {
    let Ok(mut server) = TcpStream::connect(server).await else {
        return;
    };
    if *state.borrow_and_update() == Network::Well {
        tokio::select! {
            _ = state.changed() => {}
            _ = copy_bidirectional(&mut client, &mut server) => return,
        }
    }
    let found = *state.borrow();
    match found {
        Network::HalfOpen => drop(server),
        Network::Away => return,
        Network::Well | Network::Hole => {
            // Both sides stay open and silent, whatever the network does afterwards.
            return pending::<()>().await;
        }
    }
    pending().await
}
