//! Whole cents that add up: what a form prints in a column sums to what it prints below it.
//!
//! A lot's share of a price has more than two decimals. Were each line rounded by itself, a long
//! form would miss its own total. So a line gets the rounded sum up to it less the rounded sum up
//! to the line before: no line is off by a whole cent, and the last sum is the exact one, rounded
//! once.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, AddAssign, Neg, Sub};

use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;

use crate::amounts;

/// An amount of whole cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Cents(i128);

impl Cents {
    pub(super) const ZERO: Self = Self(0);

    /// An exact amount, rounded once.
    pub(super) fn of(money: Money) -> Self {
        Self(amounts::cents(money))
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, size) = (if self.0 < 0 { "-" } else { "" }, self.0.unsigned_abs());
        write!(f, "{sign}{}.{:02}", size / 100, size % 100)
    }
}

impl Add for Cents {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}

impl AddAssign for Cents {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}

impl Sub for Cents {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}

impl Neg for Cents {
    type Output = Self;

    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl Sum for Cents {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::ZERO, Add::add)
    }
}

/// A sum that hands out its cents line by line.
pub(super) struct Running {
    exact: Money,
    given: Cents,
}

impl Running {
    pub(super) const fn new(currency: Currency) -> Self {
        Self {
            exact: Money::zero(currency),
            given: Cents::ZERO,
        }
    }

    /// The cents of the next line.
    pub(super) fn next(&mut self, money: Money) -> Result<Cents, AmountError> {
        self.exact = self.exact.checked_add(money)?;
        let up_to_here = Cents::of(self.exact);
        let line = up_to_here - self.given;
        self.given = up_to_here;
        Ok(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).unwrap()
    }

    #[test]
    fn the_cents_of_lines_sum_to_the_rounded_exact_sum() {
        let mut running = Running::new(Currency::USD);
        let lines: Vec<_> = (0..3)
            .map(|_| running.next(usd("0.333333333333333333")).unwrap())
            .collect();
        let texts: Vec<_> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["0.33", "0.34", "0.33"]);
        assert_eq!(lines.into_iter().sum::<Cents>().to_string(), "1.00");
    }

    #[test]
    fn a_line_of_nothing_stays_nothing() {
        let mut running = Running::new(Currency::USD);
        running.next(usd("0.004")).unwrap();
        assert_eq!(running.next(usd("0")).unwrap(), Cents::ZERO);
    }

    #[test]
    fn cents_are_printed_with_their_sign_and_two_decimals() {
        assert_eq!(Cents::of(usd("-0.05")).to_string(), "-0.05");
        assert_eq!(Cents::of(usd("1234567.8")).to_string(), "1234567.80");
        assert_eq!(Cents::of(usd("-0.001")).to_string(), "0.00");
    }
}
