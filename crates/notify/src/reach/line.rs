//! One HTTP/1.1 connection to an address that was looked at, driven by whoever asks over it.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use super::ReachError;
use super::target::{Host, Target};

/// Bytes of an answer that are read; behind a longer one the connection is left.
const BODY_BYTES_MAX: usize = 16 * 1024;
/// How long an answer's body may take once its head is there: the head has said what matters.
const BODY_WITHIN: Duration = Duration::from_secs(3);
/// Bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What TLS connections trust: the public authorities.
pub(super) fn tls(roots: RootCertStore) -> Arc<ClientConfig> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks the protocol versions that rustls takes for safe")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

/// The authorities that browsers trust.
pub(super) fn public_roots() -> RootCertStore {
    RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned())
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The beginning of the body.
    pub(crate) body: Vec<u8>,
}

/// A connection.
pub(super) struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// Moves what is sent and received; none when it has ended.
    driver: Option<Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>>,
    pub(super) opened: Instant,
}

impl Line {
    /// Connects to an address that was looked at; the target's name is what TLS asks for.
    pub(super) async fn connect(
        target: &Target,
        address: SocketAddr,
        tls: &Arc<ClientConfig>,
    ) -> Result<Self, ReachError> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(ReachError::Connect)?;
        // A request is one write; waiting for more would only delay it.
        stream.set_nodelay(true).map_err(ReachError::Connect)?;
        if !target.is_https {
            return Self::over(stream).await;
        }
        let name = match &target.host {
            Host::Ip(address) => ServerName::IpAddress((*address).into()),
            Host::Name(name) => ServerName::try_from(name.clone())
                .map_err(|error| ReachError::Tls(std::io::Error::other(error)))?,
        };
        let connector = TlsConnector::from(Arc::clone(tls));
        let stream = connector.connect(name, stream).await;
        Self::over(stream.map_err(ReachError::Tls)?).await
    }

    async fn over<S>(stream: S) -> Result<Self, ReachError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, driver) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .map_err(ReachError::Broken)?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
            opened: Instant::now(),
        })
    }

    /// Whether the other side has left it open, as far as is known here.
    pub(super) fn is_open(&mut self) -> bool {
        let ended = self.driver.as_mut().map(|driver| driver.now_or_never());
        matches!(ended, Some(None)) && self.sender.is_ready()
    }

    /// Asks once, until a moment; says whether the connection can be used again.
    pub(super) async fn ask(
        &mut self,
        request: Request<Full<Bytes>>,
        until: Instant,
    ) -> Result<(Answer, bool), ReachError> {
        let mut asking = pin!(ask(&mut self.sender, request, until));
        if let Some(driver) = &mut self.driver {
            tokio::select! {
                biased;
                answered = &mut asking => return answered,
                // What had come before the end can still be read.
                _ = driver => self.driver = None,
            }
        }
        let (answer, _) = asking.await?;
        Ok((answer, false))
    }
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    until: Instant,
) -> Result<(Answer, bool), ReachError> {
    let sending = sender.send_request(request);
    let response = timeout_at(until, sending).await;
    let response = response.map_err(|_| ReachError::Late)?;
    let response = response.map_err(ReachError::Broken)?;
    let (head, body) = response.into_parts();
    let until = until.min(Instant::now() + BODY_WITHIN);
    let mut kept = Vec::new();
    let reading = timeout_at(until, read(body, &mut kept)).await;
    let answer = Answer {
        status: head.status,
        headers: head.headers,
        body: kept,
    };
    Ok((answer, matches!(reading, Ok(true))))
}

/// Reads the beginning of a body; says whether that is all of it. What broke off counts as long as
/// it came: the head has said what matters.
async fn read(mut body: Incoming, kept: &mut Vec<u8>) -> bool {
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else {
            return false;
        };
        let data = frame.data_ref().map_or(&[][..], |data| data);
        let room = BODY_BYTES_MAX - kept.len();
        kept.extend_from_slice(&data[..data.len().min(room)]);
        if data.len() > room {
            return false;
        }
    }
    true
}
