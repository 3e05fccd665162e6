//! Schedule D of Form 1040: what the boxes of Form 8949 come to, and losses from and to other
//! years.
//!
//! A box has its line (`jurisdiction::schedule_d_line`). The other lines are figures of the
//! assessment, which adds them up in cents. Lines of other forms are not in it, and neither are
//! lines 17 to 20.

use std::io;

use packtrain_tax::jurisdiction::schedule_d_line;
use packtrain_tax::outcome::{TaxYear, Term};

use super::cents::Cents;
use super::figure_list::{self, money};
use super::form_8949::{Sheet, sheets};
use super::statement::sum;
use super::write_records;
use crate::{Document, ReportError};

const HEADER: [&str; 8] = header(["(d) proceeds", "(e) cost"]);
const HEADER_OF_2011: [&str; 8] = header(["(e) sales price", "(f) cost"]);

const fn header([proceeds, cost]: [&'static str; 2]) -> [&'static str; 8] {
    [
        "tax_year",
        "line",
        "what",
        proceeds,
        cost,
        "(g) adjustments",
        "(h) gain or loss",
        "lines of Form 8949",
    ]
}

pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let sheets = sheets(document, year)?;
    if sheets.is_empty() && figure(document, year, "net") == Cents::ZERO {
        return Ok(false);
    }
    let mut records = Vec::new();
    for part in [SHORT, LONG] {
        let in_part = sheets.iter().filter(|sheet| sheet.term == Some(part.term));
        records.extend(in_part.map(|sheet| of_box(year, sheet)));
        if figure(document, year, part.carried) != Cents::ZERO {
            let what = "Loss carried from earlier years";
            records.push(plain(document, year, part.carried, what));
        }
        records.push(plain(document, year, part.net, part.what));
    }
    records.push(plain(document, year, "net", "Net gain or loss"));
    if figure(document, year, "net") < Cents::ZERO {
        let what = "Loss to deduct, within the limit";
        records.push(plain(document, year, "deductible", what));
    }
    let header = match year.0 {
        2011 => &HEADER_OF_2011,
        _ => &HEADER,
    };
    write_records(header, records, writer)
}

/// A part of the schedule: its term, and the keys of its figures.
struct Part {
    term: Term,
    carried: &'static str,
    net: &'static str,
    what: &'static str,
}

const SHORT: Part = Part {
    term: Term::Short,
    carried: "short_before",
    net: "net_short",
    what: "Net short-term gain or loss",
};
const LONG: Part = Part {
    term: Term::Long,
    carried: "long_before",
    net: "net_long",
    what: "Net long-term gain or loss",
};

/// The line of a box.
fn of_box(year: TaxYear, sheet: &Sheet<'_>) -> [String; 8] {
    let sums = sum(&sheet.cents);
    let first = sheet.entries.first();
    let line = first.and_then(|entry| schedule_d_line(entry.first));
    [
        year.to_string(),
        line.unwrap_or_default().to_owned(),
        format!("Box {}", sheet.name),
        sums.proceeds.to_string(),
        sums.cost.to_string(),
        sums.denied.to_string(),
        sums.gain.to_string(),
        sheet.entries.len().to_string(),
    ]
}

/// A line with a figure of the assessment in column (h) alone.
fn plain(document: &Document<'_>, year: TaxYear, key: &str, what: &str) -> [String; 8] {
    let none = String::new;
    [
        year.to_string(),
        figure_list::line(document, year, key).to_owned(),
        what.to_owned(),
        none(),
        none(),
        none(),
        figure(document, year, key).to_string(),
        none(),
    ]
}

/// A figure of the year's assessment.
fn figure(document: &Document<'_>, year: TaxYear, key: &str) -> Cents {
    Cents::of(money(document, year, key))
}
