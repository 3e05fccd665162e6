//! A client of live streams over WebSocket.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::wait::promptly;

/// An open socket.
pub struct Socket(WebSocketStream<TcpStream>);

/// What comes over a socket.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// A frame.
    Said(Value),
    /// It was closed with this code.
    Closed(u16),
    /// It ended without a word.
    Gone,
}

impl Socket {
    /// Opens a socket with a query; the status of the answer where it is refused.
    ///
    /// # Errors
    /// The status of the refusal.
    pub async fn open(address: SocketAddr, query: &str) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.expect("the API listens");
        let url = format!("ws://{address}/v2/premium/stream{query}");
        match promptly(client_async(url, stream)).await {
            Ok((socket, _)) => Ok(Self(socket)),
            Err(Error::Http(answer)) => Err(answer.status().as_u16()),
            Err(error) => panic!("a socket cannot be opened: {error}"),
        }
    }

    /// Sends a frame.
    pub async fn ask(&mut self, frame: &Value) {
        self.send(frame.to_string()).await;
    }

    /// Sends a text.
    pub async fn send(&mut self, text: String) {
        let sent = promptly(self.0.send(Message::text(text))).await;
        sent.expect("the socket is open");
    }

    /// What comes next; pings are answered and passed over.
    pub async fn next(&mut self) -> Heard {
        loop {
            match promptly(self.0.next()).await {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Said(serde_json::from_str(&text).expect("a frame is JSON"));
                }
                Some(Ok(Message::Close(Some(frame)))) => return Heard::Closed(frame.code.into()),
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Heard::Gone,
                Some(Ok(_)) => {}
            }
        }
    }

    /// The frame that comes next.
    pub async fn said(&mut self) -> Value {
        match self.next().await {
            Heard::Said(said) => said,
            other => panic!("the socket is open: {other:?}"),
        }
    }
}
