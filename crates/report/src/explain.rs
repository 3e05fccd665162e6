//! The story of one row: what it became, what it used, what used it, and what is left of it.

mod row;

use std::fmt::Write;

use packtrain_core::ledger::RowId;
use packtrain_tax::LedgerFile;
use packtrain_tax::outcome::{Disposal, Origin, ValuedPart};

use crate::figures::file_name;
use crate::{Document, sources, words};

pub use row::near;

/// Rows of the name, and lines of a kind, that are told one by one.
const TOLD_MAX: usize = 50;
/// Prices of one lot that are told: its cost and its fee, where files name rows alike more.
const LOT_PRICES_MAX: usize = 4;

/// The story of a row in lines of text; none where the ledgers have no such row.
///
/// It goes through all years, whichever the document selects. What is left of the row's units is
/// told where the outcome has what is open.
pub fn explain(document: &Document<'_>, ledgers: &[LedgerFile], id: &str) -> Option<String> {
    let story = Story { document, id };
    let mut own = String::new();
    story.disposals(&mut own);
    story.income(&mut own);
    story.removed(&mut own);
    story.transfers(&mut own);
    story.valued(&mut own);
    let mut text = String::new();
    let rows: Vec<_> = row::of(ledgers, id).collect();
    if !story.has_own_line() {
        first(&mut text, rows.iter(), |text, row| {
            story.describe(text, row);
        });
    }
    text.push_str(&own);
    first(
        &mut text,
        rows.iter().filter_map(row::parts),
        |text, parts| {
            let _ = writeln!(text, "\n  Read as {parts}");
        },
    );
    story.uses(&mut text);
    let left = rows.iter().map(|row| {
        let mut left = String::new();
        story.left(&mut left, row);
        left
    });
    let left = left.filter(|left| !left.is_empty());
    first(&mut text, left, |text, left| text.push_str(&left));
    story.warnings(&mut text);
    (!text.is_empty()).then(|| format!("Row {id}\n{text}"))
}

/// Tells the first of some lines, and how many more there are.
fn first<T>(
    text: &mut String,
    mut all: impl Iterator<Item = T>,
    mut tell: impl FnMut(&mut String, T),
) {
    for one in all.by_ref().take(TOLD_MAX) {
        tell(text, one);
    }
    let more = all.count();
    if more > 0 {
        let _ = writeln!(text, "\n  and {more} more");
    }
}

/// Whether rows joined by `+`, or one alone, are or hold the row of this name.
fn is_of(ids: &str, id: &str) -> bool {
    // A row that was joined of several has a `+` in its own name. Nearly all are one row's, and to
    // look for a byte is much less work than to look for a name.
    let is_among = || format!("+{ids}+").contains(&format!("+{id}+"));
    let are_several = || ids.as_bytes().contains(&b'+');
    ids == id || (ids.len() > id.len() && are_several() && is_among())
}

struct Story<'a> {
    document: &'a Document<'a>,
    id: &'a str,
}

impl Story<'_> {
    /// Whether a line comes from the row; all sales of a day may be one disposal.
    fn is_own(&self, id: &str) -> bool {
        is_of(id, self.id)
    }

    /// Whether a line of the report tells what the row was; that of a fee does not.
    fn has_own_line(&self) -> bool {
        let outcome = self.document.outcome;
        let mut disposals = outcome.disposals.iter();
        let mut income = outcome.income.iter();
        let mut removed = outcome.removed.iter();
        let mut transfers = outcome.transfers.iter();
        disposals.any(|line| !line.is_fee && self.is_own(&line.id))
            || income.any(|line| self.is_own(&line.id))
            || removed.any(|line| self.is_own(&line.id))
            || transfers.any(|line| *line.sent == *self.id || *line.received == *self.id)
    }

    fn place(&self, origin: Origin) -> String {
        match file_name(origin, self.document.inputs) {
            Some(file) => format!("{file}, line {}", origin.line),
            None => format!("line {}", origin.line),
        }
    }

    fn disposals(&self, text: &mut String) {
        let all = self.document.outcome.disposals.iter();
        let own = all.filter(|line| self.is_own(&line.id));
        first(text, own, |text, line| {
            let what = if line.is_fee {
                "fee".to_owned()
            } else {
                words::kind(line.kind).to_lowercase()
            };
            let _ = writeln!(
                text,
                "\n  {} of {} {} on {} from {} ({})",
                words::sentence_case(&what),
                line.quantity,
                line.asset,
                line.date,
                line.wallet,
                self.place(line.origin),
            );
            if *line.id != *self.id {
                let _ = writeln!(
                    text,
                    "    one disposal with the rows {}",
                    line.id.replace('+', ", ")
                );
            }
            money(text, line);
            self.lot_valued(text, line);
            let _ = writeln!(text, "    {}", line.reason());
        });
    }

    /// What the lot of a line was valued by, where that was a price from elsewhere.
    fn lot_valued(&self, text: &mut String, line: &Disposal) {
        let Some(lot) = &line.lot else {
            return;
        };
        let outcome = self.document.outcome;
        let parts = outcome.valuations.iter().filter(|one| one.id == *lot);
        let parts = parts.filter(|one| one.part != ValuedPart::Result);
        for one in parts.take(LOT_PRICES_MAX) {
            let _ = writeln!(text, "      its {}", sources::valued(one));
        }
        let mut income = outcome.income.iter();
        let income = income.find(|one| one.id == *lot && !one.from.is_own());
        if let Some(one) = income {
            let by = sources::by(one.from, one.date);
            let _ = writeln!(text, "      its cost: its value on receipt, {by}");
        }
    }

    fn income(&self, text: &mut String) {
        let all = self.document.outcome.income.iter();
        let own = all.filter(|line| self.is_own(&line.id));
        first(text, own, |text, line| {
            let _ = writeln!(
                text,
                "\n  {}: {} {} on {}, income of {} at its value on receipt ({})",
                words::kind(line.kind),
                line.quantity,
                line.asset,
                line.date,
                line.value.to_cents(),
                self.place(line.origin),
            );
            let _ = writeln!(text, "    valued {}", sources::by(line.from, line.date));
        });
    }

    /// What else of the row was valued by a price from elsewhere.
    fn valued(&self, text: &mut String) {
        let all = self.document.outcome.valuations.iter();
        let own = all.filter(|one| self.is_own(&one.id));
        first(text, own, |text, one| {
            let _ = writeln!(text, "\n  Price of its {}", sources::valued(one));
        });
    }

    fn removed(&self, text: &mut String) {
        let all = self.document.outcome.removed.iter();
        let own = all.filter(|line| self.is_own(&line.id));
        first(text, own, |text, line| {
            let _ = writeln!(
                text,
                "\n  {}: {} {} left on {} without a sale; they had cost {} ({})",
                words::kind(line.kind),
                line.quantity,
                line.asset,
                line.date,
                line.cost.to_cents(),
                self.place(line.origin),
            );
            if let Some(part) = words::part(line) {
                let _ = writeln!(text, "    {part}");
            }
            first(text, line.lots.iter(), |text, part| {
                let lot = match &part.lot {
                    Some(lot) => format!("the lot of row {lot}"),
                    None => "no purchase on record".to_owned(),
                };
                let (quantity, cost) = (part.quantity, part.cost.to_cents());
                let _ = writeln!(text, "    {quantity} of {lot}, at a cost of {cost}");
            });
        });
    }

    fn transfers(&self, text: &mut String) {
        let all = self.document.outcome.transfers.iter();
        let own = all.filter(|line| *line.sent == *self.id || *line.received == *self.id);
        first(text, own, |text, line| {
            let _ = writeln!(
                text,
                "\n  Transfer of {} {} from {} to {} on {}: rows {} and {}, told by their {}",
                line.quantity,
                line.asset,
                line.from,
                line.to,
                line.date,
                line.sent,
                line.received,
                words::matched_by(line.by),
            );
        });
    }

    /// What used units which the row brought in.
    fn uses(&self, text: &mut String) {
        let is_own = |lot: &Option<RowId>| lot.as_deref().is_some_and(|lot| self.is_own(lot));
        let all = self.document.outcome.disposals.iter();
        let used: Vec<_> = all.filter(|line| is_own(&line.lot)).collect();
        let removed = self.document.outcome.removed.iter();
        let parts = removed.flat_map(|line| line.lots.iter().map(move |part| (line, part)));
        let gone: Vec<_> = parts.filter(|(_, part)| is_own(&part.lot)).collect();
        if used.is_empty() && gone.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n  Its units were used by");
        first(text, gone.into_iter(), |text, (line, part)| {
            let _ = writeln!(
                text,
                "    {} on {}: {} {}, cost {}, without a sale ({})",
                line.id,
                line.date,
                part.quantity,
                line.asset,
                part.cost.to_cents(),
                words::kind(line.kind).to_lowercase(),
            );
        });
        first(text, used.into_iter(), |text, line| {
            let _ = writeln!(
                text,
                "    {} on {}: {} {}, cost {}, gain {}",
                line.id,
                line.date,
                line.quantity,
                line.asset,
                line.cost.to_cents(),
                line.gain.to_cents(),
            );
        });
    }

    fn warnings(&self, text: &mut String) {
        let all = self.document.outcome.warnings.iter();
        let own = all.filter(|warning| self.is_own(&warning.id));
        first(text, own, |text, warning| {
            let _ = writeln!(
                text,
                "\n  Check: {} ({})\n    {}",
                warning.message,
                words::at_stake(&warning.at_stake.to_cents(), warning.is_exact),
                words::advice(warning),
            );
        });
        let answers = self.document.outcome.settled.iter();
        let own = answers.filter(|answer| self.is_own(&answer.id));
        first(text, own, |text, answer| {
            let _ = writeln!(text, "\n  Settled by {}: {answer}", words::YOUR_ANSWER);
        });
    }
}

fn money(text: &mut String, line: &Disposal) {
    let _ = write!(
        text,
        "    proceeds {} - fees {} - cost {} = gain {} {}",
        line.proceeds.to_cents(),
        line.fees.to_cents(),
        line.cost.to_cents(),
        line.gain.to_cents(),
        line.gain.currency(),
    );
    let _ = match line.denied_loss.is_zero() {
        true => writeln!(text),
        false => writeln!(text, ", of which {} is denied", line.denied_loss.to_cents()),
    };
    if let Some(lot) = &line.lot {
        let acquired = line
            .acquired
            .map(|date| format!(" of {date}"))
            .unwrap_or_default();
        let _ = writeln!(text, "    used the lot of row {lot}{acquired}");
    }
}

#[cfg(test)]
mod tests {
    use packtrain_tax::compute;
    use packtrain_tax::import::{self, Limits};
    use packtrain_tax::request::{Country, Request};

    use super::*;
    use crate::{InputFile, YearSelection, sample};

    fn story(id: &str) -> Option<String> {
        story_of(1, id)
    }

    /// The story where so many files have the same rows, none of them the same file.
    fn story_of(files: usize, id: &str) -> Option<String> {
        let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,fee_amount,fee_asset,value,currency\n\
                      b,2023-01-10T12:00:00Z,buy,main,1000,USD,1,BTC,,,,USD\n\
                      r,2023-02-10T12:00:00Z,staking,main,,,0.5,BTC,,,600,USD\n\
                      s,2023-06-10T12:00:00Z,sell,main,1.2,BTC,2400,USD,10,USD,,USD\n";
        let import = import::read(ledger.as_bytes(), Limits::default()).unwrap();
        let ledger = import.into_ledger("trades.csv");
        let ledgers: Vec<_> = (0..files)
            .map(|file| LedgerFile {
                sha256: file.to_string(),
                ..ledger.clone()
            })
            .collect();
        let outcome = compute(&ledgers, Country::Us, &Request::default()).unwrap();
        let document = Document {
            outcome: &outcome,
            years: YearSelection::All,
            inputs: &[InputFile {
                name: "trades.csv".to_owned(),
                sha256: String::new(),
                rows: 3,
                bad_rows: 0,
            }],
            inventories: &[],
            generated_at: sample::at(),
            taxpayer: None,
        };
        explain(&document, &ledgers, id)
    }

    #[test]
    fn the_story_of_a_sale_names_its_lots_and_how_each_gain_comes_about() {
        assert_eq!(
            story("s").unwrap(),
            "Row s\n\
             \n  Sale of 1 BTC on 2023-06-10 from main (trades.csv, line 4)\n    \
             proceeds 2000.00 - fees 8.33 - cost 1000.00 = gain 991.67 USD\n    \
             used the lot of row b of 2023-01-10\n    \
             Oldest lot first of all wallets; short, long only from 2024-01-11; proceeds as \
             received in money.\n\
             \n  Sale of 0.2 BTC on 2023-06-10 from main (trades.csv, line 4)\n    \
             proceeds 400.00 - fees 1.67 - cost 240.00 = gain 158.33 USD\n    \
             used the lot of row r of 2023-02-10\n    \
             Oldest lot first of all wallets; short, long only from 2024-02-11; proceeds as \
             received in money.\n"
        );
    }

    #[test]
    fn the_story_of_a_reward_says_what_became_of_it() {
        assert_eq!(
            story("r").unwrap(),
            "Row r\n\
             \n  Staking: 0.5 BTC on 2023-02-10, income of 600.00 at its value on receipt \
             (trades.csv, line 3)\n    \
             valued by the value in the row\n\
             \n  Its units were used by\n    \
             s on 2023-06-10: 0.2 BTC, cost 240.00, gain 158.33\n"
        );
    }

    #[test]
    fn of_many_rows_of_one_name_the_first_are_told_and_the_others_counted() {
        let told = story_of(60, "b").unwrap();
        assert_eq!(told.matches("\n  Buy on ").count(), TOLD_MAX, "{told}");
        assert_eq!(told.matches("\n  Check: ").count(), TOLD_MAX, "{told}");
        assert_eq!(told.matches("\n  and 10 more\n").count(), 1, "{told}");
        assert_eq!(told.matches("\n  and 9 more\n").count(), 1, "{told}");
    }

    #[test]
    fn the_story_of_a_row_names_the_source_and_the_distance_of_its_prices() {
        let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,value,currency\n\
                      b,2024-01-13T17:00:00Z,buy,main,1000,EUR,1,BTC,,USD\n\
                      r,2024-01-14T17:00:00Z,staking,main,,,1,ETH,90,EUR\n\
                      s,2024-06-10T12:00:00Z,sell,main,1,BTC,2400,USD,,USD\n";
        let import = import::read(ledger.as_bytes(), Limits::default()).unwrap();
        let ledgers = [import.into_ledger("trades.csv")];
        let outcome = compute(&ledgers, Country::Us, &Request::default()).unwrap();
        let document = Document {
            outcome: &outcome,
            years: YearSelection::All,
            inputs: &[],
            inventories: &[],
            generated_at: sample::at(),
            taxpayer: None,
        };
        let told = |id: &str| explain(&document, &ledgers, id).unwrap();
        let by = "by EUR at the reference rate, of 2024-01-12, ";
        let bought = told("b");
        assert!(bought.contains("Price of its cost of 1 BTC: "), "{bought}");
        assert!(bought.contains(&format!("{by}1 day before")), "{bought}");
        let sold = told("s");
        assert!(sold.contains("its cost of 1 BTC: "), "{sold}");
        let reward = told("r");
        assert!(
            reward.contains(&format!("valued {by}2 days before")),
            "{reward}"
        );
    }

    #[test]
    fn a_row_that_no_file_has_has_no_story() {
        assert_eq!(story("nobody"), None);
    }
}
