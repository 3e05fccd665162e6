//! The half of gains that is taxable, and losses to carry.

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use crate::assess::{Assessment, Books, above_zero, least};
use crate::outcome::TaxYear;

const INCLUSION_SOURCE: &str =
    "ITA s. 38(a); the planned rate of two thirds was cancelled on 21 March 2025";
const LOSS_SOURCE: &str = "ITA s. 3(b), 111(1)(b)";

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let mut brought = books.given("loss_before");
    let mut years = BTreeMap::new();
    for year in books.years() {
        let sums = books.sums(year);
        let mut out = Assessment::default();
        let costs = sums.cost.checked_add(sums.fees)?;
        let used = least(brought, above_zero(sums.net));
        let left = brought
            .checked_sub(used)?
            .checked_add(above_zero(sums.net.negated()))?;
        for (key, label, amount, form, source) in [
            (
                "proceeds_of_disposition",
                "Proceeds of disposition",
                sums.proceeds,
                Some("Schedule 3, crypto-assets"),
                "Schedule 3 (T1)",
            ),
            (
                "cost_and_outlays",
                "Adjusted cost base, outlays and expenses",
                costs,
                Some("Schedule 3, crypto-assets"),
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
                Some("Schedule 3, crypto-assets"),
                "ITA s. 39(1), 40(1)",
            ),
            (
                "taxable_capital_gain",
                "Half of the gain, which is taxable",
                half(above_zero(sums.net))?,
                Some("line 12700"),
                INCLUSION_SOURCE,
            ),
            (
                "losses_before_used",
                "Losses of earlier years that may be set against the gain, in full",
                used,
                Some("line 25300, half of it"),
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
                Some("line 13000"),
                "ITA s. 9, 56",
            ),
        ] {
            out.money(key, label, amount, form, source);
        }
        brought = left;
        years.insert(year, out);
    }
    Ok(years)
}

/// Half of an amount.
fn half(money: Money) -> Result<Money, AmountError> {
    money.share(Quantity::from_units(1, 0)?, Quantity::from_units(2, 0)?)
}
