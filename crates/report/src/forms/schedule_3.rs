//! Schedule 3, Capital Gains (or Losses): the list of dispositions of crypto-assets.
//!
//! Columns (2) to (5) as the schedule has them: proceeds, adjusted cost base, outlays and expenses,
//! gain or loss.

use std::io;

use packtrain_tax::jurisdiction::is_on_schedule_3;
use packtrain_tax::outcome::TaxYear;

use super::cents::Cents;
use super::statement::{Columns, Entry, in_cents};
use super::{lines_of, write_records};
use crate::{Document, ReportError, cells};

const DISPOSITIONS: [&str; 12] = [
    "tax_year",
    "units",
    "crypto_asset",
    "date",
    "(2) proceeds",
    "(3) adjusted cost base",
    "(4) outlays and expenses",
    "superficial_loss_denied",
    "(5) gain or loss",
    "row",
    "file",
    "line",
];

/// The list of dispositions; a loss counts without the part that is denied as superficial.
pub(super) fn write_dispositions(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let lines = lines_of(document, year).filter(|line| is_on_schedule_3(line));
    let entries = Entry::whole(lines)?;
    let cents = in_cents(&entries)?;
    let lines = entries.iter().zip(&cents);
    let records = lines.map(|(entry, cents)| record(document, year, entry, cents));
    write_records(&DISPOSITIONS, records, writer)
}

fn record(
    document: &Document<'_>,
    year: TaxYear,
    entry: &Entry<'_>,
    cents: &Columns<Cents>,
) -> [String; 12] {
    let [row, _, file, line] = entry.trail(document.inputs);
    [
        year.to_string(),
        entry.quantity.to_string(),
        cells::inert(&entry.first.asset).into_owned(),
        entry.first.date.to_string(),
        cents.proceeds.to_string(),
        cents.cost.to_string(),
        cents.fees.to_string(),
        cents.denied.to_string(),
        cents.gain.to_string(),
        row,
        file,
        line,
    ]
}
