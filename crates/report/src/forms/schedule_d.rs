//! Schedule D of Form 1040: what the boxes of Form 8949 come to, and losses from and to other
//! years.
//!
//! Lines 1b, 2 and 3 take the totals of boxes A, B and C, lines 8b, 9 and 10 those of D, E and F;
//! on the revision of 2025 each of them takes one of G to L beside these ("Box C or Box I checked",
//! and so on). The schedule adds up as printed: line 7 is the sum of the lines above it. Lines of
//! other forms are not in it, and neither are lines 17 to 20.

use std::io;

use packtrain_tax::outcome::TaxYear;

use super::cents::Cents;
use super::figure_list::money;
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

/// A line, the boxes that it takes, and what it says.
struct BoxLine {
    number: &'static str,
    boxes: [char; 2],
}

const SHORT: [BoxLine; 3] = [
    BoxLine {
        number: "1b",
        boxes: ['A', 'G'],
    },
    BoxLine {
        number: "2",
        boxes: ['B', 'H'],
    },
    BoxLine {
        number: "3",
        boxes: ['C', 'I'],
    },
];
const LONG: [BoxLine; 3] = [
    BoxLine {
        number: "8b",
        boxes: ['D', 'J'],
    },
    BoxLine {
        number: "9",
        boxes: ['E', 'K'],
    },
    BoxLine {
        number: "10",
        boxes: ['F', 'L'],
    },
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
    let short = part(
        year,
        &sheets,
        &SHORT,
        ("6", figure("short_before")),
        ("7", "Net short-term gain or loss"),
        &mut records,
    );
    let long = part(
        year,
        &sheets,
        &LONG,
        ("14", figure("long_before")),
        ("15", "Net long-term gain or loss"),
        &mut records,
    );
    let net = short + long;
    records.push(plain(year, "16", "Net gain or loss", net));
    if net < Cents::ZERO {
        // Below the limit all of line 16 is deducted, to the cent as printed there.
        let limited = figure("deductible");
        let deducted = match (limited - net).abs() <= Cents::ONE {
            true => net,
            false => limited,
        };
        records.push(plain(
            year,
            "21",
            "Loss to deduct, within the limit",
            deducted,
        ));
    }
    write_records(&HEADER, records, writer)
}

/// The lines of boxes, the loss carried from earlier years, and their sum.
fn part(
    year: TaxYear,
    sheets: &[Sheet<'_>],
    lines: &[BoxLine],
    (carry_line, carry): (&str, Cents),
    (sum_line, what): (&str, &str),
    records: &mut Vec<[String; 8]>,
) -> Cents {
    let mut total = carry;
    for line in lines {
        let taken = sheets
            .iter()
            .filter(|sheet| line.boxes.contains(&sheet.name));
        for sheet in taken {
            let sums = sum(&sheet.cents);
            total += sums.gain;
            records.push([
                year.to_string(),
                line.number.to_owned(),
                format!("Box {}", sheet.name),
                sums.proceeds.to_string(),
                sums.cost.to_string(),
                sums.denied.to_string(),
                sums.gain.to_string(),
                sheet.entries.len().to_string(),
            ]);
        }
    }
    if carry != Cents::ZERO {
        records.push(plain(
            year,
            carry_line,
            "Loss carried from earlier years",
            carry,
        ));
    }
    records.push(plain(year, sum_line, what, total));
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
