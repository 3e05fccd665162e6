//! An API that listens, in this process.

use std::io;
use std::net::SocketAddr;

use serde_json::json;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::socket::Socket;
use crate::wait::promptly;

/// An API that listens.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<io::Result<()>>,
}

impl Listening {
    /// Opens a socket for whoever this client is.
    pub async fn socket(&self, client: &Client) -> Socket {
        let nothing = json!({});
        let made = client.post("/v2/premium/stream/tickets", &[], &nothing);
        let made = made.await.expect(201).json();
        let ticket = made["ticket"].as_str().expect("a ticket is made");
        let socket = Socket::open(self.address, &format!("?ticket={ticket}")).await;
        socket.expect("the ticket serves")
    }

    /// Tells it to end.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Waits until it has ended.
    pub async fn ended(self) {
        let served = promptly(self.serving).await;
        served
            .expect("the API does not panic")
            .expect("the API ends well");
    }
}
