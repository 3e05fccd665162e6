//! A form that is a list of figures: one line for each, with its box where that is known.

use std::io;

use packtrain_core::money::Money;
use packtrain_tax::outcome::{Amount, Figure, TaxYear};

use super::write_records;
use crate::entered::{as_entered, shown};
use crate::years::year_name;
use crate::{Document, ReportError, words};

const HEADER: [&str; 8] = [
    "tax_year",
    "form",
    "box",
    "what",
    "amount",
    "as_entered",
    "currency",
    "source",
];

/// The figures of a year's assessment.
fn assessment<'a>(document: &Document<'a>, year: TaxYear) -> &'a [Figure] {
    let all = document.outcome.assessments.get(&year);
    all.map_or(&[], |assessment| assessment.figures.as_slice())
}

fn figure<'a>(document: &Document<'a>, year: TaxYear, key: &str) -> Option<&'a Figure> {
    let mut figures = assessment(document, year).iter();
    figures.find(|figure| figure.key == key)
}

/// Money of a year's assessment; nothing where there is none.
pub(super) fn money(document: &Document<'_>, year: TaxYear, key: &str) -> Money {
    match figure(document, year, key).map(|figure| figure.amount) {
        Some(Amount::Money(money)) => money,
        _ => Money::zero(document.outcome.settings.currency),
    }
}

/// The line of its form that a figure goes to; empty where it has none.
pub(super) fn line(document: &Document<'_>, year: TaxYear, key: &str) -> &'static str {
    let place = figure(document, year, key).and_then(|figure| figure.form);
    place.map_or("", |place| place.number)
}

/// Writes the list; nothing where it is empty.
pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let settings = &document.outcome.settings;
    let name = year_name(settings.country, year);
    let figures = assessment(document, year).iter();
    let records = figures.map(|figure| record(&name, settings.currency.code(), figure));
    write_records(&HEADER, records, writer)
}

fn record(year: &str, currency: &str, figure: &Figure) -> [String; 8] {
    let (amount, currency) = match shown(figure) {
        Amount::Money(money) => (money.to_cents(), currency),
        Amount::Count(count) => (count.to_string(), ""),
        Amount::YesNo(answer) => (words::yes_or_no(answer).to_owned(), ""),
    };
    [
        year.to_owned(),
        figure.form.map_or("", |place| place.form).to_owned(),
        figure.form.map_or("", |place| place.number).to_owned(),
        figure.label.to_owned(),
        amount,
        as_entered(figure).unwrap_or_default(),
        currency.to_owned(),
        figure.source.to_owned(),
    ]
}
