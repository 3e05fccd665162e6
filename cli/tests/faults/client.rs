//! A client of the API over a socket, whose other end may die at any byte.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use packtrain_core::ids::TenantId;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// The longest that an answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// A connection that is kept for the next request.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    /// Connects.
    pub(crate) async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Sends a request and reads the answer's status; an error when the other end is gone.
    pub(crate) async fn send(&mut self, request: &str) -> io::Result<u16> {
        let sending = async {
            self.stream.get_mut().write_all(request.as_bytes()).await?;
            self.answer().await
        };
        tokio::time::timeout(ANSWER_WITHIN, sending)
            .await
            .unwrap_or_else(|late| Err(io::Error::other(late)))
    }

    async fn answer(&mut self) -> io::Result<u16> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("the connection was closed"))?;
        let mut length = 0;
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            if line.trim().is_empty() {
                break;
            }
            if let Some(text) = line.strip_prefix("content-length:") {
                length = text.trim().parse().map_err(io::Error::other)?;
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(status)
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.read_line(&mut line).await?;
        if line.is_empty() {
            return Err(io::Error::other("the connection was closed"));
        }
        Ok(line)
    }
}

/// A request for a canary of this tenant under an idempotency key.
pub(crate) fn canary(api_key: &str, tenant: TenantId, key: &str) -> String {
    let payload = r#"{"is_measured":true}"#;
    let body = format!(r#"{{"kind":"ops.canary","tenant":"{tenant}","payload":{payload}}}"#);
    let length = body.len();
    format!(
        "POST /v2/admin/jobs HTTP/1.1\r\nhost: packtrain\r\nauthorization: Bearer {api_key}\r\n\
         content-type: application/json\r\nidempotency-key: {key}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
}
