//! First in, first out.

use super::{Rank, Spec, Way};

pub(super) const SPEC: Spec = Spec {
    way: Way::Lots(|lot| Rank::Oldest(lot.at, lot.index)),
    chosen: "oldest lot first",
};
