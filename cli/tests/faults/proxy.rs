//! A network between a process and PostgreSQL, to be cut.

use std::future::pending;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Bytes that are passed on at a time.
const PASS_BYTES: usize = 16 * 1024;

/// What the network does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Network {
    /// Everything passes.
    Well,
    /// What is sent is swallowed, and nobody is told; new connections are taken and not answered.
    Hole,
    /// The server's side of every connection is closed, and the client is not told.
    HalfOpen,
}

/// A network with one way through.
pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    state: watch::Sender<Network>,
}

impl Proxy {
    /// Leads to this server, until the test's runtime ends.
    pub(crate) async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
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
    pub(crate) fn set(&self, network: Network) {
        self.state.send_replace(network);
    }
}

async fn lead(mut client: TcpStream, server: SocketAddr, mut state: watch::Receiver<Network>) {
    let mut server = TcpStream::connect(server).await.ok();
    let (mut said, mut answered) = (vec![0; PASS_BYTES], vec![0; PASS_BYTES]);
    while *state.borrow() == Network::Well {
        let Some(server) = &mut server else { return };
        let passed = tokio::select! {
            _ = state.changed() => continue,
            read = client.read(&mut said) => match read {
                Ok(1..) => server.write_all(&said[..read.unwrap()]).await,
                _ => return,
            },
            read = server.read(&mut answered) => match read {
                Ok(1..) => client.write_all(&answered[..read.unwrap()]).await,
                _ => return,
            },
        };
        if passed.is_err() {
            return;
        }
    }
    if *state.borrow() == Network::HalfOpen {
        drop(server.take());
    }
    // Both sides, or the client's, stay open and silent.
    pending::<()>().await;
}
