//! The parts of lots that lie in one wallet, in the order in which the method takes them.

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
    /// At most one part of each lot, in lines by [`Rank::rough`], each in the order of ranks. By
    /// time a new lot goes to an end of the first or last line, and no line is long where lots are
    /// put into the middle; by price a line holds the lots of one price.
    lines: BTreeMap<u64, Line>,
}

type Line = VecDeque<Part>;

impl Shelf {
    pub(super) const fn new(wallet: u32) -> Self {
        Self {
            wallet,
            balance: Quantity::ZERO,
            lines: BTreeMap::new(),
        }
    }

    /// The parts of lots that lie here, in the order of the method.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        self.lines.values().flatten()
    }

    /// The lot with which the method would begin.
    pub(super) fn first(&self) -> Option<u32> {
        let (_, line) = self.lines.first_key_value()?;
        line.front().map(|part| part.lot)
    }

    /// The part of a lot.
    pub(super) fn part(&mut self, lot: u32, lots: &Lots<'_>) -> Option<&mut Part> {
        let rank = lots.rank(lot);
        let line = self.lines.get_mut(&rank.rough())?;
        let place = place(line, &rank, lots).ok()?;
        line.get_mut(place)
    }

    /// Puts a part in its place; with another part of the same lot it becomes one again.
    pub(super) fn put(&mut self, part: Part, lots: &Lots<'_>) -> Result<(), AmountError> {
        let rank = lots.rank(part.lot);
        let line = self.lines.entry(rank.rough());
        // Of most prices there is one lot alone.
        let line = line.or_insert_with(|| Line::with_capacity(1));
        match place(line, &rank, lots) {
            Ok(place) => {
                let here = &mut line[place];
                here.quantity = here.quantity.checked_add(part.quantity)?;
                here.cost = here.cost.checked_add(part.cost)?;
            }
            Err(place) => line.insert(place, part),
        }
        Ok(())
    }

    /// Takes from the first part, at most `wanted` units.
    pub(super) fn take_first(&mut self, wanted: Quantity) -> Result<Option<Part>, AmountError> {
        let Some(mut first) = self.lines.first_entry() else {
            return Ok(None);
        };
        let line = first.get_mut();
        let taken = match line.front_mut() {
            Some(part) if part.quantity > wanted => return part.cut(wanted).map(Some),
            _ => line.pop_front(),
        };
        if line.is_empty() {
            first.remove();
        }
        Ok(taken)
    }

    /// Takes at most `wanted` units of one lot.
    pub(super) fn take_lot(
        &mut self,
        lot: u32,
        wanted: Quantity,
        lots: &Lots<'_>,
    ) -> Result<Option<Part>, AmountError> {
        let rank = lots.rank(lot);
        let Some(line) = self.lines.get_mut(&rank.rough()) else {
            return Ok(None);
        };
        let Ok(place) = place(line, &rank, lots) else {
            return Ok(None);
        };
        if line[place].quantity > wanted {
            return line[place].cut(wanted).map(Some);
        }
        let taken = line.remove(place);
        if line.is_empty() {
            self.lines.remove(&rank.rough());
        }
        Ok(taken)
    }

    /// How much of parts that were moved here is left, or of all where nothing of them is.
    pub(super) fn left_of(
        &mut self,
        moved: &[(u32, Quantity)],
        lots: &Lots<'_>,
    ) -> Vec<(u32, Quantity)> {
        let mut there = |lot: u32| self.part(lot, lots).map(|part| part.quantity);
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

/// Where a lot stands in a line, or would stand.
fn place(line: &Line, rank: &Rank, lots: &Lots<'_>) -> Result<usize, usize> {
    let of = |part: &Part| lots.rank(part.lot);
    match (line.front(), line.back()) {
        (_, Some(last)) if of(last) < *rank => Err(line.len()),
        (Some(first), _) if *rank < of(first) => Err(0),
        _ => line.binary_search_by(|part| of(part).cmp(rank)),
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};
    use packtrain_core::money::{Currency, Money};

    use super::super::lots::{Basis, NewLot};
    use super::*;
    use crate::request::Method;

    /// Lots of few prices and moments come in any order, go in parts and come back.
    #[test]
    fn parts_stand_in_the_order_of_ranks_and_none_of_their_units_is_lost() {
        let units = |units: u32| Quantity::from_units(units.into(), 1).unwrap();
        for method in [Method::Fifo, Method::Lifo, Method::Hifo, Method::Lofo] {
            let (mut lots, mut shelf) = (Lots::new(method, false), Shelf::new(0));
            for lot in 0..64_u32 {
                let new = NewLot {
                    id: "",
                    acquired_at: DateTime::from_timestamp((lot * 37 % 16 * 400_000).into(), 0)
                        .unwrap(),
                    acquired: NaiveDate::MIN,
                    long_from: None,
                    basis: Basis::Known,
                    quantity: units(3 + lot % 2 * 3),
                    cost: Money::parse(&format!("{}", lot % 5), Currency::USD).unwrap(),
                    gift: None,
                };
                lots.add(new).unwrap();
            }
            let (mut dice, mut there) = (1_u32, BTreeMap::new());
            for _ in 0..5_000 {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let (lot, quantity) = (dice >> 8 & 63, units(1 + (dice >> 16 & 15)));
                let cost = Money::zero(Currency::USD);
                let part = Part {
                    lot,
                    quantity,
                    cost,
                };
                let taken = match dice >> 28 {
                    0..7 => {
                        shelf.put(part, &lots).unwrap();
                        let sum = there.entry(lots.rank(lot)).or_insert(Quantity::ZERO);
                        *sum = sum.checked_add(quantity).unwrap();
                        None
                    }
                    7..12 => shelf.take_first(quantity).unwrap(),
                    _ => shelf.take_lot(lot, quantity, &lots).unwrap(),
                };
                if let Some(part) = taken {
                    let sum = there.get_mut(&lots.rank(part.lot)).unwrap();
                    *sum = sum.checked_sub(part.quantity).unwrap();
                    there.retain(|_, sum| sum.is_positive());
                }
                let parts = shelf.parts();
                let parts: Vec<_> = parts
                    .map(|part| (lots.rank(part.lot), part.quantity))
                    .collect();
                let all: Vec<_> = there
                    .iter()
                    .map(|(rank, sum)| (rank.clone(), *sum))
                    .collect();
                assert_eq!(parts, all, "{method}");
                let first = all.first().map(|(rank, _)| rank.clone());
                assert_eq!(shelf.first().map(|lot| lots.rank(lot)), first);
            }
            assert!(there.len() > 10);
        }
    }
}
