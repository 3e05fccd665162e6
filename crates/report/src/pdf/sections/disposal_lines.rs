//! What a list of disposals consists of: months, disposals, and the lots that they used up.

use std::ops::Range;

use chrono::Datelike;
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};
use packtrain_tax::outcome::Disposal;

use super::Selected;
use super::selected::disposed;

/// A line of the list.
pub(super) enum Line {
    /// The heading of a month.
    Month {
        month: (i32, u32),
        disposals: usize,
        lots: usize,
        gain: Money,
    },
    /// A disposal that used up one lot.
    Single(usize),
    /// A disposal that used up several lots: its sums.
    Whole {
        parts: Range<usize>,
        sums: Box<Sums>,
    },
    /// One lot of several.
    Lot {
        index: usize,
        place: usize,
        of: usize,
    },
}

/// Sums over the lots of one disposal.
pub(super) struct Sums {
    pub(super) quantity: Quantity,
    pub(super) proceeds: Money,
    pub(super) fees: Money,
    pub(super) cost: Money,
    pub(super) gain: Money,
}

/// The lines of a list of disposals, month by month.
pub(super) fn lines(selected: &Selected<'_>) -> Result<Vec<Line>, AmountError> {
    let disposals = &selected.disposals;
    let mut lines = Vec::with_capacity(disposals.len() + 16);
    let mut from = 0;
    while from < disposals.len() {
        let month = |line: &Disposal| (line.date.year(), line.date.month());
        let this = month(disposals[from]);
        let to = (from..disposals.len())
            .find(|at| month(disposals[*at]) != this)
            .unwrap_or(disposals.len());
        let none = Money::zero(selected.currency());
        let gain = (disposals[from..to].iter())
            .try_fold(none, |sum, line| sum.checked_add(line.counted_gain()?))?;
        lines.push(Line::Month {
            month: this,
            disposals: disposed(&disposals[from..to]),
            lots: to - from,
            gain,
        });
        while from < to {
            let end = (from..to)
                .find(|at| !is_same(disposals[*at], disposals[from]))
                .unwrap_or(to);
            push_disposal(&mut lines, disposals, from..end)?;
            from = end;
        }
    }
    Ok(lines)
}

/// A month by its name.
pub(super) fn title((year, month): (i32, u32)) -> String {
    format!("{} {year}", FULL_MONTHS[month as usize - 1])
}

const FULL_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Whether two lines are lots of one disposal.
pub(super) fn is_same(a: &Disposal, b: &Disposal) -> bool {
    a.id == b.id && a.asset == b.asset && a.is_fee == b.is_fee && a.origin == b.origin
}

fn push_disposal(
    lines: &mut Vec<Line>,
    disposals: &[&Disposal],
    parts: Range<usize>,
) -> Result<(), AmountError> {
    let of = parts.len();
    if of == 1 {
        lines.push(Line::Single(parts.start));
        return Ok(());
    }
    let none = Money::zero(disposals[parts.start].gain.currency());
    let mut sums = Sums {
        quantity: Quantity::ZERO,
        proceeds: none,
        fees: none,
        cost: none,
        gain: none,
    };
    for line in &disposals[parts.clone()] {
        sums.quantity = sums.quantity.checked_add(line.quantity)?;
        sums.proceeds = sums.proceeds.checked_add(line.proceeds)?;
        sums.fees = sums.fees.checked_add(line.fees)?;
        sums.cost = sums.cost.checked_add(line.cost)?;
        sums.gain = sums.gain.checked_add(line.gain)?;
    }
    let sums = Box::new(sums);
    lines.push(Line::Whole {
        parts: parts.clone(),
        sums,
    });
    for (place, index) in parts.enumerate() {
        lines.push(Line::Lot {
            index,
            place: place + 1,
            of,
        });
    }
    Ok(())
}
