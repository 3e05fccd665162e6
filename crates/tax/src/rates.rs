//! Money of one currency in another, at the euro reference rates of the European Central Bank.
//!
//! The rates of 2015 to 2025 ship with the product (`data/ecb-reference-rates.csv`, units of each
//! currency for one euro). The bank publishes them for every business day and lets anybody use
//! them as long as it is named:
//! <https://www.ecb.europa.eu/stats/policy_and_exchange_rates/euro_reference_exchange_rates>.

use std::sync::LazyLock;

use chrono::NaiveDate;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;

/// Who says so.
pub const SOURCE: &str = "euro foreign exchange reference rates of the European Central Bank";

/// How old a rate may be: weekends, holidays, and both together.
const AGE_DAYS_MAX: i64 = 7;

static FILE: &str = include_str!("../data/ecb-reference-rates.csv");

static TABLE: LazyLock<Table> = LazyLock::new(Table::read);

struct Table {
    /// The currencies in the order of the columns.
    currencies: Vec<Currency>,
    /// Date and rates of each business day, in order.
    days: Vec<(NaiveDate, &'static str)>,
}

impl Table {
    fn read() -> Self {
        let mut lines = FILE.lines();
        let names = lines.next().unwrap_or_default().split(',').skip(1);
        let day = |line: &'static str| {
            let (date, rates) = line.split_once(',')?;
            Some((date.parse().ok()?, rates))
        };
        Self {
            currencies: names.filter_map(|name| name.parse().ok()).collect(),
            days: lines.filter_map(day).collect(),
        }
    }

    /// The rates of a day, or of the last business day before it.
    fn day(&self, date: NaiveDate) -> Option<(NaiveDate, &'static str)> {
        let after = self.days.partition_point(|(day, _)| *day <= date);
        let found = *self.days.get(after.checked_sub(1)?)?;
        ((date - found.0).num_days() <= AGE_DAYS_MAX).then_some(found)
    }

    /// Units of a currency for one euro.
    fn rate(&self, currency: Currency, rates: &str) -> Option<Quantity> {
        if currency == Currency::EUR {
            return Quantity::from_units(1, 0).ok();
        }
        let place = self
            .currencies
            .iter()
            .position(|other| *other == currency)?;
        rates.split(',').nth(place)?.parse().ok()
    }
}

/// Money in another currency, and the day of the rate: the day itself, or the last business day
/// before it. None where no rate is known.
pub fn convert(money: Money, to: Currency, date: NaiveDate) -> Option<(Money, NaiveDate)> {
    let (day, rates) = TABLE.day(date)?;
    let (from_rate, to_rate) = (TABLE.rate(money.currency(), rates)?, TABLE.rate(to, rates)?);
    let converted = money.exchanged(to, from_rate, to_rate).ok()?;
    Some((converted, day))
}

/// Whether the rates reach to a day.
pub(crate) fn reaches(date: NaiveDate) -> bool {
    TABLE.days.last().is_some_and(|(last, _)| date <= *last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn converted(amount: &str, from: &str, to: &str, date: &str) -> Option<(String, String)> {
        let money = Money::parse(amount, from.parse().unwrap()).unwrap();
        let (money, day) = convert(money, to.parse().unwrap(), date.parse().unwrap())?;
        Some((money.to_cents(), day.to_string()))
    }

    #[test]
    fn money_is_converted_at_the_rate_of_the_day() {
        // 4 January 2016: 1.0898 dollars and 0.73810 pounds for a euro.
        let found = |money: &str, day: &str| Some((money.to_owned(), day.to_owned()));
        assert_eq!(
            converted("100", "EUR", "USD", "2016-01-04"),
            found("108.98", "2016-01-04")
        );
        assert_eq!(
            converted("108.98", "USD", "EUR", "2016-01-04"),
            found("100.00", "2016-01-04")
        );
        assert_eq!(
            converted("108.98", "USD", "GBP", "2016-01-04"),
            found("73.81", "2016-01-04")
        );
    }

    #[test]
    fn a_day_without_a_rate_has_that_of_the_last_business_day() {
        let day = |date: &str| converted("1", "EUR", "USD", date).map(|(_, day)| day);
        assert_eq!(day("2024-06-09").as_deref(), Some("2024-06-07"));
        assert_eq!(day("2023-12-26").as_deref(), Some("2023-12-22"));
    }

    #[test]
    fn no_rate_is_made_up_for_another_time_or_currency() {
        assert_eq!(converted("1", "EUR", "USD", "2010-01-04"), None);
        assert_eq!(converted("1", "EUR", "USD", "2027-01-04"), None);
        assert_eq!(converted("1", "EUR", "THB", "2024-01-04"), None);
    }

    #[test]
    fn every_day_has_a_rate_for_every_currency() {
        for (date, rates) in &TABLE.days {
            for currency in &TABLE.currencies {
                assert!(
                    TABLE.rate(*currency, rates).is_some(),
                    "{currency} of {date}"
                );
            }
        }
        assert!(TABLE.days.len() > 2_800 && TABLE.currencies.len() == 21);
    }
}
