//! Sums of a year as they are printed: in whole cents that add up.
//!
//! Were each sum rounded by itself, the net gain would miss its own parts by a cent. So the parts
//! that the law asks for are rounded, gains by term or gains and losses; the net gain is their sum;
//! and what is left of the cents goes to the losses where there are terms. Where proceeds, fees and
//! cost stand above the net gain, as in the PDF, the cost takes what is left there.

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::Totals;
use packtrain_tax::request::Country;

/// How far a sum may be moved so that others add up; more is no matter of rounding.
const MOVED_MAX_CENTS: i128 = 3;

/// The sums of a year in whole cents that add up; sums too large to be added stay as they are.
pub fn printed(totals: &Totals, country: Country) -> Totals {
    let has_terms = jurisdiction::of(country).terms.is_some();
    adding_up(totals, has_terms).unwrap_or_else(|_| totals.clone())
}

/// The same, with a cost that makes proceeds less fees less cost the net gain.
pub(crate) fn printed_across(totals: &Totals, country: Country) -> Totals {
    let all = printed(totals, country);
    let cost = fitting_cost(&all, totals.cost).unwrap_or(all.cost);
    Totals { cost, ..all }
}

fn fitting_cost(all: &Totals, exact: Money) -> Result<Money, AmountError> {
    let before_cost = all
        .proceeds
        .checked_sub(all.fees)?
        .checked_add(all.denied)?;
    near(before_cost.checked_sub(all.net)?, exact)
}

fn adding_up(totals: &Totals, has_terms: bool) -> Result<Totals, AmountError> {
    let cents = |money: Money| money.round(2);
    let mut all = Totals {
        proceeds: cents(totals.proceeds),
        cost: cents(totals.cost),
        fees: cents(totals.fees),
        gains: cents(totals.gains),
        losses: cents(totals.losses),
        denied: cents(totals.denied),
        short: cents(totals.short),
        long: cents(totals.long),
        income: cents(totals.income),
        other: cents(totals.other),
        ..totals.clone()
    };
    if has_terms {
        all.net = near(all.short.checked_add(all.long)?, totals.net)?;
        all.losses = near(all.net.checked_sub(all.gains)?, totals.losses)?;
    } else {
        all.net = near(all.gains.checked_add(all.losses)?, totals.net)?;
    }
    Ok(all)
}

/// What makes the sums add up, where it is the exact amount but for cents; else that amount.
fn near(fitting: Money, exact: Money) -> Result<Money, AmountError> {
    let rounded = exact.round(2);
    let off = crate::amounts::cents(fitting.checked_sub(rounded)?);
    Ok(if off.abs() <= MOVED_MAX_CENTS {
        fitting
    } else {
        rounded
    })
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;

    fn totals(money: impl Fn(&str) -> Money) -> Totals {
        Totals {
            proceeds: money("100.004"),
            cost: money("90.008"),
            gains: money("20.004"),
            losses: money("-10.008"),
            net: money("9.996"),
            short: money("3.333"),
            long: money("6.663"),
            ..Totals::zero(money("0").currency())
        }
    }

    #[test]
    fn the_printed_net_is_the_sum_of_the_printed_parts() {
        let money = |text: &str| Money::parse(text, Currency::GBP).unwrap();
        let exact = totals(money);
        let uk = printed(&exact, Country::Uk);
        assert_eq!(
            [uk.gains, uk.losses, uk.net],
            ["20", "-10.01", "9.99"].map(money)
        );
        assert_eq!([uk.proceeds, uk.cost], ["100", "90.01"].map(money));
        let us = printed(&exact, Country::Us);
        assert_eq!(
            [us.short, us.long, us.net],
            ["3.33", "6.66", "9.99"].map(money)
        );
        assert_eq!([us.gains, us.losses], ["20", "-10.01"].map(money));
    }

    #[test]
    fn proceeds_less_cost_are_the_net_gain_where_they_stand_above_it() {
        let money = |text: &str| Money::parse(text, Currency::EUR).unwrap();
        let exact = Totals {
            proceeds: money("305.01"),
            cost: money("152.505"),
            gains: money("152.505"),
            net: money("152.505"),
            ..Totals::zero(Currency::EUR)
        };
        let across = printed_across(&exact, Country::Fr);
        assert_eq!([across.cost, across.net], ["152.50", "152.51"].map(money));
        assert_eq!(printed(&exact, Country::Fr).cost, money("152.51"));
    }

    #[test]
    fn what_is_no_matter_of_rounding_is_not_moved() {
        let money = |text: &str| Money::parse(text, Currency::GBP).unwrap();
        let exact = Totals {
            net: money("5"),
            ..totals(money)
        };
        let uk = printed(&exact, Country::Uk);
        assert_eq!([uk.net, uk.cost], ["5", "90.01"].map(money));
    }
}
