//! Highest cost first, by the cost per unit with the fees of the purchase.

use std::cmp::Reverse;

use super::{Rank, Spec, Way};

pub(super) const SPEC: Spec = Spec {
    way: Way::Lots(|lot| Rank::Dearest(Reverse(lot.price.copied()), lot.at, lot.index)),
    chosen: "dearest lot first",
};
