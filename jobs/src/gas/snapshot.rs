//! Reads what gas costs on every chain, four times a minute.

use std::time::Duration;

use packtrain_core::chain::Chain;
use packtrain_core::fault::{Fault, chain as told};
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane, Priority};
use packtrain_core::ports::{ChainError, GasHead, Header, Point, StoreError, Write};
use packtrain_core::schedule::Every;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tracing::warn;
use utoipa::ToSchema;

use super::reading::{self, Torn};
use super::{points, rules};
use crate::alerts::evaluate::Evaluate;

/// How often it comes by itself.
pub const EVERY: Duration = Duration::from_secs(15);
/// Blocks that one snapshot reads, at most; before them there is a gap.
const BLOCKS_MAX: u64 = 32;
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
        if self.points.is_empty() {
            return Done::with(self.result);
        }
        Done {
            result: Some(self.result),
            then: vec![FollowUp::of(Evaluate::of(ctx.job))],
            writes: vec![Write::Observed(self.points)],
            ..Done::default()
        }
    }
}

/// Reads the blocks that are not kept yet, and keeps them.
async fn look(ctx: &Ctx, chain: Chain) -> Result<Seen, Missed> {
    let seen_at = ctx.clock.now();
    let (chains, gas) = (&ctx.world.chains, &ctx.world.gas);
    let header = chains.head(chain).await?;
    let (number, hash) = (header.number, header.hash);
    let head = GasHead {
        number,
        hash,
        seen_at,
    };
    let last = gas.head(chain).await?;
    if let Some(last) = last.filter(|last| number <= last.number) {
        if last.hash == hash {
            gas.record(chain, &[], &head).await?;
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
        // A node that is behind: the block is one that the newest follows.
        if gas.has(chain, number, hash).await? {
            let result = json!({ "chain": chain, "block": number, "behind": last.number });
            return Ok(Seen::nothing_new(result));
        }
    }
    let headers = unknown(ctx, chain, header, last.map(|last| last.number)).await?;
    let count = headers.len() as u64;
    let history = chains.fee_history(chain, number, count).await?;
    let rules = rules::of(chain);
    let blocks = reading::blocks(&rules, chain.block_time(), &headers, &history)?;
    for block in blocks.iter().filter(|block| !block.is_formula_exact) {
        // Chains without a formula never are.
        if rules.base_fee.is_some() {
            let labels = [("chain", chain.as_str())];
            metrics::counter!("packtrain_gas_inexact_total", &labels).increment(1);
            warn!(
                chain = chain.as_str(),
                block = block.number,
                "the next base fee is another"
            );
        }
    }
    let new = gas.record(chain, &blocks, &head).await?;
    Ok(Seen {
        result: json!({ "chain": chain, "block": number, "new": new }),
        points: observed(ctx, chain).await?,
    })
}

/// What the kept blocks say, the newest [`BLOCKS_MAX`]: also of those that an attempt kept which
/// ended before it could say so. Points that were observed before stay as they are.
async fn observed(ctx: &Ctx, chain: Chain) -> Result<Vec<Point>, Missed> {
    let limit = u32::try_from(BLOCKS_MAX).unwrap_or(u32::MAX);
    let blocks = ctx.world.gas.recent(chain, limit).await?;
    let points = blocks.iter().rev();
    Ok(points.flat_map(|block| points::of(chain, block)).collect())
}

/// The newest blocks back to one that follows a block that is kept, in order; no more than
/// [`BLOCKS_MAX`].
async fn unknown(
    ctx: &Ctx,
    chain: Chain,
    head: Header,
    last: Option<u64>,
) -> Result<Vec<Header>, Missed> {
    let (chains, gas) = (&ctx.world.chains, &ctx.world.gas);
    let floor = head.number.saturating_sub(BLOCKS_MAX - 1);
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
