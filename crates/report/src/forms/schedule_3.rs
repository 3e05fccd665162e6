//! Schedule 3, Capital Gains (or Losses): crypto-assets.
//!
//! Columns (2) to (5) as the schedule has them: proceeds, adjusted cost base, outlays and expenses,
//! gain or loss. For 2022 and 2023 crypto-assets go with bonds, debentures and promissory notes:
//! line 15199 takes the proceeds and line 15300 the gain or loss, and line 19900 half of all gains,
//! which goes to line 12700 of the return. The schedule of 2024 parts the year in two, that of 2025
//! has a section for crypto-assets; the numbers of neither were confirmed, and they are left out.

use std::io;

use packtrain_tax::outcome::TaxYear;

use super::cents::Cents;
use super::figure_list::{self, Entered, Place, items};
use super::statement::{Columns, Entry, in_cents};
use super::{lines_of, write_records};
use crate::{Document, ReportError, cells};

const FORM: &str = "Schedule 3, crypto-assets";
/// The tax years whose lines were confirmed.
const LINES: std::ops::RangeInclusive<i32> = 2022..=2023;

fn place(key: &str, year: TaxYear) -> Option<Place> {
    let (form, number) = match key {
        "proceeds_of_disposition" => (FORM, "15199"),
        "capital_gain" => (FORM, "15300"),
        "cost_and_outlays" => (FORM, ""),
        "taxable_capital_gain" => ("T1", "12700"),
        "income" => ("T1", "13000"),
        _ => return None,
    };
    let is_known = form != FORM || LINES.contains(&year.0);
    Some(Place {
        form,
        number: if is_known { number } else { "" },
        entered: Entered::Cents,
    })
}

pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let items = items(document, year, |key| place(key, year));
    figure_list::write(document, year, &items, writer)
}

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
    let entries = Entry::whole(lines_of(document, year))?;
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
