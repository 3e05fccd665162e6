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
use std::rc::Rc;

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
    pub(crate) price: Option<&'l Rc<UnitPrice>>,
}

/// A lot's place in the order of a method; the smallest goes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Oldest first; of one moment, the one recorded first.
    Oldest(i64, u32),
    /// Newest first; of one moment, the one recorded last.
    Newest(Reverse<i64>, Reverse<u32>),
    /// Highest unit cost first; of one cost, the oldest.
    Dearest(Option<Reverse<Rc<UnitPrice>>>, i64, u32),
    /// Lowest unit cost first; of one cost, the oldest.
    Cheapest(Option<Rc<UnitPrice>>, i64, u32),
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
