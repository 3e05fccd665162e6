//! Form 8949, Sales and Other Dispositions of Capital Assets: a line for each lot that was sold.
//!
//! Columns (a) to (h) as the form has them since 2012; in 2011 the code stood in (b), and dates,
//! sales price and cost in (c) to (f) (IRS Tax Tip 2012-28; Schedule D of 2011). Column (d) is the
//! net proceeds, which are the gross proceeds less the costs of selling (Instructions for Form
//! 8949, column (d)); so no line needs an adjustment, and columns (f) and (g) stay empty unless the
//! law denies a part of a loss. Boxes A to F hold to 2024, G to L for digital assets from 2025 on.
//! Amounts are in dollars and cents. The last four columns are not of the form: they lead to the
//! ledger.
//!
//! Where a broker's statement shows gross proceeds, the form wants these in column (d), and the
//! costs of selling in column (g) under code E: the statement decides, and it is not in a ledger.

use std::io;

use chrono::NaiveDate;
use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{TaxYear, Term};

use super::cents::Cents;
use super::statement::{Columns, Entry, in_cents};
use super::{lines_of, write_records};
use crate::{Document, ReportError, cells};

const HEADER: [&str; 15] = header([
    "(b) date acquired",
    "(c) date sold",
    "(d) proceeds",
    "(e) cost",
    "(f) code",
    "(g) adjustment",
    "(h) gain or loss",
]);
/// The columns of the form of 2011, in the order of the file; it has none for the gain.
const HEADER_OF_2011: [&str; 15] = header([
    "(c) date acquired",
    "(d) date sold",
    "(e) sales price",
    "(f) cost",
    "(b) code",
    "(g) adjustment",
    "gain or loss",
]);

const fn header(columns: [&'static str; 7]) -> [&'static str; 15] {
    let [acquired, sold, proceeds, cost, code, adjustment, gain] = columns;
    [
        "tax_year",
        "part",
        "box",
        "(a) description",
        acquired,
        sold,
        proceeds,
        cost,
        code,
        adjustment,
        gain,
        "row",
        "lot",
        "file",
        "line",
    ]
}

/// The lines of a box.
pub(super) struct Sheet<'a> {
    /// Which part of the form it is in.
    pub(super) term: Option<Term>,
    pub(super) name: char,
    pub(super) entries: Vec<Entry<'a>>,
    pub(super) cents: Vec<Columns<Cents>>,
}

impl Sheet<'_> {
    const fn place(&self) -> (Option<Term>, char) {
        (self.term, self.name)
    }
}

/// The boxes of a year that have lines, in the order of the form.
pub(super) fn sheets<'a>(
    document: &Document<'a>,
    year: TaxYear,
) -> Result<Vec<Sheet<'a>>, AmountError> {
    let mut sheets: Vec<Sheet<'a>> = Vec::new();
    for line in lines_of(document, year) {
        let Some(name) = line.form_box else {
            continue;
        };
        let at = match sheets.binary_search_by_key(&(line.term, name), Sheet::place) {
            Ok(at) => at,
            Err(at) => {
                let (entries, cents) = (Vec::new(), Vec::new());
                sheets.insert(
                    at,
                    Sheet {
                        term: line.term,
                        name,
                        entries,
                        cents,
                    },
                );
                at
            }
        };
        sheets[at].entries.push(Entry::net_of_fees(line)?);
    }
    for sheet in &mut sheets {
        sheet.cents = in_cents(&sheet.entries)?;
    }
    Ok(sheets)
}

pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let sheets = sheets(document, year)?;
    let records = sheets.iter().flat_map(|sheet| {
        let lines = sheet.entries.iter().zip(&sheet.cents);
        lines.map(|(entry, cents)| record(document, year, sheet.place(), entry, cents))
    });
    let header = match year.0 {
        2011 => &HEADER_OF_2011,
        _ => &HEADER,
    };
    write_records(header, records, writer)
}

fn record(
    document: &Document<'_>,
    year: TaxYear,
    (term, name): (Option<Term>, char),
    entry: &Entry<'_>,
    cents: &Columns<Cents>,
) -> [String; 15] {
    let part = match term {
        Some(Term::Long) => "II",
        _ => "I",
    };
    let is_denied = cents.denied != Cents::ZERO;
    // A loss that is not allowed as the asset was bought again: Instructions for Form 8949, code W.
    let (code, adjustment) = match is_denied {
        true => ("W".to_owned(), cents.denied.to_string()),
        false => (String::new(), String::new()),
    };
    let [row, lot, file, line] = entry.trail(document.inputs);
    [
        year.to_string(),
        part.to_owned(),
        name.to_string(),
        cells::inert(&entry.description()).into_owned(),
        entry.first.acquired.map(date).unwrap_or_default(),
        date(entry.first.date),
        cents.proceeds.to_string(),
        cents.cost.to_string(),
        code,
        adjustment,
        cents.gain.to_string(),
        row,
        lot,
        file,
        line,
    ]
}

/// A date as American forms have it.
pub(super) fn date(date: NaiveDate) -> String {
    date.format("%m/%d/%Y").to_string()
}
