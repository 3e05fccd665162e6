//! What a replay led to: waits, tasks, cost.

use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::Ms;

const HOUR: i128 = 3_600_000;

/// A change of the number of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) at: Ms,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

impl Change {
    /// Whether tasks were added.
    pub(crate) const fn is_up(&self) -> bool {
        self.to > self.from
    }
}

/// The fleet at the end of a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sample {
    pub(crate) at: Ms,
    /// Tasks that there should be.
    pub(crate) desired: u64,
    /// Tasks that serve.
    pub(crate) serving: u64,
    /// Jobs that wait.
    pub(crate) waiting: u64,
    /// The backlog, as it is published.
    pub(crate) backlog: Ms,
    /// The share of busy slots within the period, in thousandths.
    pub(crate) busy_permille: u64,
}

/// What a replay led to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// From arrival to begin, of every job, the shortest first.
    pub(crate) waits: Vec<Ms>,
    /// Jobs that ended.
    pub(crate) finished: u64,
    /// The fleet at the end of each period.
    pub(crate) samples: Vec<Sample>,
    /// Every change of the number of tasks.
    pub(crate) changes: Vec<Change>,
    /// How long tasks were there, all together: from launch to end.
    pub(crate) task_ms: u128,
    /// How long all of it took.
    pub(crate) took: Ms,
}

/// What an hour of a task costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    /// Cores of a task, in thousandths.
    pub(crate) milli_cores: u32,
    /// Memory of a task.
    pub(crate) memory_mb: u32,
    /// An hour of a core.
    pub(crate) core_hour: Money,
    /// An hour of a gigabyte.
    pub(crate) gb_hour: Money,
}

impl Outcome {
    /// The wait that so many in a hundred do not exceed.
    pub(crate) fn wait(&self, percent: usize) -> Ms {
        let rank = (self.waits.len() * percent).div_ceil(100).max(1);
        self.waits.get(rank - 1).copied().unwrap_or(0)
    }

    /// How often the fleet turned round and round again within this time: up, down and up, or down,
    /// up and down. A peak that comes and goes is one turn, and none of these.
    pub(crate) fn flaps(&self, window: Ms) -> usize {
        let turns: Vec<Ms> = self
            .changes
            .windows(2)
            .filter_map(|pair| match pair {
                [before, after] if before.is_up() != after.is_up() => Some(after.at),
                _ => None,
            })
            .collect();
        let pairs = turns.windows(2);
        pairs.filter(|pair| pair[1] - pair[0] < window).count()
    }

    /// What the tasks cost.
    pub(crate) fn cost(&self, price: Price) -> Result<Money, AmountError> {
        let task_ms = i128::try_from(self.task_ms).map_err(|_| AmountError::Overflow)?;
        let of = |each: Money, thousandths: u32, per: i128| {
            let part = task_ms.checked_mul(i128::from(thousandths));
            let part = Quantity::from_units(part.ok_or(AmountError::Overflow)?, 0)?;
            each.share(part, Quantity::from_units(per * HOUR, 0)?)
        };
        let cores = of(price.core_hour, price.milli_cores, 1_000)?;
        cores.checked_add(of(price.gb_hour, price.memory_mb, 1_024)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peak_is_no_flapping_and_a_change_of_mind_and_back_is() {
        let change = |(at, from, to)| Change { at, from, to };
        let flaps = |changes: &[(Ms, u64, u64)]| {
            let outcome = Outcome {
                changes: changes.iter().copied().map(change).collect(),
                ..Outcome::default()
            };
            outcome.flaps(100)
        };
        assert_eq!(flaps(&[(10, 2, 8), (20, 8, 12), (60, 12, 2)]), 0);
        assert_eq!(flaps(&[(10, 2, 8), (60, 8, 2), (120, 2, 8)]), 1);
        assert_eq!(flaps(&[(10, 2, 8), (60, 8, 2), (160, 2, 8)]), 0);
        assert_eq!(flaps(&[(1, 8, 2), (2, 2, 8), (3, 8, 2), (4, 2, 8)]), 2);
    }

    #[test]
    fn the_wait_of_a_share_of_jobs_is_one_that_a_job_had() {
        let outcome = Outcome {
            waits: vec![1, 2, 3, 40],
            ..Outcome::default()
        };
        let waits = [50, 75, 99, 100].map(|percent| outcome.wait(percent));
        assert_eq!(waits, [2, 3, 40, 40]);
        assert_eq!(Outcome::default().wait(99), 0);
    }
}
