//! Every configured chain, behind the port.

use std::time::Duration;

use async_trait::async_trait;
use packtrain_core::chain::Chain;
use packtrain_core::ports::{
    ChainError, Chains, FeeHistory, Header, Log, LogFilter, Question, Word,
};

use crate::host::HostError;
use crate::rpc::{Rpc, RpcError};

/// Chains by their nodes.
pub struct NodeChains(Vec<Rpc>);

impl NodeChains {
    /// These chains; each should come once.
    pub const fn new(chains: Vec<Rpc>) -> Self {
        Self(chains)
    }

    fn of(&self, chain: Chain) -> Result<&Rpc, ChainError> {
        let found = self.0.iter().find(|rpc| rpc.chain() == chain);
        found.ok_or(ChainError::NotConfigured(chain))
    }
}

/// What an error of nodes means to those who only know the port.
fn failed(chain: Chain) -> impl Fn(RpcError) -> ChainError {
    move |error| {
        if let RpcError::TooMany { first, last } = error {
            return ChainError::TooMany { chain, first, last };
        }
        let is_busy = matches!(
            error,
            RpcError::Host(HostError::Busy { .. }) | RpcError::AllRest { .. }
        );
        let retry_after: Option<Duration> = match &error {
            RpcError::Host(HostError::Busy { retry_after, .. }) => *retry_after,
            RpcError::AllRest { retry_after } => Some(*retry_after),
            _ => None,
        };
        let source = Box::new(error);
        if is_busy {
            return ChainError::Busy {
                chain,
                retry_after,
                source,
            };
        }
        ChainError::Away { chain, source }
    }
}

#[async_trait]
impl Chains for NodeChains {
    fn configured(&self) -> Vec<Chain> {
        self.0.iter().map(Rpc::chain).collect()
    }

    async fn head(&self, chain: Chain) -> Result<Header, ChainError> {
        self.of(chain)?.head().await.map_err(failed(chain))
    }

    async fn headers(
        &self,
        chain: Chain,
        first: u64,
        last: u64,
    ) -> Result<Vec<Header>, ChainError> {
        let headers = self.of(chain)?.headers(first, last).await;
        headers.map_err(failed(chain))
    }

    async fn fee_history(
        &self,
        chain: Chain,
        last: u64,
        count: u64,
    ) -> Result<FeeHistory, ChainError> {
        let history = self.of(chain)?.fee_history(last, count).await;
        history.map_err(failed(chain))
    }

    fn confirmations(&self, chain: Chain) -> u64 {
        let known = self.of(chain).map(Rpc::confirmations);
        known.unwrap_or(chain.confirmations())
    }

    async fn logs(
        &self,
        chain: Chain,
        filter: &LogFilter,
        first: u64,
        last: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        let logs = self.of(chain)?.logs(filter, first, last).await;
        logs.map_err(failed(chain))
    }

    async fn words(
        &self,
        chain: Chain,
        questions: &[Question],
        block: u64,
    ) -> Result<Vec<Option<Word>>, ChainError> {
        let words = self.of(chain)?.words(questions, block).await;
        words.map_err(failed(chain))
    }
}
