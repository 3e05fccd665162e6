//! What is held when a tax year begins, where the law taxes that and no disposal.

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, RowKind};
use packtrain_core::quantity::{AmountError, Quantity};

use super::draft::Note;
use super::run::Run;
use super::{At, Stop};
use crate::outcome::{TaxYear, Valued, WarningCode};
use crate::prices::AGE_DAYS_MAX;

impl<'a> Run<'a> {
    /// Values what is held at the start of each year that has begun since the row before.
    ///
    /// What a person owned before the records counts as held when its year began.
    pub(super) fn value_years(&mut self, at: &At<'a>) -> Result<(), Stop> {
        if !self.rules.special.taxes_wealth || at.row.kind == RowKind::Opening {
            return Ok(());
        }
        let first = match self.wealth.last_key_value() {
            Some((last, _)) => last.0.saturating_add(1),
            None => self.input.at(0, self.rules, self.settings).year.0,
        };
        for year in first..=at.year.0 {
            let year = TaxYear(year);
            let Some((start, _)) = self.rules.year_span(year) else {
                continue;
            };
            let mut sum = self.zero();
            for (asset, units) in self.held()? {
                match self.value_at_start(&asset, units, start) {
                    Some(value) => sum = sum.checked_add(value.money)?,
                    None => self.warn_no_price(&At { year, ..*at }, &asset, units, start),
                }
            }
            self.wealth.insert(year, sum);
            self.draft.begin(year);
        }
        Ok(())
    }

    /// Values what is held when the year after the last row begins, where the price of all of it
    /// is known: the records may well end before.
    pub(super) fn value_next_year(&mut self) -> Result<(), AmountError> {
        let last = self.wealth.last_key_value().map(|(year, _)| *year);
        let next = last.and_then(|year| year.0.checked_add(1)).map(TaxYear);
        let start = next.and_then(|year| self.rules.year_span(year));
        let (Some(next), Some((start, _))) = (next, start) else {
            return Ok(());
        };
        let mut sum = self.zero();
        for (asset, units) in self.held()? {
            let Some(value) = self.value_at_start(&asset, units, start) else {
                return Ok(());
            };
            sum = sum.checked_add(value.money)?;
        }
        self.wealth.insert(next, sum);
        self.draft.begin(next);
        Ok(())
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
        let value = self.value_on(asset, units, start)?;
        let age = (start - value.day).num_days();
        (0..=AGE_DAYS_MAX).contains(&age).then_some(value)
    }

    fn warn_no_price(&mut self, at: &At<'a>, asset: &Asset, units: Quantity, start: NaiveDate) {
        let at_stake = self.estimate(asset, units);
        self.draft.warn(
            at,
            Note {
                code: WarningCode::MissingPrice,
                asset: Some(asset),
                at_stake,
                message: format!(
                    "no price of {start} is known for {units} {asset} held then; zero was taken"
                ),
                help: "put a price of that day into a list of prices",
            },
        );
    }
}
