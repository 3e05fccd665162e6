//! The parts of lots that lie in one wallet, in the order in which the method takes them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use packtrain_core::quantity::{AmountError, Quantity};

use super::lots::{Lots, Part};
use crate::methods::Rank;

/// One wallet's units and parts of lots.
pub(super) struct Shelf {
    /// Index of the wallet.
    pub(super) wallet: u32,
    /// Units that the rows brought and took.
    pub(super) balance: Quantity,
    parts: Parts,
}

/// Parts by the method's rank, at most one of each lot.
enum Parts {
    /// By the time of acquisition: a new lot goes to an end, and only what comes from another
    /// wallet into the middle.
    Line(VecDeque<(Rank, Part)>),
    /// By price: a new lot goes anywhere.
    Tree(BTreeMap<Rank, Part>),
}

impl Shelf {
    /// An empty one; with `is_by_time`, for a method that takes lots in the order of time.
    pub(super) fn new(wallet: u32, is_by_time: bool) -> Self {
        Self {
            wallet,
            balance: Quantity::ZERO,
            parts: match is_by_time {
                true => Parts::Line(VecDeque::new()),
                false => Parts::Tree(BTreeMap::new()),
            },
        }
    }

    /// The parts of lots that lie here, in the order of the method.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        let (line, tree) = match &self.parts {
            Parts::Line(line) => (Some(line), None),
            Parts::Tree(tree) => (None, Some(tree)),
        };
        let line = line.into_iter().flatten().map(|(_, part)| part);
        line.chain(tree.into_iter().flat_map(BTreeMap::values))
    }

    /// Where the method would begin.
    pub(super) fn first(&self) -> Option<&Rank> {
        match &self.parts {
            Parts::Line(line) => line.front().map(|(rank, _)| rank),
            Parts::Tree(tree) => tree.first_key_value().map(|(rank, _)| rank),
        }
    }

    /// The part of a lot.
    pub(super) fn part(&mut self, rank: &Rank) -> Option<&mut Part> {
        match &mut self.parts {
            Parts::Line(line) => {
                let place = place(line, rank).ok()?;
                line.get_mut(place).map(|(_, part)| part)
            }
            Parts::Tree(tree) => tree.get_mut(rank),
        }
    }

    /// Puts a part in its place; with another part of the same lot it becomes one again.
    pub(super) fn put(&mut self, rank: Rank, part: Part) -> Result<(), AmountError> {
        let here = match &mut self.parts {
            Parts::Line(line) => match place(line, &rank) {
                Ok(place) => &mut line[place].1,
                Err(place) => {
                    line.insert(place, (rank, part));
                    return Ok(());
                }
            },
            Parts::Tree(tree) => match tree.entry(rank) {
                Entry::Occupied(place) => place.into_mut(),
                Entry::Vacant(place) => {
                    place.insert(part);
                    return Ok(());
                }
            },
        };
        here.quantity = here.quantity.checked_add(part.quantity)?;
        here.cost = here.cost.checked_add(part.cost)?;
        Ok(())
    }

    /// Takes from the first part, at most `wanted` units.
    pub(super) fn take_first(&mut self, wanted: Quantity) -> Result<Option<Part>, AmountError> {
        match &mut self.parts {
            Parts::Line(line) => match line.front_mut() {
                Some((_, part)) if part.quantity > wanted => part.cut(wanted).map(Some),
                _ => Ok(line.pop_front().map(|(_, part)| part)),
            },
            Parts::Tree(tree) => match tree.first_entry() {
                Some(mut first) if first.get().quantity > wanted => {
                    first.get_mut().cut(wanted).map(Some)
                }
                first => Ok(first.map(|first| first.remove())),
            },
        }
    }

    /// Takes at most `wanted` units of one lot.
    pub(super) fn take_ranked(
        &mut self,
        rank: &Rank,
        wanted: Quantity,
    ) -> Result<Option<Part>, AmountError> {
        match self.part(rank) {
            None => Ok(None),
            Some(part) if part.quantity > wanted => part.cut(wanted).map(Some),
            Some(_) => Ok(match &mut self.parts {
                Parts::Line(line) => {
                    let place = place(line, rank).ok();
                    place.and_then(|place| line.remove(place).map(|(_, part)| part))
                }
                Parts::Tree(tree) => tree.remove(rank),
            }),
        }
    }

    /// How much of parts that were moved here is left, or of all where nothing of them is.
    pub(super) fn left_of(
        &mut self,
        moved: &[(u32, Quantity)],
        lots: &Lots<'_>,
    ) -> Vec<(u32, Quantity)> {
        let mut there = |lot: u32| self.part(&lots.rank(lot)).map(|part| part.quantity);
        let left = moved.iter();
        let left = left.filter_map(|(lot, moved)| Some((*lot, there(*lot)?.min(*moved))));
        let left: Vec<_> = left.collect();
        match left.is_empty() {
            true => self.parts().map(|part| (part.lot, part.quantity)).collect(),
            false => left,
        }
    }

    /// Units of all parts that lie here.
    pub(super) fn in_parts(&self) -> Result<Quantity, AmountError> {
        self.parts()
            .try_fold(Quantity::ZERO, |sum, part| sum.checked_add(part.quantity))
    }
}

/// Where a rank stands, or would stand.
fn place(line: &VecDeque<(Rank, Part)>, rank: &Rank) -> Result<usize, usize> {
    match (line.front(), line.back()) {
        (_, Some((last, _))) if last < rank => Err(line.len()),
        (Some((first, _)), _) if rank < first => Err(0),
        _ => line.binary_search_by(|(other, _)| other.cmp(rank)),
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::{Currency, Money};

    use super::*;

    /// Lots that come in any order, go in parts and come back lie alike in a line and in a tree.
    #[test]
    fn a_line_of_parts_is_the_tree_of_them() {
        let (mut line, mut tree) = (Shelf::new(0, true), Shelf::new(0, false));
        let units = |units: u32| Quantity::from_units(units.into(), 1).unwrap();
        let mut dice: u32 = 1;
        for _ in 0..5_000 {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let (lot, amount) = (dice >> 8 & 63, units(1 + (dice >> 16 & 15)));
            let rank = Rank::Oldest(i64::from(lot * 37 % 64), lot);
            let part = Part {
                lot,
                quantity: amount,
                cost: Money::parse("7", Currency::USD).unwrap(),
            };
            let both = [&mut line, &mut tree].map(|shelf| match dice >> 28 {
                0..7 => shelf.put(rank.clone(), part).map(|()| None).unwrap(),
                7..12 => shelf.take_first(amount).unwrap(),
                _ => shelf.take_ranked(&rank, amount).unwrap(),
            });
            let [a, b] = both.map(|part| part.map(|part| (part.lot, part.quantity, part.cost)));
            assert_eq!(a, b);
            assert_eq!(line.first(), tree.first());
            let all = |shelf: &Shelf| -> Vec<_> {
                let parts = shelf.parts();
                parts
                    .map(|part| (part.lot, part.quantity, part.cost))
                    .collect()
            };
            assert_eq!(all(&line), all(&tree));
        }
        assert!(line.parts().count() > 10);
    }
}
