//! Form 2086, gains from digital assets: each disposal with its lines.
//!
//! The numbers of the lines of the person who declares first (211 to 223) were read in a copy of
//! the form for 2021 and in descriptions of its later years that agree; before 2021 they were not
//! confirmed. An exchange with a payment in money besides is not computed: lines 216 and 222 are
//! zero. In what way the form rounds was not found, so amounts stand in cents.

use std::io;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;
use packtrain_tax::jurisdiction::FORM_2086_LINES_FROM;
use packtrain_tax::outcome::{Choice, Disposal, TaxYear};

use super::cents::Cents;
use super::statement::{Columns, Entry, in_cents};
use super::{lines_of, write_records};
use crate::{Document, ReportError, cells};

/// What each column holds, and its line of the form where it has one.
const COLUMNS: [(&str, &str); 19] = [
    ("tax_year", ""),
    ("what", ""),
    ("date", "211"),
    ("portfolio value", "212"),
    ("price", "213"),
    ("costs", "214"),
    ("price net of costs", "215"),
    ("soulte", "216"),
    ("price net of soulte", "217"),
    ("price net of both", "218"),
    ("total cost", "220"),
    ("parts used before", "221"),
    ("soultes received before", "222"),
    ("total cost net", "223"),
    ("part used", ""),
    ("gain or loss", ""),
    ("row", ""),
    ("file", ""),
    ("line", ""),
];

/// Each disposal of the year.
pub(super) fn write_disposals(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let entries: Result<Vec<_>, AmountError> = lines_of(document, year).map(Entry::of).collect();
    let entries = entries?;
    let cents = in_cents(&entries)?;
    let lines = entries.iter().zip(&cents);
    let records: Result<Vec<_>, AmountError> = lines
        .map(|(entry, cents)| record(document, year, entry, cents))
        .collect();
    let header = COLUMNS.map(|(name, number)| match number {
        "" => name.to_owned(),
        _ if year < FORM_2086_LINES_FROM => name.to_owned(),
        _ => format!("{name} ({number})"),
    });
    let header = header.each_ref().map(String::as_str);
    write_records(&header, records?, writer)
}

fn record(
    document: &Document<'_>,
    year: TaxYear,
    entry: &Entry<'_>,
    cents: &Columns<Cents>,
) -> Result<[String; 19], AmountError> {
    let line = entry.first;
    let all = Totals::of(line)?;
    let net = (cents.proceeds - cents.fees).to_string();
    let none = || Money::zero(line.proceeds.currency()).to_cents();
    let [row, _, file, place] = entry.trail(document.inputs);
    Ok([
        year.to_string(),
        cells::inert(&entry.description()).into_owned(),
        line.date.to_string(),
        all.value.to_cents(),
        cents.proceeds.to_string(),
        cents.fees.to_string(),
        net.clone(),
        none(),
        cents.proceeds.to_string(),
        net,
        all.paid.to_cents(),
        all.used.to_cents(),
        none(),
        all.left.to_cents(),
        cents.cost.to_string(),
        cents.gain.to_string(),
        row,
        file,
        place,
    ])
}

/// The portfolio as it stood before a disposal.
struct Totals {
    value: Money,
    paid: Money,
    used: Money,
    left: Money,
}

impl Totals {
    fn of(line: &Disposal) -> Result<Self, AmountError> {
        let none = Money::zero(line.proceeds.currency());
        let (value, paid, used) = match &line.why.choice {
            Choice::Portfolio(state) => (state.value, state.paid, state.used),
            _ => (none, none, none),
        };
        let left = paid.checked_sub(used)?;
        Ok(Self {
            value,
            paid,
            used,
            left,
        })
    }
}
