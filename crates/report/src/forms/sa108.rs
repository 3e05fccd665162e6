//! SA108, Capital gains summary: the computation that goes with the form.

use std::io;

use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{Disposal, TaxYear};

use super::cents::Cents;
use super::statement::{Columns, Entry, in_cents, proceeds};
use super::{lines_of, write_records};
use crate::years::year_name;
use crate::{Document, ReportError, cells, words};

const COMPUTATION: [&str; 12] = [
    "tax_year",
    "date",
    "asset",
    "quantity",
    "proceeds",
    "allowable_costs",
    "gain",
    "loss",
    "matched_with",
    "rows",
    "file",
    "line",
];

/// The computation: each disposal, which is all that was sold of an asset on a day.
///
/// Its gains sum to box 13.4 and its losses to box 13.5; gifts to a spouse and to charities, which
/// give neither, are not in it.
pub(super) fn write_computation(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let counts = |line: &&Disposal| !line.is_no_gain_no_loss();
    let entries = Entry::whole(lines_of(document, year).filter(counts))?;
    let lines = gains_and_losses(entries)?;
    let name = year_name(document.outcome.settings.country, year);
    let records = lines
        .iter()
        .map(|(entry, cents)| record(document, &name, entry, cents));
    write_records(&COMPUTATION, records, writer)
}

/// The entries in their order, with cents in which gains add up, and losses for themselves.
pub(super) fn gains_and_losses(
    entries: Vec<Entry<'_>>,
) -> Result<Vec<(Entry<'_>, Columns<Cents>)>, AmountError> {
    let total = proceeds(&entries)?;
    let (losses, gains): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .enumerate()
        .partition(|(_, entry)| entry.is_loss());
    let mut lines = Vec::with_capacity(losses.len() + gains.len());
    for side in [losses, gains] {
        let (places, entries): (Vec<_>, Vec<_>) = side.into_iter().unzip();
        let cents = in_cents(&entries)?;
        lines.extend(places.into_iter().zip(entries.into_iter().zip(cents)));
    }
    lines.sort_by_key(|(place, _)| *place);
    // The form asks for the proceeds of both sides in one sum, which is rounded once.
    let missing = total - lines.iter().map(|(_, (_, cents))| cents.proceeds).sum();
    let all = lines.iter_mut().map(|(_, (_, cents))| cents);
    let costly = all.filter(|cents| cents.cost > Cents::ZERO);
    if let Some(cents) = costly.max_by_key(|cents| cents.cost) {
        cents.proceeds += missing;
        cents.cost += missing;
    }
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn record(
    document: &Document<'_>,
    year: &str,
    entry: &Entry<'_>,
    cents: &Columns<Cents>,
) -> [String; 12] {
    let (gain, loss) = match entry.is_loss() {
        true => (String::new(), (-cents.gain).to_string()),
        false => (cents.gain.to_string(), String::new()),
    };
    let rules: Vec<_> = entry.rules.iter().map(|rule| words::rule(rule)).collect();
    let [rows, _, file, line] = entry.trail(document.inputs);
    [
        year.to_owned(),
        entry.first.date.to_string(),
        cells::inert(&entry.first.asset).into_owned(),
        entry.quantity.to_string(),
        cents.proceeds.to_string(),
        (cents.cost + cents.fees).to_string(),
        gain,
        loss,
        rules.join("; "),
        rows,
        file,
        line,
    ]
}
