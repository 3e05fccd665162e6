//! What is held when a tax year begins, where the law taxes that and no disposal.

use std::ops::RangeInclusive;

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, Leg, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity, counted};

use super::draft::Note;
use super::run::Run;
use super::stakes::Otherwise;
use super::ways;
use super::{At, Stop};
use crate::outcome::{TaxYear, Valued, WarningCode};
use crate::prices::AGE_DAYS_MAX;

/// The tax years that are valued: records name no others, and a slip of the pen makes no thousands.
const YEARS: RangeInclusive<i32> = 2001..=2100;

/// Assets without a price that are told of one by one, for each year.
const TOLD_MAX: usize = 100;

impl<'a> Run<'a> {
    /// Values what is held at the start of each year that has begun since the row before.
    ///
    /// What a person owned before the records counts as held when its year began.
    pub(super) fn value_years(&mut self, at: &At<'a>) -> Result<(), Stop> {
        if !self.rules.special.taxes_wealth {
            return Ok(());
        }
        match at.row.kind {
            // Its own year may have more of them.
            RowKind::Opening => self.begin_years(at, at.year.0.saturating_sub(1))?,
            _ => self.begin_years(at, at.year.0)?,
        }
        Ok(())
    }

    /// Counts the units of an opening row in the wealth of its year, where the year was valued
    /// already since another row stands before it.
    pub(super) fn value_opening(&mut self, at: &At<'a>, leg: &Leg) -> Result<(), AmountError> {
        let Some(sum) = self.wealth.get(&at.year).copied() else {
            return Ok(());
        };
        let Some(start) = self.start_of(at.year) else {
            return Ok(());
        };
        match self.value_at_start(&leg.asset, leg.amount, start) {
            Some(value) => {
                let sum = sum.checked_add(value.money)?;
                self.wealth.insert(at.year, sum);
            }
            None if leg.amount.is_positive() => {
                let missing = [(Asset::clone(&leg.asset), leg.amount)];
                self.warn_no_prices(at, &missing, start);
            }
            None => {}
        }
        Ok(())
    }

    /// Values the years to that of the last row, and the next one where the price of all that is
    /// held is known: the records may well end before it begins. None after a last day, where one
    /// was asked for; if rows were left that come after it, all the years to it.
    pub(super) fn value_last_years(
        &mut self,
        last: Option<&At<'a>>,
        until: Option<NaiveDate>,
    ) -> Result<(), AmountError> {
        let Some(at) = last else {
            return Ok(());
        };
        let is_whole = at.index + 1 == self.input.order.len();
        if let Some(day) = until.filter(|_| !is_whole) {
            return self.begin_years(at, self.rules.year_of(day).0);
        }
        self.begin_years(at, at.year.0)?;
        let next = TaxYear(at.year.0.saturating_add(1));
        let start = self.start_of(next);
        let Some(start) = start.filter(|start| until.is_none_or(|day| *start <= day)) else {
            return Ok(());
        };
        let mut sum = self.zero();
        for (asset, units) in self.held()? {
            let Some(value) = self.value_at_start(&asset, units, start) else {
                return Ok(());
            };
            sum = sum.checked_add(value.money)?;
        }
        self.begin_year(next, sum);
        Ok(())
    }

    /// Values the years that have not been, to that of `to`.
    fn begin_years(&mut self, at: &At<'a>, to: i32) -> Result<(), AmountError> {
        let first = match self.wealth.last_key_value() {
            Some((last, _)) => last.0.saturating_add(1),
            None => self.input.at(0, self.rules, self.settings).year.0,
        };
        for year in first.max(*YEARS.start())..=to.min(*YEARS.end()) {
            let year = TaxYear(year);
            let Some(start) = self.start_of(year) else {
                continue;
            };
            let (mut sum, mut missing) = (self.zero(), Vec::new());
            for (asset, units) in self.held()? {
                match self.value_at_start(&asset, units, start) {
                    Some(value) => sum = sum.checked_add(value.money)?,
                    None => missing.push((asset, units)),
                }
            }
            self.warn_no_prices(&At { year, ..*at }, &missing, start);
            self.begin_year(year, sum);
        }
        Ok(())
    }

    fn begin_year(&mut self, year: TaxYear, sum: Money) {
        self.wealth.insert(year, sum);
        self.draft.begin(year);
    }

    fn start_of(&self, year: TaxYear) -> Option<NaiveDate> {
        self.rules.year_span(year).map(|(start, _)| start)
    }

    /// Units of each asset over all wallets, where there are any.
    fn held(&self) -> Result<Vec<(Asset, Quantity)>, AmountError> {
        let mut held = Vec::new();
        for book in &self.books {
            let mut balances = book.shelves.iter().map(|shelf| shelf.balance);
            let units = balances.try_fold(Quantity::ZERO, Quantity::checked_add)?;
            if units.is_positive() {
                held.push((Asset::clone(&book.asset), units));
            }
        }
        Ok(held)
    }

    /// What units are worth on a day by a price that is not too old.
    fn value_at_start(&self, asset: &Asset, units: Quantity, start: NaiveDate) -> Option<Valued> {
        let value = self.value_known_on(asset, units, start)?;
        let age = (start - value.day).num_days();
        (age <= AGE_DAYS_MAX).then_some(value)
    }

    /// Says of which assets no price is known, the first of them one by one.
    fn warn_no_prices(&mut self, at: &At<'a>, missing: &[(Asset, Quantity)], start: NaiveDate) {
        for (asset, units) in missing.iter().take(TOLD_MAX) {
            let at_stake = self.estimate(asset, *units);
            let message = format!(
                "no price of {start} is known for {units} {asset} held then; zero was taken"
            );
            self.draft
                .warn(at, no_price(Some(asset), at_stake, message));
        }
        let more = missing.len().saturating_sub(TOLD_MAX);
        if more > 0 {
            let message = format!(
                "no price of {start} is known for {} held then; zero was taken",
                counted(more as u64, "more asset", "more assets")
            );
            let none = self.zero();
            self.draft.warn(at, no_price(None, none, message));
        }
    }
}

fn no_price(asset: Option<&Asset>, at_stake: Money, message: String) -> Note<'_> {
    Note {
        code: WarningCode::MissingPrice,
        asset,
        at_stake,
        message,
        help: "put a price of that day into a list of prices",
        ways: ways::PRICE_OF_DAY,
        otherwise: Otherwise::Open,
    }
}
