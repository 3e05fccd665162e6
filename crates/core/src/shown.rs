//! Numbers as people read them: exact text in, with separators between thousands and the unit, and
//! no more decimals than say something. All of it on figures, so that nothing is lost in a float.

use std::borrow::Cow;

/// Figures of a number that is worth showing whole.
const FIGURES_MAX: usize = 40;
/// Decimals from a thousand on, from one on; and figures that count below one.
const DECIMALS_OF_THOUSANDS: usize = 2;
const DECIMALS_OF_ONES: usize = 4;
const FIGURES_BELOW_ONE: usize = 4;
/// Decimals of percentages.
const DECIMALS_OF_PERCENT: usize = 2;
/// From so many figures on, wei are told in gwei, which are so many powers of ten more.
const FIGURES_OF_WEI: usize = 7;
const GWEI: usize = 9;

/// A plain decimal, as its figures.
struct Decimal<'t> {
    is_negative: bool,
    whole: &'t str,
    decimals: &'t str,
}

fn read(text: &str) -> Option<Decimal<'_>> {
    let (is_negative, figures) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, decimals) = figures.split_once('.').unwrap_or((figures, ""));
    let is_figures = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = !whole.is_empty() && is_figures(whole) && is_figures(decimals);
    (is_number && figures.len() <= FIGURES_MAX).then(|| Decimal {
        is_negative,
        whole: whole.trim_start_matches('0'),
        decimals: decimals.trim_end_matches('0'),
    })
}

/// A value with its unit: `$1,234.50`, `-0.81%`, `12.5 gwei`; many wei are told in gwei. What is no
/// plain decimal stands as it is.
pub fn reading(value: &str, unit: &str) -> String {
    with_more(value, unit, 0)
}

/// The same with all its decimals.
pub fn exact(value: &str, unit: &str) -> String {
    with_more(value, unit, FIGURES_MAX)
}

/// The same with as many decimals as tell it from others that it is not: what is below $3,000 does
/// not look like $3,000.
pub fn apart(value: &str, others: &[&str], unit: &str) -> String {
    let figures = |text: &str| {
        let it = read(text.trim())?;
        Some((it.is_negative, it.whole.to_owned(), it.decimals.to_owned()))
    };
    let is_other = |other: &&&str| figures(other).is_some_and(|it| figures(value) != Some(it));
    let others: Vec<&str> = others.iter().filter(is_other).copied().collect();
    let shown = (0..FIGURES_MAX).map(|more| (more, with_more(value, unit, more)));
    let told = { shown }.find(|(more, shown)| {
        let looks = |other: &&str| with_more(other, unit, *more) == *shown;
        !others.iter().any(looks)
    });
    told.map_or_else(|| reading(value, unit), |(_, shown)| shown)
}

/// A value with its unit, and so many decimals more than usually say something.
fn with_more(value: &str, unit: &str, more: usize) -> String {
    let (value, unit) = match unit {
        "wei" => in_gwei(value.trim()),
        _ => (Cow::Borrowed(value.trim()), unit),
    };
    let Some(decimal) = read(&value) else {
        return join(&value, unit, false);
    };
    let places = match (unit, decimal.whole.len()) {
        ("%", _) => DECIMALS_OF_PERCENT,
        (_, 0) => {
            let zeros = decimal.decimals.len() - decimal.decimals.trim_start_matches('0').len();
            zeros + FIGURES_BELOW_ONE
        }
        (_, 1..=3) => DECIMALS_OF_ONES,
        _ => DECIMALS_OF_THOUSANDS,
    };
    let (whole, decimals) = rounded(&decimal, places + more);
    let is_zero = whole == "0" && decimals.bytes().all(|byte| byte == b'0');
    let mut text = grouped(&whole);
    // Cents are written whole.
    let is_cents = unit == "USD" && !decimals.is_empty() && decimals.len() < 2;
    if !decimals.is_empty() {
        text.push('.');
        text.push_str(&decimals);
        text.push_str(if is_cents { "0" } else { "" });
    }
    join(&text, unit, decimal.is_negative && !is_zero)
}

/// Whole wei in gwei, where that is what people say.
fn in_gwei(wei: &str) -> (Cow<'_, str>, &'static str) {
    let is_many = read(wei).is_some_and(|it| {
        it.decimals.is_empty() && !it.is_negative && it.whole.len() >= FIGURES_OF_WEI
    });
    if !is_many {
        return (Cow::Borrowed(wei), "wei");
    }
    let figures = format!("{wei:0>width$}", width = GWEI + 1);
    let (whole, decimals) = figures.split_at(figures.len() - GWEI);
    (Cow::Owned(format!("{whole}.{decimals}")), "gwei")
}

fn join(number: &str, unit: &str, is_negative: bool) -> String {
    let sign = if is_negative { "-" } else { "" };
    match unit {
        "" => format!("{sign}{number}"),
        "USD" => format!("{sign}${number}"),
        "%" => format!("{sign}{number}%"),
        _ => format!("{sign}{number} {unit}"),
    }
}

/// Whole part and decimals, rounded half away from zero, without needless zeros.
fn rounded(decimal: &Decimal<'_>, places: usize) -> (String, String) {
    let kept = decimal.decimals.len().min(places);
    let mut figures: Vec<u8> = decimal
        .whole
        .bytes()
        .chain(decimal.decimals[..kept].bytes())
        .collect();
    let next = decimal.decimals.as_bytes().get(kept);
    if next.is_some_and(|next| *next >= b'5') {
        let mut carries = true;
        for figure in figures.iter_mut().rev() {
            if *figure < b'9' {
                *figure += 1;
                carries = false;
                break;
            }
            *figure = b'0';
        }
        if carries {
            figures.insert(0, b'1');
        }
    }
    let mut whole: String = figures.into_iter().map(char::from).collect();
    let decimals = whole.split_off(whole.len() - kept);
    if whole.is_empty() {
        whole.push('0');
    }
    (whole, decimals.trim_end_matches('0').to_owned())
}

/// Figures with commas between thousands.
fn grouped(figures: &str) -> String {
    let mut text = String::with_capacity(figures.len() * 4 / 3 + 1);
    for (at, figure) in figures.chars().enumerate() {
        if at > 0 && (figures.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(figure);
    }
    text
}

/// The change from one value to another in percent, with its sign, such as `+12.5%`; none where
/// that says nothing: from zero, of less than half a hundredth, or when a value is no number or too
/// long for exact figures.
pub fn change(before: &str, after: &str) -> Option<String> {
    let (before, after) = (read(before.trim())?, read(after.trim())?);
    let scale = before.decimals.len().max(after.decimals.len());
    let (before, after) = (units(&before, scale)?, units(&after, scale)?);
    if before <= 0 {
        return None;
    }
    let hundredths = after.checked_sub(before)?.checked_mul(10_000)?;
    let half = before / 2;
    let rounded = (hundredths.unsigned_abs() + half.unsigned_abs()) / before.unsigned_abs();
    if rounded == 0 {
        return None;
    }
    let sign = if hundredths < 0 { '-' } else { '+' };
    let exact = format!("{}.{:02}", rounded / 100, rounded % 100);
    Some(format!("{sign}{}", reading(&exact, "%")))
}

fn units(decimal: &Decimal<'_>, scale: usize) -> Option<i128> {
    let figures = format!("{}{:0<scale$}", decimal.whole, decimal.decimals);
    let units: i128 = if figures.is_empty() {
        0
    } else {
        figures.parse().ok()?
    };
    Some(if decimal.is_negative { -units } else { units })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators_their_unit_and_the_decimals_that_say_something() {
        for (value, unit, shown) in [
            ("1234567.891", "USD", "$1,234,567.89"),
            ("2988.1", "USD", "$2,988.10"),
            ("3000", "USD", "$3,000"),
            ("0.99951234", "USD", "$0.9995"),
            ("0.00001234567", "USD", "$0.00001235"),
            ("-1234.5", "USD", "-$1,234.50"),
            ("-3.456", "%", "-3.46%"),
            ("5", "%", "5%"),
            ("12.50", "gwei", "12.5 gwei"),
            ("0.0496812345", "gwei", "0.04968 gwei"),
            ("999.99995", "ETH", "1,000 ETH"),
            ("9999.995", "USD", "$10,000"),
            ("0.99999", "", "1"),
            ("0", "USD", "$0"),
            ("-0.00", "%", "0%"),
            ("-0.001", "%", "0%"),
            ("100", "", "100"),
            ("1000", "", "1,000"),
            ("115792089237316195423570985008687907853", "", {
                "115,792,089,237,316,195,423,570,985,008,687,907,853"
            }),
            ("20000000000", "wei", "20 gwei"),
            ("49681234", "wei", "0.04968 gwei"),
            ("1000000", "wei", "0.001 gwei"),
            ("999999", "wei", "999,999 wei"),
            ("1", "wei", "1 wei"),
            ("n/a", "USD", "$n/a"),
            ("1e5", "", "1e5"),
        ] {
            assert_eq!(reading(value, unit), shown, "{value} {unit}");
        }
    }

    #[test]
    fn values_that_are_not_alike_do_not_look_alike() {
        for (value, others, unit, shown) in [
            ("2999.999", &["3000"][..], "USD", "$2,999.999"),
            ("2999.999", &["3012.5"], "USD", "$3,000"),
            ("3000.00", &["3000"], "USD", "$3,000"),
            ("0.99996", &["1"], "", "0.99996"),
            ("0.999999996", &["1", "0.99999999"], "", "0.999999996"),
            ("20000000000", &["20000000001"], "wei", "20 gwei"),
            ("20000000001", &["20000000000"], "wei", "20.000000001 gwei"),
            ("-20.004", &["-20"], "%", "-20.004%"),
            ("5", &["n/a"], "USD", "$5"),
        ] {
            assert_eq!(apart(value, others, unit), shown, "{value} {others:?}");
        }
        assert_eq!(exact("1234.56789", "USD"), "$1,234.56789");
    }

    #[test]
    fn a_change_is_in_percent_with_its_sign_where_that_says_something() {
        for (before, after, shown) in [
            ("100", "112.5", Some("+12.5%")),
            ("3012.50", "2988.10", Some("-0.81%")),
            ("1", "1", None),
            ("2599.99", "2600", None),
            ("10000", "10000.5", Some("+0.01%")),
            ("0.5", "1234.5", Some("+246,800%")),
            ("0", "5", None),
            ("-5", "5", None),
            ("5", "n/a", None),
            ("1", "99999999999999999999999999999999999999", None),
        ] {
            assert_eq!(change(before, after).as_deref(), shown, "{before} {after}");
        }
    }
}
