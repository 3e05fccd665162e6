//! Exchanges that two sources tell of, each of which counts twice: two exports of one exchange, or
//! an export and the file of a tool that read it.
//!
//! No row is left out for it: two rows of one moment may both have happened. Which of two files is
//! the second one does not depend on the order in which they are given.

mod alike;

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::counted;

use super::input::{Input, Place, index, number};
use super::run::Run;
use super::stakes::{Found, Otherwise};
use super::work::Work;
use super::{LedgerFile, ways};
use crate::fiat::is_fiat;
use crate::import::{account_key, source_of_line};
use crate::outcome::{Origin, TaxYear, Warning, WarningCode};
use alike::{Candidate, Candidates};

/// Rows of one file that a file of another source may have too.
pub(super) struct Twice {
    /// The row of the file that has more, and the one of the other file; in order of time.
    rows: Vec<(Place, Place)>,
    /// The rows of the other file, as they are left out to see what is at stake.
    second: Arc<[Place]>,
}

/// Those among the rows that count.
pub(super) fn among(input: &Input<'_>, ledgers: &[LedgerFile]) -> Vec<Twice> {
    let Some(ranks) = Ranks::of(input, ledgers) else {
        return Vec::new();
    };
    let candidates = candidates(input, ledgers.len(), &ranks);
    let row = |place: Place| input.row(place);
    let pairs = Candidates::new(candidates, &row).pairs();
    let mut files: BTreeMap<(u32, u32), Vec<(Place, Place)>> = BTreeMap::new();
    for (first, second) in pairs {
        let of_files = files.entry((first.file, second.file)).or_default();
        of_files.push((first, second));
    }
    let of_files = files.into_values().map(|mut rows| {
        rows.sort_by_key(|(_, second)| (row(*second).at, *second));
        let second = rows.iter().map(|(_, second)| *second).collect();
        Twice { rows, second }
    });
    of_files.collect()
}

/// The order of sources and files by what they have, and not by how they were given.
struct Ranks {
    /// Of each file the rank of its source; none where no source is known.
    sources: Vec<Option<u32>>,
    files: Vec<u32>,
}

impl Ranks {
    /// None where all rows are of one source: then nothing is to be looked for.
    fn of(input: &Input<'_>, ledgers: &[LedgerFile]) -> Option<Self> {
        let sources: Vec<_> = ledgers.iter().map(source_of).collect();
        let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
        for source in sources.iter().flatten() {
            rows.entry(source).or_default();
        }
        if rows.len() < 2 {
            return None;
        }
        // The source of which most rows count says more than one of the trades alone.
        for place in &input.order {
            if let Some(source) = sources.get(index(place.file)).copied().flatten() {
                *rows.entry(source).or_default() += 1;
            }
        }
        let mut order: Vec<_> = rows.into_iter().collect();
        order.sort_by_key(|(_, rows)| Reverse(*rows));
        let rank = |source: &str| order.iter().position(|(one, _)| *one == source).map(number);
        let mut by_name: Vec<usize> = (0..ledgers.len()).collect();
        by_name.sort_by_key(|file| (&ledgers[*file].name, &ledgers[*file].sha256));
        let mut files = vec![0; ledgers.len()];
        for (place, file) in by_name.into_iter().enumerate() {
            files[file] = number(place);
        }
        Some(Self {
            sources: sources.into_iter().map(|it| rank(it?)).collect(),
            files,
        })
    }
}

/// The source of a file with rows; none where nobody knows it.
fn source_of(ledger: &LedgerFile) -> Option<&str> {
    let first = ledger.rows.first()?;
    match ledger.source.as_str() {
        "" => source_of_line(first),
        source => Some(source),
    }
}

/// Exchanges in those accounts that have some of several sources.
fn candidates(input: &Input<'_>, files: usize, ranks: &Ranks) -> Vec<Candidate> {
    let mut named: HashMap<&str, u32> = HashMap::new();
    let mut accounts: HashMap<String, u32> = HashMap::new();
    // Of each account the source that it was met in first, and whether in another one too.
    let mut met: Vec<(u32, bool)> = Vec::new();
    let mut all = Vec::new();
    for place in input.order.iter().filter(|it| index(it.file) < files) {
        let row = input.row(*place);
        let is_exchange = matches!(row.kind, RowKind::Buy | RowKind::Sell | RowKind::Trade);
        let (true, Some(source)) = (is_exchange, ranks.sources[index(place.file)]) else {
            continue;
        };
        let account = *named.entry(&*row.wallet).or_insert_with(|| {
            let new = number(accounts.len());
            *accounts.entry(account_key(&row.wallet)).or_insert(new)
        });
        match met.get_mut(index(account)) {
            Some((first, is_several)) => *is_several |= *first != source,
            None => met.push((source, false)),
        }
        all.push(Candidate {
            account,
            source,
            at: row.at.timestamp_micros(),
            file: ranks.files[index(place.file)],
            place: *place,
        });
    }
    all.retain(|one| met[index(one.account)].1);
    all
}

impl<'a> Run<'a> {
    /// Says which rows two sources may both have: of each two files one finding in each year.
    pub(super) fn warn_twice(&mut self, work: &Work<'a>) {
        for twice in work.twice {
            let mut years: BTreeMap<TaxYear, Vec<(Place, Place)>> = BTreeMap::new();
            for pair in &twice.rows {
                let year = self.year_of(work.input.row(pair.1));
                years.entry(year).or_default().push(*pair);
            }
            for (year, rows) in years {
                let warning = self.perhaps_twice(work, year, &rows);
                let otherwise = Otherwise::AllLeftOut(Arc::clone(&twice.second));
                self.draft.found.push(Found { warning, otherwise });
            }
        }
    }

    fn perhaps_twice(&self, work: &Work<'a>, year: TaxYear, rows: &[(Place, Place)]) -> Warning {
        let name = |place: Place| &work.ledgers[index(place.file)].name;
        let (first, second) = rows[0];
        let row = work.input.row(second);
        let exchanges = counted(rows.len() as u64, "exchange", "exchanges");
        let such = match rows.len() {
            1 => "line",
            _ => "such as line",
        };
        let message = format!(
            "{} has {exchanges} that {} may have too, {such} {} there and {} here: one account, \
             the same assets and units, within 2 seconds; both count",
            name(second),
            name(first),
            work.input.row(first).line,
            row.line,
        );
        let worth = rows.iter().map(|(_, second)| work.input.row(*second));
        let worth = worth.filter_map(|row| self.money_in(row));
        Warning {
            code: WarningCode::PerhapsTwice,
            id: row.id.clone(),
            origin: Origin {
                file: second.file,
                line: row.line,
            },
            year,
            asset: None,
            // Until it is computed again: the money that would be counted twice.
            at_stake: worth.fold(self.zero(), |sum, one| sum.checked_add(one).unwrap_or(sum)),
            is_exact: false,
            message,
            help: "if they are the same, give one of the two exports only, or take such rows out \
                   of one; if both happened, accept it"
                .to_owned(),
            ways: ways::PERHAPS_TWICE,
        }
    }

    /// The money that a row moves, in the currency of the report.
    fn money_in(&self, row: &Row) -> Option<Money> {
        let legs = [&row.sent, &row.received].into_iter().flatten();
        let leg: &Leg = legs.into_iter().find(|leg| is_fiat(&leg.asset))?;
        let money = Money::from_quantity(leg.amount, leg.asset.parse().ok()?).ok()?;
        let date = row.at.with_timezone(&self.settings.timezone).date_naive();
        let (money, _) = self.prices.convert(money, self.settings.currency, date)?;
        Some(money)
    }
}
