//! Last in, first out.

use std::cmp::Reverse;

use super::{Rank, Spec, Way};

pub(super) const SPEC: Spec = Spec {
    way: Way::Lots(|lot| Rank::Newest(Reverse(lot.at), Reverse(lot.index))),
    chosen: "newest lot first",
};
