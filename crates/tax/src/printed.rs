//! Sums of a year in whole cents that add up: the one rounding of every output.
//!
//! Were each sum rounded by itself, the net gain would miss its own parts by a cent. So what the
//! return asks for is rounded: gains by term, or gains and losses, and the net gain is their sum;
//! or the net gain alone. Where gains and losses are asked for and terms are told apart besides,
//! the long term has what the short one leaves. What is left of the cents goes to the losses where
//! these are not asked for, and to the cost, so that proceeds less fees less cost, with losses
//! denied added, are the net gain. A loss or a cost that is no cent gets none by that: there the
//! gains take what is left, or the proceeds.

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::jurisdiction::{self, Jurisdiction};
use crate::outcome::Totals;
use crate::request::Country;

/// How far a sum may be moved so that others add up; more is no matter of rounding.
const MOVED_MAX_CENTS: u64 = 3;

/// The sums of a year in whole cents that add up; sums too large to be added stay as they are.
pub fn printed(totals: &Totals, country: Country) -> Totals {
    adding_up(totals, jurisdiction::of(country)).unwrap_or_else(|_| totals.clone())
}

fn adding_up(totals: &Totals, rules: &Jurisdiction) -> Result<Totals, AmountError> {
    let cents = |money: Money| money.round(2);
    let mut all = Totals {
        proceeds: cents(totals.proceeds),
        no_gain_no_loss: cents(totals.no_gain_no_loss),
        cost: cents(totals.cost),
        fees: cents(totals.fees),
        gains: cents(totals.gains),
        losses: cents(totals.losses),
        denied: cents(totals.denied),
        net: cents(totals.net),
        short: cents(totals.short),
        long: cents(totals.long),
        income: cents(totals.income),
        other: cents(totals.other),
        disposals: totals.disposals,
    };
    if rules.asks_for_losses {
        all.net = near(all.gains.checked_add(all.losses)?, totals.net)?;
        match (&rules.terms, all.long.is_zero()) {
            (None, _) => {}
            (Some(_), true) => all.short = near(all.net, totals.short)?,
            (Some(_), false) => {
                all.long = near(all.net.checked_sub(all.short)?, totals.long)?;
            }
        }
    } else if rules.terms.is_some() {
        all.net = near(all.short.checked_add(all.long)?, totals.net)?;
    }
    if all.losses.is_zero() {
        all.gains = near(all.net, totals.gains)?;
    } else {
        all.losses = near(all.net.checked_sub(all.gains)?, totals.losses)?;
    }
    let beside = all.denied.checked_sub(all.fees)?;
    if all.cost.is_zero() {
        all.proceeds = near(all.net.checked_sub(beside)?, totals.proceeds)?;
    } else {
        let before_cost = all.proceeds.checked_add(beside)?;
        all.cost = near(before_cost.checked_sub(all.net)?, totals.cost)?;
    }
    Ok(all)
}

/// What makes the sums add up, where it is the exact amount but for cents; else that amount.
fn near(fitting: Money, exact: Money) -> Result<Money, AmountError> {
    let rounded = exact.round(2);
    let off = fitting.checked_sub(rounded)?.abs();
    let most = Money::parse(&format!("0.0{MOVED_MAX_CENTS}"), exact.currency());
    Ok(match most {
        Ok(most) if off <= most => fitting,
        _ => rounded,
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
    fn where_the_net_gain_alone_is_asked_for_it_is_the_exact_one_rounded_once() {
        let money = |text: &str| Money::parse(text, Currency::EUR).unwrap();
        let exact = Totals {
            gains: money("20.004"),
            losses: money("-10.009"),
            net: money("9.995"),
            ..totals(money)
        };
        let fr = printed(&exact, Country::Fr);
        assert_eq!(
            [fr.gains, fr.losses, fr.net],
            ["20", "-10", "10"].map(money)
        );
        // The return of Italy asks for both parts.
        let it = printed(&exact, Country::It);
        assert_eq!(
            [it.gains, it.losses, it.net],
            ["20", "-10.01", "9.99"].map(money)
        );
    }

    #[test]
    fn gains_and_losses_that_a_return_asks_for_are_kept_and_terms_add_up_to_them() {
        let money = |text: &str| Money::parse(text, Currency::AUD).unwrap();
        let exact = Totals {
            short: money("3.334"),
            long: money("6.662"),
            ..totals(money)
        };
        let au = printed(&exact, Country::Au);
        assert_eq!(
            [au.gains, au.losses, au.net],
            ["20", "-10.01", "9.99"].map(money)
        );
        assert_eq!([au.short, au.long], ["3.33", "6.66"].map(money));
        let exact = Totals {
            short: money("9.996"),
            long: money("0"),
            ..exact
        };
        let au = printed(&exact, Country::Au);
        assert_eq!([au.short, au.long], ["9.99", "0"].map(money));
    }

    #[test]
    fn a_country_without_terms_gets_no_cent_of_one() {
        let money = |text: &str| Money::parse(text, Currency::GBP).unwrap();
        let exact = Totals {
            gains: money("0.01"),
            net: money("0.01"),
            ..Totals::zero(Currency::GBP)
        };
        let uk = printed(&exact, Country::Uk);
        assert_eq!([uk.short, uk.long], ["0", "0"].map(money));
    }

    #[test]
    fn no_cent_of_a_loss_or_a_cost_is_printed_where_there_is_none() {
        let money = |text: &str| Money::parse(text, Currency::USD).unwrap();
        let exact = Totals {
            proceeds: money("0.008"),
            gains: money("0.008"),
            net: money("0.008"),
            short: money("0.004"),
            long: money("0.004"),
            ..Totals::zero(Currency::USD)
        };
        let us = printed(&exact, Country::Us);
        let nothing = Money::zero(Currency::USD);
        assert_eq!([us.short, us.long, us.net], [nothing; 3]);
        assert_eq!([us.gains, us.losses], [nothing; 2]);
        assert_eq!([us.proceeds, us.cost], [nothing; 2]);
        // The other way round the parts come to two cents, of 0.012 in all.
        let exact = Totals {
            proceeds: money("0.012"),
            gains: money("0.012"),
            net: money("0.012"),
            short: money("0.006"),
            long: money("0.006"),
            ..exact
        };
        let us = printed(&exact, Country::Us);
        assert_eq!([us.net, us.gains, us.proceeds], [money("0.02"); 3]);
        assert_eq!([us.losses, us.cost], [nothing; 2]);
    }

    #[test]
    fn proceeds_less_cost_are_the_net_gain() {
        let money = |text: &str| Money::parse(text, Currency::EUR).unwrap();
        let exact = Totals {
            proceeds: money("305.01"),
            cost: money("152.505"),
            gains: money("152.505"),
            net: money("152.505"),
            ..Totals::zero(Currency::EUR)
        };
        let fr = printed(&exact, Country::Fr);
        assert_eq!([fr.cost, fr.net], ["152.50", "152.51"].map(money));
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
