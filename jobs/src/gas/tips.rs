//! Tips of recent blocks: medians that one odd block does not move.

use packtrain_core::ports::{GasBlock, TIP_PERCENTILES, Tips};

use super::quantile::middle;

/// Blocks that count, at most: those without transactions say nothing of tips and do not.
pub const BLOCKS_MAX: usize = 20;

/// What tips were in recent blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TipMedians {
    /// For each of [`TIP_PERCENTILES`] the median over the blocks, in wei.
    pub wei: Tips,
    /// The blocks that counted.
    pub blocks: usize,
}

/// The medians over the newest blocks that have transactions; none when no block has any.
pub fn medians(newest_first: &[GasBlock]) -> Option<TipMedians> {
    let told = newest_first.iter().filter_map(|block| block.tips_wei);
    let told: Vec<Tips> = told.take(BLOCKS_MAX).collect();
    let mut wei = [0; TIP_PERCENTILES.len()];
    for (place, median) in wei.iter_mut().enumerate() {
        *median = middle(told.iter().map(|tips| tips[place]).collect())?;
    }
    Some(TipMedians {
        wei,
        blocks: told.len(),
    })
}
