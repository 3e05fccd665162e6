//! The sheet that goes the other way: from each row of the ledger to what became of it.

use std::collections::{BTreeMap, BTreeSet};

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::Origin;

use super::book::{Book, Cell, Column};
use crate::figures::{disposals, file_name};
use crate::{Document, ReportError};

/// What became of a row.
struct Fate {
    disposals: usize,
    gain: Money,
    income: Money,
    removed: Money,
    transfers: usize,
    findings: usize,
}

/// Rows by their place in the files, then by their names.
type Rows<'a> = BTreeMap<(Origin, &'a str), Fate>;

/// Every row that a figure of the chosen years comes from.
///
/// A row that only brought in units, such as a purchase, has no figure of its own: it is listed as
/// a lot, by its name alone, once a disposal has used it.
pub(super) fn rows(document: &Document<'_>, book: &mut Book) -> Result<(), ReportError> {
    let columns = [
        Column("file", 28),
        Column("line", 8),
        Column("row", 20),
        Column("lines of disposals", 18),
        Column("gain or loss", 16),
        Column("income", 16),
        Column("left without a sale, at cost", 26),
        Column("transfers", 10),
        Column("findings", 10),
        Column("used as a lot by lines", 22),
    ];
    let rows = fates(document)?;
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    for lot in disposals(document).filter_map(|line| line.lot.as_deref()) {
        *used.entry(lot).or_default() += 1;
    }
    let named: BTreeSet<&str> = rows.keys().map(|(_, id)| *id).collect();
    let placed = rows.iter().map(|((origin, id), fate)| {
        let file = file_name(*origin, document.inputs).unwrap_or_default();
        [
            Cell::text(file),
            Cell::Count(origin.line),
            Cell::text(*id),
            Cell::some(fate.disposals),
            unless_zero(fate.gain),
            unless_zero(fate.income),
            unless_zero(fate.removed),
            Cell::some(fate.transfers),
            Cell::some(fate.findings),
            Cell::some(used.get(id).copied().unwrap_or_default()),
        ]
    });
    let lots = used.iter().filter(|(id, _)| !named.contains(*id));
    let lots = lots.map(|(id, count)| {
        let mut record = [(); 10].map(|()| Cell::Empty);
        record[2] = Cell::text(*id);
        record[9] = Cell::some(*count);
        record
    });
    book.sheet("Rows", &columns, placed.chain(lots))
}

fn unless_zero(money: Money) -> Cell {
    if money.is_zero() {
        Cell::Empty
    } else {
        Cell::Money(money)
    }
}

fn fates<'a>(document: &Document<'a>) -> Result<Rows<'a>, AmountError> {
    let outcome = document.outcome;
    let country = outcome.settings.country;
    let covers = |date| document.years.covers(country, date);
    let zero = Money::zero(outcome.settings.currency);
    let mut rows = Rows::new();
    for line in disposals(document) {
        let fate = fate(&mut rows, line.origin, &line.id, zero);
        fate.disposals += 1;
        fate.gain = fate.gain.checked_add(line.counted_gain()?)?;
    }
    for line in outcome.income.iter().filter(|line| covers(line.date)) {
        let fate = fate(&mut rows, line.origin, &line.id, zero);
        fate.income = fate.income.checked_add(line.value)?;
    }
    for line in outcome.removed.iter().filter(|line| covers(line.date)) {
        let fate = fate(&mut rows, line.origin, &line.id, zero);
        fate.removed = fate.removed.checked_add(line.cost)?;
    }
    for line in outcome.transfers.iter().filter(|line| covers(line.date)) {
        fate(&mut rows, line.origin, &line.sent, zero).transfers += 1;
    }
    let warnings = outcome.warnings.iter();
    for warning in warnings.filter(|warning| document.years.has(warning.year)) {
        fate(&mut rows, warning.origin, &warning.id, zero).findings += 1;
    }
    Ok(rows)
}

fn fate<'r, 'a>(rows: &'r mut Rows<'a>, at: Origin, id: &'a str, zero: Money) -> &'r mut Fate {
    rows.entry((at, id)).or_insert(Fate {
        disposals: 0,
        gain: zero,
        income: zero,
        removed: zero,
        transfers: 0,
        findings: 0,
    })
}
