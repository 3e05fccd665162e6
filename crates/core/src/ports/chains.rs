//! Chains as their nodes tell of them: heads, headers, and what gas cost in recent blocks.

use std::time::Duration;

use async_trait::async_trait;

use crate::chain::{BlockHash, Chain};
use crate::fault::Fault;
use crate::time::Timestamp;

/// Which tips of a block are asked for: percentiles of its transactions, weighed by their gas.
pub const TIP_PERCENTILES: [u8; 5] = [10, 25, 50, 75, 90];

/// Tips at [`TIP_PERCENTILES`], in wei.
pub type Tips = [u128; TIP_PERCENTILES.len()];

/// The head of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// The hash of the block before it.
    pub parent: BlockHash,
    /// When it was made, as it says itself.
    pub at: Timestamp,
    /// What each unit of its gas cost at least, in wei.
    pub base_fee_wei: u64,
    /// Gas that its transactions used.
    pub gas_used: u64,
    /// Gas that they could use.
    pub gas_limit: u64,
    /// Its blobs, on a chain that has them.
    pub blobs: Option<BlobGas>,
}

/// What a block says of its blobs (EIP-4844).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobGas {
    /// Gas of its blobs.
    pub used: u64,
    /// Gas above the targets of the blocks before it.
    pub excess: u64,
}

/// What gas cost in a row of blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeHistory {
    /// The first block.
    pub oldest: u64,
    /// What each block's gas cost at least, in wei, and last the block's that comes next.
    pub base_fees_wei: Vec<u128>,
    /// The same for blobs; empty where the node says nothing of them.
    pub blob_fees_wei: Vec<u128>,
    /// Tips of each block; zero in a block without transactions.
    pub tips_wei: Vec<Tips>,
}

/// Why a chain told nothing.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// No node of it is configured.
    #[error("no node of {0} is configured")]
    NotConfigured(Chain),
    /// Its nodes want to be left alone for a while.
    #[error("the nodes of {chain} want to be left alone")]
    Busy {
        /// The chain.
        chain: Chain,
        /// For how long, if they said so.
        retry_after: Option<Duration>,
        /// The last of them.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// None of its nodes answered as it should.
    #[error("no node of {chain} answers")]
    Away {
        /// The chain.
        chain: Chain,
        /// The last of them.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl From<ChainError> for Fault {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::NotConfigured(_) => Self::fatal("chain.not_configured", error),
            ChainError::Busy {
                retry_after: Some(delay),
                ..
            } => Self::retry_after("chain.busy", delay, error),
            ChainError::Busy { .. } => Self::retry("chain.busy", error),
            ChainError::Away { .. } => Self::retry("chain.away", error),
        }
    }
}

/// Reads chains.
#[async_trait]
pub trait Chains: Send + Sync {
    /// The chains of which a node is configured.
    fn configured(&self) -> Vec<Chain>;

    /// The head of the newest block.
    async fn head(&self, chain: Chain) -> Result<Header, ChainError>;

    /// The heads of these blocks, in order; fewer when the node does not have all of them.
    async fn headers(&self, chain: Chain, first: u64, last: u64)
    -> Result<Vec<Header>, ChainError>;

    /// What gas cost in so many blocks up to this one; nodes may tell of fewer.
    async fn fee_history(
        &self,
        chain: Chain,
        last: u64,
        count: u64,
    ) -> Result<FeeHistory, ChainError>;
}

/// No chain at all.
#[derive(Debug, Clone, Copy)]
pub struct NoChains;

#[async_trait]
impl Chains for NoChains {
    fn configured(&self) -> Vec<Chain> {
        Vec::new()
    }

    async fn head(&self, chain: Chain) -> Result<Header, ChainError> {
        Err(ChainError::NotConfigured(chain))
    }

    async fn headers(&self, chain: Chain, _: u64, _: u64) -> Result<Vec<Header>, ChainError> {
        Err(ChainError::NotConfigured(chain))
    }

    async fn fee_history(&self, chain: Chain, _: u64, _: u64) -> Result<FeeHistory, ChainError> {
        Err(ChainError::NotConfigured(chain))
    }
}
