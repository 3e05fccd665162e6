//! What blocks said of the price of gas, as it is kept.

use async_trait::async_trait;

use super::{StoreError, Tips};
use crate::chain::{BlockHash, Chain};
use crate::time::Timestamp;

/// A block, by what its gas cost. Its number and its hash name it: after a reorganisation two
/// blocks of one number are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasBlock {
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
    /// What each unit of the next block's gas costs at least, in wei.
    pub next_base_fee_wei: u64,
    /// Whether the formula that is known of the chain gives the next base fee that its node gives.
    pub is_formula_exact: bool,
    /// Gas that its transactions used.
    pub gas_used: u64,
    /// Gas that they could use.
    pub gas_limit: u64,
    /// Tips of its own transactions; none when it has none.
    pub tips_wei: Option<Tips>,
    /// What its blobs cost, on a chain that has them.
    pub blob_fee: Option<BlobFee>,
}

/// What a unit of blob gas costs, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobFee {
    /// In the block.
    pub now_wei: u128,
    /// In the next one.
    pub next_wei: u128,
}

/// The newest block of a chain, and when it was the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasHead {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// When the chain was last asked and this was its newest.
    pub seen_at: Timestamp,
}

/// Keeps what blocks said; everybody's, of no tenant.
#[async_trait]
pub trait GasBlocks: Send + Sync {
    /// The newest block that was seen of a chain.
    async fn head(&self, chain: Chain) -> Result<Option<GasHead>, StoreError>;

    /// Whether a block is kept.
    async fn has(&self, chain: Chain, number: u64, hash: BlockHash) -> Result<bool, StoreError>;

    /// Keeps blocks and the head, unless a later look at the chain was kept already; says how many
    /// blocks were not known. Blocks that are kept already stay as they are.
    async fn record(
        &self,
        chain: Chain,
        blocks: &[GasBlock],
        head: &GasHead,
    ) -> Result<u64, StoreError>;

    /// The newest block and those before it, each the parent of the one that it follows in the
    /// list, as far as they are kept without a gap; at most so many.
    async fn recent(&self, chain: Chain, limit: u32) -> Result<Vec<GasBlock>, StoreError>;
}
