//! The half of gains that is taxable, and losses to carry.

use std::collections::BTreeMap;

use chrono::Datelike;
use packtrain_core::ledger::RowKind;
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use crate::assess::{Assessment, Books, Line, above_zero, least};
use crate::outcome::{Disposal, TaxYear, Totals};
use crate::place::Place;
use crate::printed::printed;

const INCLUSION_SOURCE: &str =
    "ITA s. 38(a); the planned rate of two thirds was cancelled on 21 March 2025";
const LOSS_SOURCE: &str = "ITA s. 3(b), 111(1)(b)";
const MARGIN_SOURCE: &str = "ITA s. 9; IT-346R on commodity futures";
const INCOME_SOURCE: &str = "CRA, Information for crypto-asset users and tax professionals";

/// The tax years whose lines of Schedule 3 were confirmed: 15199 takes the proceeds and 15300 the
/// gain or loss. The schedule of 2024 parts the year in two, that of 2025 has a section for
/// crypto-assets; the numbers of neither were confirmed, and they are left out.
const SCHEDULE_LINES: std::ops::RangeInclusive<i32> = 2022..=2023;

/// The first year whose Schedule 3 names crypto-assets. A margin result is none; the guide to that
/// year has options, and not futures, among the other properties, so that no place was confirmed.
const NAMED_FROM: i32 = 2024;

const MARGIN_GAIN_SOURCE: &str =
    "IT-346R on commodity futures; the section of Schedule 3 was not confirmed";

/// Whether a line is on Schedule 3 among the crypto-assets.
pub fn is_on_schedule_3(line: &Disposal) -> bool {
    line.kind != RowKind::MarginPnl || line.date.year() < NAMED_FROM
}

/// Where figures go.
struct Lines {
    proceeds: Place,
    costs: Place,
    gain: Place,
    taxable: Place,
    losses_before: Place,
    income: Place,
}

/// The lines of a year's return: numbers have five digits since 2019, and Schedule 3 names
/// crypto-assets since 2024; before, they go with bonds, debentures and promissory notes.
fn lines(year: TaxYear) -> Lines {
    let schedule = if year.0 >= NAMED_FROM {
        "Schedule 3, crypto-assets"
    } else {
        "Schedule 3"
    };
    let line = |number| {
        let is_known = SCHEDULE_LINES.contains(&year.0);
        Place::at(schedule, "line", if is_known { number } else { "" })
    };
    let of_return = |new, old| Place::at("T1", "line", if year.0 >= 2019 { new } else { old });
    Lines {
        proceeds: line("15199"),
        costs: Place::words(schedule),
        gain: line("15300"),
        taxable: of_return("12700", "127"),
        losses_before: of_return("25300", "253"),
        income: of_return("13000", "130"),
    }
}

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut brought = books.given("loss_before");
    let mut years = BTreeMap::new();
    for year in books.years() {
        let (sums, lines) = (books.sums(year), lines(year));
        let mut out = Assessment::default();
        let on_schedule = on_schedule(books, year)?;
        let used = least(brought, above_zero(sums.net));
        let left = brought
            .checked_sub(used)?
            .checked_add(above_zero(sums.net.negated()))?;
        out.extend(of_disposals(&on_schedule, &sums, &lines)?);
        out.extend(of_margin(&on_schedule, &sums)?);
        out.extend([
            (
                "losses_before_used",
                "Losses of earlier years that may be set against the gain, in full",
                used,
                None,
                LOSS_SOURCE,
            ),
            (
                "losses_before_half",
                "Half of these losses",
                half(used)?,
                Some(lines.losses_before),
                LOSS_SOURCE,
            ),
            (
                "losses_carried_forward",
                "Losses to carry to other years, in full",
                left,
                None,
                LOSS_SOURCE,
            ),
            (
                "income",
                "Income from crypto-assets",
                sums.income,
                Some(lines.income),
                INCOME_SOURCE,
            ),
        ]);
        out.margin(
            (
                "margin_income",
                "Results of margin positions, which are business income",
            ),
            sums.other,
            Some(Place::words("Form T2125, business income")),
            MARGIN_SOURCE,
        );
        brought = left;
        years.insert(year, out);
    }
    Ok(years)
}

/// What the lines of a year come to that are on Schedule 3, in cents that add up.
fn on_schedule(books: &Books<'_>, year: TaxYear) -> Result<Totals, AmountError> {
    let all = books.lines(year);
    if all.iter().all(is_on_schedule_3) {
        return Ok(books.sums(year));
    }
    let mut sums = Totals::zero(books.settings.currency);
    for line in all.iter().filter(|line| is_on_schedule_3(line)) {
        sums.proceeds = sums.proceeds.checked_add(line.proceeds)?;
        sums.cost = sums.cost.checked_add(line.cost)?;
        sums.fees = sums.fees.checked_add(line.fees)?;
        sums.denied = sums.denied.checked_add(line.denied_loss)?;
        sums.net = sums.net.checked_add(line.counted_gain()?)?;
    }
    Ok(printed(&sums, books.rules.country))
}

/// What margin results come to that are not on Schedule 3; nothing where there are none.
fn of_margin(on_schedule: &Totals, all: &Totals) -> Result<Vec<Line>, AmountError> {
    let costs = |sums: &Totals| sums.cost.checked_add(sums.fees);
    let parts = [
        (
            "margin_proceeds",
            "Margin results: gains before their fees",
            all.proceeds.checked_sub(on_schedule.proceeds)?,
        ),
        (
            "margin_costs",
            "Margin results: losses before their fees, and fees",
            costs(all)?.checked_sub(costs(on_schedule)?)?,
        ),
        (
            "margin_gain",
            "Margin results: capital gain or loss",
            all.net.checked_sub(on_schedule.net)?,
        ),
    ];
    if parts.iter().all(|(.., amount)| amount.is_zero()) {
        return Ok(Vec::new());
    }
    let line = |(key, label, amount)| (key, label, amount, None, MARGIN_GAIN_SOURCE);
    Ok(parts.map(line).to_vec())
}

/// What the disposals of a year come to: those on Schedule 3, and of all the half that is taxable.
fn of_disposals(sums: &Totals, all: &Totals, lines: &Lines) -> Result<[Line; 5], AmountError> {
    let costs = sums.cost.checked_add(sums.fees)?;
    Ok([
        (
            "proceeds_of_disposition",
            "Proceeds of disposition",
            sums.proceeds,
            Some(lines.proceeds),
            "ITA s. 40(1)",
        ),
        (
            "cost_and_outlays",
            "Adjusted cost base, outlays and expenses",
            costs,
            Some(lines.costs),
            "ITA s. 40(1), 47",
        ),
        (
            "superficial_losses_denied",
            "Superficial losses denied",
            sums.denied,
            None,
            "ITA s. 40(2)(g)(i), 54",
        ),
        (
            "capital_gain",
            "Capital gain or loss",
            sums.net,
            Some(lines.gain),
            "ITA s. 39(1), 40(1)",
        ),
        (
            "taxable_capital_gain",
            "Half of the gain, which is taxable",
            half(above_zero(all.net))?,
            Some(lines.taxable),
            INCLUSION_SOURCE,
        ),
    ])
}

/// Half of an amount.
fn half(money: Money) -> Result<Money, AmountError> {
    money.share(Quantity::from_units(1, 0)?, Quantity::from_units(2, 0)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_numbered_as_the_return_of_the_year_numbers_them() {
        let of = |year| {
            let lines = lines(TaxYear(year));
            let schedule = [lines.proceeds, lines.gain];
            let of_return = [lines.taxable, lines.losses_before, lines.income];
            let numbers = [schedule.as_slice(), &of_return].concat();
            let numbers: Vec<_> = numbers.iter().map(|place| place.number).collect();
            (lines.costs.form, numbers.join(" "))
        };
        let said = |form, numbers: &str| (form, numbers.to_owned());
        assert_eq!(of(2018), said("Schedule 3", "  127 253 130"));
        assert_eq!(of(2019), said("Schedule 3", "  12700 25300 13000"));
        let known = "15199 15300 12700 25300 13000";
        assert_eq!(of(2022), said("Schedule 3", known));
        assert_eq!(of(2023), said("Schedule 3", known));
        let named = "Schedule 3, crypto-assets";
        assert_eq!(of(2024), said(named, "  12700 25300 13000"));
    }
}
