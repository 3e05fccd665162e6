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
mod tests;
