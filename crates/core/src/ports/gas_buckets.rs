//! What gas cost in quarters of an hour, as it is made of blocks and kept.

use async_trait::async_trait;

use super::StoreError;
use crate::chain::{BlockHash, Chain};
use crate::time::Timestamp;

/// How long a bucket is, in seconds. Buckets begin at whole multiples of it.
pub const BUCKET_S: i64 = 15 * 60;

/// A block, by what counts in a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasSample {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// The hash of the block before it.
    pub parent: BlockHash,
    /// When it was made, as it says itself.
    pub at: Timestamp,
    /// When it was read.
    pub seen_at: Timestamp,
    /// What each unit of its gas cost at least, in wei.
    pub base_fee_wei: u64,
    /// The median tip of its own transactions, in wei; none when it has none.
    pub tip_wei: Option<u128>,
}

/// How values lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WeiSpread {
    /// The least.
    pub min: u64,
    /// The tenth percentile, by the nearest rank.
    pub p10: u64,
    /// The median; of an even count the mean of the two in the middle, rounded down.
    pub p50: u64,
    /// The ninetieth percentile, by the nearest rank.
    pub p90: u64,
    /// The most.
    pub max: u64,
}

/// What gas cost in a quarter of an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasBucket {
    /// When it begins.
    pub at: Timestamp,
    /// The blocks in it that count.
    pub blocks: u32,
    /// Their base fees, each block as much as any other.
    pub base_fee_wei: WeiSpread,
    /// The median of their median tips; none when no block has transactions.
    pub tip_wei: Option<u128>,
}

/// The median base fee of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GasMedian {
    /// When the bucket begins.
    pub at: Timestamp,
    /// The median, in wei.
    pub wei: u64,
}

/// Buckets into which blocks came that are not in them yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unrolled {
    /// The time of the database.
    pub now: Timestamp,
    /// When they begin, in order.
    pub at: Vec<Timestamp>,
}

/// Keeps what gas cost in quarters of an hour; everybody's, of no tenant.
#[async_trait]
pub trait GasBuckets: Send + Sync {
    /// The buckets that are over and into which a block came since the last rollup, and the one
    /// before each, whose last blocks a reorganisation may have replaced; those after this one, at
    /// most so many. Blocks that were read more than a day after they were made are not looked for.
    async fn unrolled(
        &self,
        chain: Chain,
        after: Option<Timestamp>,
        limit: u32,
    ) -> Result<Unrolled, StoreError>;

    /// All kept blocks of these buckets, of every branch, and of the bucket after them: at most
    /// so many, in order of their numbers.
    async fn samples(
        &self,
        chain: Chain,
        first: Timestamp,
        last: Timestamp,
        limit: u32,
    ) -> Result<Vec<GasSample>, StoreError>;

    /// Writes buckets, and takes away those that have no block any more; says how many rows
    /// changed. A bucket that says the same already stays as it is.
    async fn keep(
        &self,
        chain: Chain,
        buckets: &[GasBucket],
        empty: &[Timestamp],
    ) -> Result<u64, StoreError>;

    /// Notes that what was seen up to this time is in its buckets.
    async fn rolled(&self, chain: Chain, until: Timestamp) -> Result<(), StoreError>;

    /// Up to when what was seen is in its buckets.
    async fn rolled_at(&self, chain: Chain) -> Result<Option<Timestamp>, StoreError>;

    /// Buckets that begin within this time, in order; at most so many.
    async fn between(
        &self,
        chain: Chain,
        from: Timestamp,
        to: Timestamp,
        limit: u32,
    ) -> Result<Vec<GasBucket>, StoreError>;

    /// The medians of the newest buckets, at most so many, in order; none that lies further before
    /// the newest than as many buckets are long.
    async fn medians(&self, chain: Chain, limit: u32) -> Result<Vec<GasMedian>, StoreError>;
}
