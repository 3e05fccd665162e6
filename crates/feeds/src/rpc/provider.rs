//! One node of a chain, and whether it is left alone for a while.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use packtrain_core::chain::Chain;
use packtrain_core::secret::Secret;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::{RpcError, wire};
use crate::host::{Bounds, Host, HostError};

/// How much of a node's time and bytes one request may take.
const BOUNDS: Bounds = Bounds {
    within: Duration::from_secs(10),
    body_bytes_max: 16 * 1024 * 1024,
};
/// Calls of one request: public nodes take few.
const BATCH_MAX: usize = 16;
/// How long a node is left alone after a failure, and after many in a row.
const REST_MIN: Duration = Duration::from_secs(15);
const REST_MAX: Duration = Duration::from_secs(600);
/// Letters of a node's message that are passed on.
const MESSAGE_LETTERS_MAX: usize = 200;

/// A call, by its method and its parameters.
pub(super) struct Call {
    pub(super) method: &'static str,
    pub(super) params: Value,
}

/// What it is when a contract refuses a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Contracts {
    /// A failure of all calls that go with it.
    Refuse,
    /// An answer of no bytes.
    AnswerNothing,
}

/// A node.
pub(super) struct Provider {
    host: Host,
    rest: Mutex<Rest>,
    next_id: AtomicU64,
    /// Whether it said of which chain it is.
    is_checked: AtomicBool,
    /// Whether it takes several calls at once.
    takes_batches: AtomicBool,
}

#[derive(Default)]
struct Rest {
    until: Option<Instant>,
    /// Whether it said so itself.
    is_told: bool,
    failures: u32,
    /// When it failed last.
    failed_at: Option<Instant>,
}

impl Rest {
    /// Until when it asked to be left alone.
    fn told(&self) -> Option<Instant> {
        let until = self.until.filter(|_| self.is_told);
        until.filter(|until| *until > Instant::now())
    }
}

impl Provider {
    pub(super) fn new(name: &str, url: &Secret<String>) -> Result<Self, HostError> {
        Ok(Self {
            host: Host::new(name, url, BOUNDS)?,
            rest: Mutex::default(),
            next_id: AtomicU64::new(1),
            is_checked: AtomicBool::new(false),
            takes_batches: AtomicBool::new(true),
        })
    }

    /// Until when it is left alone, and whether it said so itself.
    pub(super) fn rests(&self) -> Option<(Instant, bool)> {
        let rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let until = rest.until.filter(|until| *until > Instant::now())?;
        Some((until, rest.is_told))
    }

    /// It answered well. What it asked for holds all the same: the call was under way by then.
    fn worked(&self) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let until = rest.told();
        *rest = Rest {
            until,
            is_told: until.is_some(),
            ..Rest::default()
        };
    }

    /// It did not, when it was asked at this moment: it is left alone as long as it said, or twice
    /// as long as the last time. Calls that were under way together fail once.
    fn failed(&self, error: &RpcError, asked_at: Instant) {
        let mut rest = self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if rest.failed_at.is_none_or(|failed_at| asked_at >= failed_at) {
            rest.failures = rest.failures.saturating_add(1);
        }
        rest.failed_at = Some(now);
        let told = match error {
            RpcError::Host(HostError::Busy { retry_after, .. }) => *retry_after,
            _ => None,
        };
        let doublings = rest.failures.saturating_sub(1).min(16);
        let usual = REST_MIN.saturating_mul(1 << doublings).min(REST_MAX);
        let until = now + told.unwrap_or(usual);
        if rest.told().is_some_and(|before| before > until) {
            return;
        }
        rest.is_told = told.is_some();
        rest.until = Some(until);
    }

    /// The results of these calls, in order.
    pub(super) async fn ask(
        &self,
        chain: Chain,
        calls: &[Call],
        contracts: Contracts,
    ) -> Result<Vec<Value>, RpcError> {
        let asked_at = Instant::now();
        let asked = self.ask_checked(chain, calls, contracts).await;
        match &asked {
            Ok(_) => self.worked(),
            Err(error) if error.is_of_the_call() => self.worked(),
            Err(error) => self.failed(error, asked_at),
        }
        asked
    }

    async fn ask_checked(
        &self,
        chain: Chain,
        calls: &[Call],
        contracts: Contracts,
    ) -> Result<Vec<Value>, RpcError> {
        if !self.is_checked.load(Ordering::Relaxed) {
            let call = Call {
                method: "eth_chainId",
                params: json!([]),
            };
            let said = self.one(&call, Contracts::Refuse).await?;
            let found = self.read(said, wire::number)?;
            if found != chain.id() {
                return Err(RpcError::WrongChain {
                    name: self.host.name().to_owned(),
                    wanted: chain.id(),
                    found,
                });
            }
            self.is_checked.store(true, Ordering::Relaxed);
        }
        let mut results = Vec::with_capacity(calls.len());
        for slice in calls.chunks(BATCH_MAX) {
            match slice {
                [call] => results.push(self.one(call, contracts).await?),
                calls => results.extend(self.several(calls, contracts).await?),
            }
        }
        Ok(results)
    }

    async fn several(&self, calls: &[Call], contracts: Contracts) -> Result<Vec<Value>, RpcError> {
        if self.takes_batches.load(Ordering::Relaxed) {
            let first = self
                .next_id
                .fetch_add(calls.len() as u64, Ordering::Relaxed);
            let bodies = (first..).zip(calls).map(|(id, call)| body(id, call));
            let said = self.exchange(&Value::Array(bodies.collect())).await?;
            match said {
                Value::Array(answers) if !self.refuses_batches(&answers, calls.len()) => {
                    return self.in_order(first, calls.len(), answers, contracts);
                }
                Value::Array(_) => {}
                // One answer for all of them: it does not take several at once, unless it refuses
                // what they ask for.
                said => match self.result(said) {
                    Err(error @ RpcError::Refused { .. }) if !error.is_of_batches() => {
                        return Err(error);
                    }
                    _ => {}
                },
            }
            self.takes_batches.store(false, Ordering::Relaxed);
        }
        let mut results = Vec::with_capacity(calls.len());
        for call in calls {
            results.push(self.one(call, contracts).await?);
        }
        Ok(results)
    }

    /// Whether a list that has fewer answers than there were calls says that so many are not taken
    /// at once: that is how geth answers what is over its `--rpc.batch-request-limit`.
    fn refuses_batches(&self, answers: &[Value], count: usize) -> bool {
        let refuses = |answer: &Value| {
            let error = self.result(answer.clone()).err();
            error.is_some_and(|error| error.is_of_batches())
        };
        answers.len() < count && answers.iter().any(refuses)
    }

    /// Answers come in any order, each with the number of its call.
    fn in_order(
        &self,
        first: u64,
        count: usize,
        mut answers: Vec<Value>,
        contracts: Contracts,
    ) -> Result<Vec<Value>, RpcError> {
        let mut results = Vec::with_capacity(count);
        for id in (first..).take(count) {
            let place = answers.iter().position(|answer| answer["id"] == id);
            let Some(place) = place else {
                return Err(self.unreadable("a call of several has no answer".to_owned()));
            };
            results.push(self.result_of(answers.swap_remove(place), contracts)?);
        }
        Ok(results)
    }

    async fn one(&self, call: &Call, contracts: Contracts) -> Result<Value, RpcError> {
        let id = self.next_id.fetch_add(1, Ordering::Relaxed);
        let said = self.exchange(&body(id, call)).await?;
        if said["id"] != id && !is_error(&said) {
            return Err(self.unreadable("the answer is that of another call".to_owned()));
        }
        self.result_of(said, contracts)
    }

    async fn exchange(&self, body: &Value) -> Result<Value, RpcError> {
        let (status, said) = self.host.post(Bytes::from(body.to_string())).await?;
        let said: Result<Value, _> = serde_json::from_slice(&said);
        if status.is_success() {
            return said.map_err(|error| self.unreadable(error.to_string()));
        }
        // Some nodes refuse a call in the words of JSON-RPC and by a status besides.
        let said = said.ok().filter(|said| {
            let mut several = said.as_array().into_iter().flatten();
            is_error(said) || several.any(is_error)
        });
        said.ok_or_else(|| self.host.refused(status).into())
    }

    fn result_of(&self, answer: Value, contracts: Contracts) -> Result<Value, RpcError> {
        let is_spared = contracts == Contracts::AnswerNothing;
        match self.result(answer) {
            Err(error) if is_spared && error.is_of_a_contract() => Ok(Value::from("0x")),
            result => result,
        }
    }

    fn result(&self, mut answer: Value) -> Result<Value, RpcError> {
        if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
            let message = error["message"].as_str().unwrap_or_default();
            let message = self.host.redact(message);
            let letters = message.chars().filter(|letter| !letter.is_control());
            return Err(RpcError::Refused {
                name: self.host.name().to_owned(),
                code: error["code"].as_i64().unwrap_or_default(),
                message: letters.take(MESSAGE_LETTERS_MAX).collect(),
            });
        }
        match answer.get_mut("result") {
            Some(result) => Ok(result.take()),
            None => Err(self.unreadable("it has neither result nor error".to_owned())),
        }
    }

    /// Reads a result; one that cannot be read is a failure of this node.
    pub(super) fn read<V, T>(
        &self,
        value: V,
        read: impl FnOnce(V) -> Result<T, String>,
    ) -> Result<T, RpcError> {
        read(value).map_err(|what| {
            let error = self.unreadable(what);
            self.failed(&error, Instant::now());
            error
        })
    }

    fn unreadable(&self, what: String) -> RpcError {
        RpcError::Host(HostError::Unreadable {
            name: self.host.name().to_owned(),
            what: self.host.redact(&what),
        })
    }
}

/// Whether it says what is wrong with a call.
fn is_error(said: &Value) -> bool {
    said.get("error").is_some_and(|error| !error.is_null())
}

fn body(id: u64, call: &Call) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": call.method, "params": call.params })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(seconds: u64) -> RpcError {
        RpcError::Host(HostError::Busy {
            name: "n".to_owned(),
            status: http::StatusCode::TOO_MANY_REQUESTS,
            retry_after: Some(Duration::from_secs(seconds)),
        })
    }

    fn late() -> RpcError {
        RpcError::Host(HostError::Late {
            name: "n".to_owned(),
            within: BOUNDS.within,
        })
    }

    /// For how many seconds yet it is left alone, and whether it said so itself.
    fn rests(node: &Provider) -> Option<(u64, bool)> {
        let (until, is_told) = node.rests()?;
        Some(((until - Instant::now()).as_secs(), is_told))
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_node_asked_for_holds_whatever_becomes_of_calls_that_were_under_way() {
        let url = Secret::new("http://127.0.0.1:9".to_owned());
        let node = Provider::new("n", &url).unwrap();
        let asked_at = Instant::now();
        node.failed(&busy(60), asked_at);
        node.worked();
        assert_eq!(rests(&node), Some((60, true)));
        node.failed(&late(), asked_at);
        assert_eq!(rests(&node), Some((60, true)));
        tokio::time::advance(Duration::from_secs(61)).await;
        assert_eq!(rests(&node), None);
        node.worked();
        node.failed(&busy(5), Instant::now());
        node.failed(&busy(7), Instant::now());
        assert_eq!(rests(&node), Some((7, true)));
    }

    #[tokio::test(start_paused = true)]
    async fn calls_that_fail_together_fail_once() {
        let url = Secret::new("http://127.0.0.1:9".to_owned());
        let node = Provider::new("n", &url).unwrap();
        let asked_at = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        for _ in 0..4 {
            node.failed(&late(), asked_at);
            assert_eq!(rests(&node), Some((15, false)));
        }
        tokio::time::advance(Duration::from_secs(16)).await;
        node.failed(&late(), Instant::now());
        assert_eq!(rests(&node), Some((30, false)));
    }
}
