//! What was held at the start and at the end of tax years.
//!
//! The rows up to a day are computed on their own, under the report's own settings, so that what
//! was held then follows from the same rules as every sale.

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use packtrain_core::ledger::Asset;
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::{Holding, OpenLot, Outcome, ValueFrom};
use packtrain_tax::request::Request;
use packtrain_tax::{LedgerFile, TaxError, compute_days};

use crate::limits::{INVENTORY_DAYS_MAX, NEAR_PRICE_DAYS_MAX};
use crate::years::{YearSelection, days_of_year};

/// What was held at the end of a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The local day.
    pub day: NaiveDate,
    /// By asset, then wallet.
    pub lines: Vec<InventoryLine>,
    /// Of the last day, every lot that was open, each with its value; of others none.
    pub open: Vec<OpenLot>,
}

/// What was held of an asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryLine {
    /// The asset.
    pub asset: Asset,
    /// The wallet, where lots are kept per wallet.
    pub wallet: Option<Asset>,
    /// How much.
    pub quantity: Quantity,
    /// What it had cost.
    pub cost: Money,
    /// What it was worth; none where no price is known.
    pub value: Option<Money>,
    /// Where the price comes from, and the day of it.
    pub price: Option<(ValueFrom, NaiveDate)>,
}

impl InventoryLine {
    /// How many days its price is from the day; none where it has none.
    pub(crate) fn price_days(&self, day: NaiveDate) -> Option<i64> {
        let (_, made) = self.price?;
        Some((day - made).num_days().abs())
    }

    /// Whether its price is far from the day.
    pub(crate) fn is_far(&self, day: NaiveDate) -> bool {
        self.price_days(day)
            .is_some_and(|days| days > NEAR_PRICE_DAYS_MAX)
    }
}

/// What was held at the start of the first of the years, and at the end of each of them; of many
/// years the latest.
///
/// # Errors
/// As [`compute_days`].
pub fn inventories(
    ledgers: &[LedgerFile],
    request: &Request,
    outcome: &Outcome,
    years: &YearSelection,
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Inventory>, TaxError> {
    let days: Vec<_> = days(outcome, years).into_iter().collect();
    let country = outcome.settings.country;
    let ends = compute_days(ledgers, country, request, &days, is_stopped)?;
    let last = days.last();
    let held = ends.into_iter().map(|then| Inventory {
        lines: lines(then.holdings, &then.open),
        open: match Some(&then.day) == last {
            true => then.open,
            false => Vec::new(),
        },
        day: then.day,
    });
    Ok(held.collect())
}

fn days(outcome: &Outcome, years: &YearSelection) -> Vec<NaiveDate> {
    let country = outcome.settings.country;
    let years = years.listed(outcome);
    let spans = years.iter().filter_map(|year| days_of_year(country, *year));
    let days: BTreeSet<NaiveDate> = spans
        .flat_map(|(first, last)| first.pred_opt().into_iter().chain([last]))
        .collect();
    let skipped = days.len().saturating_sub(INVENTORY_DAYS_MAX);
    days.into_iter().skip(skipped).collect()
}

/// What is held, with the values of its lots together.
fn lines(holdings: Vec<Holding>, open: &[OpenLot]) -> Vec<InventoryLine> {
    let mut worth: HashMap<(&Asset, Option<&Asset>), Worth> = HashMap::new();
    for lot in open {
        let value = lot.value.map(|value| value.money);
        let price = lot.value.map(|value| (value.from, value.day));
        worth
            .entry((&lot.asset, lot.wallet.as_ref()))
            // A sum out of range is as good as none.
            .and_modify(|(sum, _)| *sum = sum.zip(value).and_then(|(a, b)| a.checked_add(b).ok()))
            .or_insert((value, price));
    }
    let line = |holding: Holding| {
        let worth = worth.get(&(&holding.asset, holding.wallet.as_ref()));
        let (value, price) = worth.copied().unwrap_or_default();
        InventoryLine {
            asset: holding.asset,
            wallet: holding.wallet,
            quantity: holding.quantity,
            cost: holding.cost,
            value,
            price,
        }
    };
    holdings.into_iter().map(line).collect()
}

/// The value of lots, where each has one, and the price that it is by.
type Worth = (Option<Money>, Option<(ValueFrom, NaiveDate)>);

#[cfg(test)]
mod tests {
    use packtrain_tax::compute;
    use packtrain_tax::import;
    use packtrain_tax::outcome::{TaxYear, WarningCode};
    use packtrain_tax::request::Country;
    use packtrain_tax::settle::{Answer, RowName, Settlement, Settlements};

    use super::*;

    const LEDGER: &str = "\
id,timestamp,type,wallet,sent_asset,sent_amount,received_asset,received_amount,value,currency
b1,2023-03-01T10:00:00Z,buy,Kraken,USD,1000,ETH,1,1000,USD
b2,2024-01-01T04:59:59Z,buy,Kraken,USD,2400,ETH,2,2400,USD
s1,2024-06-01T10:00:00Z,sell,Kraken,ETH,1.5,USD,3000,3000,USD
";

    fn held(years: &[i32]) -> Vec<(String, Vec<[String; 4]>)> {
        held_as(years, &Request::default())
    }

    fn held_as(years: &[i32], request: &Request) -> Vec<(String, Vec<[String; 4]>)> {
        let read = import::read(LEDGER.as_bytes(), import::Limits::default()).unwrap();
        assert_eq!(read.bad_rows, 0);
        let ledgers = vec![read.into_ledger("ledger.csv".to_owned())];
        let outcome = compute(&ledgers, Country::Us, request).unwrap();
        let years = YearSelection::of(years.iter().copied().map(TaxYear));
        let all = inventories(&ledgers, request, &outcome, &years, &|| false).unwrap();
        let line = |line: InventoryLine| {
            let value = line.value.map_or_else(String::new, Money::to_cents);
            let price = line
                .price
                .map_or_else(String::new, |(_, day)| day.to_string());
            [
                line.quantity.to_string(),
                line.cost.to_cents(),
                value,
                price,
            ]
        };
        all.into_iter()
            .map(|held| {
                (
                    held.day.to_string(),
                    held.lines.into_iter().map(line).collect(),
                )
            })
            .collect()
    }

    fn is(day: &str, lines: &[[&str; 4]]) -> (String, Vec<[String; 4]>) {
        let lines = lines.iter().map(|line| line.map(str::to_owned));
        (day.to_owned(), lines.collect())
    }

    #[test]
    fn what_was_held_is_told_for_the_start_and_the_end_of_a_year_by_local_days() {
        // One second before midnight in New York is still the old year.
        assert_eq!(
            held(&[2024]),
            [
                is("2023-12-31", &[["3", "3400.00", "3600.00", "2023-12-31"]]),
                is("2024-12-31", &[["1.5", "1800.00", "3000.00", "2024-06-01"]]),
            ]
        );
    }

    #[test]
    fn an_answer_for_a_later_row_does_not_hinder_what_was_held_before_it() {
        let settlement = Settlement {
            row: RowName {
                id: "s1".to_owned(),
                file: None,
            },
            answer: Answer::Accept(WarningCode::MissingCostBasis),
        };
        let request = Request {
            settlements: Settlements {
                settle: vec![settlement],
                ..Settlements::default()
            },
            ..Request::default()
        };
        assert_eq!(held_as(&[2024], &request), held(&[2024]));
    }

    #[test]
    fn the_end_of_a_year_is_the_start_of_the_next_and_is_told_once() {
        let days: Vec<_> = held(&[2023, 2024])
            .into_iter()
            .map(|(day, _)| day)
            .collect();
        assert_eq!(days, ["2022-12-31", "2023-12-31", "2024-12-31"]);
        assert_eq!(held(&[2022])[1], is("2022-12-31", &[]));
    }
}
