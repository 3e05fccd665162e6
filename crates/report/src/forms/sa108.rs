//! SA108, Capital gains summary: the boxes for cryptoassets, and the computation that goes with
//! the form.
//!
//! From 2024-25 cryptoassets have boxes of their own: 13.1 number of disposals, 13.2 proceeds,
//! 13.3 allowable costs, 13.4 gains, 13.5 losses (read in two transcripts of the form, with 13.6 to
//! 13.8 for claims and for returns made at once, which a ledger does not hold). Boxes 45 and 47 are
//! the losses brought forward and used, and those to carry forward. Before, they go with other
//! property: 14, 15, 16, 17 and 19, read in the form of 2016-17 and in that of 2025-26; for earlier
//! years no number was confirmed. The boxes have no pence: gains, proceeds and losses of
//! other years are cut, costs and losses of the year count a fraction as one more, which the form
//! allows. Box 51, the adjustment of 2024-25, depends on income and is not computed.

use std::io;

use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{Disposal, TaxYear};

use super::cents::Cents;
use super::figure_list::{self, Entered, Place, items};
use super::statement::{Columns, Entry, in_cents};
use super::{lines_of, write_records};
use crate::years::year_name;
use crate::{Document, ReportError, cells, words};

const CRYPTOASSETS: &str = "SA108, cryptoassets";
const OTHER_PROPERTY: &str = "SA108, other property, assets and gains";
const LOSSES: &str = "SA108, losses and adjustments";
/// The first tax year with boxes for cryptoassets.
const CRYPTOASSETS_FROM: TaxYear = TaxYear(2024);
/// The first tax year for which the boxes of other property were read.
const OTHER_PROPERTY_FROM: TaxYear = TaxYear(2016);

fn place(key: &str, year: TaxYear) -> Option<Place> {
    let is_own = year >= CRYPTOASSETS_FROM;
    let (own, other, entered) = match key {
        "number_of_disposals" => ("13.1", "14", Entered::Cents),
        "disposal_proceeds" => ("13.2", "15", Entered::Down),
        "allowable_costs" => ("13.3", "16", Entered::Up),
        "gains_before_losses" => ("13.4", "17", Entered::Down),
        "losses_in_year" => ("13.5", "19", Entered::Up),
        "losses_brought_forward_used" if is_own => return Some(losses("45")),
        "losses_carried_forward" if is_own => return Some(losses("47")),
        "miscellaneous_income" => {
            return Some(Place {
                form: "SA100, other UK income",
                number: "17",
                entered: Entered::Down,
            });
        }
        _ => return None,
    };
    let form = if is_own { CRYPTOASSETS } else { OTHER_PROPERTY };
    let number = match is_own {
        true => own,
        false if year >= OTHER_PROPERTY_FROM => other,
        false => "",
    };
    Some(Place {
        form,
        number,
        entered,
    })
}

const fn losses(number: &'static str) -> Place {
    Place {
        form: LOSSES,
        number,
        // A loss of other years is never more than it is.
        entered: Entered::Down,
    }
}

pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    // A company has no SA108: its figures stand without boxes.
    let person = document.outcome.settings.options.get("person");
    let is_person = person.is_none_or(|person| person != "company");
    let place = |key: &str| place(key, year).filter(|_| is_person);
    let items = items(document, year, place);
    figure_list::write(document, year, &items, writer)
}

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

#[cfg(test)]
mod tests {
    use super::*;

    fn number(key: &str, year: i32) -> Option<&'static str> {
        place(key, TaxYear(year)).map(|place| place.number)
    }

    #[test]
    fn the_boxes_are_those_of_the_form_of_the_year() {
        assert_eq!(number("gains_before_losses", 2024), Some("13.4"));
        assert_eq!(number("gains_before_losses", 2023), Some("17"));
        assert_eq!(number("losses_in_year", 2016), Some("19"));
        assert_eq!(number("losses_in_year", 2015), Some(""));
        assert_eq!(number("losses_carried_forward", 2024), Some("47"));
        assert_eq!(number("losses_carried_forward", 2023), None);
        assert_eq!(number("annual_exempt_amount", 2024), None);
    }
}
