//! Miscellaneous income of a year, whose loss goes nowhere.

use std::collections::BTreeMap;

use packtrain_core::quantity::AmountError;

use crate::assess::{Assessment, Books, Dated, UNKNOWN, above_zero, on};
use crate::outcome::TaxYear;
use crate::place::Place;

/// Years in which income from crypto assets is miscellaneous income taxed with all other income.
/// The separate tax that the outline of the reform for 2026 announces is to begin with the year
/// after the law on financial instruments is changed: later years are not known here.
const MISCELLANEOUS: &[Dated<()>] = &[
    Dated {
        from: 2017,
        to: Some(2018),
        value: (),
        source: "Income Tax Act art. 35; NTA, information no. 4 of 1 December 2017",
    },
    Dated {
        from: 2019,
        to: Some(2026),
        value: (),
        source: "Income Tax Act art. 35, 48-2; NTA FAQ on crypto assets",
    },
];

const COST_SOURCE: &str = "Income Tax Act art. 48-2; Enforcement Order art. 119-2";
const MARGIN_SOURCE: &str = "NTA FAQ on crypto assets (read in secondary sources)";
const LOSS_SOURCE: &str = "Income Tax Act art. 69(1)";

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut years = BTreeMap::new();
    for year in books.years() {
        let (sums, mut out) = (books.sums(year), Assessment::default());
        let result = sums.net.checked_add(sums.income)?;
        let result = result.checked_add(sums.other)?;
        let fact = on(MISCELLANEOUS, year);
        let source = fact.map_or(UNKNOWN, |fact| fact.source);
        let (taxable, lost) = match fact {
            Some(_) => (above_zero(result), above_zero(result.negated())),
            None => (books.zero(), books.zero()),
        };
        out.extend([
            (
                "proceeds",
                "Received for transfers",
                sums.proceeds,
                None,
                source,
            ),
            (
                "cost",
                "Cost of what was transferred",
                sums.cost,
                None,
                COST_SOURCE,
            ),
            ("fees", "Costs of transfers", sums.fees, None, source),
            (
                "income",
                "Rewards at their value on receipt",
                sums.income,
                None,
                source,
            ),
            (
                "miscellaneous_income",
                "Miscellaneous income from crypto assets",
                taxable,
                Some(Place::words("miscellaneous income")),
                source,
            ),
            (
                "loss_of_year",
                "Loss, which goes against miscellaneous income of the year alone",
                lost,
                None,
                LOSS_SOURCE,
            ),
        ]);
        out.margin(
            ("margin_results", "of these results of margin positions"),
            sums.other,
            None,
            MARGIN_SOURCE,
        );
        years.insert(year, out);
    }
    Ok(years)
}
