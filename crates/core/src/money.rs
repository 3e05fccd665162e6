//! Money: exact, in one currency, to eighteen decimals.
//!
//! The inside is a 128-bit integer of 10⁻¹⁸ of the currency's unit. Sums are integer sums: they
//! are exact or an error. The reason it is not a floating decimal stands in
//! `docs/decisions/0001-money-is-fixed-point.md`.

mod price;
mod proportion;

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use ethnum::I256;

use crate::quantity::{AmountError, DecimalText, Quantity, parse_decimal};
pub use price::UnitPrice;

/// Decimals that money keeps.
const DECIMALS: u32 = 18;

/// A currency by its three-letter ISO 4217 code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// The pound sterling.
    pub const GBP: Self = Self(*b"GBP");
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");
    /// The Canadian dollar.
    pub const CAD: Self = Self(*b"CAD");
    /// The Australian dollar.
    pub const AUD: Self = Self(*b"AUD");
    /// The Indian rupee.
    pub const INR: Self = Self(*b"INR");
    /// The yen.
    pub const JPY: Self = Self(*b"JPY");

    /// The code, such as `USD`.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a currency code is three ASCII letters")
    }
}

/// The text is not three letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a three-letter currency code such as USD")]
pub struct CurrencyError;

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Self, CurrencyError> {
        let code: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        let is_code = code.iter().all(u8::is_ascii_alphabetic);
        let code = Self(code.map(|byte| byte.to_ascii_uppercase()));
        is_code.then_some(code).ok_or(CurrencyError)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl serde::Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.code())
    }
}

impl<'de> serde::Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An exact amount of one currency.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// Little-endian bytes of an `i128`: aligned to one byte, rows and lines of money stay small.
    units: [u8; 16],
    currency: Currency,
}

impl Money {
    /// Nothing, in a currency.
    pub const fn zero(currency: Currency) -> Self {
        Self::of(0, currency)
    }

    const fn of(units: i128, currency: Currency) -> Self {
        Self {
            units: units.to_le_bytes(),
            currency,
        }
    }

    const fn units(&self) -> i128 {
        i128::from_le_bytes(self.units)
    }

    /// Reads a plain decimal, such as `-1234.5`.
    ///
    /// # Errors
    /// [`AmountError`] when the text is no plain decimal or has more than 18 decimals.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, AmountError> {
        let (units, decimals) = parse_decimal(text)?;
        Self::scaled(units, decimals, currency)
    }

    /// The money that an amount of the currency itself is, such as a `sent_amount` of USD.
    ///
    /// # Errors
    /// [`AmountError`] when it has more than 18 decimals or is out of range.
    pub fn from_quantity(amount: Quantity, currency: Currency) -> Result<Self, AmountError> {
        let (units, decimals) = amount.parts();
        Self::scaled(units, u32::from(decimals), currency)
    }

    fn scaled(units: i128, decimals: u32, currency: Currency) -> Result<Self, AmountError> {
        let missing = DECIMALS
            .checked_sub(decimals)
            .ok_or(AmountError::TooManyDecimals)?;
        let one = 10_i64.pow(missing);
        let units = match i64::try_from(units) {
            // The product of two numbers of 64 bits always fits.
            Ok(few) => i128::from(few) * i128::from(one),
            Err(_) => units
                .checked_mul(i128::from(one))
                .ok_or(AmountError::Overflow)?,
        };
        Ok(Self::of(units, currency))
    }

    /// The currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// Whether this is nothing.
    pub const fn is_zero(&self) -> bool {
        self.units() == 0
    }

    /// Whether this is less than nothing.
    pub const fn is_negative(&self) -> bool {
        self.units() < 0
    }

    /// Sum.
    ///
    /// # Errors
    /// When the currencies differ or the sum is out of range.
    pub fn checked_add(self, other: Self) -> Result<Self, AmountError> {
        self.same_currency(other)?;
        let units = self
            .units()
            .checked_add(other.units())
            .ok_or(AmountError::Overflow)?;
        Ok(Self::of(units, self.currency))
    }

    /// Difference.
    ///
    /// # Errors
    /// When the currencies differ or the difference is out of range.
    pub fn checked_sub(self, other: Self) -> Result<Self, AmountError> {
        self.same_currency(other)?;
        let units = self
            .units()
            .checked_sub(other.units())
            .ok_or(AmountError::Overflow)?;
        Ok(Self::of(units, self.currency))
    }

    /// The opposite amount.
    pub const fn negated(self) -> Self {
        Self::of(-self.units(), self.currency)
    }

    /// The amount without its sign.
    pub const fn abs(self) -> Self {
        Self::of(self.units().abs(), self.currency)
    }

    /// `self * part / whole`, to the nearest 10⁻¹⁸, half away from zero.
    ///
    /// Cut a whole into parts by taking each part from what is left: then the parts sum to the
    /// whole exactly.
    ///
    /// # Errors
    /// When `whole` is zero or the result is out of range.
    pub fn share(self, part: Quantity, whole: Quantity) -> Result<Self, AmountError> {
        let (part, whole) = part.ratio(whole)?;
        if part == whole || self.units() == 0 {
            return Ok(self);
        }
        let units = rounded_share(self.units(), part, whole)?;
        Ok(Self::of(units, self.currency))
    }

    /// Rounds to `decimals` decimals, half away from zero: the one door of rounding.
    pub fn round(self, decimals: u32) -> Self {
        let (steps, step) = self.rounded(decimals);
        Self::of(steps * step, self.currency)
    }

    /// Rounded to `decimals` decimals: how many of their steps, and how much a step is.
    fn rounded(self, decimals: u32) -> (i128, i128) {
        let step = 10_i128.pow(DECIMALS.saturating_sub(decimals));
        let units = self.units();
        let down = units / step;
        // A division costs more than all the rest here.
        let rest = units - down * step;
        let is_up = rest.abs() * 2 >= step;
        (down + i128::from(is_up) * rest.signum(), step)
    }

    /// Rounded to cents and written with two decimals, such as `-13500.00`. Zero has no sign.
    pub fn to_cents(self) -> String {
        self.to_fixed(2)
    }

    /// Rounded to `decimals` decimals and written with exactly as many: all 18 that money keeps
    /// where more are asked for.
    pub fn to_fixed(self, decimals: u32) -> String {
        self.fixed(decimals).to_string()
    }

    /// What [`Self::to_fixed`] writes, for writers that want no `String`.
    pub fn fixed(self, decimals: u32) -> DecimalText {
        let decimals = decimals.min(DECIMALS);
        let (steps, _) = self.rounded(decimals);
        DecimalText::of(steps, decimals)
    }

    /// The exact amount as a plain decimal without the currency, such as `0.1`.
    pub fn to_plain(self) -> String {
        self.plain().to_string()
    }

    fn plain(self) -> DecimalText {
        let (mut units, mut decimals) = (self.units(), DECIMALS);
        while decimals > 0 && units % 10 == 0 {
            units /= 10;
            decimals -= 1;
        }
        DecimalText::of(units, decimals)
    }

    /// Compares `self / own` with `other / others`: two prices per unit, exactly.
    ///
    /// # Errors
    /// When the currencies differ, or the products are out of range.
    pub fn compare_per_unit(
        self,
        own: Quantity,
        other: Self,
        others: Quantity,
    ) -> Result<Ordering, AmountError> {
        self.same_currency(other)?;
        let (own, others) = own.ratio(others)?;
        Ok((I256::from(self.units()) * I256::from(others))
            .cmp(&(I256::from(other.units()) * I256::from(own))))
    }

    fn same_currency(self, other: Self) -> Result<(), AmountError> {
        if self.currency == other.currency {
            Ok(())
        } else {
            Err(AmountError::CurrencyMismatch)
        }
    }
}

/// `units * part / whole`, rounded half away from zero.
fn rounded_share(units: i128, part: i128, whole: i128) -> Result<i128, AmountError> {
    // The common case fits 128 bits, and 256-bit division is an order of magnitude slower.
    if let Some(product) = units.checked_mul(part) {
        let quotient = product / whole;
        // A division costs more than all the rest here.
        let rest = product - quotient * whole;
        let away = rest.unsigned_abs() >= whole.unsigned_abs() - rest.unsigned_abs();
        let sign = product.signum() * whole.signum();
        return quotient
            .checked_add(if away { sign } else { 0 })
            .ok_or(AmountError::Overflow);
    }
    let (product, whole) = (I256::from(units) * I256::from(part), I256::from(whole));
    let (quotient, rest) = (product / whole, product % whole);
    let away = rest.unsigned_abs() * 2 >= whole.unsigned_abs();
    let sign = product.signum() * whole.signum();
    let rounded = quotient + if away { sign } else { I256::ZERO };
    i128::try_from(rounded).map_err(|_| AmountError::Overflow)
}

/// Amounts of two currencies have no order.
impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.units().cmp(&other.units()))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.plain(), self.currency)
    }
}

impl fmt::Debug for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).unwrap()
    }

    #[test]
    fn rounding_goes_half_away_from_zero() {
        assert_eq!(usd("0.005").to_cents(), "0.01");
        assert_eq!(usd("-0.005").to_cents(), "-0.01");
        assert_eq!(usd("0.00499").to_cents(), "0.00");
        assert_eq!(usd("-0.004").to_cents(), "0.00");
        assert_eq!(usd("2.5").to_fixed(0), "3");
    }

    #[test]
    fn no_more_decimals_are_written_than_money_keeps() {
        assert_eq!(usd("-1.5").to_fixed(18), "-1.500000000000000000");
        for decimals in [19, 50, u32::MAX] {
            assert_eq!(usd("-1.5").to_fixed(decimals), usd("-1.5").to_fixed(18));
            assert_eq!(usd("-1.5").round(decimals), usd("-1.5"));
        }
    }

    #[test]
    fn amounts_of_two_currencies_do_not_add() {
        let euro = Money::parse("1", "eur".parse().unwrap()).unwrap();
        assert_eq!(
            usd("1").checked_add(euro),
            Err(AmountError::CurrencyMismatch)
        );
    }

    #[test]
    fn a_share_that_needs_256_bits_is_exact() {
        let part: Quantity = "123456789.123456789123456789".parse().unwrap();
        let whole: Quantity = "370370367.370370367370370367".parse().unwrap();
        assert_eq!(
            usd("30000000000").share(part, whole).unwrap(),
            usd("10000000000")
        );
    }

    #[test]
    fn parts_taken_from_what_is_left_sum_to_the_whole() {
        let (mut left, mut rest): (Quantity, _) = ("1".parse().unwrap(), usd("100"));
        let part: Quantity = "0.0000013".parse().unwrap();
        let mut taken = usd("0");
        while left > part {
            let cost = rest.share(part, left).unwrap();
            taken = taken.checked_add(cost).unwrap();
            rest = rest.checked_sub(cost).unwrap();
            left = left.checked_sub(part).unwrap();
        }
        assert_eq!(taken.checked_add(rest).unwrap(), usd("100"));
    }

    #[test]
    fn prices_per_unit_rank_exactly_even_where_their_decimals_agree() {
        let price = |cost: &str, of: &str| usd(cost).per_unit(of.parse().unwrap()).unwrap();
        assert!(price("1", "3") < price("1.000000000000000001", "3"));
        assert_eq!(price("1", "3"), price("2", "6"));
        assert!(
            price(
                "100000000000000",
                "0.00000000000000000000000000000000000001"
            ) > price("1", "1")
        );
        assert!(price("-1", "3") < price("0", "3"));
        assert_eq!(
            usd("1").per_unit(Quantity::ZERO),
            Err(AmountError::DivisionByZero)
        );
    }

    /// Costs of either sign, small ones, and those about a power of two.
    fn costs() -> impl Strategy<Value = i128> {
        let about_powers = (0_u32..120, -2_i128..3).prop_map(|(bits, more)| (1 << bits) + more);
        let any = -10_i128.pow(30)..10_i128.pow(30);
        prop_oneof![any, -100_i128..100, about_powers]
    }

    /// Two costs, often neighbours.
    fn two_costs() -> impl Strategy<Value = (i128, i128)> {
        let neighbours = (costs(), -2_i128..3).prop_map(|(cost, more)| (cost, cost + more));
        prop_oneof![(costs(), costs()), neighbours]
    }

    /// Two quantities, often the same.
    fn two_quantities() -> impl Strategy<Value = (Quantity, Quantity)> {
        let one = || {
            let units = prop_oneof![1_i128..10_i128.pow(20), Just(1)];
            (units, 0_u32..19).prop_map(|(units, at)| Quantity::from_units(units, at).unwrap())
        };
        prop_oneof![(one(), one()), one().prop_map(|same| (same, same))]
    }

    #[test]
    fn prices_that_differ_by_little_have_one_rough_number_and_are_told_apart() {
        let price = |units, of: &str| {
            let money = Money::of(units, Currency::USD);
            money.per_unit(of.parse().unwrap()).unwrap()
        };
        let wide = 1 << 56;
        for (low, high) in [
            (price(wide, "1"), price(wide + 1, "1")),
            (price(1, "3"), price(2, "3")),
            (price(-2, "1"), price(-1, "1")),
        ] {
            assert!(low < high && low.rough() == high.rough());
        }
        let edge = [wide - 2, wide - 1, wide].map(|units| price(units, "1").rough());
        assert!(edge[0] < edge[1] && edge[1] < edge[2]);
    }

    proptest! {
        #[test]
        fn prices_per_unit_rank_as_cross_products_do(
            (a, b) in two_costs(), (x, y) in two_quantities(),
        ) {
            let money = |units| Money::of(units, Currency::USD);
            let expected = money(a).compare_per_unit(x, money(b), y).unwrap();
            let (a, b) = (money(a).per_unit(x).unwrap(), money(b).per_unit(y).unwrap());
            prop_assert_eq!(a.cmp(&b), expected);
            // The rough numbers may be equal where the prices are not, and never the other way.
            prop_assert!(a.rough().cmp(&b.rough()) == expected || a.rough() == b.rough());
            prop_assert!(expected.is_ne() || a.rough() == b.rough());
        }

        #[test]
        fn a_share_agrees_with_the_wide_path(
            units in -10_i128.pow(24)..10_i128.pow(24),
            part in 1_i128..10_000,
            whole in 1_i128..10_000,
        ) {
            let exact = I256::from(units) * I256::from(part) * I256::from(2_i128)
                + I256::from(whole * units.signum());
            let expected = exact / I256::from(whole * 2);
            prop_assert_eq!(I256::from(rounded_share(units, part, whole).unwrap()), expected);
        }
    }
}
