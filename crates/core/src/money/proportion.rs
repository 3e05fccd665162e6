//! Money in proportion to other amounts of money, and at a rate of exchange.

use super::{Currency, Money, rounded_share};
use crate::quantity::{AmountError, Quantity};

impl Money {
    /// `self * part / whole` of three amounts of one currency, to the nearest 10⁻¹⁸, half away from
    /// zero.
    ///
    /// # Errors
    /// When the currencies differ, `whole` is zero or the result is out of range.
    pub fn portion(self, part: Self, whole: Self) -> Result<Self, AmountError> {
        self.same_currency(part)?;
        self.same_currency(whole)?;
        if whole.is_zero() {
            return Err(AmountError::DivisionByZero);
        }
        if part == whole {
            return Ok(self);
        }
        let units = rounded_share(self.units(), part.units(), whole.units())?;
        Ok(Self::of(units, self.currency))
    }

    /// The money in another currency, when `units` of this one are worth `others` of that one; to
    /// the nearest 10⁻¹⁸, half away from zero.
    ///
    /// # Errors
    /// When `units` is zero or the result is out of range.
    pub fn exchanged(
        self,
        to: Currency,
        units: Quantity,
        others: Quantity,
    ) -> Result<Self, AmountError> {
        let money = self.share(others, units)?;
        Ok(Self::of(money.units(), to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_portion_is_as_part_to_whole_and_of_no_whole_there_is_none() {
        let euro = |text: &str| Money::parse(text, Currency::EUR).unwrap();
        let portion = |part, whole| euro("1000").portion(euro(part), euro(whole));
        assert_eq!(portion("450", "1200"), Ok(euro("375")));
        assert_eq!(portion("-1", "3"), Ok(euro("-333.333333333333333333")));
        assert_eq!(portion("1", "0"), Err(AmountError::DivisionByZero));
        let dollars = Money::parse("1", Currency::USD).unwrap();
        let mixed = euro("1").portion(dollars, euro("1"));
        assert_eq!(mixed, Err(AmountError::CurrencyMismatch));
    }
}
