//! The parts of lots that lie in one wallet, in the order in which the method takes them.

use std::collections::BTreeMap;

use packtrain_core::quantity::{AmountError, Quantity};

use super::line::Line;
use super::lots::{Lots, Part};

/// One wallet's units and parts of lots.
pub(super) struct Shelf {
    /// Index of the wallet.
    pub(super) wallet: u32,
    /// Units that the rows brought and took.
    pub(super) balance: Quantity,
    /// At most one part of each lot, in lines by the rough number of their ranks. By time a new lot
    /// goes to an end of the first or last line; by price a line holds the lots of one price.
    lines: BTreeMap<u64, Line>,
}

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
        self.lines.values().flat_map(Line::parts)
    }

    /// The lot with which the method would begin.
    pub(super) fn first(&self) -> Option<u32> {
        let (_, line) = self.lines.first_key_value()?;
        line.first().map(|part| part.lot)
    }

    /// The part of a lot.
    pub(super) fn part(&mut self, lot: u32, lots: &Lots<'_>) -> Option<&mut Part> {
        let rank = lots.rank(lot);
        self.lines.get_mut(&rank.rough())?.part(&rank, lots)
    }

    /// Puts a part in its place; with another part of the same lot it becomes one again.
    pub(super) fn put(&mut self, part: Part, lots: &Lots<'_>) -> Result<(), AmountError> {
        let rank = lots.rank(part.lot);
        let line = self.lines.entry(rank.rough());
        line.or_insert_with(Line::new).put(rank, part, lots)
    }

    /// Takes from the first part, at most `wanted` units.
    pub(super) fn take_first(&mut self, wanted: Quantity) -> Result<Option<Part>, AmountError> {
        let Some(mut first) = self.lines.first_entry() else {
            return Ok(None);
        };
        let line = first.get_mut();
        let taken = match line.first_mut() {
            Some(part) if part.quantity > wanted => return part.cut(wanted).map(Some),
            _ => line.take_first(),
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
        let taken = match line.part(&rank, lots) {
            Some(part) if part.quantity > wanted => return part.cut(wanted).map(Some),
            Some(_) => line.take(&rank, lots),
            None => None,
        };
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

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use chrono::{DateTime, NaiveDate};
    use packtrain_core::ledger::RowId;
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
                let seconds = lot * 37 % 16 * 400_000;
                let cost = Money::parse(&format!("{}", lot % 5), Currency::USD).unwrap();
                let new = lot_of(seconds.into(), units(3 + lot % 2 * 3), cost);
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

    #[test]
    fn a_line_in_whose_middle_many_lots_come_and_go_stays_in_order() {
        const LOTS: u32 = 3_000;
        let one = Quantity::from_units(1, 0).unwrap();
        for method in [Method::Fifo, Method::Lifo, Method::Hifo, Method::Lofo] {
            let (mut lots, mut shelf) = (Lots::new(method, false), Shelf::new(0));
            let cost = Money::zero(Currency::USD);
            for lot in 0..LOTS {
                lots.add(lot_of(lot.into(), one, cost)).unwrap();
            }
            let part = |lot| Part {
                lot,
                quantity: one,
                cost,
            };
            // From both ends to the middle, and out of the middle again.
            for lot in (0..LOTS / 2).flat_map(|lot| [lot, LOTS - 1 - lot]) {
                shelf.put(part(lot), &lots).unwrap();
            }
            for lot in LOTS / 3..LOTS / 2 {
                let taken = shelf.take_lot(lot, one, &lots).unwrap();
                assert_eq!(taken.map(|part| part.lot), Some(lot));
                assert!(shelf.take_lot(lot, one, &lots).unwrap().is_none());
            }
            let there: Vec<_> = shelf.parts().map(|part| part.lot).collect();
            let mut all: Vec<_> = (0..LOTS / 3).chain(LOTS / 2..LOTS).collect();
            if method == Method::Lifo {
                all.reverse();
            }
            assert_eq!(there, all, "{method}");
            let lines = shelf.lines.values();
            let is_long = |line: &Line| matches!(line, Line::Long(_));
            assert!(lines.into_iter().any(is_long), "{method}");
            for lot in all {
                assert_eq!(
                    shelf.take_first(one).unwrap().map(|part| part.lot),
                    Some(lot)
                );
            }
            assert!(shelf.lines.is_empty());
        }
    }

    /// A lot of so many units, acquired so many seconds after another.
    fn lot_of(seconds: i64, quantity: Quantity, cost: Money) -> NewLot<'static> {
        static ID: LazyLock<RowId> = LazyLock::new(RowId::default);
        NewLot {
            id: &ID,
            file: 0,
            is_joined: false,
            acquired_at: DateTime::from_timestamp(seconds, 0).unwrap(),
            acquired: NaiveDate::MIN,
            long_from: None,
            basis: Basis::Known,
            quantity,
            cost,
            gift: None,
        }
    }
}
