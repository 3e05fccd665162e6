//! The computation: rows in time order, lots, disposals, sums.
//!
//! [`compute`] sorts the rows of all files, hands them one by one to [`run::Run`] and puts the
//! result together. What a country's law decides is asked of its [`jurisdiction`].

mod aliases;
mod answers;
mod at;
mod book;
mod choices;
mod copied;
mod costs;
mod donations;
mod doubts;
mod draft;
mod finish;
mod gifts;
mod input;
mod known;
mod line;
mod liquidity;
mod loans;
mod lots;
mod margin;
mod moves;
mod names;
mod noted;
mod open;
mod pairs;
mod pools;
mod portfolio;
mod refunds;
mod rows;
mod run;
mod shelf;
mod stakes;
mod staking;
mod transfer_fees;
mod transfers;
mod twice;
mod units;
mod value;
mod watch;
mod ways;
mod wealth;
mod work;

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::thread;

use chrono::NaiveDate;
use packtrain_core::ledger::Row;
use packtrain_core::limits::{REPORT_FILES_MAX, REPORT_ROWS_MAX};
use rayon::prelude::*;

use crate::error::TaxError;
use crate::jurisdiction;
use crate::outcome::{Assessment, Holding, OpenLot, Outcome, TaxYear, Totals};
use crate::request::{Country, Method, Request, Settings};
use crate::years;
use answers::Answers;
use at::{At, Stop};
pub(crate) use copied::Copied;
use input::Input;
use known::Known;
use run::Run;
use stakes::Otherwise;
use watch::Pace;
pub use watch::Watch;
use work::Work;

/// The rows of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LedgerFile {
    /// The file's name, as a person knows it.
    pub name: String,
    /// SHA-256 of its bytes, 64 lower-case hexadecimal digits; empty where there are no bytes.
    pub sha256: String,
    /// The source as which it was read, such as `kraken`; empty where nobody knows it.
    pub source: String,
    /// Its good rows, in file order.
    pub rows: Vec<Row>,
}

/// Computes ledgers under the rules of a country.
///
/// Rows are taken in order of time; rows of one moment keep the order of the files and of the
/// lines in them, but for what a transaction gives back to the wallet that sent it, which comes
/// after what was sent. A row that stands in two files with the same id and content counts once.
/// What is missing or does not add up is a warning in the outcome and never an error.
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
    let input = Input::new(ledgers, &answers, watch.is_stopped)?;
    let work = Work {
        twice: &twice::among(&input, ledgers),
        open_on: request.open_on,
        ..Work::of(ledgers, rules, &input, request)
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
    let input = Input::new(ledgers, &answers, is_stopped)?;
    let watch = Watch {
        is_stopped,
        ..Watch::UNWATCHED
    };
    let pace = Pace::new(&watch, input.order.len() * days.len());
    let one = |day: &NaiveDate| {
        let work = Work {
            until: Some(*day),
            open_on: Some(*day),
            ..Work::of(ledgers, rules, &input, request)
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
    let input = Input::new(ledgers, &answers, watch.is_stopped)?;
    let work = Work::of(ledgers, rules, &input, request);
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
            rows: outcome.rows,
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
    /// How many rows each tax year has.
    pub rows: BTreeMap<TaxYear, usize>,
    /// Sums per tax year.
    pub totals: BTreeMap<TaxYear, Totals>,
    /// What the law makes of these sums.
    pub assessments: BTreeMap<TaxYear, Assessment>,
}

impl Compared {
    /// Whether the records can tell anything of these tax years.
    ///
    /// # Errors
    /// [`TaxError::YearOutside`] for a year before the first row or after the last.
    pub fn check_years(&self, years: impl IntoIterator<Item = TaxYear>) -> Result<(), TaxError> {
        years::check(self.country, &self.rows, &self.totals, years)
    }
}

fn run(
    work: &Work<'_>,
    settings: &Settings,
    pace: &Pace<'_>,
) -> Result<(Outcome, Vec<Otherwise>), TaxError> {
    let mut run = Run::new(work, settings)?;
    run.warn_duplicates();
    run.warn_twice(work);
    let last = take_rows(&mut run, work, settings, pace)?;
    if let Some(at) = &last {
        run.open_last_day(work)
            .map_err(|stop| stop.at(at, work.ledgers))?;
    }
    run.finish(work, last.as_ref())
}

/// Takes the rows in order of time, a stretch after the other; what is known of the rows of the
/// next ones is found out beside. Gives the last row that was taken.
///
/// The thread beside is no part of the pool: a thread that waits for others of a pool meanwhile
/// begins whatever else is asked of it, such as the whole report of somebody else.
fn take_rows<'a>(
    run: &mut Run<'a>,
    work: &Work<'a>,
    settings: &Settings,
    pace: &Pace<'_>,
) -> Result<Option<At<'a>>, TaxError> {
    let rows = work.input.order.len();
    let stretches = (0..rows).step_by(STRETCH_ROWS).map(|from| {
        let indices = from..rows.min(from + STRETCH_ROWS);
        indices
            .map(|index| Known::of(work, settings, index))
            .collect::<Vec<_>>()
    });
    if rows <= STRETCH_ROWS {
        return take_stretches(run, work, pace, stretches);
    }
    thread::scope(|scope| {
        let (known, taken) = mpsc::sync_channel(STRETCHES_AHEAD);
        scope.spawn(move || {
            for stretch in stretches {
                // Nobody takes them any more where the computation came to its end.
                if known.send(stretch).is_err() {
                    break;
                }
            }
        });
        take_stretches(run, work, pace, taken.into_iter())
    })
}

/// How many stretches are looked at ahead.
const STRETCHES_AHEAD: usize = 1;

/// How many rows are taken between two looks at the watch.
const STRETCH_ROWS: usize = 4_096;

/// How many books are looked through between two looks at the watch: a disposal out of a portfolio
/// looks at the value of every asset held.
const LOOKS: usize = 1 << 16;

fn take_stretches<'a>(
    run: &mut Run<'a>,
    work: &Work<'a>,
    pace: &Pace<'_>,
    stretches: impl Iterator<Item = Vec<Known<'a>>>,
) -> Result<Option<At<'a>>, TaxError> {
    let (mut taken, mut told, mut last) = (0, 0, None);
    'rows: for stretch in stretches {
        if pace.is_stopped() {
            return Err(TaxError::Stopped);
        }
        pace.tell(taken - told);
        told = taken;
        for known in &stretch {
            let at = known.at;
            if work.until.is_some_and(|until| at.date > until) {
                break 'rows;
            }
            run.draft.count_row(at.year);
            let done = run.row(known).and_then(|()| run.count_spare(&at));
            done.map_err(|stop| stop.at(&at, work.ledgers))?;
            last = Some(at);
            if run.looks >= LOOKS {
                run.looks = 0;
                if pace.is_stopped() {
                    return Err(TaxError::Stopped);
                }
            }
        }
        taken += stretch.len();
    }
    pace.tell(work.input.order.len() - told);
    Ok(last)
}

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

#[cfg(test)]
mod tests;
