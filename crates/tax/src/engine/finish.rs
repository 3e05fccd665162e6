//! From the books to the outcome: holdings, the checks over all lines, the order of warnings.

use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use packtrain_core::ledger::{Asset, Row};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity, counted};
use rayon::prelude::*;

use super::book::Book;
use super::input::{Duplicate, index};
use super::run::Run;
use super::shelf::Shelf;
use super::stakes::{self, Found, Otherwise};
use super::{At, Work, ways};
use crate::assess::Books;
use crate::error::TaxError;
use crate::jurisdiction::wallet_key;
use crate::outcome::{Choice, Disposal, Holding, Origin, Outcome, TaxYear, Warning, WarningCode};
use crate::request::Scope;

/// How near to a loss a purchase is worth a word, in days before and after.
const NEAR_DAYS: Days = Days::new(30);

/// What is said of a row or a whole file that an earlier file has too, what to do about it, and the
/// other way in which it could be.
fn said_of(duplicate: &Duplicate<'_>) -> (String, &'static str, Otherwise) {
    let first = duplicate.first;
    let Some(copies) = duplicate.copies else {
        let line = duplicate.first_line;
        let line = line.map_or_else(String::new, |line| format!(" on line {line}"));
        return (
            format!("the same row stands in {first}{line}; counted once"),
            "nothing, unless it happened twice: then keep it, or by a rule all of a file or wallet",
            Otherwise::Kept,
        );
    };
    let also = match copies.name == first {
        true => String::new(),
        false => format!(", also as {}", copies.name),
    };
    let said = match copies.times {
        None if also.is_empty() => format!("{first} was given again; this copy was left out"),
        None => format!(
            "{first} was given again as {}; this copy was left out",
            copies.name
        ),
        Some(2) => format!("{first} was given twice{also}; it was read once"),
        Some(times) => format!("{first} was given {times} times{also}; it was read once"),
    };
    (
        said,
        "nothing, unless all of it happened twice: then keep it by a rule for the file",
        Otherwise::FileKept,
    )
}

impl<'a> Run<'a> {
    /// Says which rows were left out because an earlier file has them too: of a whole file one
    /// finding in each year that it has rows of, since a report on any of them lacks some.
    pub(super) fn warn_duplicates(&mut self) {
        for duplicate in &self.input.duplicates {
            let Some(copies) = duplicate.copies else {
                let year = self.year_of(duplicate.row);
                let found = self.found_twice(duplicate, duplicate.row, year);
                self.draft.found.push(found);
                continue;
            };
            let mut newest: BTreeMap<TaxYear, &Row> = BTreeMap::new();
            for row in copies.rows {
                let of_year = newest.entry(self.year_of(row)).or_insert(row);
                if row.at >= of_year.at {
                    *of_year = row;
                }
            }
            for (year, row) in newest {
                let found = self.found_twice(duplicate, row, year);
                self.draft.found.push(found);
            }
        }
    }

    pub(super) fn year_of(&self, row: &Row) -> TaxYear {
        let local = row.at.with_timezone(&self.settings.timezone);
        self.rules.year_of(local.date_naive())
    }

    /// The finding that a row, or the file of which it is one, was given twice.
    fn found_twice(&self, duplicate: &Duplicate<'_>, row: &Row, year: TaxYear) -> Found {
        let (message, help, otherwise) = said_of(duplicate);
        let warning = Warning {
            code: WarningCode::DuplicateRow,
            id: row.id.clone(),
            origin: Origin {
                line: row.line,
                ..duplicate.origin
            },
            year,
            asset: None,
            at_stake: self.zero(),
            message,
            help: help.to_owned(),
            // Until it is computed again, which beyond the limit it is not.
            is_exact: false,
            ways: match otherwise {
                Otherwise::FileKept => ways::COPIED,
                _ => ways::TWICE,
            },
        };
        Found { warning, otherwise }
    }

    /// Puts the outcome together; for each finding, the other way in which it could be settled.
    pub(super) fn finish(
        mut self,
        work: &Work<'_>,
        last: Option<&At<'a>>,
    ) -> Result<(Outcome, Vec<Otherwise>), TaxError> {
        let holdings = if self.portfolio.is_some() {
            self.settle_portfolio(last)?
        } else if self.has_pools() {
            self.settle_pools()?
        } else {
            self.holdings()?
        };
        self.note_wallets();
        let waiting = self.waiting.left();
        self.applied.waiting = waiting.map_err(|source| TaxError::Assessment { source })?;
        let open = work
            .open_on
            .map_or_else(Vec::new, |date| self.open(&holdings, date));
        let source = |source| TaxError::Assessment { source };
        self.warn_of_years().map_err(source)?;
        if self.rules.special.taxes_wealth {
            self.value_last_years(last, work.until).map_err(source)?;
        }
        let assessments = self.rules.assess(&self.books_of_years());
        let assessments = assessments.map_err(source)?;
        let mut found = self.draft.found;
        let settled = self
            .input
            .answers
            .settle(&mut found, &self.zeroed, &self.spare)?;
        stakes::sort(&mut found, |found| &found.warning);
        let (warnings, otherwise) = found
            .into_iter()
            .map(|found| (found.warning, found.otherwise))
            .unzip();
        self.draft.valuations.sort_by_key(|one| one.date);
        let outcome = Outcome {
            settings: self.settings.clone(),
            rule_set: self.rules.rule_set,
            rules_used: self.rules.notes(self.settings, &self.applied),
            disposals: self.draft.disposals,
            removed: self.draft.removed,
            income: self.draft.income,
            valuations: self.draft.valuations,
            transfers: self.draft.transfers,
            rows: self.draft.rows,
            rows_answered: self.input.answers.added.len(),
            totals: self.draft.totals,
            assessments,
            holdings,
            open,
            warnings,
            settled,
            rules_given: self.input.answers.rules.clone(),
        };
        Ok((outcome, otherwise))
    }

    /// Remembers from which wallets units were sold, where an option names wallets.
    fn note_wallets(&mut self) {
        let mut said = self.settings.options.values();
        if said.any(|value| value.contains(':')) {
            let lines = self.draft.disposals.iter();
            // A margin result is no sale of the wallet, and goes by no statement for it.
            let sales = lines.filter(|line| !matches!(line.why.choice, Choice::Margin));
            let wallets: BTreeSet<_> = sales.map(|line| line.wallet.trim()).collect();
            self.applied.wallets = wallets.into_iter().map(wallet_key).collect();
        }
    }

    /// Says what is found when all rows of a year are known.
    fn warn_of_years(&mut self) -> Result<(), AmountError> {
        if self.rules.warns_of_repurchases {
            self.warn_repurchases();
        }
        self.warn_margins()?;
        self.warn_donations();
        Ok(())
    }

    /// What the figures of each year are made of.
    fn books_of_years(&self) -> Books<'_> {
        Books {
            settings: self.settings,
            totals: &self.draft.totals,
            disposals: &self.draft.disposals,
            income: &self.draft.income,
            wealth: &self.wealth,
            margins: &self.margins.results,
            rules: self.rules,
        }
    }

    /// What is left, by asset, and by wallet where lots are kept per wallet.
    fn holdings(&self) -> Result<Vec<Holding>, TaxError> {
        let mut holdings = Vec::new();
        for book in &self.books {
            let source = |source| TaxError::Holdings {
                asset: book.asset.to_string(),
                source,
            };
            match self.scope {
                Scope::Universal => {
                    let all = book.shelves.iter();
                    holdings.extend(holding(book, None, all).map_err(source)?);
                }
                Scope::Wallet => {
                    for shelf in &book.shelves {
                        let wallet = usize::try_from(shelf.wallet).unwrap_or(usize::MAX);
                        let wallet = self.wallets.get(wallet).cloned();
                        let one = std::iter::once(shelf);
                        holdings.extend(holding(book, wallet, one).map_err(source)?);
                    }
                }
            }
        }
        holdings.sort_by(|a, b| (&a.asset, &a.wallet).cmp(&(&b.asset, &b.wallet)));
        Ok(holdings)
    }

    /// Says, once for each asset and year, how much of the losses has a purchase close by.
    fn warn_repurchases(&mut self) {
        let mut found: BTreeMap<(TaxYear, Asset), Near> = BTreeMap::new();
        let lines = self.draft.disposals.par_iter().enumerate();
        let near: Vec<_> = lines
            .filter(|(_, line)| line.gain.is_negative() && self.has_near_purchase(line))
            .collect();
        for (index, line) in near {
            let key = (self.rules.year_of(line.date), Asset::clone(&line.asset));
            let near = found.entry(key).or_insert_with(|| Near {
                first: index,
                lines: 0,
                sum: self.zero(),
            });
            near.lines += 1;
            // A sum beyond the range would have stopped the totals before.
            near.sum = near.sum.checked_add(line.gain).unwrap_or(near.sum);
        }
        // Losses that no report shows, since they round to nothing, are no hint either.
        found.retain(|_, near| !near.sum.round(2).is_zero());
        for ((year, asset), near) in found {
            let first = &self.draft.disposals[near.first];
            let lines = counted(near.lines as u64, "line", "lines");
            let (have, losses) = match near.lines {
                1 => ("has", "loss stands"),
                _ => ("have", "losses stand"),
            };
            let warning = Warning {
                code: WarningCode::RepurchaseNearLoss,
                id: first.id.clone(),
                origin: first.origin,
                year,
                at_stake: self.zero(),
                message: format!(
                    "{lines} of {asset} with losses of {} {} {have} another purchase within 30 \
                     days; the {losses}",
                    near.sum.to_cents(),
                    near.sum.currency(),
                ),
                asset: Some(asset),
                help: "nothing to do: the wash sale rule is for stock and securities".to_owned(),
                is_exact: true,
                ways: ways::KNOWN,
            };
            let otherwise = Otherwise::Told;
            self.draft.found.push(Found { warning, otherwise });
        }
    }

    /// Whether the asset was bought within 30 days of a line, by another row than the line's lot.
    fn has_near_purchase(&self, line: &Disposal) -> bool {
        let Some(book) = self.known_book(&line.asset) else {
            return false;
        };
        let from = line.date.checked_sub_days(NEAR_DAYS).unwrap_or(line.date);
        let to = line.date.checked_add_days(NEAR_DAYS).unwrap_or(line.date);
        let start = book.purchases.partition_point(|(date, _)| *date < from);
        book.purchases[start..]
            .iter()
            .take_while(|(date, _)| *date <= to)
            .map(|(_, row)| &self.input.row_at(index(*row)).id)
            .any(|id| line.lot.as_ref() != Some(id) && line.id != *id)
    }
}

/// Losses with a purchase close by.
struct Near {
    /// Index of the first line.
    first: usize,
    lines: usize,
    sum: Money,
}

/// The sum of what is on some shelves; none where nothing is.
fn holding<'s>(
    book: &Book<'_>,
    wallet: Option<Asset>,
    shelves: impl Iterator<Item = &'s Shelf>,
) -> Result<Option<Holding>, AmountError> {
    let mut sum: Option<(Quantity, Money)> = None;
    for part in shelves.flat_map(Shelf::parts) {
        sum = Some(match sum {
            None => (part.quantity, part.cost),
            Some((quantity, cost)) => (
                quantity.checked_add(part.quantity)?,
                cost.checked_add(part.cost)?,
            ),
        });
    }
    Ok(sum.map(|(quantity, cost)| Holding {
        asset: Asset::clone(&book.asset),
        wallet,
        quantity,
        cost,
    }))
}
