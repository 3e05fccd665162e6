//! The computation: rows in time order, lots, disposals, sums.
//!
//! [`compute`] sorts the rows of all files, hands them one by one to [`run::Run`] and puts the
//! result together. What a country's law decides is asked of its [`jurisdiction`].

mod aliases;
mod answers;
mod book;
mod costs;
mod doubts;
mod draft;
mod finish;
mod gifts;
mod input;
mod liquidity;
mod loans;
mod lots;
mod moves;
mod open;
mod pairs;
mod pools;
mod portfolio;
mod rows;
mod run;
mod stakes;
mod staking;
mod transfer_fees;
mod transfers;
mod units;
mod value;
mod watch;
mod ways;
mod wealth;

use std::collections::BTreeMap;

use chrono::NaiveDate;
use packtrain_core::ledger::Row;
use packtrain_core::limits::{REPORT_FILES_MAX, REPORT_ROWS_MAX};
use packtrain_core::quantity::AmountError;
use rayon::prelude::*;

use crate::allocation::Allocation;
use crate::error::TaxError;
use crate::jurisdiction::{self, Jurisdiction, NoSuchDate};
use crate::outcome::{Assessment, Holding, OpenLot, Origin, Outcome, TaxYear, Totals};
use crate::prices::Prices;
use crate::request::{Country, Method, Request, Settings};
use answers::Answers;
use input::Input;
use run::Run;
use stakes::Otherwise;
use watch::Pace;
pub use watch::Watch;

/// The rows of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFile {
    /// The file's name, as a person knows it.
    pub name: String,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits; empty where there are no bytes.
    pub sha256: String,
    /// Its good rows, in file order.
    pub rows: Vec<Row>,
}

/// Computes ledgers under the rules of a country.
///
/// Rows are taken in order of time; rows of one moment keep the order of the files and of the
/// lines in them. A row that stands in two files with the same id and content counts once. What
/// is missing or does not add up is a warning in the outcome and never an error.
///
/// # Errors
/// [`TaxError`] when the request names something unknown, when there are more files or rows than
/// one report may have, or when an amount leaves the range of exact arithmetic.
pub fn compute(
    ledgers: &[LedgerFile],
    country: Country,
    request: &Request,
) -> Result<Outcome, TaxError> {
    compute_watched(ledgers, country, request, &Watch::UNWATCHED)
}

/// As [`compute`], telling how far it is, and asking whether the outcome is wanted no more.
///
/// # Errors
/// As [`compute`], and [`TaxError::Stopped`].
pub fn compute_watched(
    ledgers: &[LedgerFile],
    country: Country,
    request: &Request,
    watch: &Watch<'_>,
) -> Result<Outcome, TaxError> {
    let rules = jurisdiction::of(country);
    let settings = rules.settings(request)?;
    check_limits(ledgers)?;
    let answers = Answers::of(ledgers, &request.settlements, &settings)?;
    let input = Input::new(ledgers, &answers)?;
    let work = Work {
        ledgers,
        rules,
        input: &input,
        prices: &request.prices,
        allocation: &request.allocation,
        until: None,
        open_on: request.open_on,
    };
    let pace = Pace::new(watch, input.order.len());
    let (mut outcome, otherwise) = run(&work, &settings, &pace)?;
    stakes::recompute(&work, &settings, &mut outcome, &otherwise, watch)?;
    Ok(outcome)
}

/// What stood at the end of each of these days, by the rows up to it, under the same settings.
///
/// The rows are sorted and matched once, with all that later rows and answers tell of them, and the
/// days are computed side by side. What findings are worth is not computed again.
///
/// # Errors
/// As [`compute_watched`].
pub fn compute_days(
    ledgers: &[LedgerFile],
    country: Country,
    request: &Request,
    days: &[NaiveDate],
    is_stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<Held>, TaxError> {
    let rules = jurisdiction::of(country);
    let settings = rules.settings(request)?;
    check_limits(ledgers)?;
    let answers = Answers::of(ledgers, &request.settlements, &settings)?;
    let input = Input::new(ledgers, &answers)?;
    let watch = Watch {
        is_stopped,
        ..Watch::UNWATCHED
    };
    let pace = Pace::new(&watch, input.order.len() * days.len());
    let one = |day: &NaiveDate| {
        let work = Work {
            ledgers,
            rules,
            input: &input,
            prices: &request.prices,
            allocation: &request.allocation,
            until: Some(*day),
            open_on: Some(*day),
        };
        let (outcome, _) = run(&work, &settings, &pace)?;
        // All else of the outcome goes at once: a day of a large ledger has as many lines as the
        // whole.
        Ok(Held {
            day: *day,
            holdings: outcome.holdings,
            open: outcome.open,
        })
    };
    days.par_iter().map(one).collect()
}

/// What stood at the end of a day.
#[derive(Debug, Clone)]
pub struct Held {
    /// The local day.
    pub day: NaiveDate,
    /// What was held, by asset, and by wallet where lots are kept per wallet.
    pub holdings: Vec<Holding>,
    /// Its lots, each with its value on the day.
    pub open: Vec<OpenLot>,
}

/// The years of a ledger under every method that the law knows, the country's default first.
///
/// The rows are sorted and matched once, and the methods run side by side.
///
/// # Errors
/// As [`compute`].
pub fn compare(
    ledgers: &[LedgerFile],
    country: Country,
    request: &Request,
) -> Result<Vec<Compared>, TaxError> {
    compare_watched(ledgers, country, request, &Watch::UNWATCHED)
}

/// As [`compare`], telling how far it is, and asking whether the outcome is wanted no more.
///
/// # Errors
/// As [`compute_watched`].
pub fn compare_watched(
    ledgers: &[LedgerFile],
    country: Country,
    request: &Request,
    watch: &Watch<'_>,
) -> Result<Vec<Compared>, TaxError> {
    let rules = jurisdiction::of(country);
    check_limits(ledgers)?;
    let usual = rules.settings(&Request {
        method: None,
        ..request.clone()
    })?;
    let answers = Answers::of(ledgers, &request.settlements, &usual)?;
    let input = Input::new(ledgers, &answers)?;
    let work = Work {
        ledgers,
        rules,
        input: &input,
        prices: &request.prices,
        allocation: &request.allocation,
        until: None,
        open_on: None,
    };
    let pace = Pace::new(watch, input.order.len() * rules.methods.len());
    let one = |method: &Method| {
        let settings = rules.settings(&Request {
            method: Some(*method),
            ..request.clone()
        })?;
        let (outcome, _) = run(&work, &settings, &pace)?;
        Ok(Compared {
            country,
            method: *method,
            totals: outcome.totals,
            assessments: outcome.assessments,
        })
    };
    rules.methods.par_iter().map(one).collect()
}

/// What one method makes of the years of a ledger.
#[derive(Debug, Clone)]
pub struct Compared {
    /// The country whose law it is.
    pub country: Country,
    /// The method.
    pub method: Method,
    /// Sums per tax year.
    pub totals: BTreeMap<TaxYear, Totals>,
    /// What the law makes of these sums.
    pub assessments: BTreeMap<TaxYear, Assessment>,
}

/// What is computed, whatever the settings.
#[derive(Clone, Copy)]
struct Work<'a> {
    ledgers: &'a [LedgerFile],
    rules: &'static Jurisdiction,
    input: &'a Input<'a>,
    prices: &'a Prices,
    allocation: &'a Allocation,
    /// The last local day whose rows are taken; none where all are.
    until: Option<NaiveDate>,
    open_on: Option<NaiveDate>,
}

fn run(
    work: &Work<'_>,
    settings: &Settings,
    pace: &Pace<'_>,
) -> Result<(Outcome, Vec<Otherwise>), TaxError> {
    let mut run = Run::new(work, settings)?;
    run.warn_duplicates();
    let (rows, mut told, mut last) = (work.input.order.len(), 0, None);
    for index in 0..rows {
        if index % ROWS_BETWEEN_LOOKS == 0 {
            if pace.is_stopped() {
                return Err(TaxError::Stopped);
            }
            pace.tell(index - told);
            told = index;
        }
        let at = work.input.at(index, work.rules, settings);
        if work.until.is_some_and(|last| at.date > last) {
            break;
        }
        run.row(&at).map_err(|stop| stop.at(&at, work.ledgers))?;
        last = Some(at);
    }
    pace.tell(rows - told);
    if let Some(at) = &last {
        run.open_last_day(work)
            .map_err(|stop| stop.at(at, work.ledgers))?;
    }
    run.finish(work, last.as_ref())
}

/// How many rows are taken between two looks at the watch.
const ROWS_BETWEEN_LOOKS: usize = 4_096;

fn check_limits(ledgers: &[LedgerFile]) -> Result<(), TaxError> {
    if ledgers.len() > REPORT_FILES_MAX {
        return Err(TaxError::TooManyFiles {
            files: ledgers.len(),
            max: REPORT_FILES_MAX,
        });
    }
    let rows = ledgers.iter().map(|ledger| ledger.rows.len()).sum();
    if rows > REPORT_ROWS_MAX {
        return Err(TaxError::TooManyRows {
            rows,
            max: REPORT_ROWS_MAX,
        });
    }
    Ok(())
}

/// A row in its place: where it stands, and its local date and tax year.
#[derive(Clone, Copy)]
struct At<'a> {
    row: &'a Row,
    origin: Origin,
    /// Place in the order of time.
    index: usize,
    date: NaiveDate,
    year: TaxYear,
}

/// Why a row ends the whole computation.
#[derive(Debug, Clone)]
enum Stop {
    Amount(AmountError),
    Date,
    /// The allocation of an asset, with all that is wrong with it.
    Allocation(String, Vec<String>),
}

impl From<NoSuchDate> for Stop {
    fn from(_: NoSuchDate) -> Self {
        Self::Date
    }
}

impl From<AmountError> for Stop {
    fn from(error: AmountError) -> Self {
        Self::Amount(error)
    }
}

impl Stop {
    fn at(self, at: &At<'_>, ledgers: &[LedgerFile]) -> TaxError {
        let file = usize::try_from(at.origin.file)
            .ok()
            .and_then(|file| ledgers.get(file));
        let file = file.map_or_else(|| "answers".to_owned(), |ledger| ledger.name.clone());
        let (id, line) = (at.row.id.clone(), at.origin.line);
        match self {
            Self::Amount(source) => TaxError::Amount {
                id,
                file,
                line,
                source,
            },
            Self::Date => TaxError::Date { id, file, line },
            Self::Allocation(asset, wrong) => TaxError::Allocation { asset, wrong },
        }
    }
}

#[cfg(test)]
mod tests;
