//! Portfolio: all digital assets of a person have one total cost, and a disposal for money, goods
//! or services uses the part of it that its price is of the value of all that is held.
//!
//! Gain = price - costs of the disposal - total cost x price / value of the portfolio (CGI art. 150
//! VH bis, III; the administration's comments BOI-RPPM-PVBMC-30-20). The price in the quotient is
//! the one before the costs of the disposal (§ 50; lines 217 and 218 of form 2086), the value is
//! that of all units held before it, those disposed of among them (§ 140), and the total cost is
//! what was paid for all acquisitions less the parts that earlier disposals used (§ 100 to 110).
//!
//! Unlike a method of lots it is asked across assets, and unlike a pool it needs no later row: the
//! engine keeps the total while it reads the rows.

use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;

use super::{Spec, Way};

pub(super) const SPEC: Spec = Spec {
    way: Way::Portfolio,
    chosen: "part of the total cost of the portfolio",
};

/// The total cost of all that is held.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TotalCost {
    /// What was paid for all acquisitions so far.
    pub(crate) paid: Money,
    /// The parts of it that disposals have used.
    pub(crate) used: Money,
}

impl TotalCost {
    pub(crate) const fn nothing(currency: Currency) -> Self {
        let none = Money::zero(currency);
        Self {
            paid: none,
            used: none,
        }
    }

    /// What was paid and is not used yet.
    pub(crate) fn left(&self) -> Result<Money, AmountError> {
        self.paid.checked_sub(self.used)
    }

    pub(crate) fn add(&mut self, cost: Money) -> Result<(), AmountError> {
        self.paid = self.paid.checked_add(cost)?;
        Ok(())
    }

    /// Uses the part that goes with a price: nothing without one, and never more than is left,
    /// whatever the portfolio is said to be worth.
    pub(crate) fn take(&mut self, price: Money, value: Money) -> Result<Money, AmountError> {
        let (left, none) = (self.left()?, Money::zero(self.paid.currency()));
        let part = if price <= none || value <= none {
            none
        } else if price < value {
            left.portion(price, value)?
        } else {
            left
        };
        self.used = self.used.checked_add(part)?;
        Ok(part)
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::quantity::Quantity;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_disposal_uses_the_part_that_its_price_is_of_the_portfolio() {
        let euro = |text: &str| Money::parse(text, Currency::EUR).unwrap();
        let mut total = TotalCost::nothing(Currency::EUR);
        total.add(euro("1000")).unwrap();
        assert_eq!(total.take(euro("450"), euro("1200")), Ok(euro("375")));
        assert_eq!(total.left(), Ok(euro("625")));
        assert_eq!(total.take(euro("0"), euro("0")), Ok(euro("0")));
        assert_eq!(total.take(euro("1300"), euro("1300")), Ok(euro("625")));
        assert_eq!(total.left(), Ok(euro("0")));
    }

    proptest! {
        #[test]
        fn no_disposal_uses_more_than_is_left_or_less_than_nothing(
            steps in proptest::collection::vec(
                (0_i64..1_000, -50_i64..1_000, -50_i64..1_000),
                1..20,
            ),
        ) {
            let cents = |cents: i64| {
                let amount = Quantity::from_units(i128::from(cents), 2).unwrap();
                Money::from_quantity(amount, Currency::EUR).unwrap()
            };
            let none = Money::zero(Currency::EUR);
            let mut total = TotalCost::nothing(Currency::EUR);
            for (cost, price, value) in steps {
                total.add(cents(cost)).unwrap();
                let part = total.take(cents(price), cents(value)).unwrap();
                prop_assert!(none <= part && none <= total.used && total.used <= total.paid);
            }
        }
    }
}
