//! The tax on income from transfers, without losses, and what tax is deducted from.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::assess::{Assessment, Books, Dated, Line, UNKNOWN, on, percent};
use crate::outcome::{TaxYear, Totals};
use crate::place::Place;

/// The rate on income from transfers, in percent, before surcharge and cess.
const RATE: &[Dated<i128>] = &[
    Dated {
        from: 2022,
        to: Some(2025),
        value: 30,
        source: "ITA s. 115BBH(1)(a), as of Finance Act 2022",
    },
    Dated {
        from: 2026,
        to: None,
        value: 30,
        source: "Income-tax Act 2025 (read in secondary sources)",
    },
];

/// The day from which whoever pays for a transfer deducts tax of one percent.
const DEDUCTED_FROM: NaiveDate = NaiveDate::from_ymd_opt(2022, 7, 1).expect("a day");

const FORM: Option<Place> = Some(Place::words("Schedule VDA"));
const COST_SOURCE: &str = "ITA s. 115BBH(2)(a)";
const LOSS_SOURCE: &str = "ITA s. 115BBH(2)(a), (b); Schedule VDA, a line for each acquisition";
const TDS_SOURCE: &str = "ITA s. 194S, in force from 1 July 2022";

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut years = BTreeMap::new();
    for year in books.years() {
        years.insert(year, figures(books, year)?);
    }
    Ok(years)
}

fn figures(books: &Books<'_>, year: TaxYear) -> Result<Assessment, AmountError> {
    let (sums, mut out) = (books.sums(year), Assessment::default());
    let fact = on(RATE, year);
    let source = fact.map_or(UNKNOWN, |fact| fact.source);
    // Before the tax of its own it is not known what a transfer was.
    let income = fact.map_or(books.zero(), |_| sums.net);
    let tax = percent(income, fact.map_or(0, |fact| fact.value))?;
    out.extend(of_transfers(&sums));
    out.extend([
        (
            "income_from_transfer",
            "Income from transfers, without losses",
            income,
            FORM,
            source,
        ),
        (
            "tax",
            "Tax of 30 % on it, before surcharge and cess",
            tax,
            None,
            source,
        ),
        (
            "consideration_with_tds",
            "Consideration from 1 July 2022 on, of which payers deduct 1 %",
            paid_with_tds(books, year)?,
            None,
            TDS_SOURCE,
        ),
        (
            "income",
            "Rewards at their value on receipt, taxed by the general rates",
            sums.income,
            None,
            "ITA s. 56; no direct guidance",
        ),
    ]);
    Ok(out)
}

/// What the transfers of a year come to.
const fn of_transfers(sums: &Totals) -> [Line; 3] {
    [
        (
            "consideration",
            "Consideration received",
            sums.proceeds,
            FORM,
            COST_SOURCE,
        ),
        (
            "cost_of_acquisition",
            "Cost of acquisition",
            sums.cost,
            FORM,
            COST_SOURCE,
        ),
        (
            "losses_not_counted",
            "Losses, which do not count",
            sums.denied,
            FORM,
            LOSS_SOURCE,
        ),
    ]
}

/// What was received in a year from which payers deduct tax; nobody pays for a fee in units.
fn paid_with_tds(books: &Books<'_>, year: TaxYear) -> Result<Money, AmountError> {
    let lines = books.lines(year).iter();
    lines
        .filter(|line| line.date >= DEDUCTED_FROM && !line.is_fee)
        .try_fold(books.zero(), |sum, line| sum.checked_add(line.proceeds))
}
