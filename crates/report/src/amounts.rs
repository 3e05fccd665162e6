//! Amounts as people read them: thousands marks, the real minus sign, a currency's own sign.
//!
//! Every printed amount passes through [`Money::to_cents`] once; nothing is summed after that.

use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;

/// The minus sign of print, which is as wide as a figure.
pub(crate) const MINUS: char = '\u{2212}';

/// Cents as an integer: lengths of bars, ordering, and columns that have to add up.
pub(crate) fn cents(money: Money) -> i128 {
    let digits: String = money.to_cents().chars().filter(|c| *c != '.').collect();
    digits
        .parse()
        .expect("an amount in cents is an integer without its dot")
}

/// An amount without its currency, such as `−1,234.50`.
pub(crate) fn bare(money: Money) -> String {
    grouped(&money.to_cents(), "")
}

/// An amount with its currency, such as `−$1,234.50`.
pub(crate) fn full(money: Money) -> String {
    grouped(&money.to_cents(), &sign_of(money.currency()))
}

/// An amount whose sign matters, such as `+1,234.50`.
pub(crate) fn signed(money: Money) -> String {
    with_plus(money, bare(money))
}

/// The price of one unit, such as `1,234.50`; below one with so many decimals that it can be told
/// from nothing, such as `0.00001234`.
pub(crate) fn unit_price(money: Money) -> String {
    let exact = money.to_fixed(PRICE_DECIMALS_MAX);
    let Some(fraction) = exact.trim_start_matches('-').strip_prefix("0.") else {
        return bare(money);
    };
    let zeros = fraction.len() - fraction.trim_start_matches('0').len();
    let decimals = u32::try_from(zeros).unwrap_or(PRICE_DECIMALS_MAX) + PRICE_FIGURES;
    let text = money.to_fixed(decimals.min(PRICE_DECIMALS_MAX));
    // At least the cents, as everywhere.
    let cents = text.find('.').map_or(text.len(), |dot| dot + 3);
    let short = text.trim_end_matches('0').len();
    grouped(&text[..short.max(cents)], "")
}

/// The price of one unit where so many have so much money; a dash where it is out of range.
pub(crate) fn price_of_one(money: Money, quantity: Quantity) -> String {
    let one = Quantity::from_units(1, 0).and_then(|one| money.share(one, quantity));
    match one {
        Ok(one) if one.is_zero() && !money.is_zero() => "<0.000000000000000001".to_owned(),
        Ok(one) => unit_price(one),
        Err(_) => "–".to_owned(),
    }
}

/// Decimals that an amount has.
const PRICE_DECIMALS_MAX: u32 = 18;
/// Figures of a price below one, after its zeros.
const PRICE_FIGURES: u32 = 6;

/// An amount in whole units whose sign matters, such as `+1,235`; a dash for nothing at all.
pub(crate) fn whole_signed(money: Money) -> String {
    if money.is_zero() {
        return "–".to_owned();
    }
    let whole = money.to_fixed(0);
    let text = if whole.len() > WHOLE_CHARS_MAX {
        short(money)
    } else {
        grouped(&whole, "")
    };
    if text == "0" || text.starts_with(MINUS) {
        text
    } else {
        format!("+{text}")
    }
}

/// Figures and sign of a whole amount that a narrow column can hold.
const WHOLE_CHARS_MAX: usize = 9;

/// A large amount to a tenth of its unit, such as `−964.2bn`, rounded once from the exact one.
fn short(money: Money) -> String {
    let digits: String = money.to_fixed(18).chars().filter(|c| *c != '.').collect();
    let exact: i128 = digits
        .parse()
        .expect("an exact amount is an integer without its dot");
    let size = exact.unsigned_abs();
    let (zeros, suffix) = [(12, "tn"), (9, "bn"), (6, "m")]
        .into_iter()
        .find(|(zeros, _)| size >= 10_u128.pow(18 + zeros))
        .unwrap_or((6, "m"));
    let tenth = 10_u128.pow(18 + zeros - 1);
    let tenths = (size + tenth / 2) / tenth;
    let minus = if exact < 0 { "−" } else { "" };
    format!(
        "{minus}{}.{}{suffix}",
        grouped(&(tenths / 10).to_string(), ""),
        tenths % 10
    )
}

/// Amounts on an axis, all in the unit of the largest and with as many decimals, such as `−$0.05`,
/// `$1,500` or `$20k`; they are multiples of a round step, so nothing is lost.
pub(crate) fn axis(ticks: &[i128], sign: &str) -> Vec<String> {
    /// From what on a unit is used, it, and its sign; below 10,000, 1,500 reads better than 1.5k.
    const UNITS: [(i128, i128, &str); 5] = [
        (100_000_000_000_000, 100_000_000_000_000, "tn"),
        (100_000_000_000, 100_000_000_000, "bn"),
        (100_000_000, 100_000_000, "m"),
        (1_000_000, 100_000, "k"),
        (0, 100, ""),
    ];
    let most = ticks.iter().map(|cents| cents.abs()).max();
    let most = most.unwrap_or_default();
    let (_, unit, suffix) = *(UNITS.iter())
        .find(|(from, _, _)| most >= *from)
        .unwrap_or(&UNITS[UNITS.len() - 1]);
    let parts = |cents: &i128, decimals: u32| cents.abs() * 10_i128.pow(decimals) % unit;
    // Of money, either no decimals or cents.
    let known: &[u32] = if suffix.is_empty() { &[0] } else { &[0, 1] };
    let decimals = (known.iter().copied())
        .find(|decimals| ticks.iter().all(|cents| parts(cents, *decimals) == 0))
        .unwrap_or(2);
    let label = |cents: &i128| {
        let scaled = cents.abs() * 10_i128.pow(decimals) / unit;
        let (whole, rest) = (
            scaled / 10_i128.pow(decimals),
            scaled % 10_i128.pow(decimals),
        );
        let minus = if *cents < 0 { "-" } else { "" };
        let fraction = match decimals {
            0 => String::new(),
            1 => format!(".{rest}"),
            _ => format!(".{rest:02}"),
        };
        let plain = format!("{minus}{whole}{fraction}");
        match *cents {
            0 if !suffix.is_empty() => format!("{sign}0"),
            _ => format!("{}{suffix}", grouped(&plain, sign)),
        }
    };
    ticks.iter().map(label).collect()
}

/// An amount of an asset with all its decimals, such as `12,345.678`.
pub(crate) fn quantity(quantity: &Quantity) -> String {
    grouped(&quantity.to_string(), "")
}

/// A count, such as `12,345`.
pub(crate) fn count(count: impl TryInto<u64>) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    grouped(&count.to_string(), "")
}

/// The sign of a currency where everybody knows it, else its code.
pub(crate) fn sign_of(currency: Currency) -> String {
    match currency.code() {
        "USD" => "$".to_owned(),
        "EUR" => "€".to_owned(),
        "GBP" => "£".to_owned(),
        "CAD" => "CA$".to_owned(),
        "AUD" => "A$".to_owned(),
        "JPY" => "¥".to_owned(),
        "INR" => "₹".to_owned(),
        code => format!("{code}\u{a0}"),
    }
}

/// A currency by its name where it is well known, else its code.
pub(crate) fn currency_name(currency: Currency) -> String {
    match currency.code() {
        "USD" => "US dollars".to_owned(),
        "EUR" => "euros".to_owned(),
        "GBP" => "pounds sterling".to_owned(),
        "CAD" => "Canadian dollars".to_owned(),
        "AUD" => "Australian dollars".to_owned(),
        code => code.to_owned(),
    }
}

fn with_plus(money: Money, text: String) -> String {
    // What rounds to nothing has no sign, in either direction.
    let is_plus = !text.starts_with(MINUS) && money.to_cents() != "0.00";
    if is_plus { format!("+{text}") } else { text }
}

/// Puts commas between thousands and a sign before the figures of a plain decimal.
fn grouped(plain: &str, sign: &str) -> String {
    let (minus, digits) = match plain.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, plain),
    };
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let mut text = String::with_capacity(plain.len() + plain.len() / 3 + sign.len() + 4);
    if minus {
        text.push(MINUS);
    }
    text.push_str(sign);
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text.push_str(fraction);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).unwrap()
    }

    #[test]
    fn amounts_carry_thousands_marks_and_the_real_minus_sign() {
        assert_eq!(bare(usd("-1234567.891")), "−1,234,567.89");
        assert_eq!(full(usd("-1234.5")), "−$1,234.50");
        assert_eq!(full(usd("999")), "$999.00");
        assert_eq!(bare(usd("123456789012.34")), "123,456,789,012.34");
        assert_eq!(
            quantity(&"1234.000000000000000001".parse().unwrap()),
            "1,234.000000000000000001"
        );
    }

    #[test]
    fn a_printed_amount_is_rounded_once_from_the_exact_one() {
        // Rounding to a tenth of a cent first would give 0.12, and a binary fraction 1.00.
        assert_eq!(bare(usd("0.1149")), "0.11");
        assert_eq!(bare(usd("1.005")), "1.01");
        assert_eq!(bare(usd("-0.005")), "−0.01");
    }

    #[test]
    fn what_rounds_to_nothing_has_no_sign() {
        assert_eq!(signed(usd("0.004")), "0.00");
        assert_eq!(signed(usd("-0.004")), "0.00");
        assert_eq!(signed(usd("0.01")), "+0.01");
        assert_eq!(whole_signed(usd("-0.4")), "0");
    }

    #[test]
    fn large_amounts_of_a_narrow_column_are_shown_to_a_tenth_of_their_unit() {
        assert_eq!(whole_signed(usd("12345678.5")), "+12,345,679");
        assert_eq!(whole_signed(usd("-964197532086.41")), "−964.2bn");
        assert_eq!(whole_signed(usd("1250000000")), "+1.3bn");
        assert_eq!(axis(&[-1_000_000, 500_000], "$"), ["−$10k", "$5k"]);
        assert_eq!(axis(&[100_000_000_000_000], "$"), ["$1tn"]);
    }

    #[test]
    fn a_price_below_one_keeps_the_decimals_that_tell_it_from_nothing() {
        assert_eq!(unit_price(usd("2345.678")), "2,345.68");
        assert_eq!(unit_price(usd("0.5")), "0.50");
        assert_eq!(unit_price(usd("0.00001234")), "0.00001234");
        assert_eq!(unit_price(usd("0.6940518714")), "0.694052");
        assert_eq!(unit_price(usd("0.9999999")), "1.00");
        assert_eq!(unit_price(usd("0")), "0.00");
    }

    #[test]
    fn a_price_of_one_unit_is_never_shown_as_nothing_where_it_is_something() {
        let one = |money: &str, units: &str| price_of_one(usd(money), units.parse().unwrap());
        assert_eq!(one("0.004", "2"), "0.002");
        assert_eq!(one("0.01", "30000000"), "0.000000000333333");
        assert_eq!(
            one("0.01", "100000000000000000000"),
            "<0.000000000000000001"
        );
        assert_eq!(one("0", "2"), "0.00");
        assert_eq!(one("1", "0"), "–");
    }

    #[test]
    fn cents_are_whole_numbers_with_their_sign() {
        assert_eq!(cents(usd("-12.345")), -1_235);
        assert_eq!(cents(usd("0")), 0);
    }
}
