//! Highest cost first, by the cost per unit with the fees of the purchase.

use std::cmp::Reverse;

use super::{Rank, Spec, Way};

pub(super) const SPEC: Spec = Spec {
    way: Way::Lots(|lot| Rank::Dearest(lot.price.cloned().map(Reverse), lot.at, lot.index)),
    chosen: "dearest lot first",
};
