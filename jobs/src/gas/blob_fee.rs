//! What a unit of blob gas costs (EIP-4844), by the forks that moved its numbers (EIP-7691, the
//! blob-parameter-only forks of EIP-7892) and with the reserve price of EIP-7918.

use packtrain_core::ports::BlobGas;

/// Gas of one blob (EIP-4844).
const GAS_PER_BLOB: u64 = 1 << 17;
/// The least price of a unit of blob gas, in wei (EIP-4844).
const LEAST_WEI: u128 = 1;
/// Gas of execution that a blob costs at least, for the reserve price (EIP-7918).
const BLOB_BASE_COST: u64 = 1 << 13;

/// The numbers that hold from a fork on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobFork {
    /// Its name.
    pub name: &'static str,
    /// The time of the first block that it holds for, in seconds.
    pub from_s: u64,
    /// Blobs a block at which the price stands still.
    pub target: u64,
    /// Blobs that a block takes.
    pub most: u64,
    /// How slowly the price follows the excess.
    pub update_fraction: u64,
    /// Whether the price has a floor that follows the base fee.
    pub has_reserve: bool,
}

/// The fork that holds for a block of this time, of forks in order.
pub fn fork_at(forks: &[BlobFork], at_s: u64) -> Option<&BlobFork> {
    forks.iter().rev().find(|fork| fork.from_s <= at_s)
}

impl BlobFork {
    /// The price in a block with this excess, in wei; none where it is beyond counting.
    pub fn fee(&self, excess: u64) -> Option<u128> {
        fake_exponential(
            LEAST_WEI,
            u128::from(excess),
            u128::from(self.update_fraction),
        )
    }

    /// The excess of the block after one with these blobs and this base fee.
    pub fn next_excess(&self, blobs: BlobGas, base_fee_wei: u64) -> Option<u64> {
        let sum = blobs.excess.checked_add(blobs.used)?;
        let Some(above) = sum.checked_sub(GAS_PER_BLOB * self.target) else {
            return Some(0);
        };
        let floor = u128::from(BLOB_BASE_COST) * u128::from(base_fee_wei);
        let price = u128::from(GAS_PER_BLOB).checked_mul(self.fee(blobs.excess)?)?;
        if self.has_reserve && floor > price {
            // Below the reserve price the excess falls no more: it grows by what was used.
            let part = u128::from(blobs.used) * u128::from(self.most - self.target)
                / u128::from(self.most.max(1));
            return blobs.excess.checked_add(u64::try_from(part).ok()?);
        }
        Some(above)
    }
}

/// `factor * e^(numerator / denominator)` by its Taylor series in integers, as EIP-4844 writes it;
/// none when a step does not fit.
fn fake_exponential(factor: u128, numerator: u128, denominator: u128) -> Option<u128> {
    let mut sum = 0_u128;
    let mut part = factor.checked_mul(denominator)?;
    let mut step = 1_u128;
    while part > 0 {
        sum = sum.checked_add(part)?;
        part = part.checked_mul(numerator)? / denominator.checked_mul(step)?;
        step += 1;
    }
    Some(sum / denominator)
}
