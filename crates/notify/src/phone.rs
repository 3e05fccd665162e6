//! Telephone numbers in E.164, and the most that an SMS to one may cost.

use std::ops::RangeInclusive;

use packtrain_core::money::Money;

/// Digits of a number.
const DIGITS: RangeInclusive<usize> = 7..=15;
/// Digits that a price may be given for.
const PREFIX_DIGITS: RangeInclusive<usize> = 1..=15;

/// The most that one part of an SMS may cost, by what its number begins with. The budget is asked
/// for this much, whatever it costs in the end, and AWS is told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tariff {
    usual: Money,
    /// The longest first, so that the first that fits is the closest.
    by_prefix: Vec<(String, Money)>,
}

/// Why prices are none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TariffError {
    /// What a number begins with is none.
    #[error("{0:?} is no beginning of a number, such as +49")]
    Prefix(String),
    /// It is less than nothing, or not in US dollars.
    #[error("{0} is no price")]
    Price(Money),
}

impl Tariff {
    /// These prices. Numbers whose price is nothing are sent nothing.
    ///
    /// # Errors
    /// [`TariffError`].
    pub fn new(usual: Money, by_prefix: Vec<(String, Money)>) -> Result<Self, TariffError> {
        let prices = by_prefix.iter().map(|(_, price)| *price);
        let is_wrong = |price: &Money| price.is_negative() || price.currency() != usual.currency();
        if let Some(price) = { prices }.chain([usual]).find(is_wrong) {
            return Err(TariffError::Price(price));
        }
        let is_wrong = |(prefix, _): &&(String, Money)| !has_digits(prefix, &PREFIX_DIGITS);
        if let Some((prefix, _)) = by_prefix.iter().find(is_wrong) {
            return Err(TariffError::Prefix(prefix.clone()));
        }
        let mut by_prefix = by_prefix;
        by_prefix.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        Ok(Self { usual, by_prefix })
    }

    /// What one part to a number may cost; none where nothing is sent.
    pub(crate) fn part(&self, number: &str) -> Option<Money> {
        let near = self.by_prefix.iter();
        let near = { near }.find(|(prefix, _)| number.starts_with(prefix.as_str()));
        let price = near.map_or(self.usual, |(_, price)| *price);
        (!price.is_zero()).then_some(price)
    }
}

/// Whether a text is a telephone number.
pub(crate) fn is_number(text: &str) -> bool {
    has_digits(text, &DIGITS)
}

fn has_digits(text: &str, count: &RangeInclusive<usize>) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    count.contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use packtrain_core::money::Currency;

    use super::*;

    fn usd(text: &str) -> Money {
        Money::parse(text, Currency::USD).unwrap()
    }

    #[test]
    fn the_longest_beginning_of_a_number_decides_its_price() {
        let tariff = Tariff::new(
            usd("0.10"),
            vec![
                ("+1".to_owned(), usd("0.0065")),
                ("+1876".to_owned(), usd("0.31")),
                ("+7".to_owned(), usd("0")),
            ],
        )
        .unwrap();
        for (number, price) in [
            ("+14155552671", Some("0.0065")),
            ("+18765552671", Some("0.31")),
            ("+493012345678", Some("0.1")),
            ("+74951234567", None),
        ] {
            let part = tariff.part(number).map(Money::to_plain);
            assert_eq!(part.as_deref(), price, "{number}");
        }
    }

    #[test]
    fn numbers_without_a_price_of_their_own_are_sent_nothing_when_the_usual_price_is_nothing() {
        let tariff = Tariff::new(usd("0"), vec![("+1".to_owned(), usd("0.01"))]).unwrap();
        assert!(tariff.part("+14155552671").is_some());
        assert_eq!(tariff.part("+493012345678"), None);
    }

    #[test]
    fn what_is_no_price_or_no_beginning_of_a_number_is_refused() {
        for (prefix, price) in [
            ("49", "1"),
            ("+", "1"),
            ("+4 9", "1"),
            ("", "1"),
            ("+49", "-1"),
        ] {
            let tariff = Tariff::new(usd("1"), vec![(prefix.to_owned(), usd(price))]);
            assert!(tariff.is_err(), "{prefix} {price}");
        }
        assert!(Tariff::new(usd("-1"), Vec::new()).is_err());
    }
}
