//! Blocks that a test makes up, and what is made of them.

use chrono::TimeDelta;
use packtrain_core::chain::{BlockHash, Chain};
use packtrain_core::ports::{GasBlock, GasBlocks, GasBucket, GasBuckets, GasLook, KeyScope};
use packtrain_core::time::{Clock, SystemClock, Timestamp};
use packtrain_jobs::catalogue::KINDS;
use packtrain_jobs::gas::bucket::{BUCKET, start};
use packtrain_store::PgGas;
use packtrain_tests::{Answer, Yard};
use serde_json::json;

pub(super) const GWEI: u64 = 1_000_000_000;
pub(super) const CHAIN: Chain = Chain::Ethereum;

/// A yard whose blocks the test makes up, five minutes after the beginning of a quarter of an hour.
pub(super) struct Scene {
    pub(super) yard: Yard,
    pub(super) kept: PgGas,
    /// When the quarter began.
    pub(super) quarter: Timestamp,
    /// By how much the clock of the database is ahead.
    pub(super) ahead: TimeDelta,
}

/// Blocks of one branch, as a test makes them up.
#[derive(Clone, Copy)]
pub(super) struct Made {
    pub(super) number: u64,
    pub(super) branch: u8,
    pub(super) parent: u8,
    pub(super) at: Timestamp,
    pub(super) base_fee_wei: u64,
}

impl Made {
    fn block(self) -> GasBlock {
        let hash = |number: u64, branch: u8| {
            let mut hash = [branch; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            BlockHash(hash)
        };
        GasBlock {
            number: self.number,
            hash: hash(self.number, self.branch),
            parent: hash(self.number - 1, self.parent),
            at: self.at,
            base_fee_wei: self.base_fee_wei,
            next_base_fee_wei: self.base_fee_wei,
            is_formula_exact: true,
            gas_used: 15_000_000,
            gas_limit: 30_000_000,
            tips_wei: Some([1, 2, 3, 4, 5]),
            blob_fee: None,
        }
    }
}

impl Scene {
    pub(super) async fn new() -> Self {
        let scene = Self::without_workers().await;
        scene.yard.worker(KINDS).await;
        scene
    }

    pub(super) async fn without_workers() -> Self {
        let yard = Yard::without_workers().await;
        let now = SystemClock.now();
        let quarter = start(now);
        let ahead = quarter + TimeDelta::minutes(5) - now;
        yard.database.shift_clock(ahead).await;
        let kept = PgGas::new(yard.database.pools().worker.clone());
        Self {
            yard,
            kept,
            quarter,
            ahead,
        }
    }

    /// Keeps blocks of which the last is the newest, each read five seconds after it was made.
    pub(super) async fn keep(&self, made: &[Made]) {
        let blocks: Vec<GasBlock> = made.iter().map(|made| made.block()).collect();
        let newest = blocks.last().unwrap();
        let last = self.kept.head(CHAIN).await.unwrap();
        let look = GasLook {
            number: newest.number,
            hash: newest.hash,
            after: last.map(|last| last.hash),
        };
        let new = GasBlocks::record(&self.kept, CHAIN, &blocks, &look).await;
        let new = new.unwrap();
        assert_eq!(new, blocks.len() as u64);
        let read = "update gas_block set seen_at = at + interval '5 seconds'
                     where seen_at > at + interval '1 hour'";
        self.yard.database.run(read).await;
    }

    /// Makes buckets, and says how many rows changed.
    pub(super) async fn roll_up(&self) -> u64 {
        let done = self.yard.job("gas.rollup", json!({ "chain": CHAIN })).await;
        done["changed"].as_u64().unwrap()
    }

    pub(super) async fn buckets(&self, from: Timestamp) -> Vec<GasBucket> {
        let to = from + TimeDelta::days(30);
        self.kept.between(CHAIN, from, to, 10_000).await.unwrap()
    }

    pub(super) async fn get(&self, path: &str) -> Answer {
        let client = self.yard.client("ada", &[KeyScope::User]).await;
        client.get(&format!("/v2/premium/gas/{path}")).await
    }

    pub(super) async fn count(&self, table: &str) -> i64 {
        let sql = format!("select count(*) from {table}");
        self.yard.database.number(&sql).await
    }
}

/// A block in the middle of each of so many buckets; the price of each is as the test says.
pub(super) fn one_each(
    first: Timestamp,
    number: u64,
    count: i32,
    price: impl Fn(Timestamp) -> u64,
) -> Vec<Made> {
    let places = 0..count;
    places
        .map(|place| Made {
            number: number + u64::try_from(place).unwrap(),
            branch: 1,
            parent: 1,
            at: first + BUCKET * place + TimeDelta::minutes(7),
            base_fee_wei: price(first + BUCKET * place),
        })
        .collect()
}
