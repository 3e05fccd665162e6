//! What wallets that rules watch did on chains, as scans found it, and how far they came.

use std::fmt;
use std::str::FromStr;

use async_trait::async_trait;

use super::{AddressBytes, Header, Point, StoreError};
use crate::chain::{BlockHash, Chain};
use crate::time::Timestamp;

/// A block by what links it to others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockRef {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// The hash of the block before it.
    pub parent: BlockHash,
    /// When it was made, as it says itself.
    pub at: Timestamp,
}

impl From<&Header> for BlockRef {
    fn from(header: &Header) -> Self {
        Self {
            number: header.number,
            hash: header.hash,
            parent: header.parent,
            at: header.at,
        }
    }
}

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ChainEventKind {
    /// Fungible tokens were moved (ERC-20).
    Transfer,
    /// One token of its own was moved (ERC-721); the amount is 1.
    NftTransfer,
    /// Somebody may take so many fungible tokens; 0 takes that back.
    Approval,
    /// Somebody may take one token of its own; the amount is 1, or 0 when nobody may any more.
    NftApproval,
    /// Somebody may take all tokens of a contract; the amount is 1, or 0 when that is taken back.
    ApprovalForAll,
}

impl ChainEventKind {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Transfer,
        Self::NftTransfer,
        Self::Approval,
        Self::NftApproval,
        Self::ApprovalForAll,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transfer => "transfer",
            Self::NftTransfer => "nft_transfer",
            Self::Approval => "approval",
            Self::NftApproval => "nft_approval",
            Self::ApprovalForAll => "approval_for_all",
        }
    }
}

impl fmt::Display for ChainEventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that names no kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no kind of event of this name is known")]
pub struct UnknownEventKind;

impl FromStr for ChainEventKind {
    type Err = UnknownEventKind;

    fn from_str(text: &str) -> Result<Self, UnknownEventKind> {
        let mut all = Self::ALL.into_iter();
        all.find(|kind| kind.as_str() == text)
            .ok_or(UnknownEventKind)
    }
}

/// Something that a token's contract told of a wallet. Chain, block, transaction and place in the
/// log name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEvent {
    /// The number of its block.
    pub number: u64,
    /// The hash of its block.
    pub block: BlockHash,
    /// When the block was made.
    pub at: Timestamp,
    /// The transaction.
    pub transaction: [u8; 32],
    /// Its place in the block's log.
    pub log_index: u64,
    /// The token's contract.
    pub token: AddressBytes,
    /// What it is.
    pub kind: ChainEventKind,
    /// From whom; of an approval who gives it.
    pub from: AddressBytes,
    /// To whom; of an approval who gets it.
    pub to: AddressBytes,
    /// How much, in base units: a whole number of up to 256 bits, as decimal text.
    pub amount: String,
}

/// What is not known of a block: it has more logs of a wallet than nodes give.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gap {
    /// The number of the block.
    pub number: u64,
    /// Whose logs.
    pub wallet: AddressBytes,
    /// Of which token; none for all that no rule names.
    pub token: Option<AddressBytes>,
}

/// Blocks after those that were scanned that were read of some wallets and not of all: whoever goes
/// on reads them of the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanPart {
    /// The number of the last of the blocks.
    pub number: u64,
    /// Its hash.
    pub hash: BlockHash,
    /// The last wallet that was read, in the order of their bytes.
    pub wallet: AddressBytes,
}

/// How far a chain was scanned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScanState {
    /// The last blocks that were scanned, in order and each the parent of the next, as far back as
    /// they are kept; never empty.
    pub blocks: Vec<BlockRef>,
    /// What is not known of them.
    pub gaps: Vec<Gap>,
    /// Of which blocks after them some was read.
    pub part: Option<ScanPart>,
    /// The newest block of which something was told that can still be taken back.
    pub told_to: Option<u64>,
    /// The time of the newest point that came of an event of the chain.
    pub told_at: Option<Timestamp>,
}

/// A point that came of the events of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToldPoint {
    /// The number of the block.
    pub number: u64,
    /// The metric.
    pub metric: String,
    /// The time of the point.
    pub at: Timestamp,
}

/// A token and its decimals; none when its contract does not say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenDecimals {
    /// The token's contract.
    pub token: AddressBytes,
    /// Its decimals.
    pub decimals: Option<u8>,
}

/// What a scan found, written with its end.
#[derive(Debug, Clone, PartialEq)]
pub struct Scanned {
    /// The chain.
    pub chain: Chain,
    /// The block at which it began; none at the first scan. When the chain stands at another one
    /// by now, nothing is written.
    pub begun_at: Option<BlockHash>,
    /// What was read of the blocks after that one when it began. When it is something else by now,
    /// nothing is written either.
    pub begun_part: Option<ScanPart>,
    /// Blocks above this number that were scanned before are no part of the chain any more: their
    /// events are retracted, and the points that came of them.
    pub above: Option<u64>,
    /// Blocks above this number were read of some wallets and are read again: what was found in
    /// them is given up. Nobody was told of it.
    pub again: Option<u64>,
    /// The blocks that were scanned, in order.
    pub blocks: Vec<BlockRef>,
    /// Blocks below this number are no longer kept.
    pub keep_from: u64,
    /// What was found in them; what was found of them in parts before is kept already.
    pub events: Vec<ChainEvent>,
    /// What is not known of them.
    pub gaps: Vec<Gap>,
    /// Of which blocks after those some was read; what happened in them is among the events.
    pub part: Option<ScanPart>,
    /// Pending events up to this number are confirmed; none while the chain is too short.
    pub confirmed_to: Option<u64>,
    /// The points that came of confirmed events.
    pub told: Vec<ToldPoint>,
    /// All points.
    pub points: Vec<Point>,
    /// The time of the newest point that came of an event.
    pub told_at: Option<Timestamp>,
    /// Nobody watches the chain any more: where it stood is forgotten, and pending events too.
    pub is_over: bool,
    /// The metrics of events by the wallets that they are about: tenants whose rules watch them are
    /// told in their live streams what happened to these wallets in the blocks, once all wallets of
    /// them were read.
    pub watchers: Vec<(AddressBytes, String)>,
}

/// What wallets have, as of a block.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balances {
    /// The chain.
    pub chain: Chain,
    /// The block.
    pub block: BlockRef,
    /// Their balances, each metric once.
    pub all: Vec<Balance>,
}

/// What a wallet has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// The metric that it is of.
    pub metric: String,
    /// The wallet.
    pub wallet: AddressBytes,
    /// The token; none for the chain's own coin.
    pub token: Option<AddressBytes>,
    /// How much, in base units: a whole number of up to 256 bits, as decimal text.
    pub amount: String,
    /// Decimals, where they are known.
    pub decimals: Option<u8>,
}

/// Keeps what scans found; everybody's, of no tenant.
#[async_trait]
pub trait ChainEvents: Send + Sync {
    /// The metrics of wallets of a chain that rules of any tenant watch and that have not ended; so
    /// many at most: the first of each tenant, then the second of each, and so on.
    async fn watched(&self, chain: Chain, limit: u32) -> Result<Vec<String>, StoreError>;

    /// How far a chain was scanned.
    async fn state(&self, chain: Chain) -> Result<Option<ScanState>, StoreError>;

    /// Events that are not confirmed yet, of blocks up to a number, in order of blocks and logs;
    /// the first so many.
    async fn pending(
        &self,
        chain: Chain,
        upto: u64,
        limit: u32,
    ) -> Result<Vec<ChainEvent>, StoreError>;

    /// What is known of the decimals of these tokens.
    async fn decimals(
        &self,
        chain: Chain,
        tokens: &[AddressBytes],
    ) -> Result<Vec<TokenDecimals>, StoreError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_event_is_found_by_its_word() {
        for kind in ChainEventKind::ALL {
            assert_eq!(kind.as_str().parse(), Ok(kind));
        }
        assert_eq!("mint".parse::<ChainEventKind>(), Err(UnknownEventKind));
    }
}
