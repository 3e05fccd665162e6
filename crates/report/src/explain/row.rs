//! A row as its file has it, and what became of the units that it brought in.

use std::fmt::Write;

use chrono::NaiveDate;
use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_tax::LedgerFile;
use packtrain_tax::fiat::is_fiat;
use packtrain_tax::import::PARTS;
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::{Choice, Disposal, Holding, Origin, WarningCode};
use packtrain_tax::request::Method;

use super::{Story, is_of};
use crate::words;

/// Names of rows that are told in place of one that is not there.
const NEAR_MAX: usize = 5;
/// Disposals that a day's purchases were matched with, listed one by one.
const MATCHED_MAX: usize = 50;

/// A row of a file, with where it stands.
pub(super) struct Found<'l> {
    row: &'l Row,
    origin: Origin,
}

/// Where the parts of a row stand that was joined of several files' rows.
pub(super) fn parts<'l>(found: &Found<'l>) -> Option<&'l str> {
    let note = found.row.note.as_deref()?;
    let at = note.find(PARTS).filter(|_| found.row.id.contains('+'))?;
    note.get(at..)
}

/// The rows of this name, or that were joined of one of this name; several files may have one each.
pub(super) fn of<'l>(ledgers: &'l [LedgerFile], id: &str) -> impl Iterator<Item = Found<'l>> {
    ledgers.iter().enumerate().flat_map(move |(file, ledger)| {
        let rows = ledger.rows.iter().filter(move |row| is_of(&row.id, id));
        rows.map(move |row| Found {
            row,
            origin: Origin {
                file: u32::try_from(file).unwrap_or(u32::MAX),
                line: row.line,
            },
        })
    })
}

/// Names of rows that differ from this one by a slip, the first of them.
pub fn near<'l>(ledgers: &'l [LedgerFile], id: &str) -> Vec<&'l str> {
    let rows = ledgers.iter().flat_map(|ledger| &ledger.rows);
    let near = rows.map(|row| &*row.id).filter(|one| is_near(one, id));
    near.take(NEAR_MAX).collect()
}

/// Whether two names differ in case alone, or in one place: a letter more, less or another, or two
/// that changed places.
fn is_near(a: &str, b: &str) -> bool {
    let fold = |text: &str| text.chars().map(|c| c.to_ascii_lowercase()).collect();
    let (a, b): (Vec<char>, Vec<char>) = (fold(a), fold(b));
    let ahead = a.iter().zip(&b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[ahead..], &b[ahead..]);
    let behind = a.iter().rev().zip(b.iter().rev());
    let behind = behind.take_while(|(a, b)| a == b).count();
    match (&a[..a.len() - behind], &b[..b.len() - behind]) {
        ([a, b], [c, d]) => a == d && b == c,
        (a, b) => a.len() <= 1 && b.len() <= 1,
    }
}

impl Story<'_> {
    /// What the row is, by its file; and the rules on such rows, since no line of the report tells
    /// of it.
    pub(super) fn describe(&self, text: &mut String, found: &Found<'_>) {
        let row = found.row;
        let _ = writeln!(
            text,
            "\n  {} on {} in {} ({})",
            words::kind(row.kind),
            self.day(row),
            row.wallet,
            self.place(found.origin),
        );
        let legs = [("out", &row.sent), ("in", &row.received), ("fee", &row.fee)];
        let legs = legs.into_iter();
        let legs = legs.filter_map(|(way, leg)| Some(format!("{way} {}", shown(leg.as_ref()?))));
        let result = row.value.filter(|_| row.kind == RowKind::MarginPnl);
        let result =
            result.map(|value| format!("result {} {}", value.to_cents(), value.currency()));
        let legs: Vec<_> = result.into_iter().chain(legs).collect();
        if !legs.is_empty() {
            let _ = writeln!(text, "    {}", legs.join(", "));
        }
        let outcome = self.document.outcome;
        let rules = jurisdiction::of(outcome.settings.country);
        let notes = rules.notes_on(outcome, row.kind, is_swap(row));
        let what = match (row.kind, is_swap(row)) {
            (RowKind::MarginPnl, _) => {
                "no line: less its fee, it is in the sum of the year's margin results"
            }
            (_, true) => "not taxed: no gain and no income comes from it",
            (_, false) => "no gain and no income comes from it by itself",
        };
        let _ = writeln!(text, "    {what}");
        for note in notes {
            let _ = writeln!(text, "    {} ({})", note.text, note.source);
        }
    }

    /// What became of the units that the row brought in, as far as no disposal of a lot tells it.
    pub(super) fn left(&self, text: &mut String, found: &Found<'_>) {
        let Some(leg) = asset_in(found.row) else {
            return;
        };
        let is_left_out = self.document.outcome.warnings.iter().any(|warning| {
            warning.origin == found.origin
                && matches!(
                    warning.code,
                    WarningCode::DuplicateRow
                        | WarningCode::UnusableRow
                        | WarningCode::CurrencyMismatch
                )
        });
        if is_left_out {
            return;
        }
        match self.document.outcome.settings.method {
            Method::Portfolio | Method::S104 | Method::Acb | Method::TotalAverage
                if is_move(found.row.kind) => {}
            Method::Portfolio => self.left_of_portfolio(text, leg),
            Method::S104 | Method::Acb | Method::TotalAverage => {
                self.left_of_pool(text, found.row, leg);
            }
            _ => self.left_of_lot(text, found.row),
        }
    }

    fn left_of_lot(&self, text: &mut String, row: &Row) {
        let outcome = self.document.outcome;
        if outcome.open.is_empty() && !outcome.holdings.is_empty() {
            return;
        }
        let mut is_open = false;
        for lot in outcome
            .open
            .iter()
            .filter(|lot| lot.lot.as_deref().is_some_and(|lot| self.is_own(lot)))
        {
            is_open = true;
            let wallet = lot.wallet.as_ref();
            let wallet = wallet.map_or_else(String::new, |wallet| format!(" in {wallet}"));
            let _ = writeln!(
                text,
                "\n  Of its units {} {} {} left{wallet} when the records end, at a cost of {} {}",
                lot.quantity,
                lot.asset,
                lot.quantity.word("is", "are"),
                lot.cost.to_cents(),
                lot.cost.currency(),
            );
        }
        let mut lines = outcome.disposals.iter();
        let is_used = lines.any(|line| line.lot.as_deref().is_some_and(|lot| self.is_own(lot)));
        // Units that were moved, or swapped at cost, go by the rows that they came by first.
        if !is_open && (is_used || !(is_swap(row) || is_move(row.kind))) {
            text.push_str(match is_used {
                true => "\n  None of its units is left when the records end\n",
                false => {
                    "\n  None of its units is left as a lot of this row, and no sale used it\n"
                }
            });
        }
    }

    fn left_of_pool(&self, text: &mut String, row: &Row, leg: &Leg) {
        let day = self.day(row);
        let all = self.document.outcome.disposals.iter();
        let matched: Vec<_> = all
            .filter(|line| *line.asset == *leg.asset && is_matched_with(line, day))
            .collect();
        let asset = &leg.asset;
        if !matched.is_empty() {
            let _ = writeln!(
                text,
                "\n  Of all {asset} bought on {day}, disposals near that day took"
            );
        }
        for line in matched.iter().take(MATCHED_MAX) {
            let _ = writeln!(
                text,
                "    {} on {}: {} {asset}, cost {}, gain {}",
                line.id,
                line.date,
                line.quantity,
                line.cost.to_cents(),
                line.gain.to_cents(),
            );
        }
        if matched.len() > MATCHED_MAX {
            let _ = writeln!(text, "    and {} more", matched.len() - MATCHED_MAX);
        }
        let what = match matched.is_empty() {
            true => "Its units went",
            false => "What these did not take went",
        };
        let held = self.held(asset).map_or_else(
            || "of which nothing is left".to_owned(),
            |held| {
                let (cost, currency) = (held.cost.to_cents(), held.cost.currency());
                format!(
                    "which holds {} {asset} at a cost of {cost} {currency}",
                    held.quantity
                )
            },
        );
        let _ = writeln!(
            text,
            "\n  {what} into the pool of {asset}, {held} when the records end"
        );
    }

    fn left_of_portfolio(&self, text: &mut String, leg: &Leg) {
        let asset = &leg.asset;
        let held = self.held(asset).map_or_else(
            || format!("no {asset} is held"),
            |held| {
                format!(
                    "{} {asset} {} held",
                    held.quantity,
                    held.quantity.word("is", "are")
                )
            },
        );
        let _ = writeln!(
            text,
            "\n  No lot has a cost of its own here: all that is held has one total cost; {held} \
             when the records end"
        );
    }

    /// What is held of an asset at the end, in all wallets.
    fn held(&self, asset: &str) -> Option<&Holding> {
        let mut all = self.document.outcome.holdings.iter();
        all.find(|held| *held.asset == *asset)
    }

    fn day(&self, row: &Row) -> NaiveDate {
        let zone = self.document.outcome.settings.timezone;
        row.at.with_timezone(&zone).date_naive()
    }
}

fn shown(leg: &Leg) -> String {
    format!("{} {}", leg.amount, leg.asset)
}

/// What the row brought in, where it is no money.
fn asset_in(row: &Row) -> Option<&Leg> {
    row.received.as_ref().filter(|leg| !is_fiat(&leg.asset))
}

/// Whether units that a row brings in were the person's before, or go on under another name.
const fn is_move(kind: RowKind) -> bool {
    matches!(
        kind,
        RowKind::Transfer
            | RowKind::Bridge
            | RowKind::Withdrawal
            | RowKind::Deposit
            | RowKind::Wrap
            | RowKind::Unwrap
            | RowKind::LpDeposit
            | RowKind::LpWithdraw
    )
}

/// Whether the row gives an asset for another.
fn is_swap(row: &Row) -> bool {
    let sent = row.sent.as_ref().filter(|leg| !is_fiat(&leg.asset));
    let pair = sent.zip(asset_in(row));
    pair.is_some_and(|(sent, received)| sent.asset != received.asset)
}

/// Whether a line was matched with the purchases of a day, and not with a lot or a pool.
fn is_matched_with(line: &Disposal, day: NaiveDate) -> bool {
    match line.why.choice {
        Choice::SameDay => line.date == day,
        Choice::DaysAfter(date) | Choice::DaysBefore(date) => date == day,
        _ => false,
    }
}

#[cfg(test)]
mod tests;
