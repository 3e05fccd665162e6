//! Capital gains of an Australian return: the list of events behind them.

use std::io;

use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{TaxYear, Term};

use super::cents::Cents;
use super::sa108::gains_and_losses;
use super::statement::{Columns, Entry};
use super::{lines_of, write_records};
use crate::years::year_name;
use crate::{Document, ReportError, cells};

const EVENTS: [&str; 13] = [
    "tax_year",
    "date",
    "asset",
    "quantity",
    "acquired",
    "capital_proceeds",
    "cost_base",
    "gain or loss",
    "discount",
    "row",
    "lot",
    "file",
    "line",
];

/// The list of events: gains sum to label H, losses to the losses of the year.
pub(super) fn write_events(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let entries: Result<Vec<_>, AmountError> = lines_of(document, year).map(Entry::of).collect();
    let lines = gains_and_losses(entries?)?;
    let name = year_name(document.outcome.settings.country, year);
    let records = lines
        .iter()
        .map(|(entry, cents)| record(document, &name, entry, cents));
    write_records(&EVENTS, records, writer)
}

fn record(
    document: &Document<'_>,
    year: &str,
    entry: &Entry<'_>,
    cents: &Columns<Cents>,
) -> [String; 13] {
    let person = document.outcome.settings.options.get("person");
    let is_person = person.is_none_or(|person| person != "company");
    let has_discount = is_person && entry.first.term == Some(Term::Long) && !entry.is_loss();
    let acquired = entry.first.acquired.map(|date| date.to_string());
    let [row, lot, file, line] = entry.trail(document.inputs);
    [
        year.to_owned(),
        entry.first.date.to_string(),
        cells::inert(&entry.first.asset).into_owned(),
        entry.quantity.to_string(),
        acquired.unwrap_or_default(),
        cents.proceeds.to_string(),
        (cents.cost + cents.fees).to_string(),
        cents.gain.to_string(),
        if has_discount { "yes" } else { "" }.to_owned(),
        row,
        lot,
        file,
        line,
    ]
}
