//! Prices of one unit, to rank by.

use std::cmp::Ordering;

use ethnum::{I256, U256};

use super::Money;
use crate::quantity::{AmountError, Quantity};

impl Money {
    /// The exact price of one unit when `quantity` units come to this much.
    ///
    /// # Errors
    /// [`AmountError::DivisionByZero`] when `quantity` is not more than nothing.
    pub fn per_unit(self, quantity: Quantity) -> Result<UnitPrice, AmountError> {
        let (per, decimals) = quantity.parts();
        if per <= 0 {
            return Err(AmountError::DivisionByZero);
        }
        let scale = 10_i128.pow(u32::from(decimals));
        if let Some(whole) = self.units().checked_mul(scale) {
            let (floor, rest) = (whole.div_euclid(per), whole.rem_euclid(per));
            let floor = I256::from(floor);
            return Ok(UnitPrice { floor, rest, per });
        }
        // Below 2^254: an i128 times at most 10^38.
        let (whole, wide) = (
            I256::from(self.units()) * I256::from(scale),
            I256::from(per),
        );
        let (floor, rest) = (whole.div_euclid(wide), whole.rem_euclid(wide));
        let rest = i128::try_from(rest).map_err(|_| AmountError::Overflow)?;
        Ok(UnitPrice { floor, rest, per })
    }
}

/// A price per unit, kept as an exact fraction so that prices of one currency can be ranked.
///
/// Comparing two of them never fails and never rounds.
#[derive(Debug, Clone, Copy)]
pub struct UnitPrice {
    /// Whole 10⁻¹⁸ of the currency's unit; the price is `floor + rest / per` of them.
    floor: I256,
    /// Not negative and less than `per`.
    rest: i128,
    per: i128,
}

impl UnitPrice {
    /// A number that never falls as the price rises, and is the same for equal prices: comparing
    /// it first is cheap. Prices that differ by less than a part in 2⁵⁰, or by less than 10⁻¹⁸, may
    /// have the same; all below zero have.
    pub fn rough(&self) -> u64 {
        let floor = self.floor.max(I256::ZERO).as_u256();
        let bits = U256::BITS - floor.leading_zeros();
        let top = floor >> bits.saturating_sub(56);
        u64::from(bits) << 56 | top.as_u64()
    }
}

impl Ord for UnitPrice {
    fn cmp(&self, other: &Self) -> Ordering {
        self.floor.cmp(&other.floor).then_with(|| {
            let products = (
                self.rest.checked_mul(other.per),
                other.rest.checked_mul(self.per),
            );
            match products {
                (Some(own), Some(others)) => own.cmp(&others),
                _ => (I256::from(self.rest) * I256::from(other.per))
                    .cmp(&(I256::from(other.rest) * I256::from(self.per))),
            }
        })
    }
}

impl PartialOrd for UnitPrice {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for UnitPrice {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for UnitPrice {}
