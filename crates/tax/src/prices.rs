//! Prices by the person's word, for rows that state no value: a file with the columns `date`,
//! `asset`, `currency` and `price`, the price of one unit.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use chrono::NaiveDate;
use packtrain_core::ledger::Asset;
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;

use crate::fiat::{as_money, is_currency};
use crate::rates;
use crate::table::{self, Form, TableError};

/// How old a price may be where there is none of the day itself.
pub const AGE_DAYS_MAX: i64 = 7;
/// Prices in one file.
const PRICES_MAX: usize = 2_000_000;

const FORM: Form<4> = Form {
    columns: ["date", "asset", "currency", "price"],
    amount: 3,
    lines_max: PRICES_MAX,
};

/// The prices of a file, by asset and day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prices {
    /// Of each asset, in upper case, in order of time.
    by_asset: HashMap<String, Vec<Price>>,
    count: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Price {
    date: NaiveDate,
    one: Money,
}

impl Prices {
    /// Reads a file: cells parted by commas, semicolons or tabs, with a header, the columns in any
    /// order.
    ///
    /// # Errors
    /// [`TableError`] at the first line that is no price: half a table of prices is worth little.
    pub fn read(bytes: &[u8]) -> Result<Self, TableError> {
        let mut by_asset: HashMap<String, Vec<(Price, u64)>> = HashMap::new();
        let count = table::read(bytes, &FORM, |line, cells| {
            let (asset, price) = price(cells)?;
            by_asset.entry(asset).or_default().push((price, line));
            Ok(())
        })?;
        for of_asset in by_asset.values_mut() {
            // Stable: of two prices of one day in two currencies, neither the report's, the one
            // that stands last holds.
            of_asset.sort_by_key(|(price, _)| price.date);
        }
        if let Some(error) = disagreeing(&by_asset) {
            return Err(error);
        }
        let plain = |(asset, prices): (String, Vec<(Price, u64)>)| {
            let prices = prices.into_iter().map(|(price, _)| price);
            (asset, prices.collect())
        };
        Ok(Self {
            by_asset: by_asset.into_iter().map(plain).collect(),
            count,
        })
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// What units are worth on a day, and the day of the price: the day itself, or the last one
    /// before it with a price. None where that is too long ago, or no rate of its currency is
    /// known, in the list neither. Of the prices of a day that in the wanted currency goes first,
    /// then one that can be converted.
    pub fn worth(
        &self,
        asset: &Asset,
        amount: Quantity,
        currency: Currency,
        date: NaiveDate,
    ) -> Option<(Money, NaiveDate)> {
        let prices = self.last(asset, date)?;
        let is_near = (date - prices.first()?.date).num_days() <= AGE_DAYS_MAX;
        is_near.then(|| self.by(prices, amount, currency))?
    }

    /// The same by the last price of the day or before it, however long ago that is.
    pub fn last_worth(
        &self,
        asset: &Asset,
        amount: Quantity,
        currency: Currency,
        date: NaiveDate,
    ) -> Option<(Money, NaiveDate)> {
        self.by(self.last(asset, date)?, amount, currency)
    }

    /// The prices of the day, or of the last one before it that has any.
    fn last(&self, asset: &str, date: NaiveDate) -> Option<&[Price]> {
        if self.is_empty() {
            return None;
        }
        let prices = self.by_asset.get(&*in_upper_case(asset))?;
        let after = prices.partition_point(|price| price.date <= date);
        let date = prices.get(after.checked_sub(1)?)?.date;
        let before = prices[..after].iter().rev();
        let of_day = before.take_while(|price| price.date == date).count();
        Some(&prices[after - of_day..after])
    }

    /// What units are worth by the prices of a day.
    fn by(
        &self,
        prices: &[Price],
        amount: Quantity,
        currency: Currency,
    ) -> Option<(Money, NaiveDate)> {
        let is_own = |price: &&Price| price.one.currency() == currency;
        let own = prices.iter().rfind(is_own);
        let mut all = own.into_iter().chain(prices.iter().rev());
        all.find_map(|price| {
            let money = price.one.share(amount, one()?).ok()?;
            let (money, _) = self.convert(money, currency, price.date)?;
            Some((money, price.date))
        })
    }

    /// Money in another currency, and by which rate: the reference rate that ships, and behind the
    /// days of these one by the list's prices of currencies; each where the other is not known.
    pub(crate) fn convert(
        &self,
        money: Money,
        to: Currency,
        date: NaiveDate,
    ) -> Option<(Money, Rate)> {
        if money.currency() == to {
            return Some((money, Rate::None));
        }
        let shipped = || {
            let (money, day) = rates::convert(money, to, date)?;
            Some((money, Rate::Reference(day)))
        };
        if self.is_empty() {
            return shipped();
        }
        let listed = || {
            let (money, day) = self.listed(money, to, date)?;
            Some((money, Rate::Listed(day)))
        };
        match rates::reaches(date) {
            true => shipped().or_else(listed),
            false => listed().or_else(shipped),
        }
    }

    /// Money in another currency by the list, through euros or dollars where it has no price of
    /// the one in the other; then the reference rate may do one of the two steps.
    fn listed(&self, money: Money, to: Currency, date: NaiveDate) -> Option<(Money, NaiveDate)> {
        let through = |hub| {
            let first = self.exchanged(money, hub, date);
            let is_listed = first.is_some();
            let (money, day) = first.or_else(|| rates::convert(money, hub, date))?;
            let second = self.exchanged(money, to, date);
            let is_listed = is_listed || second.is_some();
            let (money, other) = second.or_else(|| rates::convert(money, to, date))?;
            is_listed.then_some((money, day.min(other)))
        };
        let mut hubs = [Currency::EUR, Currency::USD].into_iter();
        let direct = self.exchanged(money, to, date);
        direct.or_else(|| {
            hubs.find_map(|hub| through(hub).filter(|_| ![money.currency(), to].contains(&hub)))
        })
    }

    /// Money in another currency by the list's price of the one in the other, the nearer of both.
    fn exchanged(&self, money: Money, to: Currency, date: NaiveDate) -> Option<(Money, NaiveDate)> {
        let of = |code: Currency, price_in: Currency| {
            let prices = self.last(&as_money(code.code()), date)?;
            let price = prices
                .iter()
                .rfind(|price| price.one.currency() == price_in)?;
            let is_near = (date - price.date).num_days() <= AGE_DAYS_MAX;
            let rate = price.one.to_plain().parse::<Quantity>().ok()?;
            (is_near && rate.is_positive()).then_some((rate, price.date))
        };
        let (own, other) = (of(money.currency(), to), of(to, money.currency()));
        let is_other = match (own, other) {
            (Some((_, own)), Some((_, other))) => other > own,
            (own, _) => own.is_none(),
        };
        let (from_rate, to_rate, day) = match is_other {
            true => other.and_then(|(rate, day)| Some((rate, one()?, day))),
            false => own.and_then(|(rate, day)| Some((one()?, rate, day))),
        }?;
        Some((money.exchanged(to, from_rate, to_rate).ok()?, day))
    }
}

/// By which rate money was converted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rate {
    /// None: it was in the currency.
    None,
    /// The reference rate of this day.
    Reference(NaiveDate),
    /// The rate of this day in the person's own list.
    Listed(NaiveDate),
}

fn one() -> Option<Quantity> {
    Quantity::from_units(1, 0).ok()
}

/// The first line whose price is another than one before it of the same day, asset and currency:
/// neither is known to be right.
fn disagreeing(by_asset: &HashMap<String, Vec<(Price, u64)>>) -> Option<TableError> {
    let mut found: Option<(u64, String)> = None;
    for (asset, prices) in by_asset {
        for day in prices.chunk_by(|(a, _), (b, _)| a.date == b.date) {
            let mut of_currency: BTreeMap<Currency, (Money, u64)> = BTreeMap::new();
            for (price, line) in day {
                let code = price.one.currency();
                let first = of_currency.entry(code).or_insert((price.one, *line));
                let is_first = found.as_ref().is_none_or(|(before, _)| line < before);
                if first.0 == price.one || !is_first {
                    continue;
                }
                let what = format!(
                    "{asset} on {} is {} {code} here and {} {code} on line {}; keep one of them",
                    price.date,
                    price.one.to_plain(),
                    first.0.to_plain(),
                    first.1
                );
                found = Some((*line, what));
            }
        }
    }
    found.map(|(line, what)| TableError::Line { line, what })
}

/// Most names are in upper case as they stand.
fn in_upper_case(asset: &str) -> Cow<'_, str> {
    let is_upper = |byte: u8| byte.is_ascii() && !byte.is_ascii_lowercase();
    match asset.bytes().all(is_upper) {
        true => Cow::Borrowed(asset),
        false => Cow::Owned(asset.to_uppercase()),
    }
}

/// The asset, in upper case, and its price; or what is wrong.
fn price([date, asset, currency, price]: [&str; 4]) -> Result<(String, Price), String> {
    let date = date
        .parse()
        .map_err(|_| format!("{date:?} is no date such as 2024-03-10"))?;
    if asset.is_empty() {
        return Err("the asset is empty".to_owned());
    }
    let code: Currency = match currency.parse() {
        Ok(code) if is_currency(currency) => code,
        _ => return Err(format!("{currency:?} is no currency such as USD")),
    };
    let one = Money::parse(price, code)
        .ok()
        .filter(|one| !one.is_negative())
        .ok_or_else(|| format!("{price:?} is no price such as 1234.56"))?;
    Ok((asset.to_uppercase(), Price { date, one }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
price,currency,asset,date
60000.50,USD,btc,2024-03-10
61000,USD,BTC,2024-03-12
50,EUR,SOL,2016-01-04
";

    fn worth(amount: &str, asset: &str, date: &str) -> Option<(String, String)> {
        let prices = Prices::read(FILE.as_bytes()).unwrap();
        let (money, day) = prices.worth(
            &Asset::from(asset),
            amount.parse().unwrap(),
            Currency::USD,
            date.parse().unwrap(),
        )?;
        Some((money.to_cents(), day.to_string()))
    }

    #[test]
    fn a_currency_without_a_reference_rate_has_that_of_the_list() {
        let prices = Prices::read(
            "date,asset,currency,price
2026-01-05,EUR,USD,1.25
2026-01-05,THB,EUR,0.025
2026-01-05,GBP,USD,1.5
2026-01-06,USD,EUR,0.5
2024-03-11,THB,USD,0.03
2024-03-11,USD,EUR,99
2026-01-05,BTC,EUR,1000
2026-01-05,MNT@money,USD,0.0003
2026-01-05,MNT,USD,2
"
            .as_bytes(),
        );
        let prices = prices.unwrap();
        let found = |amount: &str, from: &str, to: &str, date: &str| {
            let money = Money::parse(amount, from.parse().unwrap()).unwrap();
            let found = prices.convert(money, to.parse().unwrap(), date.parse().unwrap());
            found.map(|(money, rate)| (money.to_cents(), rate))
        };
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let listed = |money: &str, on: &str| Some((money.to_owned(), Rate::Listed(day(on))));
        // Told either way, through euros, and through dollars; the nearer of two.
        assert_eq!(
            found("8", "EUR", "USD", "2026-01-05"),
            listed("10.00", "2026-01-05")
        );
        assert_eq!(
            found("10", "USD", "EUR", "2026-01-05"),
            listed("8.00", "2026-01-05")
        );
        assert_eq!(
            found("10", "USD", "EUR", "2026-01-06"),
            listed("5.00", "2026-01-06")
        );
        assert_eq!(
            found("400", "THB", "USD", "2026-01-05"),
            listed("12.50", "2026-01-05")
        );
        assert_eq!(
            found("12", "EUR", "GBP", "2026-01-05"),
            listed("10.00", "2026-01-05")
        );
        // Seven days old, and eight.
        assert!(found("1", "GBP", "USD", "2026-01-12").is_some());
        assert_eq!(found("1", "GBP", "USD", "2026-01-13"), None);
        // The last reference rate is behind the list's once the table has ended.
        let old = Some(("9.40".to_owned(), Rate::Reference(day("2025-12-31"))));
        assert_eq!(found("8", "EUR", "USD", "2026-01-03"), old);
        // Before, the table goes first, and does the step that the list does not.
        let shipped = Some(("0.92".to_owned(), Rate::Reference(day("2024-03-11"))));
        assert_eq!(found("1", "USD", "EUR", "2024-03-11"), shipped);
        assert!(found("100", "THB", "GBP", "2024-03-11").is_some());
        // The coin of that symbol is no rate.
        assert_eq!(
            found("10000", "MNT", "USD", "2026-01-05"),
            listed("3.00", "2026-01-05")
        );
        // A price in another currency is converted by the list as well.
        let one = Quantity::from_units(1, 0).unwrap();
        let btc = prices.worth(&Asset::from("BTC"), one, Currency::USD, day("2026-01-05"));
        assert_eq!(btc.unwrap().0.to_cents(), "1250.00");
    }

    #[test]
    fn a_price_is_that_of_the_day_or_of_the_last_day_before_it() {
        let found = |money: &str, day: &str| Some((money.to_owned(), day.to_owned()));
        assert_eq!(
            worth("2", "BTC", "2024-03-10"),
            found("120001.00", "2024-03-10")
        );
        assert_eq!(
            worth("2", "BTC", "2024-03-11"),
            found("120001.00", "2024-03-10")
        );
        assert_eq!(
            worth("0.5", "BTC", "2024-03-19"),
            found("30500.00", "2024-03-12")
        );
        assert_eq!(worth("0.5", "BTC", "2024-03-20"), None);
        assert_eq!(worth("0.5", "BTC", "2024-03-09"), None);
        assert_eq!(worth("1", "ETH", "2024-03-10"), None);
    }

    #[test]
    fn the_last_price_is_known_however_old_it_is_and_none_of_a_later_day() {
        let prices = Prices::read(FILE.as_bytes()).unwrap();
        let last = |date: &str| {
            let (btc, two) = (Asset::from("BTC"), "2".parse().unwrap());
            let (money, day) =
                prices.last_worth(&btc, two, Currency::USD, date.parse().unwrap())?;
            Some((money.to_cents(), day.to_string()))
        };
        let found = |money: &str, day: &str| Some((money.to_owned(), day.to_owned()));
        assert_eq!(last("2025-01-01"), found("122000.00", "2024-03-12"));
        assert_eq!(last("2024-03-11"), found("120001.00", "2024-03-10"));
        assert_eq!(last("2024-03-09"), None);
    }

    #[test]
    fn a_price_in_another_currency_is_converted_at_the_rate_of_its_day() {
        // 4 January 2016: 1.0898 dollars for a euro.
        let found = Some(("54.49".to_owned(), "2016-01-04".to_owned()));
        assert_eq!(worth("1", "SOL", "2016-01-04"), found);
    }

    #[test]
    fn of_several_currencies_of_a_day_the_wanted_one_goes_first_then_one_that_converts() {
        let worth = |lines: &str, currency: Currency| {
            let file = format!("date,asset,currency,price\n{lines}");
            let prices = Prices::read(file.as_bytes()).unwrap();
            let one = Quantity::from_units(1, 0).unwrap();
            let date = "2016-01-04".parse().unwrap();
            let found = prices.worth(&Asset::from("BTC"), one, currency, date);
            found.map(|(money, _)| money.to_cents())
        };
        let own = "2016-01-04,BTC,USD,400\n2016-01-04,BTC,EUR,50\n";
        assert_eq!(worth(own, Currency::USD).as_deref(), Some("400.00"));
        assert_eq!(worth(own, Currency::EUR).as_deref(), Some("50.00"));
        // No reference rate of the Georgian lari is known.
        let unknown = "2016-01-04,BTC,EUR,50\n2016-01-04,BTC,GEL,999\n";
        assert_eq!(worth(unknown, Currency::USD).as_deref(), Some("54.49"));
        let repeated = "2016-01-04,BTC,USD,400\n2016-01-04,BTC,USD,400\n";
        assert_eq!(worth(repeated, Currency::USD).as_deref(), Some("400.00"));
    }

    #[test]
    fn a_line_that_is_no_price_is_told_with_its_place() {
        let said = |line: &str| {
            let file = format!("date,asset,currency,price\n2024-03-10,BTC,USD,1\n{line}\n");
            Prices::read(file.as_bytes()).unwrap_err().to_string()
        };
        assert_eq!(
            said("10.03.2024,BTC,USD,1"),
            "line 3: \"10.03.2024\" is no date such as 2024-03-10"
        );
        assert_eq!(said("2024-03-10,,USD,1"), "line 3: the asset is empty");
        assert_eq!(
            said("2024-03-10,BTC,XYZ,1"),
            "line 3: \"XYZ\" is no currency such as USD"
        );
        assert_eq!(
            said("2024-03-10,BTC,USD,-1"),
            "line 3: \"-1\" is no price such as 1234.56"
        );
        let error = Prices::read(b"date,asset,price\n").unwrap_err();
        let said = "line 1: the header \"date,asset,price\" has no column currency; needed: date, \
                    asset, currency, price";
        assert_eq!(error.to_string(), said);
    }

    #[test]
    fn two_prices_of_one_day_that_differ_are_told_with_both_lines_and_equal_ones_are_fine() {
        let read = |lines: &str| {
            let file = format!("date,asset,currency,price\n{lines}");
            Prices::read(file.as_bytes())
        };
        let twice = "2024-03-10,BTC,USD,1\n2024-03-11,BTC,USD,2\n2024-03-10,btc,USD,3.50\n";
        let error = read(twice).unwrap_err().to_string();
        let said =
            "line 4: BTC on 2024-03-10 is 3.5 USD here and 1 USD on line 2; keep one of them";
        assert_eq!(error, said);
        let fine = "2024-03-10,BTC,USD,1\n2024-03-10,BTC,EUR,2\n2024-03-10,BTC,USD,1.00\n";
        assert_eq!(read(fine).unwrap().len(), 3);
    }
}
