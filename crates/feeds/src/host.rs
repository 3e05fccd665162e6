//! A host that hands out data: bounded requests over connections that are kept.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use chrono::DateTime;
use http::header::{ACCEPT, CONTENT_TYPE, DATE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use packtrain_core::secret::Secret;
use tokio::time::{Instant, timeout_at};

pub use self::error::HostError;
use crate::endpoint::{Address, EndpointError};
use crate::line::{AGENT, Line, Tls};

mod error;

/// Connections that are kept when nobody uses them.
const IDLE_MAX: usize = 4;
/// How long: what lies between forgets connections without a word, and a request over one that it
/// forgot waits until it is late.
const IDLE_WITHIN: Duration = Duration::from_secs(60);
/// The longest that a host may ask to be left alone; more is taken for a mistake.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);
/// Letters of a piece of an address that may be a key.
const KEY_LETTERS_MIN: usize = 6;

/// How much of a host's time and bytes one request may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// The whole request, with its connection and the whole answer.
    pub within: Duration,
    /// Bytes of an answer.
    pub body_bytes_max: usize,
}

/// A host, by its base address.
///
/// Its address is an operator's setting, so any host may be asked. Redirects are not followed. Its
/// certificate must be signed by one of the public authorities.
pub struct Host {
    name: String,
    address: Address,
    keys: Vec<String>,
    bounds: Bounds,
    tls: Tls,
    /// Connections that stand, and since when nobody uses them.
    idle: Mutex<Vec<(Line, Instant)>>,
    /// Until when it wants to be left alone, and how it said so.
    rest: Mutex<Option<(Instant, StatusCode)>>,
}

impl Host {
    /// The host at a base address, under a name for people.
    ///
    /// # Errors
    /// [`HostError::Address`] when the address cannot be asked.
    pub fn new(name: &str, base: &Secret<String>, bounds: Bounds) -> Result<Self, HostError> {
        let Some(address) = Address::parse(base.reveal()) else {
            let name = name.to_owned();
            return Err(HostError::Address { name });
        };
        let scheme = if address.is_https { "https" } else { "http" };
        let pieces = address.path.reveal().split(['/', '?', '&', '=']);
        let keys = pieces.filter(|piece| piece.len() >= KEY_LETTERS_MIN);
        Ok(Self {
            name: format!("{name} ({scheme}://{})", address.authority),
            keys: keys.map(str::to_owned).collect(),
            address,
            bounds,
            tls: Tls::new(),
            idle: Mutex::default(),
            rest: Mutex::default(),
        })
    }

    /// What it is called: its name, and its address without path.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A text that the host sent, without the pieces of its address that may be keys.
    pub fn redact(&self, text: &str) -> String {
        let hide = |text: String, key: &String| text.replace(key, "***");
        self.keys.iter().fold(text.to_owned(), hide)
    }

    /// What is under this path, which may have a query, below the base address.
    ///
    /// # Errors
    /// [`HostError`] when it gave nothing.
    pub async fn get(&self, path: &str) -> Result<Bytes, HostError> {
        self.stream(path).await?.whole().await
    }

    /// The same, piece by piece.
    ///
    /// # Errors
    /// [`HostError`] when it gave nothing.
    pub async fn stream(&self, path: &str) -> Result<Answer<'_>, HostError> {
        let base = self.address.path.reveal().trim_end_matches('/');
        let path = format!("{base}{path}");
        match self.ask(&Method::GET, &path, &Bytes::new()).await? {
            (status, answer) if status.is_success() => Ok(answer),
            (status, _) => Err(self.refused(status)),
        }
    }

    /// What it answers to a JSON body that is posted to its base address, with its status: also of
    /// a request that it refuses, where it may say why.
    ///
    /// # Errors
    /// [`HostError`] when it gave nothing.
    pub async fn post(&self, body: Bytes) -> Result<(StatusCode, Bytes), HostError> {
        let path = self.address.path.reveal().clone();
        let (status, answer) = self.ask(&Method::POST, &path, &body).await?;
        if !status.is_success() && !status.is_client_error() {
            return Err(self.refused(status));
        }
        Ok((status, answer.whole().await?))
    }

    /// What an answer of this status is where nobody reads why.
    pub(crate) fn refused(&self, status: StatusCode) -> HostError {
        let name = self.name.clone();
        HostError::Status { name, status }
    }

    async fn ask(
        &self,
        method: &Method,
        path: &str,
        body: &Bytes,
    ) -> Result<(StatusCode, Answer<'_>), HostError> {
        self.may_ask()?;
        let until = Instant::now() + self.bounds.within;
        let (line, answer) = self.by(until, self.exchange(method, path, body)).await?;
        let (head, body) = answer.into_parts();
        match head.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let delay = retry_after(&head.headers);
                let told = delay.map(|delay| (Instant::now() + delay, head.status));
                let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
                // Of two requests at once the later end holds.
                *rest = told.max(*rest);
                Err(self.busy(head.status, delay))
            }
            status => {
                let left = self.bounds.body_bytes_max;
                Ok((
                    status,
                    Answer {
                        host: self,
                        line,
                        body,
                        until,
                        left,
                    },
                ))
            }
        }
    }

    /// Whether the host wants to be asked. As long as it does not, it is not: it has said for how
    /// long, and whoever asked for something else knows nothing of that.
    fn may_ask(&self) -> Result<(), HostError> {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        match *rest {
            Some((until, status)) if until > now => {
                Err(self.busy(status, Some(until.saturating_duration_since(now))))
            }
            _ => Ok(()),
        }
    }

    fn busy(&self, status: StatusCode, retry_after: Option<Duration>) -> HostError {
        HostError::Busy {
            name: self.name.clone(),
            status,
            retry_after,
        }
    }

    /// Sends the request over a connection that stands, or over a new one. All that is asked here
    /// only reads: asking once more what perhaps was answered does no harm.
    async fn exchange(
        &self,
        method: &Method,
        path: &str,
        body: &Bytes,
    ) -> Result<(Line, http::Response<Incoming>), EndpointError> {
        if let Some(mut line) = self.kept() {
            match line.send(self.request(method, path, body)?).await {
                Ok(answer) => return Ok((line, answer)),
                // It was closed meanwhile.
                Err(EndpointError::Closed | EndpointError::Broken(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut line = Line::connect(&self.address, &self.tls).await?;
        let answer = line.send(self.request(method, path, body)?).await?;
        Ok((line, answer))
    }

    fn request(
        &self,
        method: &Method,
        path: &str,
        body: &Bytes,
    ) -> Result<Request<Full<Bytes>>, EndpointError> {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.address.authority)
            .header(USER_AGENT, AGENT)
            .header(ACCEPT, "application/json");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Full::new(body.clone()));
        request.map_err(|_| EndpointError::Address { place: 0 })
    }

    /// Waits no longer than this, and says of which host an error is.
    async fn by<T>(
        &self,
        until: Instant,
        asking: impl Future<Output = Result<T, EndpointError>>,
    ) -> Result<T, HostError> {
        let answered = timeout_at(until, asking).await;
        answered
            .unwrap_or(Err(EndpointError::Late))
            .map_err(|error| self.failed(error))
    }

    fn failed(&self, error: EndpointError) -> HostError {
        let name = self.name.clone();
        match error {
            EndpointError::Address { .. } => HostError::Address { name },
            EndpointError::Late => HostError::Late {
                name,
                within: self.bounds.within,
            },
            EndpointError::Status(status) => self.refused(status),
            EndpointError::Connect(source) => HostError::Connect { name, source },
            EndpointError::Broken(source) => HostError::Broken {
                name,
                source: Some(source),
            },
            EndpointError::Closed => HostError::Broken { name, source: None },
        }
    }

    fn keep(&self, line: Line) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < IDLE_MAX {
            idle.push((line, Instant::now()));
        }
    }

    /// A connection that stands and was used of late; those that were not are left.
    fn kept(&self) -> Option<Line> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|(_, since)| since.elapsed() < IDLE_WITHIN);
        idle.pop().map(|(line, _)| line)
    }
}

/// An answer that is being read.
pub struct Answer<'h> {
    host: &'h Host,
    line: Line,
    body: Incoming,
    until: Instant,
    left: usize,
}

impl Answer<'_> {
    /// Its next bytes; none at its end. Read to its end, its connection is used again.
    ///
    /// # Errors
    /// [`HostError`] when it comes too slowly, is too large or breaks off.
    pub async fn more(&mut self) -> Result<Option<Bytes>, HostError> {
        let reading = self.line.more(&mut self.body);
        let bytes = self.host.by(self.until, reading).await?;
        let count = bytes.as_ref().map_or(0, Bytes::len);
        let Some(left) = self.left.checked_sub(count) else {
            return Err(HostError::TooLarge {
                name: self.host.name.clone(),
                bytes_max: self.host.bounds.body_bytes_max,
            });
        };
        self.left = left;
        Ok(bytes)
    }

    /// All of it.
    ///
    /// # Errors
    /// [`HostError`] when it comes too slowly, is too large or breaks off.
    pub async fn whole(mut self) -> Result<Bytes, HostError> {
        let mut all = BytesMut::new();
        while let Some(bytes) = self.more().await? {
            all.extend_from_slice(&bytes);
        }
        self.end();
        Ok(all.freeze())
    }

    /// Gives the connection back, once nothing more came.
    pub fn end(self) {
        if self.line.stands() {
            self.host.keep(self.line);
        }
    }
}

/// How long a host wants to be left alone: seconds, or a moment, which is compared with the
/// host's own time.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok();
    let told = text(RETRY_AFTER)?.trim();
    let delay = match told.parse() {
        Ok(seconds) => Duration::from_secs(seconds),
        Err(_) => {
            let moment = DateTime::parse_from_rfc2822(told).ok()?;
            let now = DateTime::parse_from_rfc2822(text(DATE)?).ok()?;
            (moment - now).to_std().unwrap_or_default()
        }
    };
    Some(delay.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests;
