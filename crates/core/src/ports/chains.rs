//! Chains as their nodes tell of them: heads, headers, and what gas cost in recent blocks.

use std::collections::BTreeMap;
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

impl Header {
    /// Whether it is the block after another one, which it names as its parent.
    pub fn follows(&self, before: &Self) -> bool {
        self.number == before.number + 1 && self.parent == before.hash
    }
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

/// An address of a chain.
pub type AddressBytes = [u8; 20];

/// Owners that are known by name, and their addresses, by chain.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owners(BTreeMap<Chain, BTreeMap<String, Vec<AddressBytes>>>);

impl Owners {
    /// Adds the addresses of an owner; each counts once.
    pub fn add(&mut self, chain: Chain, name: &str, addresses: &[AddressBytes]) {
        let of_chain = self.0.entry(chain).or_default();
        let known = of_chain.entry(name.to_owned()).or_default();
        known.extend(addresses);
        known.sort_unstable();
        known.dedup();
    }

    /// The addresses of an owner; none of one that nobody knows.
    pub fn addresses(&self, chain: Chain, name: &str) -> &[AddressBytes] {
        let found = self.0.get(&chain).and_then(|owners| owners.get(name));
        found.map_or(&[], Vec::as_slice)
    }

    /// Who owns an address.
    pub fn owner(&self, chain: Chain, address: &AddressBytes) -> Option<&str> {
        let mut owners = self.0.get(&chain)?.iter();
        let (name, _) = owners.find(|(_, addresses)| addresses.contains(address))?;
        Some(name)
    }
}
/// What contracts count and answer with: 32 bytes, the highest first.
pub type Word = [u8; 32];

/// Which logs; what is empty does not matter.
#[derive(Debug, Clone, Default)]
pub struct LogFilter {
    /// Only those of one of these contracts.
    pub addresses: Vec<AddressBytes>,
    /// For each place, only those that have one of these topics there.
    pub topics: Vec<Vec<Word>>,
}

/// What a contract told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The contract.
    pub address: AddressBytes,
    /// What it is about.
    pub topics: Vec<Word>,
    /// The rest.
    pub data: Vec<u8>,
    /// The number of its block.
    pub block: u64,
    /// The hash of its block.
    pub block_hash: BlockHash,
    /// The transaction that made it.
    pub transaction: [u8; 32],
    /// Its place in the block.
    pub index: u64,
    /// Whether its block is no longer part of the chain.
    pub is_removed: bool,
}

/// What is asked of the state of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// How much of the chain's own coin an address has, in wei.
    Balance(AddressBytes),
    /// The first word that a contract answers to a call.
    Call {
        /// The contract.
        to: AddressBytes,
        /// The call.
        data: Vec<u8>,
    },
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
    /// Blocks that have more logs than are read, also in the smallest parts.
    #[error("blocks {first} to {last} of {chain} have too many logs")]
    TooMany {
        /// The chain.
        chain: Chain,
        /// The first block.
        first: u64,
        /// The last block.
        last: u64,
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
            ChainError::TooMany { .. } => Self::fatal("chain.too_many", error),
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

    /// So many blocks must follow a block before what happened in it counts.
    fn confirmations(&self, chain: Chain) -> u64;

    /// The logs of the blocks from this number to this block, in order, as told by nodes that have
    /// that block.
    async fn logs(
        &self,
        chain: Chain,
        filter: &LogFilter,
        first: u64,
        last: &Header,
    ) -> Result<Vec<Log>, ChainError>;

    /// Answers, in order, as of a block. None where a contract reverts, is none, or answers with
    /// less than a word.
    async fn words(
        &self,
        chain: Chain,
        questions: &[Question],
        block: u64,
    ) -> Result<Vec<Option<Word>>, ChainError>;
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

    fn confirmations(&self, chain: Chain) -> u64 {
        chain.confirmations()
    }

    async fn logs(
        &self,
        chain: Chain,
        _: &LogFilter,
        _: u64,
        _: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        Err(ChainError::NotConfigured(chain))
    }

    async fn words(
        &self,
        chain: Chain,
        _: &[Question],
        _: u64,
    ) -> Result<Vec<Option<Word>>, ChainError> {
        Err(ChainError::NotConfigured(chain))
    }
}
