//! Quarters of an hour, made of blocks: which blocks of several branches count, and how they lie.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta};
use packtrain_core::chain::BlockHash;
use packtrain_core::ports::{BUCKET_S, GasBucket, GasHead, GasSample, WeiSpread};
use packtrain_core::time::Timestamp;

use super::quantile::{middle, rank};

/// How long a bucket is.
pub const BUCKET: TimeDelta = TimeDelta::seconds(BUCKET_S);

/// The place of the bucket into which a time falls, counted from 1970.
pub fn place(at: Timestamp) -> i64 {
    at.timestamp().div_euclid(BUCKET_S)
}

/// When the bucket into which a time falls begins.
pub fn start(at: Timestamp) -> Timestamp {
    DateTime::from_timestamp(place(at) * BUCKET_S, 0).unwrap_or(at)
}

/// The blocks of the line that counts, the highest first.
///
/// The line goes down from the newest block of the chain, from parent to parent. Where it is broken
/// by a gap, it goes on from the block that was read last of those with the next number that is
/// kept; where a block's parent is not kept but others of its number are, those are of a branch
/// that was left, and none of them counts.
pub fn line<'a>(samples: &'a [GasSample], head: &GasHead) -> Vec<&'a GasSample> {
    let mut by_number: BTreeMap<u64, Vec<&GasSample>> = BTreeMap::new();
    for sample in samples {
        by_number.entry(sample.number).or_default().push(sample);
    }
    let mut line = Vec::new();
    // What the block of this number must be called.
    let mut expected: Option<(u64, BlockHash)> = Some((head.number, head.hash));
    for (number, candidates) in by_number.range(..=head.number).rev() {
        let chosen = match expected {
            Some((next, hash)) if next == *number => {
                candidates.iter().find(|sample| sample.hash == hash)
            }
            _ => candidates.iter().max_by_key(|it| (it.seen_at, it.hash)),
        };
        expected = None;
        if let Some(chosen) = chosen {
            line.push(*chosen);
            expected = number.checked_sub(1).map(|next| (next, chosen.parent));
        }
    }
    line
}

/// The bucket that begins at this time, of blocks of one line; none when none of them lies in it.
pub fn bucket(at: Timestamp, line: &[&GasSample]) -> Option<GasBucket> {
    let within = |sample: &&&GasSample| at <= sample.at && sample.at < at + BUCKET;
    let blocks: Vec<&GasSample> = line.iter().filter(within).copied().collect();
    let mut fees: Vec<u64> = blocks.iter().map(|block| block.base_fee_wei).collect();
    fees.sort_unstable();
    let median = middle(fees.iter().map(|fee| u128::from(*fee)).collect())?;
    Some(GasBucket {
        at,
        blocks: u32::try_from(fees.len()).ok()?,
        base_fee_wei: WeiSpread {
            min: *fees.first()?,
            p10: *rank(&fees, 10)?,
            p50: u64::try_from(median).ok()?,
            p90: *rank(&fees, 90)?,
            max: *fees.last()?,
        },
        tip_wei: middle(blocks.iter().filter_map(|block| block.tip_wei).collect()),
    })
}
