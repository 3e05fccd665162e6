//! Reads what gas costs on every chain, four times a minute.

use std::time::Duration;

use packtrain_core::chain::Chain;
use packtrain_core::fault::{Fault, chain as told};
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane, Priority};
use packtrain_core::ports::{ChainError, DataFee, GasBlock, GasLook, Header, Point, StoreError};
use packtrain_core::schedule::Every;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::warn;
use utoipa::ToSchema;

use super::data_fee::Oracle;
use super::reading::{self, Torn};
use super::{data_fee, points, rules};
use crate::alerts::look::observe;

/// How often it comes by itself.
pub const EVERY: Duration = Duration::from_secs(15);
/// Blocks that one snapshot reads of a slow chain, at most; before them there is a gap.
const BLOCKS_MAX: u64 = 32;
/// What is said of a chain that has no contract which says what bytes cost.
const ABSENT: &str = "nobody on the chain says what bytes cost";
/// Blocks that are read at once to find where a chain that moved left the one that is kept.
const STEP: u64 = 4;

/// Keeps what the newest blocks of a chain say of the price of gas. Without a chain, fans out to
/// all that are configured.
///
/// Blocks are named by number and hash, so a second run keeps nothing twice, and a chain that was
/// reorganised has both. A chain that tells nothing is named in the result and logged: the next
/// tick asks again, and a dead letter of this one would help nobody.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GasSnapshot)]
pub struct Snapshot {
    /// The chain.
    #[serde(default)]
    pub chain: Option<Chain>,
}

/// Why nothing was read.
#[derive(Debug, thiserror::Error)]
enum Missed {
    #[error(transparent)]
    Chain(#[from] ChainError),
    #[error(transparent)]
    Torn(#[from] Torn),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Job for Snapshot {
    const KIND: Kind = Kind::new("gas.snapshot");
    const LANE: Lane = Lane::Io;
    const PRIORITY: Priority = Priority::FIRST;
    // The next tick comes sooner than a second retry.
    const ATTEMPTS_MAX: u16 = 2;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    // One that is found late would only be in the way of the next.
    const DEADLINE: Option<Duration> = Some(EVERY);
    const EVERY: Option<Every> = Some(Every::cron("*/15 * * * * *"));

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let Some(chain) = self.chain else {
            let all = ctx.world.chains.configured().into_iter();
            return Ok(Done::fan_out(all.map(|one| Self { chain: Some(one) })));
        };
        match look(ctx, chain).await {
            Ok(seen) => Ok(seen.done(ctx)),
            Err(Missed::Store(error)) => Err(error.into()),
            Err(missed) => {
                let why = told(&missed);
                let labels = [("chain", chain.as_str())];
                metrics::counter!("packtrain_gas_missed_total", &labels).increment(1);
                warn!(chain = chain.as_str(), why, "gas could not be read");
                Ok(Done::with(json!({ "chain": chain, "missed": why })))
            }
        }
    }
}

/// What a snapshot came to.
struct Seen {
    result: Value,
    /// What the new blocks say.
    points: Vec<Point>,
}

impl Seen {
    const fn nothing_new(result: Value) -> Self {
        Self {
            result,
            points: Vec::new(),
        }
    }

    /// The rules that watch gas are evaluated with what is new.
    fn done(self, ctx: &Ctx) -> Done {
        observe(ctx, self.points, Done::with(self.result))
    }
}

/// Reads the blocks that are not kept yet, and keeps them.
async fn look(ctx: &Ctx, chain: Chain) -> Result<Seen, Missed> {
    let (chains, gas) = (&ctx.world.chains, &ctx.world.gas);
    // Before the chain is asked: whoever moves the head meanwhile may have seen a later block.
    let last = gas.head(chain).await?;
    let header = chains.head(chain).await?;
    let (number, hash) = (header.number, header.hash);
    let look = GasLook {
        number,
        hash,
        after: last.map(|last| last.hash),
    };
    if let Some(last) = last.filter(|last| number <= last.number) {
        if last.hash == hash {
            gas.record(chain, &[], &look).await?;
            let result = json!({ "chain": chain, "block": number, "new": 0 });
            return match ctx.attempt {
                1 => Ok(Seen::nothing_new(result)),
                // The attempt before may have kept blocks and ended.
                _ => Ok(Seen {
                    result,
                    points: observed(ctx, chain).await?,
                }),
            };
        }
        // A node that is behind tells a block that is kept, or one of a gap; a chain that moved
        // has another block where one is kept.
        let is_behind = gas.has(chain, number, hash).await?
            || number < last.number && !gas.has_other(chain, number, hash).await?;
        if is_behind {
            let result = json!({ "chain": chain, "block": number, "behind": last.number });
            return Ok(Seen::nothing_new(result));
        }
    }
    let headers = unknown(ctx, chain, header, last.map(|last| last.number)).await?;
    let count = headers.len() as u64;
    let history = chains.fee_history(chain, number, count).await?;
    // A sibling of the newest block has the same base fee, and other tips: the history is that of
    // the chain which was there before it and is there behind it.
    let behind = chains.headers(chain, number, number).await?;
    if behind.last().is_none_or(|header| header.hash != hash) {
        return Err(Torn::Fees(number).into());
    }
    let rules = rules::of(chain);
    let blocks = reading::blocks(&rules, chain.block_time(), &headers, &history)?;
    // Chains without a formula never are exact.
    if rules.base_fee.is_some() {
        count_inexact(chain, &blocks);
    }
    let new = gas.record(chain, &blocks, &look).await?;
    let mut result = json!({ "chain": chain, "block": number, "new": new });
    if let Some(oracle) = rules.data_fee {
        result["data_fee"] = keep_data_fee(ctx, chain, oracle, &look).await?;
    }
    Ok(Seen {
        result,
        points: observed(ctx, chain).await?,
    })
}

/// Counts the blocks of which the formula gives another next base fee, and says so once.
fn count_inexact(chain: Chain, blocks: &[GasBlock]) {
    let inexact = blocks.iter().filter(|block| !block.is_formula_exact);
    let inexact = inexact.count() as u64;
    if inexact > 0 {
        let labels = [("chain", chain.as_str())];
        metrics::counter!("packtrain_gas_inexact_total", &labels).increment(inexact);
        let (chain, of) = (chain.as_str(), blocks.len());
        warn!(chain, inexact, of, "next base fees are others");
    }
}

/// Keeps what known transactions pay for their bytes at the newest block, and says what the
/// transfer pays, or why that is not known.
async fn keep_data_fee(
    ctx: &Ctx,
    chain: Chain,
    oracle: Oracle,
    look: &GasLook,
) -> Result<Value, StoreError> {
    match data_fee(ctx, chain, oracle, look.number).await {
        Ok(Some(fee)) => {
            let gas = &ctx.world.gas;
            gas.keep_data_fee(chain, look.number, look.hash, &fee)
                .await?;
            Ok(fee.transfer.data_wei.to_string().into())
        }
        Ok(None) => Ok(ABSENT.into()),
        Err(why) => Ok(json!({ "missed": why })),
    }
}

/// What known transactions pay for their bytes at a block; none where nobody says so. A chain that
/// does not say is missed and logged: its blocks are kept all the same.
async fn data_fee(
    ctx: &Ctx,
    chain: Chain,
    oracle: Oracle,
    block: u64,
) -> Result<Option<DataFee>, String> {
    let questions = data_fee::questions(oracle, chain);
    let answers = ctx.world.chains.words(chain, &questions, block).await;
    let answers = answers.map_err(|error| told(&error));
    let read = answers.and_then(|answers| data_fee::fee(oracle, chain, &answers));
    let labels = [("chain", chain.as_str())];
    match &read {
        Ok(Some(fee)) if !fee.is_formula_exact => {
            metrics::counter!("packtrain_gas_data_fee_inexact_total", &labels).increment(1);
        }
        Ok(_) => {}
        Err(why) => {
            metrics::counter!("packtrain_gas_data_fee_missed_total", &labels).increment(1);
            warn!(
                chain = chain.as_str(),
                why, "the data fee could not be read"
            );
        }
    }
    read
}

/// Blocks that one snapshot reads, at most: as many as come from one tick to the one after the
/// next, so that one that is missed leaves no gap.
fn blocks_max(chain: Chain) -> u64 {
    let come = (EVERY * 2).as_millis() / chain.block_time().as_millis();
    let come = u64::try_from(come).unwrap_or(u64::MAX);
    come.next_power_of_two().max(BLOCKS_MAX)
}

/// What the kept blocks say, the newest [`blocks_max`]: also of those that an attempt kept which
/// ended before it could say so. Points that were observed before stay as they are.
async fn observed(ctx: &Ctx, chain: Chain) -> Result<Vec<Point>, Missed> {
    let limit = u32::try_from(blocks_max(chain)).unwrap_or(u32::MAX);
    let blocks = ctx.world.gas.recent(chain, limit).await?;
    let each = blocks.iter().rev();
    let mut points: Vec<Point> = each.flat_map(|block| points::of(chain, block)).collect();
    if rules::of(chain).data_fee.is_some() {
        let fee = ctx.world.gas.data_fee(chain, limit).await?;
        points.extend(fee.map(|seen| points::of_data_fee(chain, &seen)));
    }
    Ok(points)
}

/// The newest blocks back to one that follows a block that is kept, in order; no more than
/// [`blocks_max`].
async fn unknown(
    ctx: &Ctx,
    chain: Chain,
    head: Header,
    last: Option<u64>,
) -> Result<Vec<Header>, Missed> {
    let (chains, gas) = (&ctx.world.chains, &ctx.world.gas);
    let floor = head.number.saturating_sub(blocks_max(chain) - 1);
    let mut first = last.map_or(floor, |last| (last + 1).clamp(floor, head.number));
    let mut found = vec![head];
    loop {
        let oldest = found[0];
        if first < oldest.number {
            let before = chains.headers(chain, first, oldest.number - 1).await?;
            if before.is_empty() {
                // The node has no more.
                return Ok(found);
            }
            found.splice(0..0, before);
            reading::linked(&found)?;
        }
        let oldest = found[0];
        if oldest.number == floor || gas.has(chain, oldest.number - 1, oldest.parent).await? {
            return Ok(found);
        }
        // The chain moved: what was kept is of another branch.
        first = oldest.number.saturating_sub(STEP).max(floor);
    }
}
