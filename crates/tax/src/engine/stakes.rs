//! What a finding is worth: the computation done again with the finding settled the other way that
//! is most likely, and the largest change that this makes.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};
use rayon::prelude::*;

use super::answers::Answers;
use super::input::{Place, index};
use super::watch::{Pace, Watch};
use super::{LedgerFile, Work, run};
use crate::error::TaxError;
use crate::outcome::{Outcome, TaxYear, Totals, Warning};
use crate::prices::Prices;
use crate::request::Settings;

/// Rows that one report computes again for all its findings together.
pub(super) const STAKE_ROWS_MAX: usize = 100_000;

/// A finding, and the other way in which it could be settled.
pub(super) struct Found {
    pub(super) warning: Warning,
    pub(super) otherwise: Otherwise,
}

/// The other way in which a finding could be settled.
#[derive(Debug, Clone)]
pub(super) enum Otherwise {
    /// What is at stake was told in closed form, and is exact.
    Told,
    /// Nobody can tell what the row should be: what is at stake is the value of its units.
    Open,
    /// The row is worth so much.
    Worth(Money),
    /// The row's fee is worth so much.
    FeeWorth(Money),
    /// What the row brought had cost so much.
    Cost(Money),
    /// The row is of this kind, and worth so much.
    Kind(RowKind, Money),
    /// The units were spent for nothing: what a loss is where its cost is deducted.
    Worthless,
    /// Units that a wallet lacked were bought for so much.
    Bought(Asset, Leg, Money),
    /// The row happened, though an earlier file has it too.
    Kept,
    /// All rows of the file happened, though an earlier file is the same.
    FileKept,
    /// The row has no part in the figures.
    LeftOut,
    /// None of these rows has a part in the figures.
    AllLeftOut(Arc<[Place]>),
    /// What is held of an asset counts as nothing at the disposals of a year.
    Unpriced(Asset, TaxYear),
}

impl Otherwise {
    /// Units that a wallet lacked were bought for so much.
    pub(super) fn bought(asset: &Asset, wallet: &Asset, amount: Quantity, cost: Money) -> Self {
        let asset = Asset::clone(asset);
        Self::Bought(Asset::clone(wallet), Leg { amount, asset }, cost)
    }

    /// What the findings of several years share that are computed again together.
    fn of_years(&self, warning: &Warning) -> Option<(u32, Option<Place>)> {
        match self {
            Self::FileKept => Some((warning.origin.file, None)),
            Self::AllLeftOut(places) => Some((warning.origin.file, places.first().copied())),
            _ => None,
        }
    }

    /// Whether it says enough to compute again: without any price it does not.
    fn is_known(&self) -> bool {
        match self {
            Self::Told | Self::Open => false,
            Self::Worth(value) | Self::FeeWorth(value) | Self::Cost(value) => !value.is_zero(),
            Self::Bought(.., value) => !value.is_zero(),
            Self::Kind(_, value) => !value.is_zero(),
            Self::Worthless | Self::Kept | Self::FileKept => true,
            Self::LeftOut | Self::AllLeftOut(_) | Self::Unpriced(..) => true,
        }
    }
}

/// Computes again what is at stake, the most by estimate first, as far as the limit lets it.
///
/// # Errors
/// [`TaxError::Stopped`] where it is wanted no more.
pub(super) fn recompute(
    work: &Work<'_>,
    settings: &Settings,
    outcome: &mut Outcome,
    otherwise: &[Otherwise],
    watch: &Watch<'_>,
) -> Result<(), TaxError> {
    // Each time every row that was given is looked at, copies too.
    let given: usize = work.ledgers.iter().map(|ledger| ledger.rows.len()).sum();
    let runs = STAKE_ROWS_MAX / (given + work.input.answers.added.len()).max(1);
    let watch = Watch {
        is_stopped: watch.is_stopped,
        ..Watch::UNWATCHED
    };
    let pace = Pace::new(&watch, 0);
    let chosen: Vec<_> = together(&outcome.warnings, otherwise)
        .into_iter()
        .take(runs)
        .collect();
    let stakes: Vec<Vec<(usize, Money)>> = chosen
        .into_par_iter()
        .map(|(places, otherwise)| {
            let warning = &outcome.warnings[places[0]];
            let Some(after) = afterwards(work, settings, (warning, otherwise), &pace)? else {
                return Ok(Vec::new());
            };
            let nothing = Money::zero(settings.currency);
            let stake = |place: usize| {
                let years = years(&outcome.warnings, (place, &places), otherwise);
                let stake = change(&outcome.totals, &after, years, nothing);
                stake.ok().map(|stake| (place, stake))
            };
            Ok(places.iter().copied().filter_map(stake).collect())
        })
        .collect::<Result<_, TaxError>>()?;
    for (place, stake) in stakes.into_iter().flatten() {
        outcome.warnings[place].at_stake = stake;
        outcome.warnings[place].is_exact = true;
    }
    sort(&mut outcome.warnings, |warning| warning);
    Ok(())
}

/// The first year whose figures a finding is about, and the one before which it ends. A copy has a
/// finding in each year, with what that year's figures would be. Where two files tell of the same
/// rows, years without one of them go with the year before: what was bought twice is sold later.
fn years(
    warnings: &[Warning],
    (place, places): (usize, &[usize]),
    otherwise: &Otherwise,
) -> (Option<TaxYear>, Option<TaxYear>) {
    let year = warnings[place].year;
    let others = places.iter().map(|other| warnings[*other].year);
    match otherwise {
        Otherwise::FileKept => (Some(year), Some(TaxYear(year.0 + 1))),
        Otherwise::AllLeftOut(_) => (Some(year), others.filter(|other| *other > year).min()),
        _ => (None, None),
    }
}

/// The findings that can be computed again, by their places; those of one copied file, or of two
/// files that tell of the same rows, which have one in each year, together.
fn together<'o>(
    warnings: &[Warning],
    otherwise: &'o [Otherwise],
) -> Vec<(Vec<usize>, &'o Otherwise)> {
    let mut all: Vec<(Vec<usize>, &Otherwise)> = Vec::new();
    let mut files: BTreeMap<(u32, Option<Place>), usize> = BTreeMap::new();
    let known = otherwise.iter().enumerate();
    for (place, otherwise) in known.filter(|(_, otherwise)| otherwise.is_known()) {
        if let Some(key) = otherwise.of_years(&warnings[place]) {
            let first = *files.entry(key).or_insert(all.len());
            if let Some((places, _)) = all.get_mut(first) {
                places.push(place);
                continue;
            }
        }
        all.push((vec![place], otherwise));
    }
    all
}

/// The most at stake first, then in the order of the files.
pub(super) fn sort<T>(all: &mut [T], warning: impl Fn(&T) -> &Warning) {
    all.sort_by(|a, b| {
        let (a, b) = (warning(a), warning(b));
        let stakes = b.at_stake.partial_cmp(&a.at_stake);
        stakes
            .unwrap_or(Ordering::Equal)
            .then(a.origin.cmp(&b.origin))
            .then(a.code.cmp(&b.code))
    });
}

/// The sums of all years where a finding is settled the other way; none where they cannot be
/// computed.
fn afterwards(
    work: &Work<'_>,
    settings: &Settings,
    (warning, otherwise): (&Warning, &Otherwise),
    pace: &Pace<'_>,
) -> Result<Option<BTreeMap<TaxYear, Totals>>, TaxError> {
    let Some(place) = place(work.ledgers, warning) else {
        return Ok(None);
    };
    let answers = work
        .input
        .answers
        .with(work.ledgers, place, |answers, row| match otherwise {
            Otherwise::FileKept => {
                let rows = work.ledgers[index(place.file)].rows.len();
                let rows = 0..u32::try_from(rows).unwrap_or(u32::MAX);
                rows.for_each(|row| answers.keep(Place { row, ..place }));
            }
            _ => apply(answers, place, row, otherwise, (settings, work.prices)),
        });
    let input = match work.input.with(&answers, &|| pace.is_stopped()) {
        Ok(input) => input,
        Err(TaxError::Stopped) => return Err(TaxError::Stopped),
        Err(_) => return Ok(None),
    };
    let work = Work {
        input: &input,
        open_on: None,
        ..*work
    };
    match run(&work, settings, pace) {
        Ok((after, _)) => Ok(Some(after.totals)),
        Err(TaxError::Stopped) => Err(TaxError::Stopped),
        Err(_) => Ok(None),
    }
}

/// The row of a finding.
fn place(ledgers: &[LedgerFile], warning: &Warning) -> Option<Place> {
    let rows = &ledgers.get(index(warning.origin.file))?.rows;
    let is_row = |row: &Row| row.line == warning.origin.line && row.id == warning.id;
    let row = u32::try_from(rows.iter().position(is_row)?).ok()?;
    Some(Place {
        file: warning.origin.file,
        row,
    })
}

/// Settles a finding the other way.
fn apply(
    answers: &mut Answers,
    place: Place,
    mut row: Row,
    otherwise: &Otherwise,
    (settings, prices): (&Settings, &Prices),
) {
    let date = row.at.with_timezone(&settings.timezone).date_naive();
    let known = |money: Option<Money>| {
        money.filter(|money| prices.convert(*money, settings.currency, date).is_some())
    };
    match otherwise.clone() {
        Otherwise::Told | Otherwise::Open | Otherwise::FileKept => return,
        Otherwise::Kept => return answers.keep(place),
        Otherwise::LeftOut => return answers.leave_out(place),
        Otherwise::AllLeftOut(places) => {
            return places.iter().for_each(|place| answers.leave_out(*place));
        }
        Otherwise::Unpriced(asset, year) => return answers.leave_unpriced(asset, year),
        Otherwise::Bought(wallet, leg, cost) => {
            return answers.add_purchase(row, wallet, leg, cost);
        }
        Otherwise::Worth(value) => row.value = Some(value),
        Otherwise::FeeWorth(value) => row.rare.fee_value = Some(value),
        Otherwise::Cost(value) => row.rare.basis = Some(value),
        Otherwise::Kind(kind, value) => (row.kind, row.value) = (kind, Some(value)),
        Otherwise::Worthless => {
            let nothing = Money::zero(settings.currency);
            (row.kind, row.value) = (RowKind::Spend, Some(nothing));
        }
    }
    // What left the row out of the figures leaves it out no more.
    let (fee_value, basis) = (row.rare.fee_value, row.rare.basis);
    if fee_value.or(basis).is_some() {
        (row.rare.fee_value, row.rare.basis) = (known(fee_value), known(basis));
    }
    answers.change(place, row);
}

/// The largest change of a year's net gain, income or other result, of the years from one to before
/// another, or of all.
fn change(
    before: &BTreeMap<TaxYear, Totals>,
    after: &BTreeMap<TaxYear, Totals>,
    (from, to): (Option<TaxYear>, Option<TaxYear>),
    zero: Money,
) -> Result<Money, AmountError> {
    let mut largest = zero;
    let years = before.keys().chain(after.keys());
    let is_asked =
        |year: &TaxYear| from.is_none_or(|from| *year >= from) && to.is_none_or(|to| *year < to);
    for year in years.filter(|year| is_asked(year)) {
        let sums = |all: &BTreeMap<TaxYear, Totals>| match all.get(year) {
            Some(totals) => [totals.net, totals.income, totals.other],
            None => [zero; 3],
        };
        for (before, after) in sums(before).into_iter().zip(sums(after)) {
            let change = after.checked_sub(before)?.abs();
            if change > largest {
                largest = change;
            }
        }
    }
    Ok(largest)
}
