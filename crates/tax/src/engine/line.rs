//! Parts of lots in the order of their ranks.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use packtrain_core::quantity::AmountError;

use super::lots::{Lots, Part};
use crate::methods::Rank;

/// Parts that move when one is put in or taken out further from both ends are too many.
const MOVED_MAX: usize = 512;

/// Parts in the order of their ranks, at most one of each lot.
pub(super) enum Line {
    /// Parts come and go at the ends, or are few.
    Short(VecDeque<Part>),
    /// Many parts came or went in the middle.
    Long(BTreeMap<Rank, Part>),
}

impl Line {
    pub(super) fn new() -> Self {
        // Of most prices there is one lot alone.
        Self::Short(VecDeque::with_capacity(1))
    }

    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        let (short, long) = match self {
            Self::Short(parts) => (Some(parts), None),
            Self::Long(parts) => (None, Some(parts)),
        };
        let long = long.into_iter().flat_map(BTreeMap::values);
        short.into_iter().flatten().chain(long)
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Short(parts) => parts.is_empty(),
            Self::Long(parts) => parts.is_empty(),
        }
    }

    pub(super) fn first(&self) -> Option<&Part> {
        match self {
            Self::Short(parts) => parts.front(),
            Self::Long(parts) => parts.first_key_value().map(|(_, part)| part),
        }
    }

    pub(super) fn first_mut(&mut self) -> Option<&mut Part> {
        match self {
            Self::Short(parts) => parts.front_mut(),
            Self::Long(parts) => parts.first_entry().map(|first| first.into_mut()),
        }
    }

    pub(super) fn take_first(&mut self) -> Option<Part> {
        match self {
            Self::Short(parts) => parts.pop_front(),
            Self::Long(parts) => parts.pop_first().map(|(_, part)| part),
        }
    }

    /// The part of the lot with this rank.
    pub(super) fn part(&mut self, rank: &Rank, lots: &Lots<'_>) -> Option<&mut Part> {
        match self {
            Self::Short(parts) => match place(parts, rank, lots) {
                Ok(place) => parts.get_mut(place),
                Err(_) => None,
            },
            Self::Long(parts) => parts.get_mut(rank),
        }
    }

    /// Puts a part in its place; with another part of the same lot it becomes one again.
    pub(super) fn put(
        &mut self,
        rank: Rank,
        part: Part,
        lots: &Lots<'_>,
    ) -> Result<(), AmountError> {
        let mut long = match self {
            Self::Short(parts) => match place(parts, &rank, lots) {
                Ok(place) => return parts[place].join(part),
                Err(place) if !moves_many(parts, place) => {
                    parts.insert(place, part);
                    return Ok(());
                }
                Err(_) => self.lengthened(lots),
            },
            Self::Long(_) => self.lengthened(lots),
        };
        let joined = match long.entry(rank) {
            Entry::Occupied(here) => here.into_mut().join(part),
            Entry::Vacant(place) => {
                place.insert(part);
                Ok(())
            }
        };
        *self = Self::Long(long);
        joined
    }

    /// Takes out the part of the lot with this rank.
    pub(super) fn take(&mut self, rank: &Rank, lots: &Lots<'_>) -> Option<Part> {
        let mut long = match self {
            Self::Short(parts) => match place(parts, rank, lots) {
                Ok(place) if !moves_many(parts, place) => return parts.remove(place),
                Ok(_) => self.lengthened(lots),
                Err(_) => return None,
            },
            Self::Long(_) => self.lengthened(lots),
        };
        let part = long.remove(rank);
        *self = Self::Long(long);
        part
    }

    /// The parts as those of a long line; none of them stays here.
    fn lengthened(&mut self, lots: &Lots<'_>) -> BTreeMap<Rank, Part> {
        match self {
            Self::Short(parts) => {
                let parts = parts.drain(..).map(|part| (lots.rank(part.lot), part));
                parts.collect()
            }
            Self::Long(parts) => std::mem::take(parts),
        }
    }
}

/// Where a lot stands among parts, or would stand.
fn place(parts: &VecDeque<Part>, rank: &Rank, lots: &Lots<'_>) -> Result<usize, usize> {
    let of = |part: &Part| lots.rank(part.lot);
    match (parts.front(), parts.back()) {
        (_, Some(last)) if of(last) < *rank => Err(parts.len()),
        (Some(first), _) if *rank < of(first) => Err(0),
        _ => parts.binary_search_by(|part| of(part).cmp(rank)),
    }
}

/// Whether many parts make room for one in a place: those from there to the nearer end do.
fn moves_many(parts: &VecDeque<Part>, place: usize) -> bool {
    place.min(parts.len() - place) > MOVED_MAX
}
