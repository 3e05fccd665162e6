//! Anlage SO: the statement of private sales of crypto assets within one year.
//!
//! The forms of 2023 and 2024 have lines of their own for a sale, 41 to 47 (42 what, 43 when
//! acquired and sold, 44 price, 45 cost, 46 expenses, 47 gain or loss); read in four guides to
//! these forms that agree. The statement lists sales within one year alone, which are those that
//! the form asks for.

use std::io;

use packtrain_core::quantity::AmountError;
use packtrain_tax::jurisdiction::ANLAGE_SO_LINES;
use packtrain_tax::outcome::{Disposal, TaxYear, Term};

use super::cents::Cents;
use super::statement::{Columns, Entry, in_cents};
use super::{lines_of, write_records};
use crate::{Document, ReportError, cells};

const SALES: [&str; 12] = [
    "tax_year",
    "what (42)",
    "acquired (43)",
    "sold (43)",
    "price (44)",
    "cost (45)",
    "expenses (46)",
    "gain or loss (47)",
    "row",
    "lot",
    "file",
    "line",
];
/// The same without numbers of lines.
const SALES_UNNUMBERED: [&str; 12] = [
    "tax_year",
    "what",
    "acquired",
    "sold",
    "price",
    "cost",
    "expenses",
    "gain or loss",
    "row",
    "lot",
    "file",
    "line",
];

/// The statement of sales within one year.
pub(super) fn write_sales(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let is_within = |line: &&Disposal| line.term == Some(Term::Short);
    let lines = lines_of(document, year).filter(is_within);
    let entries: Result<Vec<_>, AmountError> = lines.map(Entry::of).collect();
    let entries = entries?;
    let cents = in_cents(&entries)?;
    let lines = entries.iter().zip(&cents);
    let records = lines.map(|(entry, cents)| record(document, year, entry, cents));
    let header = if ANLAGE_SO_LINES.contains(&year.0) {
        SALES
    } else {
        SALES_UNNUMBERED
    };
    write_records(&header, records, writer)
}

fn record(
    document: &Document<'_>,
    year: TaxYear,
    entry: &Entry<'_>,
    cents: &Columns<Cents>,
) -> [String; 12] {
    let acquired = entry.first.acquired.map(|date| date.to_string());
    let [row, lot, file, line] = entry.trail(document.inputs);
    [
        year.to_string(),
        cells::inert(&entry.description()).into_owned(),
        acquired.unwrap_or_default(),
        entry.first.date.to_string(),
        cents.proceeds.to_string(),
        cents.cost.to_string(),
        cents.fees.to_string(),
        cents.gain.to_string(),
        row,
        lot,
        file,
        line,
    ]
}
