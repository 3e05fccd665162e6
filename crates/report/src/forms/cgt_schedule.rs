//! Capital gains of an Australian return: question 18, and the capital gains tax schedule that
//! companies, trusts and funds attach.
//!
//! Question 18 has labels H, A and V (ATO, instructions for question 18 and the guide to capital
//! gains tax). The labels of the schedule were read in the schedules of 2016 and 2022: 1I and 1R
//! for gains and losses of other assets, 1J for all gains, 2A losses of the year, 2B and 2C losses
//! of the year and of earlier years that were applied, 2E both, 3B losses to carry, 4A the
//! discount, 6A the net gain, which is 1J less 2E less 4A. Boxes have no cents. Collectables have
//! labels of their own; a ledger does not say which tokens are.

use std::io;

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;
use packtrain_tax::outcome::{Amount, TaxYear, Term};

use super::cents::Cents;
use super::figure_list::{self, Entered, Item, Place, items, money};
use super::sa108::gains_and_losses;
use super::statement::{Columns, Entry};
use super::{lines_of, write_records};
use crate::years::year_name;
use crate::{Document, ReportError, cells};

const RETURN: &str = "Tax return, question 18";
const SCHEDULE: &str = "CGT schedule";
const SOURCE: &str = "Capital gains tax (CGT) schedule, NAT 3423";

fn place(key: &str) -> Option<Place> {
    let (form, number) = match key {
        "total_current_year_capital_gains" => (RETURN, "H"),
        "net_capital_gain" => (RETURN, "A"),
        "losses_carried_forward" => (RETURN, "V"),
        "income" => ("Tax return, question 24", ""),
        _ => return None,
    };
    Some(Place {
        form,
        number,
        entered: Entered::Down,
    })
}

pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    writer: impl io::Write,
) -> Result<bool, ReportError> {
    let mut items = items(document, year, place);
    if !items.is_empty() {
        items.extend(schedule(document, year)?);
    }
    figure_list::write(document, year, &items, writer)
}

/// The labels of the schedule, worked out from the figures of the year.
fn schedule(document: &Document<'_>, year: TaxYear) -> Result<Vec<Item<'static>>, AmountError> {
    let figure = |key| money(document, year, key).abs();
    let gains = figure("total_current_year_capital_gains");
    let (losses, discount) = (figure("losses_of_year"), figure("discount"));
    let net = figure("net_capital_gain");
    let applied = gains.checked_sub(net)?.checked_sub(discount)?;
    // Losses of the year go first, then those of earlier years (ITAA 1997 s. 102-5).
    let of_year = if losses < applied { losses } else { applied };
    let label = |number, what, amount: Money| Item {
        place: Some(Place {
            form: SCHEDULE,
            number,
            entered: Entered::Down,
        }),
        what,
        amount: Amount::Money(amount),
        source: SOURCE,
    };
    Ok(vec![
        label("1I", "Capital gains of other CGT assets", gains),
        label("1R", "Capital losses of other CGT assets", losses),
        label("1J", "Total current year capital gains", gains),
        label("2A", "Total current year capital losses", losses),
        label("2B", "Current year capital losses applied", of_year),
        label(
            "2C",
            "Prior year net capital losses applied",
            applied.checked_sub(of_year)?,
        ),
        label("2E", "Total capital losses applied", applied),
        label(
            "3B",
            "Other net capital losses carried forward",
            figure("losses_carried_forward"),
        ),
        label("4A", "Total CGT discount applied", discount),
        label("6A", "Net capital gain", net),
    ])
}

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
