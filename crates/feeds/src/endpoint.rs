//! An HTTP endpoint, kept warm: it is asked twice, over one connection where it allows that.

use std::error::Error;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use http::Uri;
use packtrain_core::ports::{Warmed, Warmth};
use packtrain_core::secret::Secret;

use crate::line::{Line, Tls};

/// How long one request may take, with its connection.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Why an endpoint is not warm, or cannot be one. Nothing here repeats its address: there may be a
/// key in it.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// The text is no address that can be asked.
    #[error("endpoint {place} is not an http or https address without user and password")]
    Address {
        /// Its place in the list, from 1.
        place: usize,
    },
    /// It took too long.
    #[error("no answer within {} s", ANSWER_WITHIN.as_secs())]
    Late,
    /// It answered that it cannot serve.
    #[error("it answered {0}")]
    Status(http::StatusCode),
    /// No connection to it.
    #[error("no connection")]
    Connect(#[source] std::io::Error),
    /// The connection broke, or what came over it is no HTTP.
    #[error("the connection broke off")]
    Broken(#[source] hyper::Error),
    /// It closed the connection between the two requests.
    #[error("the connection was closed")]
    Closed,
}

/// Where an endpoint is.
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    /// As the `Host` header names it.
    pub(crate) authority: String,
    pub(crate) is_https: bool,
    /// May hold a key.
    pub(crate) path: Secret<String>,
}

/// An endpoint that answers slowly when nobody asked it for a while.
///
/// Its address is an operator's setting, so any host may be asked, private ones as well. Redirects
/// are not followed; a status of 500 and more is no answer. Its certificate must be signed by one
/// of the public authorities.
pub struct EndpointWarmth {
    what: String,
    address: Address,
    tls: Tls,
}

impl EndpointWarmth {
    /// The endpoint at this place of the list, from 1, which tells two of one host apart.
    ///
    /// # Errors
    /// [`EndpointError::Address`] when the address cannot be asked.
    pub fn new(place: usize, url: &Secret<String>) -> Result<Self, EndpointError> {
        let refused = EndpointError::Address { place };
        let Some(address) = Address::parse(url.reveal()) else {
            return Err(refused);
        };
        let scheme = if address.is_https { "https" } else { "http" };
        Ok(Self {
            what: format!("endpoint {place} {scheme}://{}", address.authority),
            address,
            tls: Tls::new(),
        })
    }

    async fn connect(&self) -> Result<Line, EndpointError> {
        Line::connect(&self.address, &self.tls).await
    }

    /// Asks over a new connection; it is returned when it can be used again.
    async fn cold(&self) -> Result<Option<Line>, EndpointError> {
        let mut line = self.connect().await?;
        let is_reusable = line.ask(&self.address).await?;
        Ok(is_reusable.then_some(line))
    }

    /// Asks over the connection that stands, or over a new one.
    async fn again(&self, line: Option<Line>) -> Result<(), EndpointError> {
        if let Some(mut line) = line {
            match line.ask(&self.address).await {
                Err(EndpointError::Closed) => {}
                answered => return answered.map(drop),
            }
        }
        self.cold().await.map(drop)
    }
}

/// Waits for an answer no longer than this.
async fn in_time<T>(
    limit: Duration,
    asking: impl Future<Output = Result<T, EndpointError>>,
) -> Result<T, EndpointError> {
    let answered = tokio::time::timeout(limit, asking).await;
    answered.unwrap_or(Err(EndpointError::Late))
}

#[async_trait]
impl Warmth for EndpointWarmth {
    fn what(&self) -> &str {
        &self.what
    }

    async fn warm(&self) -> Result<Warmed, Box<dyn Error + Send + Sync>> {
        let began = Instant::now();
        let line = in_time(ANSWER_WITHIN, self.cold()).await?;
        let cold = began.elapsed();
        in_time(ANSWER_WITHIN, self.again(line)).await?;
        let warm = began.elapsed() - cold;
        Ok(Warmed { cold, warm })
    }
}

impl Address {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let uri: Uri = text.trim().parse().ok()?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return None,
        };
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        // `https://host?key=k` has no path; a request needs one.
        let slash = if path.starts_with('/') { "" } else { "/" };
        let path = format!("{slash}{path}");
        path.parse::<Uri>().ok()?;
        Some(Self {
            // An IPv6 address stands in brackets.
            host: authority.host().trim_matches(['[', ']']).to_owned(),
            port: authority
                .port_u16()
                .unwrap_or(if is_https { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            is_https,
            path: Secret::new(path),
        })
    }
}

#[cfg(test)]
mod tests;
