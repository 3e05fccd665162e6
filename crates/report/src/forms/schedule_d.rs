//! Schedule D of Form 1040: what the boxes of Form 8949 come to, and losses from and to other
//! years.
//!
//! A box has its line (`jurisdiction::schedule_d_line`). The schedule adds up as printed: line 7 is
//! the sum of the lines above it. Lines of other forms are not in it, and neither are lines 17 to
//! 20.

use std::io;

use packtrain_tax::jurisdiction::schedule_d_line;
use packtrain_tax::outcome::TaxYear;

use super::cents::Cents;
use super::figure_list::{self, money};
use super::form_8949::{Sheet, sheets};
use super::statement::sum;
use super::write_records;
use crate::{Document, ReportError};

const HEADER: [&str; 8] = [
    "tax_year",
    "line",
    "what",
    "(d) proceeds",
    "(e) cost",
    "(g) adjustments",
    "(h) gain or loss",
    "lines of Form 8949",
];

pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let sheets = sheets(document, year)?;
    let figure = |key| figure(document, year, key);
    if sheets.is_empty() && figure("net") == Cents::ZERO {
        return Ok(false);
    }
    let mut records = Vec::new();
    let short = part(document, year, &sheets, &SHORT, &mut records);
    let long = part(document, year, &sheets, &LONG, &mut records);
    let net = short + long;
    let line = |key| figure_list::line(document, year, key);
    records.push(plain(year, line("net"), "Net gain or loss", net));
    if net < Cents::ZERO {
        // Below the limit all of line 16 is deducted, to the cent as printed there.
        let limited = figure("deductible");
        let deducted = match (limited - net).abs() <= Cents::ONE {
            true => net,
            false => limited,
        };
        let what = "Loss to deduct, within the limit";
        records.push(plain(year, line("deductible"), what, deducted));
    }
    write_records(&HEADER, records, writer)
}

/// A part of the schedule: its boxes, and the keys of its figures.
struct Part {
    boxes: [char; 6],
    carried: &'static str,
    net: &'static str,
    what: &'static str,
}

const SHORT: Part = Part {
    boxes: ['A', 'B', 'C', 'G', 'H', 'I'],
    carried: "short_before",
    net: "net_short",
    what: "Net short-term gain or loss",
};
const LONG: Part = Part {
    boxes: ['D', 'E', 'F', 'J', 'K', 'L'],
    carried: "long_before",
    net: "net_long",
    what: "Net long-term gain or loss",
};

/// The lines of boxes, the loss carried from earlier years, and their sum.
fn part(
    document: &Document<'_>,
    year: TaxYear,
    sheets: &[Sheet<'_>],
    part: &Part,
    records: &mut Vec<[String; 8]>,
) -> Cents {
    let carry = figure(document, year, part.carried);
    let mut total = carry;
    for sheet in sheets
        .iter()
        .filter(|sheet| part.boxes.contains(&sheet.name))
    {
        let sums = sum(&sheet.cents);
        total += sums.gain;
        records.push([
            year.to_string(),
            schedule_d_line(sheet.name).unwrap_or_default().to_owned(),
            format!("Box {}", sheet.name),
            sums.proceeds.to_string(),
            sums.cost.to_string(),
            sums.denied.to_string(),
            sums.gain.to_string(),
            sheet.entries.len().to_string(),
        ]);
    }
    let line = |key| figure_list::line(document, year, key);
    if carry != Cents::ZERO {
        let what = "Loss carried from earlier years";
        records.push(plain(year, line(part.carried), what, carry));
    }
    records.push(plain(year, line(part.net), part.what, total));
    total
}

/// A line with a figure in column (h) alone.
fn plain(year: TaxYear, number: &str, what: &str, gain: Cents) -> [String; 8] {
    let none = String::new;
    [
        year.to_string(),
        number.to_owned(),
        what.to_owned(),
        none(),
        none(),
        none(),
        gain.to_string(),
        none(),
    ]
}

/// A figure of the year's assessment.
fn figure(document: &Document<'_>, year: TaxYear, key: &str) -> Cents {
    Cents::of(money(document, year, key))
}
