//! Makes quarters of an hour of blocks, soon after each is over.

use chrono::TimeDelta;
use packtrain_core::chain::Chain;
use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::ports::{GasBucket, GasHead};
use packtrain_core::schedule::{Every, Missed};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::bucket::{self, BUCKET};
use super::forecast::Forecast;
use super::score::Score;

/// How long after a bucket is over its rollup comes.
const AFTER: TimeDelta = TimeDelta::seconds(80);
/// Buckets that are looked for at once: all of three weeks.
const PAGE: u32 = 2_016;
/// Buckets that are made at once.
const RUN_MAX: usize = 8;
/// Blocks that are read at once; the fastest chain makes 3,600 in a bucket.
const SAMPLES_MAX: u32 = 100_000;

/// Makes the quarters of an hour of a chain into which blocks came since the last rollup, and has
/// the price forecast and earlier forecasts judged. Without a chain, fans out to all that are
/// configured.
///
/// A bucket is made anew from all its blocks each time, so a second run changes nothing, and one
/// that comes after a late block or a reorganisation mends what was made before.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GasRollup)]
pub struct Rollup {
    /// The chain.
    #[serde(default)]
    pub chain: Option<Chain>,
}

impl Job for Rollup {
    const KIND: Kind = Kind::new("gas.rollup");
    const LANE: Lane = Lane::Cpu;
    // Off the full quarter, when everything else begins, and after the snapshot of its last blocks.
    const EVERY: Option<Every> = Some(Every::cron("20 1,16,31,46 * * * *").missed(Missed::Latest));

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let Some(chain) = self.chain else {
            let all = ctx.world.chains.configured().into_iter();
            return Ok(Done::fan_out(all.map(|one| Self { chain: Some(one) })));
        };
        let Some(head) = ctx.world.gas.head(chain).await? else {
            return Ok(Done::with(json!({ "chain": chain, "changed": 0 })));
        };
        let changed = roll_up(ctx, chain, &head).await?;
        Ok(Done {
            result: Some(json!({ "chain": chain, "changed": changed })),
            // Also when nothing changed: an attempt before may have ended after it wrote.
            then: vec![
                FollowUp::of(Forecast { chain }),
                FollowUp::of(Score { chain }),
            ],
            ..Done::default()
        })
    }
}

/// When the rollup after this one comes.
pub fn next_after(rolled_at: Timestamp) -> Timestamp {
    bucket::start(rolled_at - AFTER) + BUCKET + AFTER
}

/// Makes all buckets that are not up to date, and says how many rows changed.
async fn roll_up(ctx: &Ctx, chain: Chain, head: &GasHead) -> Result<u64, Fault> {
    let buckets = &ctx.world.gas_buckets;
    let (mut changed, mut after, mut began) = (0, None, None);
    loop {
        let due = buckets.unrolled(chain, after, PAGE).await?;
        let until = *began.get_or_insert(due.now);
        for run in runs(&due.at) {
            changed += roll(ctx, chain, head, run).await?;
        }
        after = due.at.last().copied();
        if due.at.len() < PAGE as usize {
            buckets.rolled(chain, until).await?;
            return Ok(changed);
        }
    }
}

/// Runs of buckets of which each follows the one before it, at most [`RUN_MAX`]: they are made
/// together.
fn runs(at: &[Timestamp]) -> impl Iterator<Item = &[Timestamp]> {
    let runs = at.chunk_by(|one, other| *one + BUCKET == *other);
    runs.flat_map(|run| run.chunks(RUN_MAX))
}

/// Makes buckets that follow each other.
async fn roll(ctx: &Ctx, chain: Chain, head: &GasHead, run: &[Timestamp]) -> Result<u64, Fault> {
    let (Some(first), Some(last)) = (run.first().copied(), run.last().copied()) else {
        return Ok(0);
    };
    let store = &ctx.world.gas_buckets;
    let samples = store.samples(chain, first, last, SAMPLES_MAX).await?;
    if samples.len() >= SAMPLES_MAX as usize {
        let said = format!("{chain} has {SAMPLES_MAX} blocks or more from {first} to {last}");
        return Err(Fault::said(Verdict::Fatal, "gas.too_many_blocks", said));
    }
    let (head, run) = (*head, run.to_vec());
    let made = ctx.cpu(move |_| {
        let line = bucket::line(&samples, &head);
        let made = run.into_iter().map(|at| (at, bucket::bucket(at, &line)));
        made.collect::<Vec<_>>()
    });
    let made = made.await?;
    let full: Vec<GasBucket> = made.iter().filter_map(|(_, bucket)| *bucket).collect();
    let empty = made.iter().filter(|(_, bucket)| bucket.is_none());
    let empty: Vec<Timestamp> = empty.map(|(at, _)| *at).collect();
    Ok(store.keep(chain, &full, &empty).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_that_follow_each_other_are_made_together_but_not_too_many() {
        let first: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        let places = (0..10).chain([20, 21, 30]);
        let at: Vec<Timestamp> = places.map(|place| first + BUCKET * place).collect();
        let lengths: Vec<usize> = runs(&at).map(<[Timestamp]>::len).collect();
        assert_eq!(lengths, [8, 2, 2, 1]);
    }

    #[test]
    fn the_next_rollup_is_the_one_that_the_timetable_has() {
        for (rolled, next) in [
            ("2026-06-15T12:01:20Z", "2026-06-15T12:16:20Z"),
            ("2026-06-15T12:01:25Z", "2026-06-15T12:16:20Z"),
            ("2026-06-15T12:01:19Z", "2026-06-15T12:01:20Z"),
            ("2026-06-15T23:59:00Z", "2026-06-16T00:01:20Z"),
        ] {
            let rolled: Timestamp = rolled.parse().unwrap();
            assert_eq!(next_after(rolled), next.parse::<Timestamp>().unwrap());
        }
    }
}
