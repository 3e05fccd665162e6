//! What happened to the units of one asset, in order of time, and what a pool makes of it.

use chrono::NaiveDate;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::{AmountError, Quantity};

use crate::outcome::Choice;

/// All units of one asset that came in and left, in order of time.
pub(crate) struct Journal {
    pub(crate) currency: Currency,
    pub(crate) entries: Vec<Entry>,
}

/// Units that came in or left.
pub(crate) struct Entry {
    /// Local date; never before that of the entry before.
    pub(crate) date: NaiveDate,
    pub(crate) quantity: Quantity,
    pub(crate) change: Change,
}

/// Which way units went.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Change {
    /// In, at a cost.
    In {
        cost: Money,
        /// Whether the units were acquired here; not so for what was owned before the records.
        is_purchase: bool,
    },
    /// Out.
    Out {
        leaving: Leaving,
        proceeds: Money,
        fees: Money,
    },
}

/// What became of units that left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Leaving {
    /// Disposed of against a value.
    Sold,
    /// Disposed of, at a value that gives neither gain nor loss.
    NoGainNoLoss,
    /// Gone without a disposal.
    Gone,
}

/// What a country's law adds to a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PoolRules {
    /// Which days near a disposal are matched before the pool.
    pub(crate) near: Near,
    /// Whether a loss is denied as far as units were bought near it and are still held.
    pub(crate) superficial_losses: bool,
}

/// Days near a disposal, the day itself not counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Near {
    /// So many days after.
    After(u64),
    /// So many days before.
    Before(u64),
}

/// Units and what they cost together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) quantity: Quantity,
    pub(crate) money: Money,
}

impl Cost {
    pub(crate) const fn nothing(currency: Currency) -> Self {
        Self {
            quantity: Quantity::ZERO,
            money: Money::zero(currency),
        }
    }

    pub(crate) fn add(&mut self, quantity: Quantity, money: Money) -> Result<(), AmountError> {
        self.quantity = self.quantity.checked_add(quantity)?;
        self.money = self.money.checked_add(money)?;
        Ok(())
    }

    /// Takes at most `wanted` units with their share of the cost; the rest stays exact.
    pub(crate) fn take(&mut self, wanted: Quantity) -> Result<Self, AmountError> {
        let quantity = wanted.min(self.quantity);
        if !quantity.is_positive() {
            return Ok(Self {
                quantity: Quantity::ZERO,
                money: Money::zero(self.money.currency()),
            });
        }
        let money = self.money.share(quantity, self.quantity)?;
        self.quantity = self.quantity.checked_sub(quantity)?;
        self.money = self.money.checked_sub(money)?;
        Ok(Self { quantity, money })
    }
}

/// What one disposal, or all sales of a day, used up.
pub(crate) struct Taken {
    pub(crate) leaving: Leaving,
    /// The entries that left together, in order.
    pub(crate) outs: Vec<usize>,
    /// What they used, in the order in which the law takes it.
    pub(crate) slices: Vec<Slice>,
    /// The part of the loss that the law denies; not negative.
    pub(crate) denied: Money,
}

/// A part of what a disposal used.
pub(crate) struct Slice {
    pub(crate) quantity: Quantity,
    pub(crate) cost: Money,
    pub(crate) choice: Choice,
}

/// What a pool makes of a journal.
pub(crate) struct Settled {
    /// In order of the first entry of each.
    pub(crate) taken: Vec<Taken>,
    /// What is left at the end.
    pub(crate) left: Cost,
}
