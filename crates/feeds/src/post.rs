//! An address that takes what is posted to it: each time over a connection of its own.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use packtrain_core::secret::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;

use crate::endpoint::Address;
use crate::line::{AGENT, Tls};

/// Bytes of an answer that are read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// Why nothing was posted, or what was wrong with the answer. Nothing here repeats the address or a
/// header: there may be a key in them.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The text is no address that can be asked.
    #[error("not an http or https address without user and password")]
    Address,
    /// The text is no list of headers.
    #[error("not headers of the form name=value, with commas between them")]
    Headers,
    /// It took too long.
    #[error("no answer within {} ms", .0.as_millis())]
    Late(Duration),
    /// No connection to it.
    #[error("no connection: {0}")]
    Connect(#[source] std::io::Error),
    /// The connection broke, or what came over it is no HTTP.
    #[error("the connection broke off")]
    Broken(#[source] hyper::Error),
    /// It answered too much, or broke off in the middle.
    #[error("the answer cannot be read")]
    Answer,
}

/// Where bodies are posted to, with the headers that go along.
pub struct Post {
    address: Address,
    headers: HeaderMap,
    tls: Tls,
}

impl Post {
    /// The address; one without a path gets `path`. Headers are text such as `name=value,n2=v2`.
    ///
    /// # Errors
    /// [`PostError::Address`] or [`PostError::Headers`] when it cannot be asked.
    pub fn new(
        url: &Secret<String>,
        path: &str,
        headers: &Secret<String>,
    ) -> Result<Self, PostError> {
        let mut address = Address::parse(url.reveal()).ok_or(PostError::Address)?;
        if address.path.reveal() == "/" {
            address.path = Secret::new(path.to_owned());
        }
        Ok(Self {
            address,
            headers: read(headers.reveal()).ok_or(PostError::Headers)?,
            tls: Tls::new(),
        })
    }

    /// Posts a body of this type, and says what came back, within a time.
    ///
    /// # Errors
    /// [`PostError`] when there was no answer in time; a status is an answer.
    pub async fn send(
        &self,
        media_type: &'static str,
        body: Bytes,
        within: Duration,
    ) -> Result<(StatusCode, Bytes), PostError> {
        let sending = tokio::time::timeout(within, self.over_new(media_type, body));
        sending.await.unwrap_or(Err(PostError::Late(within)))
    }

    async fn over_new(
        &self,
        media_type: &'static str,
        body: Bytes,
    ) -> Result<(StatusCode, Bytes), PostError> {
        let Address { host, port, .. } = &self.address;
        let stream = TcpStream::connect((host.as_str(), *port)).await;
        let stream = stream.map_err(PostError::Connect)?;
        let mut request = Request::post(self.address.path.reveal())
            .header(HOST, &self.address.authority)
            .header(USER_AGENT, AGENT)
            .header(CONTENT_TYPE, media_type)
            .body(Full::new(body))
            .map_err(|_| PostError::Address)?;
        request.headers_mut().extend(self.headers.clone());
        if !self.address.is_https {
            return exchange(stream, request).await;
        }
        let invalid = |error| PostError::Connect(std::io::Error::other(error));
        let name = ServerName::try_from(host.clone()).map_err(invalid)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls.0));
        let stream = connector.connect(name, stream).await;
        exchange(stream.map_err(PostError::Connect)?, request).await
    }
}

async fn exchange<S>(
    stream: S,
    request: Request<Full<Bytes>>,
) -> Result<(StatusCode, Bytes), PostError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let opened = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, driver) = opened.map_err(PostError::Broken)?;
    let asking = async move {
        let answer = sender.send_request(request).await;
        let answer = answer.map_err(PostError::Broken)?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let body = body.await.map_err(|_| PostError::Answer)?;
        Ok((status, body.to_bytes()))
    };
    // The sender goes with the question, and with it the connection ends.
    let (answered, _) = tokio::join!(asking, driver);
    answered
}

/// Headers of the form `name=value,n2=v2`.
fn read(text: &str) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let name: HeaderName = name.trim().parse().ok()?;
        let mut value: HeaderValue = value.trim().parse().ok()?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    fn secret(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn what_cannot_be_asked_is_refused_without_being_repeated() {
        for (url, headers) in [
            ("collector:4318", ""),
            ("ftp://collector", ""),
            ("http://hush:hush@collector", ""),
            ("http://collector", "hush"),
            ("http://collector", "na me=hush"),
        ] {
            let Err(error) = Post::new(&secret(url), "/", &secret(headers)) else {
                panic!("{url} {headers} was taken");
            };
            assert!(!error.to_string().contains("hush"), "{error}");
        }
    }

    #[tokio::test]
    async fn a_body_goes_with_its_headers_to_the_path_that_is_meant() {
        for (path, meant) in [
            ("", "/v1/traces"),
            ("/", "/v1/traces"),
            ("/own?k=1", "/own?k=1"),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}{path}", listener.local_addr().unwrap());
            let answering = async {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut got = Vec::new();
                while !got.ends_with(b"body") {
                    stream.read_buf(&mut got).await.unwrap();
                }
                let answer = b"HTTP/1.1 503 Busy\r\ncontent-length: 2\r\n\r\nno";
                stream.write_all(answer).await.unwrap();
                String::from_utf8(got).unwrap()
            };
            let post = Post::new(&secret(&url), "/v1/traces", &secret("x-key=k, x-n=2")).unwrap();
            let body = Bytes::from_static(b"body");
            let posting = post.send("text/plain", body, Duration::from_secs(30));
            let (got, answered) = tokio::join!(answering, posting);
            let answered = answered.unwrap();
            assert_eq!((answered.0.as_u16(), &*answered.1), (503, &b"no"[..]));
            for part in [
                &*format!("POST {meant} HTTP/1.1\r\n"),
                "x-key: k\r\n",
                "x-n: 2\r\n",
            ] {
                assert!(got.contains(part), "{got}");
            }
        }
    }
}
