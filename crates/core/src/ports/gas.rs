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

/// What a transaction pays besides for gas, on a chain that writes its transactions down on
/// another one: for its bytes there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFee {
    /// What the transfer of a token pays, of which every byte is known.
    pub transfer: ReferenceFee,
    /// What a swap pays, of which every byte is known.
    pub swap: ReferenceFee,
    /// The prices of which that is made.
    pub prices: DataPrices,
    /// Whether the formula that is known of the chain gives what the chain itself says.
    pub is_formula_exact: bool,
}

/// What a known transaction pays besides for gas, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReferenceFee {
    /// For its bytes.
    pub data_wei: u128,
    /// To the operator of the chain, where there is such a fee.
    pub operator_wei: Option<u128>,
}

/// What bytes cost on the chain below, as the chain above says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DataPrices {
    /// By the OP Stack, since Ecotone.
    OpStack {
        /// What gas costs there at least, in wei.
        l1_base_fee_wei: u128,
        /// What a unit of blob gas costs there, in wei.
        blob_base_fee_wei: u128,
        /// How much of the first counts, in millionths.
        base_fee_scalar: u64,
        /// How much of the second counts, in millionths.
        blob_base_fee_scalar: u64,
    },
    /// By Arbitrum.
    Arbitrum {
        /// What a byte costs after it was compressed, in wei.
        byte_wei: u128,
    },
}

/// A data fee, and the block at which it was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataFeeSeen {
    /// The block's number.
    pub number: u64,
    /// When the block was made, as it says itself.
    pub at: Timestamp,
    /// The fee.
    pub fee: DataFee,
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

/// What a look at a chain found to be its newest block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasLook {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// The hash of the head that was kept when the look began; none where there was none.
    pub after: Option<BlockHash>,
}

/// Keeps what blocks said; everybody's, of no tenant.
#[async_trait]
pub trait GasBlocks: Send + Sync {
    /// The newest block that was seen of a chain.
    async fn head(&self, chain: Chain) -> Result<Option<GasHead>, StoreError>;

    /// Whether a block is kept.
    async fn has(&self, chain: Chain, number: u64, hash: BlockHash) -> Result<bool, StoreError>;

    /// Whether another block of this number is kept.
    async fn has_other(
        &self,
        chain: Chain,
        number: u64,
        hash: BlockHash,
    ) -> Result<bool, StoreError>;

    /// Keeps blocks, and makes the newest one the head as of now, unless another look moved the
    /// head as far meanwhile; says how many blocks were not known. Blocks that are kept already
    /// stay as they are. Now is the store's, whatever clock the one who looked has.
    async fn record(
        &self,
        chain: Chain,
        blocks: &[GasBlock],
        look: &GasLook,
    ) -> Result<u64, StoreError>;

    /// The newest block and those before it, each the parent of the one that it follows in the
    /// list, as far as they are kept without a gap; at most so many.
    async fn recent(&self, chain: Chain, limit: u32) -> Result<Vec<GasBlock>, StoreError>;

    /// Keeps the data fee that was read at a block; one that is kept already stays as it is.
    async fn keep_data_fee(
        &self,
        chain: Chain,
        number: u64,
        hash: BlockHash,
        fee: &DataFee,
    ) -> Result<(), StoreError>;

    /// The newest data fee that was read at one of the blocks that [`GasBlocks::recent`] gives.
    async fn data_fee(&self, chain: Chain, limit: u32) -> Result<Option<DataFeeSeen>, StoreError>;
}
