//! Lots and the order in which a method uses them.

use std::collections::HashMap;

use chrono::NaiveDate;
use packtrain_core::ledger::RowId;
use packtrain_core::money::{Money, UnitPrice};
use packtrain_core::quantity::{AmountError, Quantity};
use packtrain_core::time::Timestamp;

use crate::methods::{self, Rank, Ranked, Way};
use crate::outcome::RemovedLot;
use crate::request::Method;

/// What one row brought in; what is left of it stands in the books as parts.
pub(super) struct Lot<'a> {
    /// The row that acquired it.
    pub(super) id: &'a RowId,
    pub(super) acquired_at: Timestamp,
    pub(super) acquired: NaiveDate,
    /// First day on which selling it is long-term, where the law knows terms.
    pub(super) long_from: Option<NaiveDate>,
    pub(super) basis: Basis,
    pub(super) gift: Option<Box<Gift>>,
}

/// What is known about the cost of a lot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Basis {
    /// The cost is known.
    Known,
    /// The acquisition is on record, its cost is not: zero was taken.
    Unknown,
    /// The units appeared without an acquisition: no date, zero cost.
    NoRecord,
    /// As `NoRecord`, and the person says that they cost nothing.
    Nothing,
}

impl Basis {
    /// Whether an acquisition is on record.
    pub(super) const fn is_on_record(self) -> bool {
        matches!(self, Self::Known | Self::Unknown)
    }

    /// Whether the cost is to be checked.
    pub(super) const fn is_doubtful(self) -> bool {
        matches!(self, Self::Unknown | Self::NoRecord)
    }
}

/// The second basis of a lot that was a gift.
pub(super) struct Gift {
    /// Market value of the whole lot at the gift, lower than its cost.
    pub(super) value: Money,
    /// Units of the whole lot.
    pub(super) quantity: Quantity,
    /// Local date of the gift.
    pub(super) date: NaiveDate,
    /// First day on which a loss is long-term, where the law knows terms.
    pub(super) long_from: Option<NaiveDate>,
}

/// What is to become a lot.
pub(super) struct NewLot<'a> {
    pub(super) id: &'a RowId,
    /// The file of that row.
    pub(super) file: u32,
    /// Whether that row was joined of several.
    pub(super) is_joined: bool,
    pub(super) acquired_at: Timestamp,
    pub(super) acquired: NaiveDate,
    pub(super) long_from: Option<NaiveDate>,
    pub(super) basis: Basis,
    pub(super) quantity: Quantity,
    pub(super) cost: Money,
    pub(super) gift: Option<Box<Gift>>,
}

/// A part of a lot, in one wallet.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    /// Index of the lot.
    pub(super) lot: u32,
    pub(super) quantity: Quantity,
    pub(super) cost: Money,
}

impl Part {
    /// Becomes one with another part of the same lot.
    pub(super) fn join(&mut self, other: Self) -> Result<(), AmountError> {
        self.quantity = self.quantity.checked_add(other.quantity)?;
        self.cost = self.cost.checked_add(other.cost)?;
        Ok(())
    }

    /// Cuts `quantity` off, with its share of the cost; the rest stays exact.
    pub(super) fn cut(&mut self, quantity: Quantity) -> Result<Self, AmountError> {
        let cost = self.cost.share(quantity, self.quantity)?;
        self.quantity = self.quantity.checked_sub(quantity)?;
        self.cost = self.cost.checked_sub(cost)?;
        Ok(Self {
            quantity,
            cost,
            ..*self
        })
    }
}

/// Lots by ids of rows, each with the file of its row.
type ByRow<'a> = HashMap<&'a str, Vec<(u32, u32)>>;

/// All lots of a computation, in the order in which rows made them.
pub(super) struct Lots<'a> {
    /// Where the method puts a lot; none where it has no lots.
    rank: Option<fn(&Ranked<'_>) -> Rank>,
    has_prices: bool,
    lots: Vec<Lot<'a>>,
    /// Original cost of one unit of each lot, where the method ranks by it.
    prices: Vec<UnitPrice>,
    /// The lots of each row, each with the row's file, where rows name lots.
    by_row: Option<ByRow<'a>>,
    /// The same of the rows of which joined rows were made.
    by_part: ByRow<'a>,
}

impl<'a> Lots<'a> {
    /// No lots yet; with `has_names`, they can be found by their rows.
    pub(super) fn new(method: Method, has_names: bool) -> Self {
        Self {
            rank: match methods::of(method).way {
                Way::Lots(rank) => Some(rank),
                Way::Pool(_) | Way::Portfolio => None,
            },
            has_prices: matches!(method, Method::Hifo | Method::Lofo),
            lots: Vec::new(),
            prices: Vec::new(),
            by_row: has_names.then(HashMap::new),
            by_part: HashMap::new(),
        }
    }

    /// Records a lot and gives its one part, which holds all of it.
    pub(super) fn add(&mut self, new: NewLot<'a>) -> Result<Part, AmountError> {
        if self.has_prices {
            self.prices.push(new.cost.per_unit(new.quantity)?);
        }
        let lot = u32::try_from(self.lots.len()).map_err(|_| AmountError::Overflow)?;
        if let Some(rows) = &mut self.by_row {
            rows.entry(new.id).or_default().push((new.file, lot));
            for part in new.id.split('+').filter(|_| new.is_joined) {
                let lots = self.by_part.entry(part).or_default();
                lots.push((new.file, lot));
            }
        }
        self.lots.push(Lot {
            id: new.id,
            acquired_at: new.acquired_at,
            acquired: new.acquired,
            long_from: new.long_from,
            basis: new.basis,
            gift: new.gift,
        });
        Ok(Part {
            lot,
            quantity: new.quantity,
            cost: new.cost,
        })
    }

    /// The lot that was recorded last.
    pub(super) fn last(&self) -> Option<u32> {
        u32::try_from(self.lots.len()).ok()?.checked_sub(1)
    }

    pub(super) fn get(&self, lot: u32) -> &Lot<'a> {
        &self.lots[usize::try_from(lot).unwrap_or(usize::MAX)]
    }

    /// Parts of lots that leave without a sale, as the outcome lists them.
    pub(super) fn removed(&self, parts: &[Part]) -> Box<[RemovedLot]> {
        let removed = parts.iter().map(|part| {
            let lot = self.get(part.lot);
            RemovedLot {
                lot: (lot.basis.is_on_record()).then(|| RowId::clone(lot.id)),
                quantity: part.quantity,
                cost: part.cost,
            }
        });
        removed.collect()
    }

    /// Where the method puts a lot.
    pub(super) fn rank(&self, index: u32) -> Rank {
        let lot = Ranked {
            at: self.get(index).acquired_at.timestamp_micros(),
            index,
            price: self
                .prices
                .get(usize::try_from(index).unwrap_or(usize::MAX)),
        };
        match self.rank {
            Some(rank) => rank(&lot),
            None => Rank::Oldest(lot.at, index),
        }
    }

    /// The order of acquisition, whatever the method.
    pub(super) fn age(&self, index: u32) -> (Timestamp, u32) {
        (self.get(index).acquired_at, index)
    }

    /// The lots that rows with this id made, of one file where one is known; else those of rows
    /// that were joined of such rows. None where nobody said that there are names.
    pub(super) fn of_row(&self, id: &str, file: Option<u32>) -> Vec<u32> {
        let rows = self.by_row.as_ref().and_then(|rows| rows.get(id));
        let lots = rows.or_else(|| self.by_part.get(id)).into_iter().flatten();
        let of_file = lots.filter(|(of, _)| file.is_none_or(|file| file == *of));
        of_file.map(|(_, lot)| *lot).collect()
    }
}
