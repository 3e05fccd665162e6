//! Average cost (adjusted cost base): all units of an asset cost the same.

use chrono::{Days, NaiveDate};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::journal::{Change, Cost, Entry, Journal, Leaving, PoolRules, Settled, Slice, Taken};
use super::{Spec, Way};
use crate::outcome::{Choice, PoolState};

pub(super) const SPEC: Spec = Spec {
    way: Way::Pool(settle),
    chosen: "average cost of all units",
};

/// How far from a loss a purchase denies it, in days before and after (ITA s. 54).
const NEAR_DAYS: Days = Days::new(30);

/// Takes each disposal at the average cost of the moment.
fn settle(journal: &Journal, rules: PoolRules) -> Result<Settled, AmountError> {
    let zero = Money::zero(journal.currency);
    let holdings = if rules.superficial_losses {
        Some(Holdings::of(&journal.entries)?)
    } else {
        None
    };
    let mut pool = Cost::nothing(journal.currency);
    // Losses that were denied because of units not bought yet; the next purchase takes them up.
    let mut waiting = zero;
    let mut taken = Vec::new();
    for (index, entry) in journal.entries.iter().enumerate() {
        let (leaving, net) = match entry.change {
            Change::In { cost, .. } => {
                pool.add(entry.quantity, cost.checked_add(waiting)?)?;
                waiting = zero;
                continue;
            }
            Change::Out {
                leaving,
                proceeds,
                fees,
            } => (leaving, proceeds.checked_sub(fees)?),
        };
        let slices = slices(&mut pool, entry.quantity)?;
        let mut denied = Denied {
            all: zero,
            now: zero,
        };
        if let Some(holdings) = holdings.as_ref().filter(|_| leaving == Leaving::Sold) {
            let cost = slices
                .iter()
                .try_fold(zero, |sum, slice| sum.checked_add(slice.cost))?;
            let loss = cost.checked_sub(net)?;
            if !loss.is_negative() && !loss.is_zero() {
                denied = holdings.denied(index, entry, loss, pool.quantity)?;
            }
        }
        pool.add(Quantity::ZERO, denied.now)?;
        waiting = waiting.checked_add(denied.all.checked_sub(denied.now)?)?;
        taken.push(Taken {
            leaving,
            outs: vec![index],
            slices,
            denied: denied.all,
        });
    }
    Ok(Settled { taken, left: pool })
}

/// What a disposal takes from the pool, and the units that it does not hold.
pub(super) fn slices(pool: &mut Cost, wanted: Quantity) -> Result<Vec<Slice>, AmountError> {
    let state = PoolState {
        quantity: pool.quantity,
        cost: pool.money,
    };
    let part = pool.take(wanted)?;
    let mut slices = Vec::with_capacity(1);
    if part.quantity.is_positive() {
        slices.push(Slice {
            quantity: part.quantity,
            cost: part.money,
            choice: Choice::Pool(Box::new(state)),
        });
    }
    let missing = wanted.checked_sub(part.quantity)?;
    if missing.is_positive() {
        slices.push(Slice {
            quantity: missing,
            cost: Money::zero(pool.money.currency()),
            choice: Choice::NoPurchase,
        });
    }
    Ok(slices)
}

/// The part of a loss that the law denies.
struct Denied {
    all: Money,
    /// What of it joins the cost of units that are there already.
    now: Money,
}

/// How many units were bought, and are held, by date.
struct Holdings {
    dates: Vec<NaiveDate>,
    /// Units bought up to and with each entry.
    bought: Vec<Quantity>,
    /// Units held after each entry.
    held: Vec<Quantity>,
}

impl Holdings {
    fn of(entries: &[Entry]) -> Result<Self, AmountError> {
        let mut holdings = Self {
            dates: entries.iter().map(|entry| entry.date).collect(),
            bought: Vec::with_capacity(entries.len()),
            held: Vec::with_capacity(entries.len()),
        };
        let (mut bought, mut held) = (Quantity::ZERO, Quantity::ZERO);
        for entry in entries {
            match entry.change {
                Change::In { is_purchase, .. } => {
                    held = held.checked_add(entry.quantity)?;
                    if is_purchase {
                        bought = bought.checked_add(entry.quantity)?;
                    }
                }
                Change::Out { .. } => held = held.checked_sub(entry.quantity.min(held))?,
            }
            holdings.bought.push(bought);
            holdings.held.push(held);
        }
        Ok(holdings)
    }

    /// What is denied of the loss of a disposal, which leaves `left` units: the share of the units
    /// that were replaced, the least of those sold, those bought near it, and those still held
    /// when the time is over.
    ///
    /// It is added to the cost of the units that replace them (ITA s. 53(1)(f)), and these count
    /// in the average from when they are bought (s. 47(1)). Of several purchases, those before the
    /// disposal come first.
    fn denied(
        &self,
        index: usize,
        out: &Entry,
        loss: Money,
        left: Quantity,
    ) -> Result<Denied, AmountError> {
        let from = out.date.checked_sub_days(NEAR_DAYS).unwrap_or(out.date);
        let to = out.date.checked_add_days(NEAR_DAYS).unwrap_or(out.date);
        let start = self.dates.partition_point(|date| *date < from);
        let end = self.dates.partition_point(|date| *date <= to);
        let at = |sums: &[Quantity], end: usize| {
            end.checked_sub(1)
                .and_then(|last| sums.get(last).copied())
                .unwrap_or(Quantity::ZERO)
        };
        let before = at(&self.bought, start);
        let bought = at(&self.bought, end).checked_sub(before)?;
        let replaced = out.quantity.min(bought).min(at(&self.held, end));
        if !replaced.is_positive() {
            let none = Money::zero(loss.currency());
            return Ok(Denied {
                all: none,
                now: none,
            });
        }
        let all = loss.share(replaced, out.quantity)?;
        let there = at(&self.bought, index).checked_sub(before)?;
        let there = there.min(left).min(replaced);
        Ok(Denied {
            all,
            now: all.share(there, replaced)?,
        })
    }
}
