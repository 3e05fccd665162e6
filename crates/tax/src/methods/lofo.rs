//! Lowest cost first, by the cost per unit with the fees of the purchase.

use super::{Rank, Spec, Way};

pub(super) const SPEC: Spec = Spec {
    way: Way::Lots(|lot| Rank::Cheapest(lot.price.copied(), lot.at, lot.index)),
    chosen: "cheapest lot first",
};
