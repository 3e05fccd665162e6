//! Asking addresses that strangers chose. A host is resolved once, every address that it has is
//! looked at, and the connection goes to one that was looked at, under the name that was asked for.
//! No redirect is followed and no proxy asked, whatever the environment says.

mod address;
mod idle;
mod line;
mod resolve;
mod target;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{HeaderMap, HeaderValue, Request};
use http_body_util::Full;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::rustls::ClientConfig;

pub use address::{Kept, Network, NetworkError};
pub use resolve::{ADDRESSES_MAX, Resolve, SystemResolver};
pub use target::{Policy, Refusal, Target};

use idle::Idle;
pub(crate) use line::Answer;
use line::Line;
use target::Host;

/// How long one request may take, with resolving and connecting: what Svix gives receivers.
const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// How long one address may take to be connected to, before the next one is tried.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Addresses of a host that are tried.
const TRIED_MAX: usize = 3;
/// How requests name the asker.
const AGENT: &str = concat!("packtrain/", env!("CARGO_PKG_VERSION"));

/// Why there is no answer. Nothing here repeats the address: there may be a key in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReachError {
    /// It may not be asked.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The name was not resolved.
    #[error("the host's name was not resolved: {0}")]
    Resolve(#[source] std::io::Error),
    /// No connection.
    #[error("no connection: {0}")]
    Connect(#[source] std::io::Error),
    /// The other side did not prove its name, or TLS failed otherwise.
    #[error("TLS failed: {0}")]
    Tls(#[source] std::io::Error),
    /// It took too long.
    #[error("no answer within {} s", ANSWER_WITHIN.as_secs())]
    Late,
    /// The connection broke, or what came over it is no HTTP.
    #[error("the connection broke off: {0}")]
    Broken(#[source] hyper::Error),
}

/// What is posted.
pub(crate) struct Post {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether receivers tell a repetition and drop it. Where they do not, it is sent again only
    /// when it is certain that it was not sent.
    pub(crate) is_repeatable: bool,
}

/// Posts to addresses that strangers chose, over connections that stand for some seconds.
pub struct Reach {
    policy: Policy,
    resolver: Arc<dyn Resolve>,
    tls: Arc<ClientConfig>,
    idle: Idle,
}

impl Reach {
    /// Asks whom the policy allows, by the names that the resolver knows.
    pub fn new(policy: Policy, resolver: Arc<dyn Resolve>) -> Self {
        Self {
            policy,
            resolver,
            tls: line::tls(line::public_roots()),
            idle: Idle::default(),
        }
    }

    /// Trusts these authorities alone.
    #[cfg(test)]
    fn trusting(mut self, roots: tokio_rustls::rustls::RootCertStore) -> Self {
        self.tls = line::tls(roots);
        self
    }

    /// Whom it may ask.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Posts once and gives the answer, whatever its status.
    pub(crate) async fn post(&self, target: &Target, post: &Post) -> Result<Answer, ReachError> {
        let until = Instant::now() + ANSWER_WITHIN;
        while let Some(mut line) = self.idle.take(target) {
            match self.over(&mut line, target, post, until).await {
                // The other side had closed it, and this was not to be seen yet.
                Err(ReachError::Broken(error)) if is_repeated(&error, post) => {}
                Err(error) => return Err(error),
                Ok((answer, is_reusable)) => {
                    self.keep(target, line, is_reusable);
                    return Ok(answer);
                }
            }
        }
        let opening = timeout_at(until, self.open(target)).await;
        let mut line = opening.unwrap_or(Err(ReachError::Late))?;
        let (answer, is_reusable) = self.over(&mut line, target, post, until).await?;
        self.keep(target, line, is_reusable);
        Ok(answer)
    }

    async fn over(
        &self,
        line: &mut Line,
        target: &Target,
        post: &Post,
        until: Instant,
    ) -> Result<(Answer, bool), ReachError> {
        let mut request = Request::post(target.path.reveal())
            .body(Full::new(post.body.clone()))
            .expect("the path was read as one");
        let headers = request.headers_mut();
        headers.extend(post.headers.clone());
        let authority = HeaderValue::from_str(&target.authority);
        headers.insert(HOST, authority.expect("the authority was read as one"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        line.ask(request, until).await
    }

    fn keep(&self, target: &Target, line: Line, is_reusable: bool) {
        if is_reusable {
            self.idle.put(target, line);
        }
    }

    async fn open(&self, target: &Target) -> Result<Line, ReachError> {
        let vetted = self.vetted(target).await?;
        let none = std::io::Error::from(std::io::ErrorKind::AddrNotAvailable);
        let mut last = ReachError::Resolve(none);
        for address in vetted.into_iter().take(TRIED_MAX) {
            let address = SocketAddr::new(address, target.port);
            let connecting = Line::connect(target, address, &self.tls);
            match tokio::time::timeout(CONNECT_WITHIN, connecting).await {
                Ok(Ok(line)) => return Ok(line),
                Ok(Err(error)) => last = error,
                Err(_) => last = ReachError::Connect(std::io::ErrorKind::TimedOut.into()),
            }
        }
        Err(last)
    }

    /// The addresses of a host, all of which may be reached: one that may not refuses them all,
    /// since an honest name does not mix them.
    async fn vetted(&self, target: &Target) -> Result<Vec<IpAddr>, ReachError> {
        let addresses = match &target.host {
            Host::Ip(address) => vec![*address],
            Host::Name(name) => {
                let resolved = self.resolver.resolve(name).await;
                resolved.map_err(ReachError::Resolve)?
            }
        };
        for address in &addresses {
            self.policy.admit(*address, target.port)?;
        }
        Ok(addresses)
    }
}

/// Whether a request that failed over a connection of before is sent again over a new one.
fn is_repeated(error: &hyper::Error, post: &Post) -> bool {
    // Cancelled: it was not written. Otherwise it may have been, and read.
    error.is_canceled() || post.is_repeatable
}

#[cfg(test)]
mod tests;
