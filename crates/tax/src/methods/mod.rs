//! Methods: which units a disposal uses up. One file for each, one enum for all.
//!
//! A method of lots ranks the lots that are open and takes the first; a method of pools keeps one
//! cost for all units of an asset, after the matches that the law puts before the pool; the method
//! of the portfolio keeps one for all assets. Lots that a row names ([`named`]) come before every
//! method of lots.

mod acb;
mod fifo;
mod hifo;
pub(crate) mod journal;
mod lifo;
mod lofo;
mod named;
pub(crate) mod portfolio;
mod s104;
mod total_average;

use std::cmp::Reverse;

use packtrain_core::money::UnitPrice;
use packtrain_core::quantity::AmountError;

use crate::request::Method;
use journal::{Journal, PoolRules, Settled};

/// What a method is made of.
pub(crate) struct Spec {
    /// How it chooses.
    pub(crate) way: Way,
    /// How it chose, for the sentence beside a line, such as `oldest lot first`.
    pub(crate) chosen: &'static str,
}

/// How a method chooses.
pub(crate) enum Way {
    /// Lots, in the order of their ranks.
    Lots(fn(&Ranked<'_>) -> Rank),
    /// One pool for all units of an asset, once everything that happened to it is known.
    Pool(fn(&Journal, PoolRules) -> Result<Settled, AmountError>),
    /// One total cost of all assets, of which each disposal uses a part.
    Portfolio,
}

/// A lot as a method sees it.
pub(crate) struct Ranked<'l> {
    /// When it was acquired, in microseconds.
    pub(crate) at: i64,
    /// Its place among all lots.
    pub(crate) index: u32,
    /// Its cost per unit, purchase fees included.
    pub(crate) price: Option<&'l UnitPrice>,
}

/// A lot's place in the order of a method; the smallest goes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Oldest first; of one moment, the one recorded first.
    Oldest(i64, u32),
    /// Newest first; of one moment, the one recorded last.
    Newest(Reverse<i64>, Reverse<u32>),
    /// Highest unit cost first; of one cost, the oldest.
    Dearest(Reverse<Option<UnitPrice>>, i64, u32),
    /// Lowest unit cost first; of one cost, the oldest.
    Cheapest(Option<UnitPrice>, i64, u32),
}

impl Rank {
    /// A number that never falls from one rank to the next, and is cheap to compare. By time it
    /// changes every two weeks: few lots share one, and few numbers are in use.
    pub(crate) fn rough(&self) -> u64 {
        let rough = |price: &Option<UnitPrice>| price.as_ref().map_or(0, UnitPrice::rough);
        let weeks = |at: &i64| at.abs_diff(i64::MIN) >> 40;
        match self {
            Self::Oldest(at, _) => weeks(at),
            Self::Newest(Reverse(at), _) => u64::MAX - weeks(at),
            Self::Dearest(Reverse(price), ..) => u64::MAX - rough(price),
            Self::Cheapest(price, ..) => rough(price),
        }
    }
}

pub(crate) use named::CHOSEN as NAMED;

/// What a method is made of.
pub(crate) const fn of(method: Method) -> &'static Spec {
    match method {
        Method::Fifo => &fifo::SPEC,
        Method::Lifo => &lifo::SPEC,
        Method::Hifo => &hifo::SPEC,
        Method::Lofo => &lofo::SPEC,
        Method::Acb => &acb::SPEC,
        Method::S104 => &s104::SPEC,
        Method::TotalAverage => &total_average::SPEC,
        Method::Portfolio => &portfolio::SPEC,
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::{Currency, Money};
    use packtrain_core::quantity::Quantity;
    use proptest::prelude::*;

    use super::*;

    /// Two numbers, often neighbours.
    fn two(all: impl Strategy<Value = i64> + Clone) -> impl Strategy<Value = (i64, i64)> {
        let near = (all.clone(), -2_i64..3).prop_map(|(one, more)| (one, one.saturating_add(more)));
        prop_oneof![(all.clone(), all), near]
    }

    proptest! {
        #[test]
        fn a_rank_that_goes_first_has_no_greater_rough_number(
            (at, later) in two(any::<i64>()), (cost, more) in two(-10_i64.pow(18)..10_i64.pow(18)),
            units in 1_i128..1000,
        ) {
            let price = |cost: i64| {
                let cost = Quantity::from_units(cost.into(), 18).unwrap();
                let units = Quantity::from_units(units, 0).unwrap();
                Money::from_quantity(cost, Currency::USD).unwrap().per_unit(units).unwrap()
            };
            let (price, other) = (price(cost), price(more));
            for method in [Method::Fifo, Method::Lifo, Method::Hifo, Method::Lofo] {
                let Way::Lots(rank) = of(method).way else {
                    panic!("a method of lots");
                };
                let one = rank(&Ranked { at, index: 0, price: Some(&price) });
                let two = rank(&Ranked { at: later, index: 1, price: Some(&other) });
                let rough = one.rough().cmp(&two.rough());
                prop_assert!(rough.is_eq() || rough == one.cmp(&two), "{:?} {:?}", one, two);
            }
        }
    }
}
