//! Real hosts, whose answers are passed on and written down. Only what reads is passed on, and what
//! may be a key in an address stands in no file.

use std::io;
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use packtrain_core::chain::Chain;
use packtrain_core::fault::chain as told;
use packtrain_core::secret::Secret;
use serde_json::{Value, json};
use tracing::warn;

use super::asked::{Asked, Place, Refused};
use super::tape::{Name, Tape};
use crate::host::{Bounds, Host, HostError};
use crate::rpc::RpcError;

/// How much of a host's time and bytes one request may take: the longest list of DefiLlama has some
/// ten megabytes.
const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(60),
    body_bytes_max: 64 * 1024 * 1024,
};
/// Calls of one request.
const CALLS_MAX: usize = 100;
/// Methods that are passed on begin so, but for those that do more than to read.
const READS: [&str; 3] = ["eth_", "net_", "web3_"];
const WRITES: [&str; 2] = ["eth_send", "eth_sign"];

/// The hosts that are recorded, by their base addresses.
#[derive(Debug, Clone, Default)]
pub struct RealHosts {
    /// Nodes of chains.
    pub nodes: Vec<(Chain, Vec<Secret<String>>)>,
    /// DefiLlama's host of prices.
    pub coins: Option<Secret<String>>,
    /// Its host of protocols and chains.
    pub api: Option<Secret<String>>,
    /// Its host of stablecoins.
    pub stablecoins: Option<Secret<String>>,
    /// Its host of yields.
    pub yields: Option<Secret<String>>,
}

/// Passes on, and writes down.
pub(super) struct Recorder {
    nodes: Vec<(Chain, Vec<Host>)>,
    hosts: Vec<(&'static str, Host)>,
    tape: Tape,
}

impl Recorder {
    pub(super) fn open(real: &RealHosts, folder: &Path) -> io::Result<Self> {
        let host = |name: &str, url| Host::new(name, url, BOUNDS).map_err(io::Error::other);
        let mut nodes = Vec::new();
        for (chain, urls) in &real.nodes {
            let name = |(place, url)| host(&format!("{chain} node {place}"), url);
            let urls: Vec<Host> = (1..).zip(urls).map(name).collect::<io::Result<_>>()?;
            nodes.push((*chain, urls));
        }
        let mut hosts = Vec::new();
        for (name, url) in [
            ("llama-api", &real.api),
            ("llama-coins", &real.coins),
            ("llama-stablecoins", &real.stablecoins),
            ("llama-yields", &real.yields),
        ] {
            if let Some(url) = url {
                hosts.push((name, host(name, url)?));
            }
        }
        let tape = Tape::begin(folder)?;
        Ok(Self { nodes, hosts, tape })
    }

    pub(super) fn nodes(&self) -> Vec<(Chain, usize)> {
        let each = self.nodes.iter();
        each.flat_map(|(chain, hosts)| (1..=hosts.len()).map(move |node| (*chain, node)))
            .collect()
    }

    pub(super) async fn said(&self, asked: &Asked) -> Result<Bytes, Refused> {
        let missing = Refused::from(StatusCode::NOT_FOUND);
        match asked.place().ok_or(missing)? {
            Place::Node(chain, node) => {
                let mut nodes = self.nodes.iter().filter(|(one, _)| *one == chain);
                let host = nodes.find_map(|(_, hosts)| hosts.get(node.checked_sub(1)?));
                self.calls(chain, host.ok_or(missing)?, asked).await
            }
            Place::Host(name, path) => {
                if asked.method != Method::GET {
                    return Err(StatusCode::METHOD_NOT_ALLOWED.into());
                }
                let mut hosts = self.hosts.iter();
                let (_, host) = hosts.find(|(one, _)| *one == name).ok_or(missing)?;
                self.file(name, host, path, asked.query.as_deref()).await
            }
        }
    }

    async fn file(
        &self,
        name: &str,
        host: &Host,
        path: &str,
        query: Option<&str>,
    ) -> Result<Bytes, Refused> {
        let whole = query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"));
        let said = host.get(&whole).await.map_err(refused)?;
        let Ok(text) = std::str::from_utf8(&said) else {
            warn!(
                host = host.name(),
                "an answer is no text and is not written down"
            );
            return Ok(said);
        };
        let query = query.map(|query| host.redact(query));
        let name = Name::of_path(name, &host.redact(path), query.as_deref());
        self.keep(&name, &host.redact(text)).await;
        Ok(said)
    }

    async fn calls(&self, chain: Chain, host: &Host, asked: &Asked) -> Result<Bytes, Refused> {
        let Some((calls, is_list)) = asked.calls() else {
            return Err(StatusCode::METHOD_NOT_ALLOWED.into());
        };
        if calls.len() > CALLS_MAX || !calls.iter().all(only_reads) {
            return Err(StatusCode::FORBIDDEN.into());
        }
        let (status, said) = host.post(asked.body.clone()).await.map_err(refused)?;
        if !status.is_success() {
            return Err(status.into());
        }
        let answers = match serde_json::from_slice(&said) {
            Ok(Value::Array(answers)) if is_list => answers,
            Ok(one) if !is_list => vec![one],
            // It does not take several at once, or is no node.
            _ => return Ok(said),
        };
        for call in &calls {
            let answer = answers.iter().find(|answer| answer["id"] == call["id"]);
            if let Some(answer) = answer.and_then(lasting) {
                let call: Value =
                    serde_json::from_str(&host.redact(&call.to_string())).unwrap_or_default();
                let name = Name::of_call(chain, &call);
                self.keep(&name, &host.redact(&answer.to_string())).await;
            }
        }
        Ok(said)
    }

    async fn keep(&self, name: &Name, answer: &str) {
        if let Err(error) = self.tape.keep(name, answer).await {
            let error = told(&error);
            warn!(error, "an answer could not be written down");
        }
    }
}

fn only_reads(call: &Value) -> bool {
    let method = call["method"].as_str().unwrap_or_default();
    let begins = |words: &[&str]| words.iter().any(|word| method.starts_with(word));
    begins(&READS) && !begins(&WRITES)
}

/// What any node would say again: a result, or a refusal of the call itself.
fn lasting(answer: &Value) -> Option<Value> {
    if let Some(result) = answer.get("result") {
        return Some(json!({ "result": result }));
    }
    let error = answer.get("error")?;
    let refused = RpcError::Refused {
        name: String::new(),
        code: error["code"].as_i64()?,
        message: error["message"].as_str().unwrap_or_default().to_owned(),
    };
    refused.is_of_the_call().then(|| json!({ "error": error }))
}

/// What the host said, for whoever asked through here.
fn refused(error: HostError) -> Refused {
    match error {
        HostError::Busy {
            status,
            retry_after,
            ..
        } => Refused {
            status,
            retry_after_s: retry_after.map(|time| time.as_secs()),
        },
        HostError::Status { status, .. } => status.into(),
        HostError::Late { .. } => StatusCode::GATEWAY_TIMEOUT.into(),
        _ => StatusCode::BAD_GATEWAY.into(),
    }
}
