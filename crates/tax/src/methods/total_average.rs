//! Total average: all units of an asset that were there on 1 January or came in during the
//! calendar year cost the same.
//!
//! The cost per unit is known when the year is over, and holds for what left before a purchase as
//! well. What is left goes on into the next year at that cost.

use chrono::Datelike;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::acb::slices;
use super::journal::{Change, Cost, Journal, PoolRules, Settled, Taken};
use super::{Spec, Way};

pub(super) const SPEC: Spec = Spec {
    way: Way::Pool(settle),
    chosen: "average cost of all units of the year",
};

/// Takes all that leaves in a year at the average cost of the year.
fn settle(journal: &Journal, _rules: PoolRules) -> Result<Settled, AmountError> {
    let mut pool = Cost::nothing(journal.currency);
    let mut taken = Vec::new();
    let mut first = 0;
    while let Some(entry) = journal.entries.get(first) {
        let year = entry.date.year();
        let rest = &journal.entries[first..];
        let of_year = &rest[..rest.partition_point(|entry| entry.date.year() <= year)];
        for entry in of_year {
            if let Change::In { cost, .. } = entry.change {
                pool.add(entry.quantity, cost)?;
            }
        }
        for (index, entry) in (first..).zip(of_year) {
            if let Change::Out { leaving, .. } = entry.change {
                taken.push(Taken {
                    leaving,
                    outs: vec![index],
                    slices: slices(&mut pool, entry.quantity)?,
                    denied: Money::zero(journal.currency),
                });
            }
        }
        first += of_year.len();
    }
    Ok(Settled { taken, left: pool })
}
