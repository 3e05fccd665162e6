//! A figure for the return as every output shows it: what is typed into its box or line.

use packtrain_core::money::Money;
use packtrain_tax::outcome::{Amount, Entered, Figure};

/// How much a figure is, as it is shown beside its box: a box for losses or costs alone takes them
/// without a sign.
pub fn shown(figure: &Figure) -> Amount {
    match (figure.amount, figure.form) {
        (Amount::Money(money), Some(place)) if place.entered.is_unsigned() => {
            Amount::Money(money.abs())
        }
        (amount, _) => amount,
    }
}

/// Whether its form says to leave its line empty: line 21 of Schedule D is for a net loss alone.
pub fn is_left_empty(figure: &Figure) -> bool {
    let is_limit = figure.key == "deductible" && figure.form.is_some();
    is_limit && matches!(figure.amount, Amount::Money(money) if money.is_zero())
}

/// What is typed into the box or line, such as `1204` or `(3000.00)`; none where no form asks for
/// the figure, or it says to leave the line empty.
pub fn as_entered(figure: &Figure) -> Option<String> {
    let place = figure.form.filter(|_| !is_left_empty(figure))?;
    match figure.amount {
        Amount::Money(money) => Some(typed(money, place.entered)),
        Amount::Count(count) => Some(count.to_string()),
        Amount::YesNo(_) => None,
    }
}

fn typed(money: Money, entered: Entered) -> String {
    match entered {
        Entered::Cents => money.to_cents(),
        Entered::Unsigned => money.abs().to_cents(),
        Entered::Bracketed if money.to_cents().starts_with('-') => {
            format!("({})", money.abs().to_cents())
        }
        Entered::Bracketed => money.to_cents(),
        Entered::Down => whole(money).0,
        Entered::Units(units) => whole(units).0,
        // What is no penny in the figures is no pound in the return.
        Entered::Up if money.round(2).is_zero() => whole(money).0,
        Entered::Up => match whole(money) {
            (units, false) => units,
            (units, true) => one_more(&units),
        },
    }
}

/// Whole units without sign, and whether a fraction was cut from the exact amount.
fn whole(money: Money) -> (String, bool) {
    let plain = money.abs().to_plain();
    match plain.split_once('.') {
        Some((units, _)) => (units.to_owned(), true),
        None => (plain, false),
    }
}

/// One more than a number of any length.
fn one_more(units: &str) -> String {
    let kept = units.trim_end_matches('9');
    let zeros = "0".repeat(units.len() - kept.len());
    let mut head = kept.to_owned();
    let next = match head.pop() {
        Some(digit) => char::from(digit as u8 + 1),
        None => '1',
    };
    format!("{head}{next}{zeros}")
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;

    fn entered(text: &str, how: Entered) -> String {
        typed(Money::parse(text, Currency::GBP).unwrap(), how)
    }

    #[test]
    fn whole_units_are_cut_from_the_exact_amount_and_not_from_its_cents() {
        assert_eq!(entered("99.996", Entered::Down), "99");
        assert_eq!(entered("-0.5", Entered::Down), "0");
        assert_eq!(entered("99.001", Entered::Up), "100");
        assert_eq!(entered("-1298.4", Entered::Up), "1299");
        assert_eq!(entered("1999.5", Entered::Up), "2000");
        assert_eq!(entered("99", Entered::Up), "99");
    }

    #[test]
    fn less_than_half_a_penny_is_not_rounded_up_to_a_pound() {
        assert_eq!(entered("0.0002", Entered::Up), "0");
        assert_eq!(entered("-0.004", Entered::Up), "0");
        assert_eq!(entered("0.005", Entered::Up), "1");
    }

    #[test]
    fn a_loss_stands_as_its_form_wants_it() {
        assert_eq!(entered("-12.345", Entered::Cents), "-12.35");
        assert_eq!(entered("-12.345", Entered::Unsigned), "12.35");
        assert_eq!(entered("-12.345", Entered::Bracketed), "(12.35)");
        assert_eq!(entered("-0.001", Entered::Bracketed), "0.00");
        assert_eq!(entered("12", Entered::Bracketed), "12.00");
    }
}
