//! Measured values: exact fixed-point numbers, so that a threshold is met or not met and never
//! nearly. No floats: a float would put a price on the wrong side of its threshold.

use std::fmt;
use std::str::FromStr;

use ethnum::I256;
use serde::de::{Deserializer, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{RefOr, Schema};

/// Decimals that a value keeps.
const DECIMALS: usize = 18;
/// Units of one whole.
const ONE: i128 = 10_i128.pow(18);
/// Units of the largest value: twenty digits before the point and eighteen behind it.
const UNITS_MAX: i128 = 10_i128.pow(38) - 1;

/// A measured value or a threshold: an integer of 10⁻¹⁸, between -10²⁰ and 10²⁰, both left out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Value(i128);

/// Why a value could not be read or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ValueError {
    /// The text is no plain decimal.
    #[error("not a plain decimal number: digits with at most one dot, such as 0.42")]
    Malformed,
    /// More decimals than a value keeps.
    #[error("more than 18 decimals")]
    TooManyDecimals,
    /// Twenty-one digits or more before the point.
    #[error("out of range: at most 20 digits before the point")]
    OutOfRange,
}

impl Value {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest value.
    pub const MAX: Self = Self(UNITS_MAX);
    /// The smallest value.
    pub const MIN: Self = Self(-UNITS_MAX);

    /// A value of so many 10⁻¹⁸.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`].
    pub const fn from_units(units: i128) -> Result<Self, ValueError> {
        if units > UNITS_MAX || units < -UNITS_MAX {
            return Err(ValueError::OutOfRange);
        }
        Ok(Self(units))
    }

    /// A whole number.
    pub fn whole(number: i64) -> Self {
        // 64 bits times 10¹⁸ are below 10³⁸.
        Self(i128::from(number) * ONE)
    }

    /// How many 10⁻¹⁸ it is.
    pub const fn units(self) -> i128 {
        self.0
    }

    /// Sum.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`].
    pub const fn checked_add(self, other: Self) -> Result<Self, ValueError> {
        match self.0.checked_add(other.0) {
            Some(units) => Self::from_units(units),
            None => Err(ValueError::OutOfRange),
        }
    }

    /// Difference.
    ///
    /// # Errors
    /// [`ValueError::OutOfRange`].
    pub const fn checked_sub(self, other: Self) -> Result<Self, ValueError> {
        match self.0.checked_sub(other.0) {
            Some(units) => Self::from_units(units),
            None => Err(ValueError::OutOfRange),
        }
    }

    /// The change from an earlier value in percent of it: `(self - from) / |from| * 100`, to the
    /// nearest 10⁻¹⁸, half away from zero. None from zero, of which nothing is a percentage.
    ///
    /// A change beyond the range counts as the end of the range: it is on the right side of every
    /// threshold that there can be.
    pub fn percent_change(self, from: Self) -> Option<Self> {
        let difference = I256::from(self.0) - I256::from(from.0);
        (from.0 != 0).then(|| {
            let hundreds = difference * I256::from(100 * ONE);
            Self::nearest(hundreds, I256::from(from.0.abs()))
        })
    }

    /// The mean of `count` values that sum up to `sum` units, to the nearest 10⁻¹⁸, half away from
    /// zero. None of no values.
    pub(crate) fn mean(sum: I256, count: usize) -> Option<Self> {
        let count = i128::try_from(count).ok().filter(|count| *count > 0)?;
        Some(Self::nearest(sum, I256::from(count)))
    }

    /// `part` of `whole` in percent, to the nearest 10⁻¹⁸. None of nothing.
    pub fn percent_of(part: u32, whole: u32) -> Option<Self> {
        let hundreds = I256::from(i128::from(part) * 100 * ONE);
        (whole > 0).then(|| Self::nearest(hundreds, I256::from(i128::from(whole))))
    }

    /// `dividend / divisor` units, half away from zero, at most the end of the range. The divisor
    /// is above zero.
    pub(crate) fn nearest(dividend: I256, divisor: I256) -> Self {
        let (whole, rest) = (dividend / divisor, dividend % divisor);
        let is_away = rest.unsigned_abs() * 2 >= divisor.unsigned_abs();
        let step = if is_away {
            dividend.signum()
        } else {
            I256::ZERO
        };
        let end = I256::from(UNITS_MAX);
        Self((whole + step).clamp(-end, end).as_i128())
    }
}

impl FromStr for Value {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        let (sign, figures) = match text.as_bytes() {
            [b'-', ..] => (-1, &text[1..]),
            [b'+', ..] => (1, &text[1..]),
            _ => (1, text),
        };
        let (before, behind) = figures.split_once('.').unwrap_or((figures, ""));
        let is_figures = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let has_some = !before.is_empty() || !behind.is_empty();
        if !has_some || !is_figures(before) || !is_figures(behind) {
            return Err(ValueError::Malformed);
        }
        let behind = behind.trim_end_matches('0');
        if behind.len() > DECIMALS {
            return Err(ValueError::TooManyDecimals);
        }
        let padding = std::iter::repeat_n(b'0', DECIMALS - behind.len());
        let mut units = 0_i128;
        for figure in before.bytes().chain(behind.bytes()).chain(padding) {
            let more = units.checked_mul(10).ok_or(ValueError::OutOfRange)?;
            units = Self::from_units(more)?.0 + i128::from(figure - b'0');
        }
        Self::from_units(sign * units)
    }
}

/// So many units as exact decimal text; also of a cut, which may lie one unit over the largest
/// value.
pub fn text(units: i128) -> String {
    let sign = if units < 0 { "-" } else { "" };
    let (whole, rest) = (units.abs() / ONE, units.abs() % ONE);
    if rest == 0 {
        return format!("{sign}{whole}");
    }
    let rest = format!("{rest:018}");
    format!("{sign}{whole}.{}", rest.trim_end_matches('0'))
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text(self.0))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(Written)
    }
}

/// Reads text, and whole numbers, which JSON carries exactly.
struct Written;

impl Visitor<'_> for Written {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal as text, such as \"0.5\", or a whole number")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Value, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::whole(number))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Value, E> {
        Value::from_units(i128::from(number) * ONE).map_err(E::custom)
    }
}

impl utoipa::PartialSchema for Value {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^[+-]?[0-9]*\.?[0-9]*$"))
            .description(Some("An exact decimal with at most 18 decimals."))
            .examples(["3000.5"])
            .build()
            .into()
    }
}

impl utoipa::ToSchema for Value {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn v(text: &str) -> Value {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_is_written_as_short_as_it_is() {
        for (text, written) in [
            ("0.4968", "0.4968"),
            ("007.50", "7.5"),
            (".5", "0.5"),
            ("-0.000000000000000001", "-0.000000000000000001"),
            ("-0", "0"),
            ("+3.", "3"),
            (
                "99999999999999999999.999999999999999999",
                "99999999999999999999.999999999999999999",
            ),
            ("1.0000000000000000000000000", "1"),
        ] {
            assert_eq!(v(text).to_string(), written);
        }
    }

    #[test]
    fn a_sum_that_leaves_the_range_is_an_error_however_far_it_goes() {
        // Twice the largest value does not fit 128 bits.
        let out = Err(ValueError::OutOfRange);
        assert_eq!(Value::MAX.checked_add(Value::MAX), out);
        assert_eq!(Value::MIN.checked_sub(Value::MAX), out);
        assert_eq!(Value::MAX.checked_add(v("0.000000000000000001")), out);
        assert_eq!(Value::MAX.checked_sub(Value::MAX), Ok(Value::ZERO));
    }

    #[test]
    fn a_text_that_is_no_plain_decimal_is_refused_and_never_rounded() {
        for text in [
            "", "-", ".", "1,5", "1e5", " 1", "--1", "1.2.3", "1.+2", "١",
        ] {
            assert_eq!(
                text.parse::<Value>(),
                Err(ValueError::Malformed),
                "{text:?}"
            );
        }
        let fine = "0.0000000000000000001".parse::<Value>();
        assert_eq!(fine, Err(ValueError::TooManyDecimals));
        for text in [
            "100000000000000000000",
            "-999999999999999999999999999999999999999999",
        ] {
            assert_eq!(text.parse::<Value>(), Err(ValueError::OutOfRange));
        }
    }

    #[test]
    fn whole_numbers_of_json_are_read_and_its_floats_are_refused() {
        let read = |text: &str| serde_json::from_str::<Value>(text);
        assert_eq!(read("-3").unwrap(), v("-3"));
        assert_eq!(
            read("18446744073709551615").unwrap(),
            v("18446744073709551615")
        );
        assert_eq!(read("\"0.1\"").unwrap(), v("0.1"));
        assert!(
            read("0.1")
                .unwrap_err()
                .to_string()
                .contains("decimal as text")
        );
    }

    #[test]
    fn a_change_in_percent_is_exact_and_rounded_half_away_from_zero() {
        let change = |from: &str, to: &str| v(to).percent_change(v(from)).unwrap().to_string();
        assert_eq!(change("2000", "1900"), "-5");
        assert_eq!(change("3", "4"), "33.333333333333333333");
        assert_eq!(change("3", "5"), "66.666666666666666667");
        assert_eq!(change("-2", "-1"), "50");
        // 100 / (4 * 10¹⁹) is 2.5 units.
        assert_eq!(
            change("40000000000000000000", "40000000000000000001"),
            "0.000000000000000003"
        );
        assert_eq!(
            change("40000000000000000000", "39999999999999999999"),
            "-0.000000000000000003"
        );
        assert_eq!(v("1").percent_change(Value::ZERO), None);
        assert_eq!(Value::MAX.percent_change(v("0.1")), Some(Value::MAX));
    }

    #[test]
    fn a_sum_beyond_the_range_is_an_error() {
        // Twice the largest value is more than 128 bits hold.
        assert_eq!(
            Value::MAX.checked_add(Value::MAX),
            Err(ValueError::OutOfRange)
        );
        assert_eq!(
            Value::MIN.checked_sub(Value::MAX),
            Err(ValueError::OutOfRange)
        );
        assert_eq!(Value::MAX.checked_add(v("1")), Err(ValueError::OutOfRange));
        assert_eq!(Value::MIN.checked_sub(v("1")), Err(ValueError::OutOfRange));
        assert_eq!(v("0.1").checked_add(v("0.2")), Ok(v("0.3")));
    }

    proptest! {
        #[test]
        fn writing_and_reading_gives_back_the_same_value(units in -UNITS_MAX..=UNITS_MAX) {
            let value = Value::from_units(units).unwrap();
            prop_assert_eq!(value.to_string().parse(), Ok(value));
            let json = serde_json::to_string(&value).unwrap();
            prop_assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), value);
        }
    }
}
