//! What to offer for a transaction: by how soon, and how sure.

use packtrain_core::ports::{GasBlock, TIP_PERCENTILES};

use super::quantile::rank;
use super::rules::Rules;
use super::tips::TipMedians;

/// How soon, in blocks: in the next one, in one of the next six, of the next thirty.
pub const HORIZONS: [u32; 3] = [1, 6, 30];
/// How sure, in percent of recent windows.
pub const PERCENTS: [u8; 3] = [50, 75, 90];
/// Blocks that are looked back to.
pub const RECENT_MAX: u32 = 256;
/// Windows without which recent blocks say nothing.
pub const WINDOWS_MIN: usize = 10;

/// Parts in which a base fee is compared with another.
const WHOLE: u128 = 1_000_000;
/// The place of the lowest and of the highest percentile in a block's tips.
const LOW: usize = 0;
const HIGH: usize = TIP_PERCENTILES.len() - 1;

/// Why an offer is enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// The base fee cannot rise above it within the horizon, by the formula of the chain. What tip
    /// is enough no formula says: the offer has the median of the highest percentile.
    Bound,
    /// In so many percent of recent windows of this many blocks, one block at least would have
    /// taken it.
    Observed {
        /// The percentage.
        percent: u8,
        /// The windows, of which each begins a block after the other.
        windows: usize,
    },
}

/// What to offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Offer {
    /// Within how many blocks.
    pub blocks: u32,
    /// Why it is enough.
    pub basis: Basis,
    /// The base fee that it bears, in wei.
    pub base_fee_wei: u128,
    /// The tip (`maxPriorityFeePerGas`), in wei.
    pub tip_wei: u128,
}

impl Offer {
    /// The whole price that it bears (`maxFeePerGas`), in wei.
    pub const fn max_fee_wei(&self) -> u128 {
        self.base_fee_wei.saturating_add(self.tip_wei)
    }
}

/// What to offer for a transaction that is sent now, by horizon, the bound of each first. Blocks
/// are the newest first, each the parent of the one before it; none, no offer.
pub fn offers(rules: &Rules, newest_first: &[GasBlock], tips: Option<&TipMedians>) -> Vec<Offer> {
    let oldest_first: Vec<&GasBlock> = newest_first.iter().rev().collect();
    let mut all = Vec::new();
    for blocks in HORIZONS {
        let bound = highest(rules, newest_first, blocks);
        if let Some((base_fee_wei, tips)) = bound.zip(tips) {
            all.push(Offer {
                blocks,
                basis: Basis::Bound,
                base_fee_wei,
                tip_wei: tips.wei[HIGH],
            });
        }
        for percent in PERCENTS {
            let Some(offer) = observed(&oldest_first, blocks, percent) else {
                continue;
            };
            // What cannot be needed is not offered.
            let base_fee_wei = offer.base_fee_wei.min(bound.unwrap_or(u128::MAX));
            all.push(Offer {
                base_fee_wei,
                ..offer
            });
        }
    }
    all
}

/// The highest base fee within the horizon, where a formula is known that the node agrees with in
/// all recent blocks: in one, figures of another formula may be the same by their rounding.
fn highest(rules: &Rules, newest_first: &[GasBlock], blocks: u32) -> Option<u128> {
    let is_exact = newest_first.iter().all(|block| block.is_formula_exact);
    let formula = rules.base_fee.filter(|_| is_exact)?;
    let head = newest_first.first()?;
    let next = head.next_base_fee_wei;
    Some(
        formula
            .highest_after(next, head.gas_limit, blocks - 1)
            .into(),
    )
}

/// The offer that one block at least would have taken, in this part of recent windows.
///
/// A window is the blocks that follow one block. A block of it takes an offer when the tip is no
/// less than its lowest percentile, and the base fee that the offer bears is no less than its own;
/// that is compared as a part of the base fee with which the window begins, which is known when
/// the offer is made. A block without transactions takes nothing.
fn observed(oldest_first: &[&GasBlock], blocks: u32, percent: u8) -> Option<Offer> {
    let length = usize::try_from(blocks).ok()?;
    let windows: Vec<&[&GasBlock]> = oldest_first.get(1..)?.windows(length).collect();
    if windows.len() < WINDOWS_MIN {
        return None;
    }
    let lowest = |window: &&[&GasBlock]| {
        let tips = window.iter().filter_map(|block| block.tips_wei);
        tips.map(|tips| tips[LOW]).min()
    };
    // A window in which nothing was taken comes last.
    let mut tips: Vec<Option<u128>> = windows.iter().map(lowest).collect();
    tips.sort_unstable_by_key(|tip| tip.unwrap_or(u128::MAX));
    let tip_wei = (*rank(&tips, percent)?)?;
    let mut parts: Vec<Option<u128>> = windows.iter().map(|window| part(window, tip_wei)).collect();
    parts.sort_unstable_by_key(|part| part.unwrap_or(u128::MAX));
    let part = (*rank(&parts, percent)?)?;
    let next = u128::from(oldest_first.last()?.next_base_fee_wei);
    Some(Offer {
        blocks,
        basis: Basis::Observed {
            percent,
            windows: windows.len(),
        },
        base_fee_wei: next.checked_mul(part)?.div_ceil(WHOLE),
        tip_wei,
    })
}

/// The least base fee of a window at which a block took this tip, in parts of its first base fee.
fn part(window: &[&GasBlock], tip_wei: u128) -> Option<u128> {
    let first = u128::from(window.first()?.base_fee_wei).max(1);
    let takes = |block: &&&GasBlock| block.tips_wei.is_some_and(|tips| tips[LOW] <= tip_wei);
    let taking = window.iter().filter(takes);
    let least = taking.map(|block| u128::from(block.base_fee_wei)).min()?;
    Some((least * WHOLE).div_ceil(first))
}
