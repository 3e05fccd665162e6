//! Which exchanges of two sources are alike: the same assets, the same units, at one time.
//!
//! Sources round times to the second, and some take the fee into the money: one leg must be the
//! same, and the other near it where it is no money. What one source has as one row may be several
//! fills in another: then their sums are alike.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use packtrain_core::ledger::{Asset, Leg, Row};
use packtrain_core::quantity::{AmountError, Quantity};
use rayon::prelude::*;

use crate::engine::input::Place;
use crate::fiat::is_fiat;

/// How far two rows of one exchange may lie apart, in microseconds.
const APART_MICROS: i64 = 2_000_000;
/// Rows of one moment and of the same units that are tried for the one whose other leg is near.
const TRIED_MAX: usize = 16;
/// The part of a leg by which the other source may have more or less of it: a fee.
const PARTS_NEAR: i128 = 20;

/// An exchange that another source may tell of too.
#[derive(Clone, Copy)]
pub(super) struct Candidate {
    pub(super) account: u32,
    /// The rank of its source.
    pub(super) source: u32,
    pub(super) at: i64,
    /// The rank of its file.
    pub(super) file: u32,
    pub(super) place: Place,
}

impl Candidate {
    /// The order of time; of one moment that of files and rows.
    const fn order(&self) -> (i64, u32, u32) {
        (self.at, self.file, self.place.row)
    }
}

/// All of them.
pub(super) struct Candidates<'r, R> {
    all: Vec<Candidate>,
    row: &'r R,
    digests: RandomState,
}

/// What was found: the row of the source with more rows, and that of the other.
type Pairs = Vec<(Place, Place)>;

impl<'a, 'r, R> Candidates<'r, R>
where
    R: Fn(Place) -> &'a Row + Sync,
{
    pub(super) fn new(all: Vec<Candidate>, row: &'r R) -> Self {
        let digests = RandomState::new();
        Self { all, row, digests }
    }

    /// Pairs rows of two sources, each once: first those with the same units sent, then those with
    /// the same received, then fills with their sums.
    pub(super) fn pairs(mut self) -> Pairs {
        let mut pairs = Pairs::new();
        for leg in [sent, received] {
            let keyed = self.keyed(|row| Some(leg(row)?.amount));
            self.pair_each(keyed, &mut pairs);
            self.take_out(&pairs);
        }
        self.pair_sums(&mut pairs);
        pairs
    }

    /// Those that have a key, each with the digest of its account, assets and key.
    fn keyed(&self, key: impl Fn(&Row) -> Option<Quantity> + Sync) -> Vec<(u64, Candidate)> {
        let keyed = self.all.par_iter().filter_map(|one| {
            let row = (self.row)(one.place);
            let assets = (&row.sent.as_ref()?.asset, &row.received.as_ref()?.asset);
            let digest = self.digests.hash_one((one.account, assets, key(row)?));
            Some((digest, *one))
        });
        keyed.collect()
    }

    /// Takes out what was paired.
    fn take_out(&mut self, pairs: &Pairs) {
        let paired: HashSet<Place> = pairs.iter().flat_map(|(a, b)| [*a, *b]).collect();
        if !paired.is_empty() {
            self.all.retain(|one| !paired.contains(&one.place));
        }
    }

    /// Pairs rows of which one leg has the same units.
    fn pair_each(&self, mut keyed: Vec<(u64, Candidate)>, pairs: &mut Pairs) {
        keyed.par_sort_unstable_by_key(|(key, one)| (*key, one.source, one.order()));
        let alike = keyed.chunk_by(|a, b| a.0 == b.0);
        for alike in alike.filter(|alike| alike.len() > 1) {
            let mut sources = alike.chunk_by(|a, b| a.1.source == b.1.source);
            // What happened by the sources so far.
            let mut events: Vec<Candidate> = Vec::new();
            events.extend(sources.next().into_iter().flatten().map(|(_, one)| *one));
            for source in sources {
                let new = self.pair_source(&events, source, pairs);
                events.extend(new);
                events.sort_by_key(Candidate::order);
            }
        }
    }

    /// Pairs the rows of one source with what happened; both are in order of time. Gives those
    /// that are not among it.
    fn pair_source(
        &self,
        events: &[Candidate],
        source: &[(u64, Candidate)],
        pairs: &mut Pairs,
    ) -> Vec<Candidate> {
        let mut is_taken = vec![false; events.len()];
        let (mut from, mut new) = (0, Vec::new());
        for (_, one) in source {
            let is_past = |at: usize| is_taken[at] || events[at].at < one.at - APART_MICROS;
            while from < events.len() && is_past(from) {
                from += 1;
            }
            let legs = legs((self.row)(one.place));
            let mut tried = (from..events.len())
                .take_while(|at| events[*at].at <= one.at + APART_MICROS)
                .take(TRIED_MAX);
            let found = tried.find(|at| {
                !is_taken[*at] && are_alike(legs, self::legs((self.row)(events[*at].place)))
            });
            match found {
                Some(at) => {
                    is_taken[at] = true;
                    pairs.push((events[at].place, one.place));
                }
                None => new.push(*one),
            }
        }
        new
    }

    /// Pairs all rows of two sources that stand together, where their sums are alike.
    fn pair_sums(&self, pairs: &mut Pairs) {
        let mut keyed = self.keyed(|_| Some(Quantity::ZERO));
        keyed.par_sort_unstable_by_key(|(key, one)| (*key, one.order()));
        let together = keyed.chunk_by(|a, b| a.0 == b.0 && b.1.at - a.1.at <= APART_MICROS);
        for together in together.filter(|it| it.len() > 2) {
            let mut rows: Vec<Candidate> = together.iter().map(|(_, one)| *one).collect();
            rows.sort_by_key(|one| (one.source, one.order()));
            let mut sources = rows.chunk_by(|a, b| a.source == b.source);
            let Some(first) = sources.next() else {
                continue;
            };
            let whole = self.sum(first);
            for source in sources {
                let sum = self.sum(source);
                let is_alike = whole.zip(sum).is_some_and(|(whole, sum)| {
                    let row = |one: &Candidate| (self.row)(one.place);
                    let (whole, sum) = (of(row(&first[0]), whole), of(row(&source[0]), sum));
                    are_alike(refs(&whole), refs(&sum))
                });
                if is_alike {
                    pairs.extend(source.iter().map(|one| (first[0].place, one.place)));
                }
            }
        }
    }

    /// What rows send and receive together.
    fn sum(&self, rows: &[Candidate]) -> Option<[Quantity; 2]> {
        let mut sum = [Quantity::ZERO; 2];
        for one in rows {
            for (sum, leg) in sum.iter_mut().zip(legs((self.row)(one.place))) {
                *sum = sum.checked_add(leg?.amount).ok()?;
            }
        }
        Some(sum)
    }
}

/// What a row sends and receives.
type Legs<'l> = [Option<&'l Leg>; 2];

fn legs(row: &Row) -> Legs<'_> {
    [row.sent.as_ref(), row.received.as_ref()]
}

/// What a row sends, where it is no money.
fn sent(row: &Row) -> Option<&Leg> {
    row.sent.as_ref().filter(|leg| !is_fiat(&leg.asset))
}

/// What a row receives, where it is no money.
fn received(row: &Row) -> Option<&Leg> {
    row.received.as_ref().filter(|leg| !is_fiat(&leg.asset))
}

/// Legs of the assets of a row.
fn of(row: &Row, amounts: [Quantity; 2]) -> [Option<Leg>; 2] {
    let [sent, received] = legs(row);
    let leg = |leg: Option<&Leg>, amount| {
        let asset = Asset::clone(&leg?.asset);
        Some(Leg { amount, asset })
    };
    [leg(sent, amounts[0]), leg(received, amounts[1])]
}

fn refs(legs: &[Option<Leg>; 2]) -> Legs<'_> {
    [legs[0].as_ref(), legs[1].as_ref()]
}

/// Whether two rows exchange the same assets: one leg that is no money in the same units, and the
/// other near it where it is none either.
fn are_alike(a: Legs<'_>, b: Legs<'_>) -> bool {
    let ([Some(sent), Some(received)], [Some(other_sent), Some(other_received)]) = (a, b) else {
        return false;
    };
    let is_same = |a: &Leg, b: &Leg| !is_fiat(&a.asset) && a.amount == b.amount;
    let is_near = |a: &Leg, b: &Leg| is_fiat(&a.asset) || are_near(a.amount, b.amount);
    let is_one = is_same(sent, other_sent) && is_near(received, other_received);
    let is_other = is_same(received, other_received) && is_near(sent, other_sent);
    sent.asset == other_sent.asset && received.asset == other_received.asset && (is_one || is_other)
}

fn are_near(a: Quantity, b: Quantity) -> bool {
    let near = || -> Result<bool, AmountError> {
        let apart = a.checked_sub(b)?.abs();
        Ok(apart.checked_mul(Quantity::from_units(PARTS_NEAR, 0)?)? <= a.max(b))
    };
    near().unwrap_or(false)
}
