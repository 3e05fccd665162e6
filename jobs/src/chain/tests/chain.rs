//! A chain with a wallet that sends, in memory.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::TimeDelta;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::job::{Ctx, Done, Job};
use packtrain_core::ports::{
    AddressBytes, ChainError, Chains, FeeHistory, Header, Log, LogFilter, NoChains, Question,
    Scanned, Word, Write,
};
use packtrain_core::time::{Clock, Timestamp};

use super::kept::Kept;
use crate::chain::decode;
use crate::chain::scan::Scan;
use crate::watching::Watching;
use crate::world::{Noon, World};

pub(super) const WALLET: AddressBytes = [0xad; 20];
pub(super) const TOKEN: AddressBytes = [0x70; 20];
/// Blocks of which a node still has what contracts say.
const STATES: u64 = 128;

/// A chain as its node tells of it: each block with what the wallet sends in it.
#[derive(Default)]
pub(super) struct Node {
    pub(super) blocks: Mutex<Vec<(Header, Vec<Log>)>>,
    pub(super) confirmations: u64,
    /// Blocks of which the logs are too many at once.
    pub(super) too_many: Option<u64>,
    /// Wallets of which somebody makes more logs of worthless tokens in a block than it gives.
    pub(super) dusted: Mutex<Vec<AddressBytes>>,
    /// Whether its logs are those of another branch.
    pub(super) is_torn: Mutex<bool>,
    pub(super) branch: Mutex<u8>,
    /// Whether it says nothing of balances.
    pub(super) is_mute: bool,
    /// Contracts with this first byte give no balances.
    pub(super) gives_none: Option<u8>,
    /// Requests for logs that it answers yet, before it answers none.
    pub(super) logs_left: Mutex<Option<usize>>,
    /// So many blocks and it answers no request for their logs.
    pub(super) slow_from: Mutex<Option<u64>>,
    /// How long it takes for any request.
    pub(super) takes: Duration,
    /// Requests about contracts that it answers yet, before it answers none.
    pub(super) patience: Mutex<Option<usize>>,
}

impl Node {
    /// Adds a block in which the wallet sends these amounts.
    pub(super) fn grow(&self, amounts: &[u8]) {
        let branch = *self.branch.lock().unwrap();
        let mut blocks = self.blocks.lock().unwrap();
        let last = blocks.last().map(|(header, _)| *header);
        let number = last.map_or(100, |last| last.number + 1);
        let mut hash = [branch; 32];
        hash[..8].copy_from_slice(&number.to_be_bytes());
        let header = Header {
            number,
            hash: BlockHash(hash),
            parent: last.map_or(BlockHash([9; 32]), |last| last.hash),
            // Every other one has the time of the one before it.
            at: Noon.now() - TimeDelta::days(1)
                + TimeDelta::seconds(12 * (number / 2).cast_signed()),
            base_fee_wei: 1,
            gas_used: 0,
            gas_limit: 1,
            blobs: None,
        };
        let log = |(index, amount): (u64, &u8)| {
            let mut from = [0; 32];
            from[12..].copy_from_slice(&WALLET);
            let mut data = vec![0; 32];
            data[31] = *amount;
            Log {
                address: TOKEN,
                topics: vec![decode::TRANSFER, from, [0; 32]],
                data,
                block: number,
                block_hash: header.hash,
                transaction: [1; 32],
                index,
                is_removed: false,
            }
        };
        let logs = (0..).zip(amounts).map(log).collect();
        blocks.push((header, logs));
    }

    /// Leaves the newest blocks; those that come are of another branch.
    pub(super) fn leave(&self, count: usize) {
        *self.branch.lock().unwrap() += 1;
        let mut blocks = self.blocks.lock().unwrap();
        let left = blocks.len().saturating_sub(count).max(1);
        blocks.truncate(left);
    }

    async fn take_time(&self) {
        if !self.takes.is_zero() {
            tokio::time::sleep(self.takes).await;
        }
    }

    pub(super) fn newest(&self) -> u64 {
        self.blocks.lock().unwrap().last().unwrap().0.number
    }

    pub(super) fn newest_at(&self) -> Timestamp {
        self.blocks.lock().unwrap().last().unwrap().0.at
    }

    /// What happened in the blocks of these numbers: number and place of each transfer.
    pub(super) fn transfers(&self, from: u64, upto: u64) -> Vec<(BlockHash, u64)> {
        let blocks = self.blocks.lock().unwrap();
        let within = blocks
            .iter()
            .filter(|(header, _)| (from..=upto).contains(&header.number));
        let logs = within.flat_map(|(_, logs)| logs);
        logs.map(|log| (log.block_hash, log.index)).collect()
    }
}

/// Goes on as long as there is patience left, and then never.
async fn wait(patience: &Mutex<Option<usize>>) {
    let is_over = match patience.lock().unwrap().as_mut() {
        Some(0) => true,
        Some(left) => {
            *left -= 1;
            false
        }
        None => false,
    };
    if is_over {
        std::future::pending::<()>().await;
    }
}

#[async_trait]
impl Chains for Node {
    fn configured(&self) -> Vec<Chain> {
        vec![Chain::Ethereum, Chain::Base]
    }

    async fn head(&self, _: Chain) -> Result<Header, ChainError> {
        self.take_time().await;
        Ok(self.blocks.lock().unwrap().last().unwrap().0)
    }

    async fn headers(&self, _: Chain, first: u64, last: u64) -> Result<Vec<Header>, ChainError> {
        self.take_time().await;
        let blocks = self.blocks.lock().unwrap();
        let headers = blocks.iter().map(|(header, _)| *header);
        Ok(headers
            .filter(|header| (first..=last).contains(&header.number))
            .collect())
    }

    async fn fee_history(&self, chain: Chain, _: u64, _: u64) -> Result<FeeHistory, ChainError> {
        NoChains.fee_history(chain, 0, 0).await
    }

    fn confirmations(&self, _: Chain) -> u64 {
        self.confirmations
    }

    async fn logs(
        &self,
        chain: Chain,
        filter: &LogFilter,
        first: u64,
        end: &Header,
    ) -> Result<Vec<Log>, ChainError> {
        let last = end.number;
        if self.too_many.is_some_and(|most| last - first >= most) {
            return Err(ChainError::TooMany { chain, first, last });
        }
        self.take_time().await;
        wait(&self.logs_left).await;
        let slow_from = *self.slow_from.lock().unwrap();
        if slow_from.is_some_and(|most| last - first + 1 >= most) {
            std::future::pending::<()>().await;
        }
        let wallets = filter.topics[1..].iter().flatten();
        let mut wallets = wallets.filter_map(decode::address);
        let dusted = self.dusted.lock().unwrap().clone();
        let is_of_transfers = filter.topics[0].contains(&decode::TRANSFER);
        let is_named = !filter.addresses.is_empty();
        if !is_named && is_of_transfers && wallets.any(|wallet| dusted.contains(&wallet)) {
            return Err(ChainError::TooMany { chain, first, last });
        }
        let blocks = self.blocks.lock().unwrap();
        assert!(
            blocks.iter().any(|(header, _)| header == end),
            "logs are those of a block that was told of"
        );
        let within = { blocks.iter() }.filter(|(it, _)| (first..=last).contains(&it.number));
        let fits = |log: &&Log| {
            let mut places = filter.topics.iter().zip(&log.topics);
            (!is_named || filter.addresses.contains(&log.address))
                && places.all(|(some, topic)| some.is_empty() || some.contains(topic))
        };
        let mut logs: Vec<Log> = within
            .flat_map(|(_, logs)| logs)
            .filter(fits)
            .cloned()
            .collect();
        if *self.is_torn.lock().unwrap() {
            logs.iter_mut()
                .for_each(|log| log.block_hash = BlockHash([7; 32]));
        }
        Ok(logs)
    }

    async fn words(
        &self,
        chain: Chain,
        questions: &[Question],
        block: u64,
    ) -> Result<Vec<Option<Word>>, ChainError> {
        let is_old = !questions.is_empty() && block + STATES <= self.newest();
        let mut balances = questions
            .iter()
            .filter(|it| matches!(it, Question::Balance(_)));
        if is_old || self.is_mute && balances.next().is_some() {
            let source = Box::new(std::io::Error::other("missing trie node"));
            return Err(ChainError::Away { chain, source });
        }
        if !questions.is_empty() {
            self.take_time().await;
            wait(&self.patience).await;
        }
        let seven = |question: &Question| match question {
            Question::Call { to, data } if data[0] == 0x70 && Some(to[0]) != self.gives_none => {
                let mut word = Word::default();
                word[31] = 7;
                Some(word)
            }
            _ => None,
        };
        Ok(questions.iter().map(seven).collect())
    }
}

/// One page; nothing of it is written yet.
pub(super) async fn page(node: &Arc<Node>, kept: &Arc<Kept>) -> Done {
    let seen = Watching::at(Noon.now());
    page_at(node, kept, Arc::new(Noon), seen).await
}

/// The same at some time, of rules that were evaluated with something.
pub(super) async fn page_at(
    node: &Arc<Node>,
    kept: &Arc<Kept>,
    clock: Arc<dyn Clock>,
    seen: Arc<Watching>,
) -> Done {
    let mut ctx: Ctx = World::new().attempt(1);
    let world = Arc::get_mut(&mut ctx.world).expect("nobody else has it yet");
    world.chains = node.clone();
    world.chain_events = kept.clone();
    world.watch = seen;
    ctx.clock = clock;
    let scan = Scan {
        chain: Some(Chain::Ethereum),
    };
    scan.run(&ctx).await.unwrap()
}

/// What a page wants written.
pub(super) fn write(kept: &Kept, done: &Done) {
    for write in &done.writes {
        if let Write::Scanned(scanned) = write {
            kept.write(scanned);
        }
    }
}

/// What a page tells of its blocks.
pub(super) fn scanned(done: &Done) -> &Scanned {
    let mut writes = done.writes.iter();
    let found = writes.find_map(|write| match write {
        Write::Scanned(scanned) => Some(scanned),
        _ => None,
    });
    found.expect("a chain was scanned")
}

/// Scans to the head.
pub(super) async fn scan(node: &Arc<Node>, kept: &Arc<Kept>) {
    loop {
        let done = page(node, kept).await;
        write(kept, &done);
        let again = done.then.iter().any(|it| it.about.kind == Scan::KIND);
        if !again {
            return;
        }
    }
}
