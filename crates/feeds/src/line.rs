//! One HTTP/1.1 connection, driven by whoever asks over it.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use bytes::Bytes;
use http::header::{ACCEPT, HOST, USER_AGENT};
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

use crate::endpoint::{Address, EndpointError};

/// Bytes of an answer that are read, and thrown away; behind a longer one the connection is left.
pub(crate) const BODY_BYTES_MAX: usize = 64 * 1024;
/// How requests name the asker.
pub(crate) const AGENT: &str = concat!("packtrain/", env!("CARGO_PKG_VERSION"));

/// What TLS connections trust.
pub(crate) struct Tls(pub(crate) Arc<ClientConfig>);

impl Tls {
    pub(crate) fn new() -> Self {
        let roots = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        let provider = Arc::new(ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring speaks the protocol versions that rustls takes for safe")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Self(Arc::new(config))
    }
}

/// Moves what a connection sends and receives.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A connection.
pub(crate) struct Line {
    sender: SendRequest<Full<Bytes>>,
    /// None when it has ended.
    driver: Option<Driver>,
}

impl Line {
    pub(crate) async fn connect(address: &Address, tls: &Tls) -> Result<Self, EndpointError> {
        let (host, port) = (address.host.as_str(), address.port);
        let stream = TcpStream::connect((host, port)).await;
        let stream = stream.map_err(EndpointError::Connect)?;
        if !address.is_https {
            return Self::over(stream).await;
        }
        let invalid = |error| EndpointError::Connect(std::io::Error::other(error));
        let name = ServerName::try_from(address.host.clone()).map_err(invalid)?;
        let connector = TlsConnector::from(Arc::clone(&tls.0));
        let stream = connector.connect(name, stream).await;
        Self::over(stream.map_err(EndpointError::Connect)?).await
    }

    async fn over<S>(stream: S) -> Result<Self, EndpointError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(EndpointError::Broken)?;
        Ok(Self {
            sender,
            driver: Some(Box::pin(driver)),
        })
    }

    /// Sends a request, and waits until its answer begins.
    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, EndpointError> {
        let Self { sender, driver } = self;
        let asking = async {
            if sender.ready().await.is_err() {
                return Err(EndpointError::Closed);
            }
            sender.send_request(request).await.map_err(|error| {
                if error.is_canceled() {
                    EndpointError::Closed
                } else {
                    EndpointError::Broken(error)
                }
            })
        };
        drive(driver, asking).await
    }

    /// The next bytes of an answer; none at its end.
    pub(crate) async fn more(
        &mut self,
        body: &mut Incoming,
    ) -> Result<Option<Bytes>, EndpointError> {
        let reading = async {
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(EndpointError::Broken)?;
                if let Ok(bytes) = frame.into_data() {
                    return Ok(Some(bytes));
                }
            }
            Ok(None)
        };
        drive(&mut self.driver, reading).await
    }

    /// Whether it stands, once an answer was read to its end.
    pub(crate) const fn stands(&self) -> bool {
        self.driver.is_some()
    }

    /// Asks once; says whether the connection can be used again.
    pub(crate) async fn ask(&mut self, address: &Address) -> Result<bool, EndpointError> {
        let request = Request::get(address.path.reveal())
            .header(HOST, &address.authority)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "*/*")
            .body(Full::default())
            .expect("the parts come from an address that was read");
        let response = self.send(request).await?;
        let (status, mut body) = (response.status(), response.into_body());
        if status >= StatusCode::INTERNAL_SERVER_ERROR {
            return Err(EndpointError::Status(status));
        }
        let mut left = BODY_BYTES_MAX;
        while let Some(bytes) = self.more(&mut body).await? {
            let Some(rest) = left.checked_sub(bytes.len()) else {
                return Ok(false);
            };
            left = rest;
        }
        Ok(self.stands())
    }
}

/// Does this while the connection moves what is sent and received.
async fn drive<T>(driver: &mut Option<Driver>, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    if let Some(running) = driver {
        tokio::select! {
            biased;
            done = &mut work => return done,
            // What had come before the end can still be read.
            _ = running => *driver = None,
        }
    }
    work.await
}
