//! The half of gains that is taxable, and losses to carry.

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use crate::assess::{Assessment, Books, Line, above_zero, least};
use crate::outcome::{TaxYear, Totals};

const INCLUSION_SOURCE: &str =
    "ITA s. 38(a); the planned rate of two thirds was cancelled on 21 March 2025";
const LOSS_SOURCE: &str = "ITA s. 3(b), 111(1)(b)";
const INCOME_SOURCE: &str = "CRA, Information for crypto-asset users and tax professionals";

/// Where figures go.
struct Lines {
    schedule: &'static str,
    gain: &'static str,
    losses_before: &'static str,
    income: &'static str,
}

/// The lines of a year's return: numbers have five digits since 2019, and Schedule 3 names
/// crypto-assets since 2024.
const fn lines(year: TaxYear) -> Lines {
    let schedule = if year.0 >= 2024 {
        "Schedule 3, crypto-assets"
    } else {
        "Schedule 3"
    };
    if year.0 >= 2019 {
        Lines {
            schedule,
            gain: "line 12700",
            losses_before: "line 25300, half of it",
            income: "line 13000",
        }
    } else {
        Lines {
            schedule,
            gain: "line 127",
            losses_before: "line 253, half of it",
            income: "line 130",
        }
    }
}

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut brought = books.given("loss_before");
    let mut years = BTreeMap::new();
    for year in books.years() {
        let (sums, lines) = (books.sums(year), lines(year));
        let mut out = Assessment::default();
        let costs = sums.cost.checked_add(sums.fees)?;
        let used = least(brought, above_zero(sums.net));
        let left = brought
            .checked_sub(used)?
            .checked_add(above_zero(sums.net.negated()))?;
        out.extend(of_disposals(&sums, costs, &lines)?);
        out.extend([
            (
                "losses_before_used",
                "Losses of earlier years that may be set against the gain, in full",
                used,
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
        brought = left;
        years.insert(year, out);
    }
    Ok(years)
}

/// What the disposals of a year come to.
fn of_disposals(sums: &Totals, costs: Money, lines: &Lines) -> Result<[Line; 5], AmountError> {
    Ok([
        (
            "proceeds_of_disposition",
            "Proceeds of disposition",
            sums.proceeds,
            Some(lines.schedule),
            "ITA s. 40(1)",
        ),
        (
            "cost_and_outlays",
            "Adjusted cost base, outlays and expenses",
            costs,
            Some(lines.schedule),
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
            Some(lines.schedule),
            "ITA s. 39(1), 40(1)",
        ),
        (
            "taxable_capital_gain",
            "Half of the gain, which is taxable",
            half(above_zero(sums.net))?,
            Some(lines.gain),
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
            [
                lines.schedule,
                lines.gain,
                lines.losses_before,
                lines.income,
            ]
        };
        let old = ["line 127", "line 253, half of it", "line 130"];
        let new = ["line 12700", "line 25300, half of it", "line 13000"];
        assert_eq!(of(2018), [["Schedule 3"].as_slice(), &old].concat()[..]);
        assert_eq!(of(2019), [["Schedule 3"].as_slice(), &new].concat()[..]);
        assert_eq!(of(2023)[0], "Schedule 3");
        assert_eq!(of(2024)[0], "Schedule 3, crypto-assets");
    }
}
