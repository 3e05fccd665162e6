//! Assets that were held at disposals of a portfolio without a price near them, which are told of
//! once for each asset and year.

use std::collections::BTreeMap;

use packtrain_core::ledger::Asset;
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity, counted};

use super::draft::Note;
use super::run::Run;
use super::stakes::Otherwise;
use super::{At, ways};
use crate::outcome::{HeldPart, TaxYear, ValueFrom, WarningCode};
use crate::prices::AGE_DAYS_MAX;

/// Assets without a near price that are told of one by one, for each year.
const TOLD_MAX: usize = 100;

/// What is doubtful, by year and the book of the asset.
pub(super) type Doubts<'a> = BTreeMap<(TaxYear, usize), Doubt<'a>>;

/// An asset that was held at disposals of a year, without a price near them.
pub(super) struct Doubt<'a> {
    asset: Asset,
    /// The first of these disposals, and the units held at it.
    first: At<'a>,
    units: Quantity,
    /// The most that it was taken to be worth.
    worth: Money,
    /// Disposals at which an old price was taken, and the age of the oldest in days.
    old: usize,
    oldest: i64,
    /// Where that one comes from.
    from: ValueFrom,
    /// Disposals at which no price was on record.
    unknown: usize,
    /// The parts of the total cost that these used.
    used: Money,
}

impl Doubt<'_> {
    /// What an old price came to; without any, the cost used, which may be too much by all of it.
    const fn at_stake(&self) -> Money {
        match self.old {
            0 => self.used,
            _ => self.worth,
        }
    }
}

impl<'a> Run<'a> {
    /// Remembers which assets have no price near a disposal, which used a part of the total cost.
    pub(super) fn note_doubts(
        &mut self,
        at: &At<'a>,
        parts: &[(usize, HeldPart)],
        used: Money,
    ) -> Result<(), AmountError> {
        let none = self.zero();
        let Some(portfolio) = &mut self.portfolio else {
            return Ok(());
        };
        for (book, part) in parts {
            let age = part.value.map(|value| (at.date - value.day).num_days());
            if age.is_some_and(|age| age <= AGE_DAYS_MAX) {
                continue;
            }
            let doubt = portfolio.doubts.entry((at.year, *book));
            let doubt = doubt.or_insert_with(|| Doubt {
                asset: Asset::clone(&part.asset),
                first: *at,
                units: part.quantity,
                worth: none,
                old: 0,
                oldest: 0,
                from: ValueFrom::Missing,
                unknown: 0,
                used: none,
            });
            match part.value.zip(age) {
                Some((value, age)) => {
                    doubt.old += 1;
                    if age > doubt.oldest {
                        (doubt.oldest, doubt.from) = (age, value.from);
                    }
                    if value.money > doubt.worth {
                        doubt.worth = value.money;
                    }
                }
                None => {
                    doubt.unknown += 1;
                    doubt.used = doubt.used.checked_add(used)?;
                }
            }
        }
        Ok(())
    }

    /// Tells of them, those with the most at stake first.
    pub(super) fn warn_doubts(&mut self) {
        let doubts = match &mut self.portfolio {
            Some(portfolio) => std::mem::take(&mut portfolio.doubts),
            None => return,
        };
        let mut by_year: BTreeMap<TaxYear, Vec<Doubt<'a>>> = BTreeMap::new();
        for ((year, _), doubt) in doubts {
            by_year.entry(year).or_default().push(doubt);
        }
        for (year, mut all) in by_year {
            all.sort_by(|a, b| {
                let order = b.at_stake().partial_cmp(&a.at_stake());
                let order = order.unwrap_or(std::cmp::Ordering::Equal);
                order.then_with(|| a.asset.cmp(&b.asset))
            });
            let more = all.split_off(all.len().min(TOLD_MAX));
            for doubt in &all {
                self.warn_doubt(year, doubt);
            }
            if let Some(first) = more.first() {
                let held = format!("held at disposals of {}", self.rules.year_name(year));
                let message = format!(
                    "{} no price within {AGE_DAYS_MAX} days; the nearest was taken, or zero",
                    counted(
                        more.len() as u64,
                        &format!("more asset {held} has"),
                        &format!("more assets {held} have"),
                    ),
                );
                let none = self.zero();
                self.draft
                    .warn(&first.first, no_price(None, none, message, Otherwise::Open));
            }
        }
    }

    fn warn_doubt(&mut self, year: TaxYear, doubt: &Doubt<'a>) {
        let asset = &doubt.asset;
        let source = match doubt.from {
            ValueFrom::Listed(_) => "of the list of prices",
            _ => "the last price in the records",
        };
        let age = counted(doubt.oldest.unsigned_abs(), "day", "days");
        let nearest = match doubt.old {
            1 => format!("the nearest was taken: {age} old, {source}"),
            _ => format!("the nearest was taken each time, at most {age} old, {source}"),
        };
        let taken = match (doubt.old, doubt.unknown) {
            (0, _) => "zero was taken".to_owned(),
            (_, 0) => nearest,
            _ => format!("{nearest}, and zero before it"),
        };
        let year_name = self.rules.year_name(year);
        let asked = counted(
            (doubt.old + doubt.unknown) as u64,
            &format!("disposal of {year_name} asks"),
            &format!("disposals of {year_name} ask"),
        );
        let message = format!(
            "{asked} for the value of {asset}, of which {} {} held at the first; no price within \
             {AGE_DAYS_MAX} days is known; {taken}",
            doubt.units,
            doubt.units.word("was", "were"),
        );
        let otherwise = match doubt.old {
            0 => Otherwise::Open,
            _ => Otherwise::Unpriced(Asset::clone(asset), year),
        };
        let note = no_price(Some(asset), doubt.at_stake(), message, otherwise);
        self.draft.warn(&doubt.first, note);
    }
}

fn no_price(
    asset: Option<&Asset>,
    at_stake: Money,
    message: String,
    otherwise: Otherwise,
) -> Note<'_> {
    Note {
        code: WarningCode::MissingPortfolioPrice,
        asset,
        at_stake,
        message,
        help: "put prices of the days of these disposals into a list of prices",
        ways: ways::PRICE_OF_HOLDING,
        otherwise,
    }
}
