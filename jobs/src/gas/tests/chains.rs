//! Chains that a test makes up and moves about, and what is kept of them, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::job::Ctx;
use packtrain_core::ports::{
    BlobGas, ChainError, Chains, DataFee, DataFeeSeen, FeeHistory, GasBlock, GasBlocks, GasHead,
    GasLook, Header, Log, LogFilter, NoChains, Question, StoreError, Word,
};
use packtrain_core::time::Timestamp;

use crate::gas::rules;
use crate::world::World;

const LIMIT: u64 = 30_000_000;

/// A chain of Ethereum as its node tells of it.
#[derive(Default)]
pub(super) struct Node {
    pub(super) blocks: Mutex<Vec<Header>>,
    /// What is wrong with it.
    pub(super) trouble: Mutex<Trouble>,
    /// Headers that were asked for by number.
    pub(super) asked: Mutex<Vec<(u64, u64)>>,
    /// What its contracts answer to whatever they are asked; none where it cannot be asked.
    pub(super) words: Mutex<Option<Vec<Option<Word>>>>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    #[default]
    None,
    /// It does not answer.
    Away,
    /// Its fee history is that of another branch.
    OtherFees,
    /// It says of the next base fee something else than the formula.
    OwnFormula,
    /// Its newest block becomes another one while the fee history is read.
    Sibling,
}

impl Node {
    /// So many blocks, the first of number 100.
    pub(super) fn of(count: u64) -> Arc<Self> {
        let node = Arc::new(Self::default());
        node.grow(count, 0);
        node
    }

    /// Adds blocks of a branch: those of two branches have other hashes and other gas.
    pub(super) fn grow(&self, count: u64, branch: u8) {
        let formula = rules::of(Chain::Ethereum).base_fee.unwrap();
        let mut blocks = self.blocks.lock().unwrap();
        for _ in 0..count {
            let last = blocks.last().copied();
            let number = last.map_or(100, |last| last.number + 1);
            let mut hash = [branch; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            blocks.push(Header {
                number,
                hash: BlockHash(hash),
                parent: last.map_or(BlockHash([9; 32]), |last| last.hash),
                at: Timestamp::from_timestamp(1_770_000_000 + 12 * number.cast_signed(), 0)
                    .unwrap(),
                base_fee_wei: last.map_or(1_000_000_000, |last| {
                    formula.next(last.base_fee_wei, last.gas_used, last.gas_limit)
                }),
                // Every fifth block has no transactions.
                gas_used: (number % 5) * 6_000_000 + u64::from(branch) * (number % 5),
                gas_limit: LIMIT,
                blobs: Some(BlobGas { used: 0, excess: 0 }),
            });
        }
    }

    /// Takes the newest blocks away.
    pub(super) fn shrink(&self, count: usize) {
        let mut blocks = self.blocks.lock().unwrap();
        let left = blocks.len() - count;
        blocks.truncate(left);
    }

    pub(super) fn newest(&self) -> Header {
        *self.blocks.lock().unwrap().last().unwrap()
    }

    fn answers(&self) -> Result<(), ChainError> {
        if *self.trouble.lock().unwrap() != Trouble::Away {
            return Ok(());
        }
        Err(ChainError::Away {
            chain: Chain::Ethereum,
            source: "the wire is cut".into(),
        })
    }
}

#[async_trait]
impl Chains for Node {
    fn configured(&self) -> Vec<Chain> {
        vec![Chain::Ethereum, Chain::Base]
    }

    async fn head(&self, _: Chain) -> Result<Header, ChainError> {
        self.answers()?;
        Ok(self.newest())
    }

    async fn headers(&self, _: Chain, first: u64, last: u64) -> Result<Vec<Header>, ChainError> {
        self.asked.lock().unwrap().push((first, last));
        let blocks = self.blocks.lock().unwrap();
        let wanted = blocks
            .iter()
            .filter(|block| (first..=last).contains(&block.number));
        Ok(wanted.copied().collect())
    }

    async fn fee_history(&self, _: Chain, last: u64, count: u64) -> Result<FeeHistory, ChainError> {
        let trouble = *self.trouble.lock().unwrap();
        if trouble == Trouble::Sibling {
            self.shrink(1);
            self.grow(1, 1);
        }
        let formula = rules::of(Chain::Ethereum).base_fee.unwrap();
        let blocks = self.blocks.lock().unwrap();
        let wanted = (last + 1).saturating_sub(count)..=last;
        let told: Vec<&Header> = { blocks.iter() }
            .filter(|block| wanted.contains(&block.number))
            .collect();
        let newest = *told.last().unwrap();
        let next = formula.next(newest.base_fee_wei, newest.gas_used, newest.gas_limit);
        let own = u128::from(trouble == Trouble::OwnFormula);
        let other = u128::from(trouble == Trouble::OtherFees);
        let base_fees = told
            .iter()
            .map(|block| u128::from(block.base_fee_wei) + other);
        Ok(FeeHistory {
            oldest: told[0].number,
            base_fees_wei: base_fees.chain([u128::from(next) + own]).collect(),
            blob_fees_wei: vec![1; told.len() + 1],
            tips_wei: vec![[1, 2, 3, 4, 5]; told.len()],
        })
    }

    fn confirmations(&self, chain: Chain) -> u64 {
        chain.confirmations()
    }

    async fn logs(
        &self,
        chain: Chain,
        filter: &LogFilter,
        first: u64,
        last: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        NoChains.logs(chain, filter, first, last).await
    }

    async fn words(
        &self,
        chain: Chain,
        questions: &[Question],
        block: u64,
    ) -> Result<Vec<Option<Word>>, ChainError> {
        let told = self.words.lock().unwrap().clone();
        match told {
            Some(words) => Ok(words),
            None => NoChains.words(chain, questions, block).await,
        }
    }
}

/// What is kept, in memory.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) blocks: Mutex<BTreeMap<(u64, [u8; 32]), GasBlock>>,
    pub(super) head: Mutex<Option<GasHead>>,
    pub(super) data_fee: Mutex<Option<DataFeeSeen>>,
}

#[async_trait]
impl GasBlocks for Kept {
    async fn head(&self, _: Chain) -> Result<Option<GasHead>, StoreError> {
        Ok(*self.head.lock().unwrap())
    }

    async fn has(&self, _: Chain, number: u64, hash: BlockHash) -> Result<bool, StoreError> {
        Ok(self.blocks.lock().unwrap().contains_key(&(number, hash.0)))
    }

    async fn has_other(&self, _: Chain, number: u64, hash: BlockHash) -> Result<bool, StoreError> {
        let blocks = self.blocks.lock().unwrap();
        let mut all = blocks.keys();
        Ok(all.any(|(one, other)| *one == number && *other != hash.0))
    }

    async fn record(
        &self,
        _: Chain,
        blocks: &[GasBlock],
        look: &GasLook,
    ) -> Result<u64, StoreError> {
        *self.head.lock().unwrap() = Some(GasHead {
            number: look.number,
            hash: look.hash,
            seen_at: Timestamp::UNIX_EPOCH,
        });
        let mut kept = self.blocks.lock().unwrap();
        let before = kept.len();
        for block in blocks {
            kept.entry((block.number, block.hash.0)).or_insert(*block);
        }
        Ok((kept.len() - before) as u64)
    }

    async fn recent(&self, _: Chain, _: u32) -> Result<Vec<GasBlock>, StoreError> {
        Ok(Vec::new())
    }

    async fn keep_data_fee(
        &self,
        _: Chain,
        number: u64,
        hash: BlockHash,
        fee: &DataFee,
    ) -> Result<(), StoreError> {
        let at = self.blocks.lock().unwrap()[&(number, hash.0)].at;
        let fee = *fee;
        *self.data_fee.lock().unwrap() = Some(DataFeeSeen { number, at, fee });
        Ok(())
    }

    async fn data_fee(&self, _: Chain, _: u32) -> Result<Option<DataFeeSeen>, StoreError> {
        Ok(*self.data_fee.lock().unwrap())
    }
}

/// What an attempt sees of this node.
pub(super) fn attempt(node: &Arc<Node>, kept: &Arc<Kept>) -> Ctx {
    let mut ctx = World::new().attempt(1);
    let world = Arc::get_mut(&mut ctx.world).expect("nobody else has it yet");
    world.chains = node.clone();
    world.gas = kept.clone();
    ctx
}
