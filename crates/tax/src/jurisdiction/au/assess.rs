//! The discount, and losses before it.

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use crate::assess::{Assessment, Books, above_zero, least};
use crate::outcome::{TaxYear, Term};

const DISCOUNT_SOURCE: &str = "ITAA 1997 s. 115-25, 115-100; TD 2002/10";
const LOSS_SOURCE: &str = "ITAA 1997 s. 102-5, 102-15";
const FORM: Option<&str> = Some("Capital gains tax schedule");

pub(super) fn assess(books: &Books<'_>) -> Result<BTreeMap<TaxYear, Assessment>, AmountError> {
    let has_discount = books.chosen("person") == "individual";
    let mut brought = books.given("loss_before");
    let mut years = BTreeMap::new();
    for year in books.years() {
        let lines = books.lines(year);
        let of = |term| lines.iter().filter(move |line| line.term == Some(term));
        let (short, short_losses) = books.gains_and_losses(of(Term::Short))?;
        let (long, long_losses) = books.gains_and_losses(of(Term::Long))?;
        let losses = short_losses.checked_add(long_losses)?.negated();
        let all_losses = losses.checked_add(brought)?;
        // Losses go against gains without a discount first, which is best for the taxpayer.
        let against_short = least(all_losses, short);
        let left = all_losses.checked_sub(against_short)?;
        let against_long = least(left, long);
        let carried = left.checked_sub(against_long)?;
        let long_left = long.checked_sub(against_long)?;
        let discount = if has_discount {
            half(long_left)?
        } else {
            books.zero()
        };
        let net = short
            .checked_sub(against_short)?
            .checked_add(long_left)?
            .checked_sub(discount)?;
        let mut out = Assessment::default();
        for (key, label, amount, form, source) in [
            (
                "total_current_year_capital_gains",
                "Capital gains of the year",
                short.checked_add(long)?,
                Some("item 18H"),
                LOSS_SOURCE,
            ),
            (
                "gains_without_discount",
                "of these held for less than twelve months",
                short,
                FORM,
                DISCOUNT_SOURCE,
            ),
            (
                "gains_with_discount",
                "of these held for at least twelve months",
                long,
                FORM,
                DISCOUNT_SOURCE,
            ),
            (
                "losses_of_year",
                "Capital losses of the year",
                losses.negated(),
                FORM,
                LOSS_SOURCE,
            ),
            (
                "losses_of_earlier_years",
                "Capital losses of earlier years",
                brought.negated(),
                FORM,
                LOSS_SOURCE,
            ),
            (
                "discount",
                "Discount of 50 %",
                discount.negated(),
                FORM,
                DISCOUNT_SOURCE,
            ),
            (
                "net_capital_gain",
                "Net capital gain",
                net,
                Some("item 18A"),
                LOSS_SOURCE,
            ),
            (
                "losses_carried_forward",
                "Net capital losses to carry forward",
                above_zero(carried),
                Some("item 18V"),
                LOSS_SOURCE,
            ),
            (
                "income",
                "Income from crypto assets",
                books.sums(year).income,
                Some("item 24, other income"),
                "ATO, Staking rewards and airdrops",
            ),
        ] {
            out.money(key, label, amount, form, source);
        }
        brought = carried;
        years.insert(year, out);
    }
    Ok(years)
}

/// Half of an amount.
fn half(money: Money) -> Result<Money, AmountError> {
    money.share(Quantity::from_units(1, 0)?, Quantity::from_units(2, 0)?)
}
