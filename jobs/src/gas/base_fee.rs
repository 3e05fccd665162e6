//! The base fee of the next block, exactly, and how high it can be some blocks later (EIP-1559).

/// How a chain's base fee follows the gas that blocks use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Eip1559 {
    /// The largest change from block to block is a part of the base fee: one in so many, for a
    /// block that uses twice its target.
    pub denominator: u64,
    /// A block's gas limit is so many times its target.
    pub elasticity: u64,
}

/// By how much a block may lower the gas limit: less than one part in so many (Yellow Paper,
/// 4.3.4).
const LIMIT_STEP: u64 = 1_024;

impl Eip1559 {
    /// The base fee of the block after one with this base fee, gas used and gas limit, in wei:
    /// integers, in the order in which the EIP divides. The largest `u64` where it would be more.
    pub fn next(self, base_fee_wei: u64, gas_used: u64, gas_limit: u64) -> u64 {
        let target = gas_limit / self.elasticity.max(1);
        self.step(base_fee_wei, gas_used, target)
    }

    /// The highest base fee that the block can have which comes after `full_blocks` more, when the
    /// next block's base fee and the gas limit now are these: each of them is full, and each lowers
    /// the gas limit by as much as it may, since what is cut off in the division grows by that.
    pub fn highest_after(self, next_base_fee_wei: u64, gas_limit: u64, full_blocks: u32) -> u64 {
        let elasticity = self.elasticity.max(1);
        let (mut fee, mut limit) = (next_base_fee_wei, gas_limit);
        for _ in 0..full_blocks {
            limit -= limit / LIMIT_STEP;
            let target = limit / elasticity;
            // The largest limit that has this target.
            let used = target
                .saturating_mul(elasticity)
                .saturating_add(elasticity - 1);
            fee = self.step(fee, used, target);
        }
        fee
    }

    fn step(self, base_fee_wei: u64, gas_used: u64, target: u64) -> u64 {
        let change = |gas: u64| {
            let target = u128::from(target.max(1));
            let change = u128::from(base_fee_wei) * u128::from(gas) / target;
            change / u128::from(self.denominator.max(1))
        };
        if gas_used > target {
            let rise = change(gas_used - target).max(1);
            let rise = u64::try_from(rise).unwrap_or(u64::MAX);
            return base_fee_wei.saturating_add(rise);
        }
        let fall = u64::try_from(change(target - gas_used)).unwrap_or(u64::MAX);
        base_fee_wei.saturating_sub(fall)
    }
}
