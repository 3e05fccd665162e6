//! Amounts of an asset: exact, an integer of base units with its number of decimals.
//!
//! 38 significant digits hold; more, or a sum beyond them, is an error with a name and never a
//! silent rounding.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

mod text;

pub use text::DecimalText;

/// A count with the words that agree with it, such as `1 row` and `204 rows`.
pub fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// The most decimals an amount may have.
pub const DECIMALS_MAX: u32 = 38;

/// Why an amount could not be read or computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    /// The text is empty.
    #[error("amount is empty")]
    Empty,
    /// The text is not a plain decimal.
    #[error("not a plain decimal number: digits with at most one dot, such as 0.42")]
    Malformed,
    /// More digits than fit.
    #[error("more than 38 significant digits")]
    TooManyDigits,
    /// More decimals than money keeps.
    #[error("more than 18 decimals in an amount of money")]
    TooManyDecimals,
    /// A sum, difference or share beyond the largest amount.
    #[error("amount out of range")]
    Overflow,
    /// A share of nothing.
    #[error("division by zero")]
    DivisionByZero,
    /// Two amounts of money in different currencies.
    #[error("amounts of different currencies")]
    CurrencyMismatch,
}

/// An exact amount of an asset. Equal values are equal, however they were written.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Quantity {
    /// The amount times ten to the power of `decimals`, without needless trailing zeros.
    ///
    /// Little-endian bytes of an `i128`: aligned to one byte, rows and lines of amounts stay small.
    units: [u8; 16],
    decimals: u8,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self::of(0, 0);

    /// The word that agrees with the amount: the first for exactly one, else the second.
    pub fn word<'w>(self, one: &'w str, many: &'w str) -> &'w str {
        if self == Self::of(1, 0) { one } else { many }
    }

    /// An amount of `units` at `decimals` decimals, such as wei and 18.
    ///
    /// # Errors
    /// [`AmountError::TooManyDigits`] above [`DECIMALS_MAX`] decimals.
    pub fn from_units(units: i128, decimals: u32) -> Result<Self, AmountError> {
        match u8::try_from(decimals) {
            Ok(few) if decimals <= DECIMALS_MAX => Ok(Self::trimmed(units, few)),
            _ => Err(AmountError::TooManyDigits),
        }
    }

    const fn of(units: i128, decimals: u8) -> Self {
        Self {
            units: units.to_le_bytes(),
            decimals,
        }
    }

    const fn units(&self) -> i128 {
        i128::from_le_bytes(self.units)
    }

    fn trimmed(mut units: i128, mut decimals: u8) -> Self {
        // Most amounts fit 64 bits, where division is an order of magnitude faster.
        if let Ok(mut few) = i64::try_from(units) {
            while decimals > 0 && few % 10 == 0 {
                few /= 10;
                decimals -= 1;
            }
            return Self::of(i128::from(few), decimals);
        }
        while decimals > 0 && units % 10 == 0 {
            units /= 10;
            decimals -= 1;
        }
        Self::of(units, decimals)
    }

    /// Whether this is nothing.
    pub const fn is_zero(&self) -> bool {
        self.units() == 0
    }

    /// Whether this is less than nothing.
    pub const fn is_negative(&self) -> bool {
        self.units() < 0
    }

    /// Whether this is more than nothing.
    pub const fn is_positive(&self) -> bool {
        self.units() > 0
    }

    /// The amount without its sign.
    pub const fn abs(self) -> Self {
        Self::of(self.units().abs(), self.decimals)
    }

    /// The amount times a power of ten, such as `1.5e-8` for 1.5 and -8.
    ///
    /// # Errors
    /// [`AmountError`] when it needs more digits or decimals than fit.
    pub fn times_ten_to(self, power: i32) -> Result<Self, AmountError> {
        let decimals = i32::from(self.decimals).saturating_sub(power);
        match u32::try_from(decimals) {
            Ok(decimals) => Self::from_units(self.units(), decimals),
            Err(_) => {
                let factor = 10_i128.checked_pow(decimals.unsigned_abs());
                let units = factor.and_then(|factor| self.units().checked_mul(factor));
                Ok(Self::trimmed(units.ok_or(AmountError::Overflow)?, 0))
            }
        }
    }

    /// Sum.
    ///
    /// # Errors
    /// [`AmountError::Overflow`] when the exact sum needs more than 38 digits.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        let (a, b, decimals) = aligned(self, other)?;
        let units = a.checked_add(b).ok_or(AmountError::Overflow)?;
        Ok(Self::trimmed(units, decimals))
    }

    /// Difference.
    ///
    /// # Errors
    /// [`AmountError::Overflow`] when the exact difference needs more than 38 digits.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        let (a, b, decimals) = aligned(self, other)?;
        let units = a.checked_sub(b).ok_or(AmountError::Overflow)?;
        Ok(Self::trimmed(units, decimals))
    }

    /// Product, such as an amount times a price.
    ///
    /// # Errors
    /// [`AmountError`] when the exact product needs more than 38 digits or decimals.
    pub fn checked_mul(self, other: Self) -> Result<Self, AmountError> {
        let units = self.units().checked_mul(other.units());
        let decimals = u32::from(self.decimals) + u32::from(other.decimals);
        let product = units.ok_or(AmountError::Overflow)?;
        match u8::try_from(decimals) {
            Ok(decimals) => {
                let product = Self::trimmed(product, decimals);
                Self::from_units(product.units(), u32::from(product.decimals))
            }
            Err(_) => Err(AmountError::TooManyDigits),
        }
    }

    /// Numerator and denominator of `self / whole` as integers on one scale.
    pub(crate) fn ratio(self, whole: Self) -> Result<(i128, i128), AmountError> {
        let (part, whole, _) = aligned(self, whole)?;
        if whole == 0 {
            Err(AmountError::DivisionByZero)
        } else {
            Ok((part, whole))
        }
    }

    /// The amount as a plain decimal, such as `0.1`, for writers that want no `String`.
    pub fn text(self) -> DecimalText {
        DecimalText::of(self.units(), u32::from(self.decimals))
    }

    /// Units and decimals, for arithmetic inside this crate.
    pub(crate) const fn parts(self) -> (i128, u8) {
        (self.units(), self.decimals)
    }
}

/// One, ten, a hundred, to the power of [`DECIMALS_MAX`]: a look is cheaper than multiplying.
const POWERS_OF_TEN: [i128; 39] = {
    let mut powers = [1; 39];
    let mut index = 1;
    while index < powers.len() {
        powers[index] = powers[index - 1] * 10;
        index += 1;
    }
    powers
};

/// Both amounts on the larger of the two scales.
fn aligned(a: Quantity, b: Quantity) -> Result<(i128, i128, u8), AmountError> {
    if a.decimals == b.decimals {
        return Ok((a.units(), b.units(), a.decimals));
    }
    let decimals = a.decimals.max(b.decimals);
    let scale = |q: Quantity| {
        let factor = POWERS_OF_TEN[usize::from(decimals - q.decimals)];
        q.units().checked_mul(factor).ok_or(AmountError::Overflow)
    };
    Ok((scale(a)?, scale(b)?, decimals))
}

impl Ord for Quantity {
    fn cmp(&self, other: &Self) -> Ordering {
        match aligned(*self, *other) {
            Ok((a, b, _)) => a.cmp(&b),
            // One of the two cannot be put on the other's scale: whole parts decide, since
            // numbers that differ by this much differ there.
            Err(_) => {
                let whole = |q: &Self| q.units() / 10_i128.pow(u32::from(q.decimals).min(38));
                whole(self).cmp(&whole(other))
            }
        }
    }
}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Figures that 64 bits take, whatever they are.
const FEW_DIGITS: usize = 18;

/// Reads what most amounts are: few figures, at most one dot, no sign. None for anything else.
fn parse_few(text: &[u8]) -> Option<(i128, u32)> {
    if text.len() > FEW_DIGITS {
        return None;
    }
    let (mut units, mut decimals) = (0_i64, None);
    for byte in text {
        match byte {
            b'0'..=b'9' => {
                units = units * 10 + i64::from(byte - b'0');
                decimals = decimals.map(|count| count + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return None,
        }
    }
    let has_figures = text.len() > usize::from(decimals.is_some());
    has_figures.then(|| (i128::from(units), decimals.unwrap_or(0)))
}

/// Reads a plain decimal into units and decimals.
pub(crate) fn parse_decimal(text: &str) -> Result<(i128, u32), AmountError> {
    match parse_few(text.as_bytes()) {
        Some(read) => Ok(read),
        None => parse_any(text),
    }
}

/// Reads any plain decimal, and says what is wrong with a text that is none.
fn parse_any(text: &str) -> Result<(i128, u32), AmountError> {
    if text.is_empty() {
        return Err(AmountError::Empty);
    }
    let (negative, digits) = match text.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let mut units: i128 = 0;
    let mut decimals: Option<u32> = None;
    let mut seen = false;
    // Zeros after the last other digit of the fraction carry nothing and must not cost digits.
    let digits = match digits.iter().position(|byte| *byte == b'.') {
        Some(_) => digits.trim_ascii_end_zeros(),
        None => digits,
    };
    for byte in digits {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                units = units
                    .checked_mul(10)
                    .and_then(|units| units.checked_add(i128::from(byte - b'0')))
                    .ok_or(AmountError::TooManyDigits)?;
                decimals = decimals.map(|count| count + 1);
            }
            b'.' if decimals.is_none() => decimals = Some(0),
            _ => return Err(AmountError::Malformed),
        }
    }
    let decimals = decimals.unwrap_or(0);
    if !seen && !text.contains('0') {
        return Err(AmountError::Malformed);
    }
    if decimals > DECIMALS_MAX {
        return Err(AmountError::TooManyDigits);
    }
    Ok((if negative { -units } else { units }, decimals))
}

trait TrimZeros {
    fn trim_ascii_end_zeros(&self) -> &[u8];
}

impl TrimZeros for [u8] {
    fn trim_ascii_end_zeros(&self) -> &[u8] {
        let end = self
            .iter()
            .rposition(|byte| *byte != b'0')
            .map_or(0, |at| at + 1);
        &self[..end]
    }
}

impl FromStr for Quantity {
    type Err = AmountError;

    fn from_str(text: &str) -> Result<Self, AmountError> {
        let (units, decimals) = parse_decimal(text)?;
        Self::from_units(units, decimals)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text().as_str())
    }
}

impl fmt::Debug for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl serde::Serialize for Quantity {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Quantity {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn q(text: &str) -> Quantity {
        text.parse().unwrap()
    }

    #[test]
    fn an_amount_of_thirty_eight_digits_survives_reading_and_adding() {
        let long = "12345678901234567890.123456789012345678";
        assert_eq!(q(long).to_string(), long);
        let sum = q("98765432109876543210.000000000000000001")
            .checked_add(q("0.1"))
            .unwrap();
        assert_eq!(sum.to_string(), "98765432109876543210.100000000000000001");
    }

    #[test]
    fn digits_beyond_the_range_are_an_error_and_never_a_rounding() {
        let too_long = "1234567890123456789012345678901234567890";
        assert_eq!(
            too_long.parse::<Quantity>(),
            Err(AmountError::TooManyDigits)
        );
        let big = q("99999999999999999999999999999999999999");
        assert_eq!(big.checked_add(q("0.1")), Err(AmountError::Overflow));
        assert!(big > q("0.000000000000000000000000000001"));
    }

    #[test]
    fn equal_amounts_are_equal_however_they_are_written() {
        assert_eq!(q("1.500"), q("1.5"));
        assert_eq!(q("0.000"), Quantity::ZERO);
        assert_eq!(q("-0"), Quantity::ZERO);
        assert_eq!(q(".5"), q("0.5"));
        assert_eq!(q("100").to_string(), "100");
    }

    #[test]
    fn texts_that_are_no_plain_decimals_are_refused() {
        for text in [
            "", "abc", "1,000", "1.2.3", "1e5", "-", ".", " 1", "0x10", "١",
        ] {
            assert!(text.parse::<Quantity>().is_err(), "{text:?} was accepted");
        }
    }

    proptest! {
        #[test]
        fn few_figures_are_read_as_any_are(
            text in "[+-]?([0-9.]{0,20}|[0-9]{0,10}[.]?[0-9]{0,10}|0{0,10}[.]?0{0,10})",
        ) {
            let amount = |(units, decimals)| Quantity::from_units(units, decimals);
            let slow = parse_any(&text).and_then(amount);
            if let Some(few) = parse_few(text.as_bytes()) {
                prop_assert_eq!(amount(few), slow);
            }
            prop_assert_eq!(text.parse::<Quantity>(), slow);
        }

        #[test]
        fn adding_then_subtracting_gives_back_the_same_amount(
            a in -10_i128.pow(30)..10_i128.pow(30), x in 0_u32..6,
            b in -10_i128.pow(30)..10_i128.pow(30), y in 0_u32..6,
        ) {
            let (a, b) = (Quantity::from_units(a, x).unwrap(), Quantity::from_units(b, y).unwrap());
            prop_assert_eq!(a.checked_add(b).unwrap().checked_sub(b).unwrap(), a);
            prop_assert_eq!(a.to_string().parse::<Quantity>().unwrap(), a);
        }
    }

    #[test]
    fn words_agree_with_the_count_or_amount_that_they_stand_beside() {
        assert_eq!(counted(1, "row is", "rows are"), "1 row is");
        assert_eq!(counted(0, "row is", "rows are"), "0 rows are");
        assert_eq!(counted(204, "row is", "rows are"), "204 rows are");
        let word = |text: &str| text.parse::<Quantity>().unwrap().word("was", "were");
        assert_eq!(
            [word("1.0"), word("0.5"), word("10"), word("-1")],
            ["was", "were", "were", "were"]
        );
    }
}
