//! Sums of a tax year.

use packtrain_core::money::{Currency, Money};

/// Sums of one tax year.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totals {
    /// All that was received for disposals.
    pub proceeds: Money,
    /// The part of `proceeds` of disposals that give neither gain nor loss: what was given had
    /// cost as much.
    pub no_gain_no_loss: Money,
    /// What it had cost.
    pub cost: Money,
    /// Costs of selling.
    pub fees: Money,
    /// Sum of the gains.
    pub gains: Money,
    /// Sum of the losses, never positive.
    pub losses: Money,
    /// Losses that the law denies; they are not in `losses`.
    pub denied: Money,
    /// Gains plus losses.
    pub net: Money,
    /// The part of `net` held short.
    pub short: Money,
    /// The part of `net` held long.
    pub long: Money,
    /// Income at value on receipt.
    pub income: Money,
    /// Margin results and the like.
    pub other: Money,
    /// Lines of disposals.
    pub disposals: usize,
}

impl Totals {
    /// A year of nothing.
    pub const fn zero(currency: Currency) -> Self {
        let none = Money::zero(currency);
        Self {
            proceeds: none,
            no_gain_no_loss: none,
            cost: none,
            fees: none,
            gains: none,
            losses: none,
            denied: none,
            net: none,
            short: none,
            long: none,
            income: none,
            other: none,
            disposals: 0,
        }
    }
}
