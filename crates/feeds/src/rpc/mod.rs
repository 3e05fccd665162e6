//! Nodes of a chain, asked over JSON-RPC; one that fails is left alone for a while, and another
//! one is asked.

use packtrain_core::chain::Chain;
use packtrain_core::ports::{FeeHistory, Header, TIP_PERCENTILES};
use packtrain_core::secret::Secret;
use serde_json::{Value, json};

use self::provider::{Call, Contracts, Provider};
pub(crate) use self::quantity::{hex, hex_of, quantity};
use crate::host::HostError;

mod logs;
mod provider;
mod quantity;
mod wire;
mod words;

/// Blocks of one fee history, at most: as many as nodes give.
const HISTORY_MAX: u64 = 1_024;
/// Headers of one request, at most.
const HEADERS_MAX: u64 = 256;
/// What nodes say of logs that are too many to be given: there is no code for it.
const TOO_LARGE: [&str; 3] = ["response size", "response too large", "too many logs"];
/// What makes a bound of results, or of a range of blocks, out of a message that names them.
const BOUND: [&str; 11] = [
    "limit",
    "exceed",
    "max",
    "more than",
    "up to",
    "over",
    "greater",
    "too many",
    "too large",
    "too wide",
    "too big",
];
/// What a node says of blocks that it does not have yet. One that has them says something else.
const BEHIND: [&str; 4] = [
    "beyond",
    "out of range",
    "invalid block range",
    "head block",
];

/// What nodes say of a contract that does not come to an end of its own: what it reverts with, or
/// what the machine breaks off.
const OF_A_CONTRACT: [&str; 8] = [
    "revert",
    "out of gas",
    "invalid opcode",
    "bad instruction",
    "invalid jump",
    "stack underflow",
    "stack limit",
    "vm execution error",
];

/// Why nodes told nothing. Nothing here repeats their addresses beyond the host: there may be keys
/// in them.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// One did not answer, or not as a node does.
    #[error(transparent)]
    Host(#[from] HostError),
    /// One refused.
    #[error("{name} refused with {code}: {message}")]
    Refused {
        /// Which.
        name: String,
        /// The code of JSON-RPC.
        code: i64,
        /// What it said.
        message: String,
    },
    /// One is of another chain.
    #[error("{name} is a node of chain {found} and not of {wanted}")]
    WrongChain {
        /// Which.
        name: String,
        /// The chain that is meant.
        wanted: u64,
        /// Its chain.
        found: u64,
    },
    /// A block that nodes do not have.
    #[error("no block {0} is there")]
    NoBlock(String),
    /// Logs of a range that are too many even in small parts.
    #[error("blocks {first} to {last} have too many logs")]
    TooMany {
        /// The first block.
        first: u64,
        /// The last block.
        last: u64,
    },
    /// All of them are left alone.
    #[error("every node is left alone for a while")]
    AllRest {
        /// How long yet the first of them wants to be.
        retry_after: std::time::Duration,
    },
    /// There is none.
    #[error("no node is configured")]
    None,
}

impl RpcError {
    /// Whether any node would say the same: the call is what is wrong.
    pub(crate) fn is_of_the_call(&self) -> bool {
        match self {
            // What a contract says may have any words in it.
            Self::Refused { .. } if self.is_of_a_contract() => true,
            Self::Refused { .. } if self.is_behind() => false,
            Self::Refused { code, .. } => {
                *code == -32_602 || self.is_too_large() || self.is_too_wide()
            }
            Self::Host(HostError::TooLarge { .. }) => true,
            _ => false,
        }
    }

    /// Whether a contract is what gave no answer, and would give none to anybody.
    fn is_of_a_contract(&self) -> bool {
        matches!(self, Self::Refused { code: 3, .. })
            || self.says(|message| has(message, &OF_A_CONTRACT))
    }

    /// Whether a node says that it does not have the blocks that were asked for.
    fn is_behind(&self) -> bool {
        self.says(|message| has(message, &BEHIND))
    }

    /// Whether a node says, or shows, that the logs which were asked for are too many: it has them.
    fn is_too_large(&self) -> bool {
        let is_said = |message: &str| {
            has(message, &TOO_LARGE) || message.contains("results") && has(message, &BOUND)
        };
        matches!(self, Self::Host(HostError::TooLarge { .. }))
            || self.says(|message| is_said(message) && !message.contains("rate"))
    }

    /// Whether a node says that it looks through fewer blocks at once.
    fn is_too_wide(&self) -> bool {
        let is_said = |message: &str| message.contains("range") && has(message, &BOUND);
        let is_other = |message: &str| message.contains("rate") || has(message, &BEHIND);
        self.says(|message| is_said(message) && !is_other(message))
    }

    /// Whether a node says that it does not take several calls at once.
    fn is_of_batches(&self) -> bool {
        let is_bad = matches!(self, Self::Refused { code: -32_600, .. });
        is_bad && !self.is_too_wide() && !self.is_too_large()
            || self.says(|message| message.contains("batch"))
    }

    /// Whether it is a refusal whose message, in small letters, is such.
    fn says(&self, is_such: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Refused { message, .. } => is_such(&message.to_lowercase()),
            _ => false,
        }
    }
}

/// Whether a message has one of these in it.
fn has(message: &str, words: &[&str]) -> bool {
    words.iter().any(|words| message.contains(words))
}

/// A chain, by its nodes.
pub struct Rpc {
    chain: Chain,
    confirmations: u64,
    providers: Vec<Provider>,
}

impl Rpc {
    /// The chain that nodes at these addresses have; the first of them is asked first.
    ///
    /// # Errors
    /// [`HostError::Address`] when one cannot be asked.
    pub fn new(chain: Chain, urls: &[Secret<String>]) -> Result<Self, HostError> {
        let provider = |(place, url)| Provider::new(&format!("{chain} node {place}"), url);
        Ok(Self {
            chain,
            confirmations: chain.confirmations(),
            providers: (1..).zip(urls).map(provider).collect::<Result<_, _>>()?,
        })
    }

    /// The same chain, of which what happened in a block counts after so many more.
    #[must_use]
    pub fn confirmed_after(self, confirmations: u64) -> Self {
        Self {
            confirmations,
            ..self
        }
    }

    /// So many blocks must follow a block before what happened in it counts.
    pub const fn confirmations(&self) -> u64 {
        self.confirmations
    }

    /// Its chain.
    pub const fn chain(&self) -> Chain {
        self.chain
    }

    /// The number of the newest block.
    ///
    /// # Errors
    /// As [`Rpc::head`].
    pub async fn block_number(&self) -> Result<u64, RpcError> {
        self.one("eth_blockNumber", json!([]), wire::number).await
    }

    /// The head of the newest block.
    ///
    /// # Errors
    /// What the last node that was asked failed with.
    pub async fn head(&self) -> Result<Header, RpcError> {
        let params = json!(["latest", false]);
        self.one("eth_getBlockByNumber", params, wire::header).await
    }

    /// The heads of these blocks, in order, at most 256, up to the first that is not there.
    ///
    /// # Errors
    /// As [`Rpc::head`].
    pub async fn headers(&self, first: u64, last: u64) -> Result<Vec<Header>, RpcError> {
        let last = last.min(first.saturating_add(HEADERS_MAX - 1));
        let call = |number| Call {
            method: "eth_getBlockByNumber",
            params: json!([hex(number), false]),
        };
        let calls: Vec<Call> = (first..=last).map(call).collect();
        let read = |values: Vec<Value>| {
            let there = values.into_iter().take_while(|value| !value.is_null());
            there.map(wire::header).collect()
        };
        self.ask(&calls, read).await
    }

    /// What gas cost in so many blocks up to this one, at most 1024.
    ///
    /// # Errors
    /// As [`Rpc::head`].
    pub async fn fee_history(&self, last: u64, count: u64) -> Result<FeeHistory, RpcError> {
        let count = count.min(HISTORY_MAX);
        let params = json!([hex(count), hex(last), TIP_PERCENTILES]);
        self.one("eth_feeHistory", params, wire::fee_history).await
    }

    /// What a contract answers to these bytes, as of a block, or of the newest one.
    ///
    /// # Errors
    /// As [`Rpc::head`]; [`RpcError::Refused`] when the contract reverts.
    pub async fn call(
        &self,
        to: [u8; 20],
        data: &[u8],
        block: Option<u64>,
    ) -> Result<Vec<u8>, RpcError> {
        let block = block.map_or_else(|| "latest".to_owned(), hex);
        let params = json!([{ "to": hex_of(&to), "data": hex_of(data) }, block]);
        self.one("eth_call", params, wire::bytes).await
    }

    async fn one<T>(
        &self,
        method: &'static str,
        params: Value,
        read: impl Fn(Value) -> Result<T, String>,
    ) -> Result<T, RpcError> {
        let call = Call { method, params };
        let first = |values: Vec<Value>| match values.into_iter().next() {
            Some(Value::Null) | None => Ok(None),
            Some(value) => read(value).map(Some),
        };
        let found = self.ask(std::slice::from_ref(&call), first).await?;
        found.ok_or_else(|| RpcError::NoBlock(call.params.to_string()))
    }

    /// Asks one node after the other until one gives what can be read.
    async fn ask<T>(
        &self,
        calls: &[Call],
        read: impl Fn(Vec<Value>) -> Result<T, String>,
    ) -> Result<T, RpcError> {
        self.ask_for(calls, Contracts::Refuse, read).await
    }

    /// The same, of calls to contracts of which each may refuse: it answers nothing then, and the
    /// others have their answers.
    async fn ask_contracts<T>(
        &self,
        calls: &[Call],
        read: impl Fn(Vec<Value>) -> Result<T, String>,
    ) -> Result<T, RpcError> {
        self.ask_for(calls, Contracts::AnswerNothing, read).await
    }

    async fn ask_for<T>(
        &self,
        calls: &[Call],
        contracts: Contracts,
        read: impl Fn(Vec<Value>) -> Result<T, String>,
    ) -> Result<T, RpcError> {
        let mut last = None;
        for provider in self.turns()? {
            let asked = match provider.ask(self.chain, calls, contracts).await {
                Ok(values) => provider.read(values, &read),
                Err(error) => Err(error),
            };
            match asked {
                Ok(found) => return Ok(found),
                Err(error) if error.is_of_the_call() => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or(RpcError::None))
    }

    /// Who is asked, in order: those who are not left alone; if all are, the one whose rest ends
    /// first, unless it asked for it.
    fn turns(&self) -> Result<Vec<&Provider>, RpcError> {
        let awake: Vec<&Provider> = self
            .providers
            .iter()
            .filter(|provider| provider.rests().is_none())
            .collect();
        if !awake.is_empty() {
            return Ok(awake);
        }
        let resting = self.providers.iter().filter_map(|provider| {
            let (until, is_told) = provider.rests()?;
            Some((is_told, until, provider))
        });
        let next = resting.min_by_key(|(is_told, until, _)| (*is_told, *until));
        match next {
            None => Ok(self.providers.iter().collect()),
            Some((false, _, provider)) => Ok(vec![provider]),
            Some((true, until, _)) => Err(RpcError::AllRest {
                retry_after: until.saturating_duration_since(tokio::time::Instant::now()),
            }),
        }
    }
}

#[cfg(test)]
mod tests;
