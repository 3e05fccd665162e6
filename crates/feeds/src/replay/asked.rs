//! What is asked of a replay, and which host it is meant for.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use packtrain_core::chain::Chain;
use serde_json::Value;

/// Bytes of a request's body.
const BODY_BYTES_MAX: usize = 1024 * 1024;
/// Hosts that answer to GET, as they are called in addresses of a replay and in folders.
pub(super) const HOSTS: [&str; 4] = [
    "llama-api",
    "llama-coins",
    "llama-stablecoins",
    "llama-yields",
];

/// A request.
pub(super) struct Asked {
    pub(super) method: Method,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) body: Bytes,
}

/// Which host a path leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'p> {
    /// A node of a chain, by its number.
    Node(Chain, usize),
    /// One of [`HOSTS`], and the path there.
    Host(&'static str, &'p str),
}

/// An answer without a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    /// When it is worth asking again, in seconds.
    pub(super) retry_after_s: Option<u64>,
}

impl Refused {
    /// Too many requests, so many seconds ago.
    pub(super) const fn busy(seconds: u64) -> Self {
        Self {
            status: StatusCode::TOO_MANY_REQUESTS,
            retry_after_s: Some(seconds),
        }
    }
}

impl From<StatusCode> for Refused {
    fn from(status: StatusCode) -> Self {
        Self {
            status,
            retry_after_s: None,
        }
    }
}

impl Asked {
    /// None when its body is too large, or broke off.
    pub(super) async fn of(request: Request<Incoming>) -> Option<Self> {
        let (head, body) = request.into_parts();
        let body = Limited::new(body, BODY_BYTES_MAX).collect().await.ok()?;
        Some(Self {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().map(str::to_owned),
            body: body.to_bytes(),
        })
    }

    /// Which host is asked; none when there is no such one.
    pub(super) fn place(&self) -> Option<Place<'_>> {
        if let Some(rest) = self.path.strip_prefix("/rpc/") {
            let (name, node) = rest.split_once('/').unwrap_or((rest, "1"));
            let chain = Chain::ALL.into_iter().find(|one| one.as_str() == name)?;
            return Some(Place::Node(chain, node.parse().ok()?));
        }
        let path = self.path.strip_prefix('/')?;
        HOSTS.into_iter().find_map(|host| {
            let rest = path.strip_prefix(host)?;
            rest.starts_with('/').then_some(Place::Host(host, rest))
        })
    }

    /// The calls of JSON-RPC that its body has, and whether they came as a list; none when it has
    /// none.
    pub(super) fn calls(&self) -> Option<(Vec<Value>, bool)> {
        if self.method != Method::POST {
            return None;
        }
        match serde_json::from_slice(&self.body).ok()? {
            Value::Array(calls) => Some((calls, true)),
            call => Some((vec![call], false)),
        }
    }
}
