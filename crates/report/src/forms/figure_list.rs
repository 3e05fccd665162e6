//! A form that is a list of figures: one line for each, with its box where that is known.

use std::io;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{Amount, Figure, TaxYear};

use super::cents::{with_fraction_as_one, without_fraction};
use super::write_records;
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

/// Where a figure goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) form: &'static str,
    /// The number of the box or line; empty where the form names it only by words, or where it
    /// could not be confirmed.
    pub(super) number: &'static str,
    pub(super) entered: Entered,
}

/// How a form wants an amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entered {
    /// With two decimals.
    Cents,
    /// Without its fraction.
    Down,
    /// In whole units, a fraction counted as one more.
    Up,
}

/// A line of the list.
pub(super) struct Item<'a> {
    pub(super) place: Option<Place>,
    pub(super) what: &'a str,
    pub(super) amount: Amount,
    pub(super) source: &'a str,
}

/// The figures of a year's assessment.
fn assessment<'a>(document: &Document<'a>, year: TaxYear) -> &'a [Figure] {
    let all = document.outcome.assessments.get(&year);
    all.map_or(&[], |assessment| assessment.figures.as_slice())
}

/// Money of a year's assessment; nothing where there is none.
pub(super) fn money(document: &Document<'_>, year: TaxYear, key: &str) -> Money {
    let mut figures = assessment(document, year).iter();
    let figure = figures.find(|figure| figure.key == key);
    match figure.map(|figure| figure.amount) {
        Some(Amount::Money(money)) => money,
        _ => Money::zero(document.outcome.settings.currency),
    }
}

/// The figures of a year's assessment as lines, each with its place.
pub(super) fn items<'a>(
    document: &Document<'a>,
    year: TaxYear,
    place: impl Fn(&str) -> Option<Place>,
) -> Vec<Item<'a>> {
    let figures = assessment(document, year).iter();
    figures
        .map(|figure| Item {
            place: place(figure.key),
            what: figure.label,
            amount: figure.amount,
            source: figure.source,
        })
        .collect()
}

/// Writes the list; nothing where it is empty.
pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    items: &[Item<'_>],
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let settings = &document.outcome.settings;
    let name = year_name(settings.country, year);
    let records: Result<Vec<_>, AmountError> = items
        .iter()
        .map(|item| record(&name, settings.currency.code(), item))
        .collect();
    write_records(&HEADER, records?, writer)
}

fn record(year: &str, currency: &str, item: &Item<'_>) -> Result<[String; 8], AmountError> {
    let (amount, entered, currency) = match item.amount {
        Amount::Money(money) => {
            let how = item.place.map(|place| place.entered);
            (money.to_cents(), entered(money, how)?, currency)
        }
        Amount::Count(count) => (count.to_string(), count.to_string(), ""),
        Amount::YesNo(answer) => (words::yes_or_no(answer).to_owned(), String::new(), ""),
    };
    Ok([
        year.to_owned(),
        item.place.map_or("", |place| place.form).to_owned(),
        item.place.map_or("", |place| place.number).to_owned(),
        item.what.to_owned(),
        amount,
        entered,
        currency.to_owned(),
        item.source.to_owned(),
    ])
}

/// An amount as the form has it: boxes for losses and costs take them without a sign.
fn entered(money: Money, how: Option<Entered>) -> Result<String, AmountError> {
    Ok(match how {
        None => String::new(),
        Some(Entered::Cents) => money.to_cents(),
        Some(Entered::Down) => without_fraction(money.abs()),
        Some(Entered::Up) => with_fraction_as_one(money.abs())?,
    })
}
