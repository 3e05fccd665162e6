//! Figures as they stand in JSON, taken exactly: by their text and not by way of a float.

use packtrain_core::quantity::Quantity;
use serde_json::value::RawValue;

/// The largest exponent that is written out.
const EXPONENT_MAX: u32 = 38;
/// Figures of a number that are taken, from the first: those of a double are fewer.
const DIGITS_MAX: usize = 38;

/// The figure that a number says, or a text that has one in it; none for null and the rest.
pub(crate) fn figure(raw: &RawValue) -> Option<Quantity> {
    let text = raw.get().trim_matches('"');
    plain(text)?.parse().ok()
}

/// A number without exponent.
fn plain(text: &str) -> Option<String> {
    let (number, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().ok()?;
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("-", number),
        None => ("", number),
    };
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let is_plain = |text: &str| text.bytes().all(|figure| figure.is_ascii_digit());
    let is_far = exponent.unsigned_abs() > EXPONENT_MAX;
    if whole.is_empty() || !is_plain(whole) || !is_plain(part) || is_far {
        return None;
    }
    let digits: String = [whole, part].concat();
    let point = i32::try_from(whole.len()).ok()? + exponent;
    let (mut whole, mut part) = match usize::try_from(point) {
        Ok(point) if point >= digits.len() => (
            format!("{digits}{}", "0".repeat(point - digits.len())),
            String::new(),
        ),
        Ok(point) => (digits[..point].to_owned(), digits[point..].to_owned()),
        Err(_) => {
            let zeros = usize::try_from(point.unsigned_abs()).ok()?;
            (String::new(), format!("{}{digits}", "0".repeat(zeros)))
        }
    };
    let significant = whole.trim_start_matches('0').len();
    part.truncate(DIGITS_MAX.saturating_sub(significant));
    if whole.is_empty() {
        whole.push('0');
    }
    if part.is_empty() {
        return Some(format!("{sign}{whole}"));
    }
    Some(format!("{sign}{whole}.{part}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let raw: Box<RawValue> = serde_json::from_str(text).unwrap();
        figure(&raw).map(|figure| figure.to_string())
    }

    #[test]
    fn a_figure_is_exactly_what_stands_there() {
        for (text, wanted) in [
            ("0.1", "0.1"),
            ("52812345678.91235", "52812345678.91235"),
            ("4.213e-9", "0.000000004213"),
            ("1.5E+21", "1500000000000000000000"),
            ("-3", "-3"),
            ("12e-1", "1.2"),
            ("\"7.25\"", "7.25"),
            ("0", "0"),
        ] {
            assert_eq!(read(text).as_deref(), Some(wanted), "{text}");
        }
    }

    #[test]
    fn what_is_no_figure_is_none() {
        for text in [
            "null",
            "true",
            "\"\"",
            "\"abc\"",
            "\"1e99\"",
            "{}",
            "[1]",
            "\"-\"",
            "1e-2147483648",
            "1e2147483647",
            "1e-2147483649",
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
