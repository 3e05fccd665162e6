//! The capital gains tax schedule that companies, trusts and funds attach.
//!
//! Its labels were read in the schedules of 2016 and 2022: 1I and 1R for gains and losses of other
//! assets, 1J for all gains, 2A losses of the year, 2B and 2C losses of the year and of earlier
//! years that were applied, 2E both, 3B losses to carry, 4A the discount, 6A the net gain, which is
//! 1J less 2E less 4A. Boxes have no cents. 6A is always the net gain of the return: where there
//! is a discount, it has what the cents of the others leave. Where there is none, the losses have
//! it: up to a dollar more in 2C, as far as the losses of earlier years have whole dollars, then in
//! 2B; and since no more is applied than there is, 1R and 2A then have as many dollars as 2B. Only
//! where that is not enough, 2C too is rounded up.
//! Collectables have labels of their own; a ledger does not say which tokens are.

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use super::{Year, label};
use crate::assess::{Line, above_zero, cut, least, one_more};

const SOURCE: &str = "Capital gains tax (CGT) schedule, NAT 3423";
/// The source of labels that are worked out from what is entered in others.
const WORKED_OUT: &str = "Capital gains tax (CGT) schedule, NAT 3423; whole dollars, worked out \
                          from the other labels";

/// Label, key and words of each line.
const LABELS: [(&str, &str, &str); 10] = [
    ("1I", "schedule_1i", "Capital gains of other CGT assets"),
    ("1R", "schedule_1r", "Capital losses of other CGT assets"),
    ("1J", "schedule_1j", "Total current year capital gains"),
    ("2A", "schedule_2a", "Total current year capital losses"),
    ("2B", "schedule_2b", "Current year capital losses applied"),
    ("2C", "schedule_2c", "Prior year net capital losses applied"),
    ("2E", "schedule_2e", "Total capital losses applied"),
    (
        "3B",
        "schedule_3b",
        "Other net capital losses carried forward",
    ),
    ("4A", "schedule_4a", "Total CGT discount applied"),
    ("6A", "schedule_6a", "Net capital gain"),
];

/// The labels of the schedule, worked out from the figures of the year.
pub(super) fn lines(year: &Year, form: &'static str) -> Result<Vec<Line>, AmountError> {
    let gains = year.short.checked_add(year.long)?;
    let net = year.net;
    let applied = gains.checked_sub(net)?.checked_sub(year.discount)?;
    // Losses of the year go first, then those of earlier years (ITAA 1997 s. 102-5).
    let of_year = least(year.losses, applied);
    let exact = Applied {
        of_year,
        of_earlier: applied.checked_sub(of_year)?,
    };
    let entered_net = cut(above_zero(net))?;
    let without_net = cut(gains)?.checked_sub(entered_net)?;
    let has_discount = !year.discount.is_zero();
    let shown = match has_discount {
        true => exact,
        false => exact.in_dollars(without_net, year.brought)?,
    };
    let all_applied = cut(shown.of_year)?.checked_add(cut(shown.of_earlier)?)?;
    let discount = match has_discount {
        true => without_net.checked_sub(all_applied)?,
        false => year.discount,
    };
    let losses = match shown.of_year > year.losses {
        true => shown.of_year,
        false => year.losses,
    };
    let amounts = [
        gains,
        losses,
        gains,
        losses,
        shown.of_year,
        shown.of_earlier,
        all_applied,
        above_zero(year.carried),
        discount,
        entered_net,
    ];
    let is_worked_out = |number: &str| match number {
        "2E" | "4A" | "6A" => true,
        "2B" => shown.of_year != exact.of_year,
        "2C" => shown.of_earlier != exact.of_earlier,
        "1R" | "2A" => losses != year.losses,
        _ => false,
    };
    let lines = LABELS.into_iter().zip(amounts);
    let lines = lines.map(|((number, key, what), amount)| {
        let place = Some(label(form, number));
        let source = match is_worked_out(number) {
            true => WORKED_OUT,
            false => SOURCE,
        };
        (key, what, amount, place, source)
    });
    Ok(lines.collect())
}

/// Losses that were applied.
#[derive(Clone, Copy)]
struct Applied {
    of_year: Money,
    of_earlier: Money,
}

impl Applied {
    /// The same such that their whole dollars come to `all`, each within a dollar of what it is;
    /// those of earlier years within the whole dollars of them where that will do.
    fn in_dollars(self, all: Money, brought: Money) -> Result<Self, AmountError> {
        let most = least(one_more(self.of_earlier)?, cut(brought)?);
        let of_earlier = least(all.checked_sub(cut(self.of_year)?)?, most);
        let of_year = least(all.checked_sub(of_earlier)?, one_more(self.of_year)?);
        let of_earlier = all.checked_sub(of_year)?;
        // What is entered as it is keeps its cents.
        let kept = |exact: Money, dollars| {
            Ok(if cut(exact)? == dollars {
                exact
            } else {
                dollars
            })
        };
        Ok(Self {
            of_year: kept(self.of_year, of_year)?,
            of_earlier: kept(self.of_earlier, of_earlier)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;

    fn cents(count: i128) -> Money {
        let cents = packtrain_core::quantity::Quantity::from_units(count, 2).unwrap();
        Money::from_quantity(cents, Currency::AUD).unwrap()
    }

    #[test]
    fn no_label_shows_a_dollar_more_of_losses_than_there_are() {
        // Every cent of what makes up the amounts.
        let all = (0..100).flat_map(|gains| {
            (0..100).flat_map(move |losses| [0, 1, 33, 50, 99].map(|rest| (gains, losses, rest)))
        });
        for (gains, losses, brought) in all {
            let gains = cents(90_000 + gains);
            let (losses, brought) = (cents(10_000 + losses), cents(5_000 + brought));
            let applied = losses.checked_add(brought).unwrap();
            let year = Year {
                short: gains,
                long: cents(0),
                losses,
                brought,
                discount: cents(0),
                discount_label: "",
                discount_source: "",
                net: gains.checked_sub(applied).unwrap(),
                carried: cents(0),
                income: cents(0),
            };
            let lines = lines(&year, "").unwrap();
            let entered = |number: usize| cut(lines[number].2).unwrap();
            let [of_all, all, of_year, of_earlier, sum, net] = [2, 3, 4, 5, 6, 9].map(entered);
            let said = format!("{gains} {losses} {brought}");
            assert!(of_year <= all && entered(1) == all, "{said}");
            assert!(all <= one_more(losses).unwrap(), "{said}");
            assert!(of_earlier <= one_more(brought).unwrap(), "{said}");
            assert_eq!(of_year.checked_add(of_earlier).unwrap(), sum, "{said}");
            assert_eq!(of_all.checked_sub(sum).unwrap(), net, "{said}");
            assert_eq!(net, cut(year.net).unwrap(), "{said}");
        }
    }
}
