//! Which rows stand in an earlier file too.
//!
//! A row that its source named is told by its name. One that is named after its line has another
//! name in every export that begins elsewhere: such rows are told by what happened, and how often.
//! Two equal ones in a file are two, and of two files that have them the one with more counts.

use std::hash::{BuildHasher, RandomState};

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;
use rayon::prelude::*;

use super::LedgerFile;
use super::input::{Place, index, is_same};
use crate::import::source_of_line;

/// Rows that stand in an earlier file too, each with the place that has it first; in order of files
/// and rows.
pub(crate) struct Copied(Vec<(Place, Place)>);

impl Copied {
    /// Those among the rows of all files.
    pub(crate) fn among(ledgers: &[LedgerFile]) -> Self {
        let filled = ledgers.iter().filter(|ledger| !ledger.rows.is_empty());
        if filled.count() < 2 {
            return Self(Vec::new());
        }
        let row = |place: Place| &ledgers[index(place.file)].rows[index(place.row)];
        let mut copied: Vec<_> = digests(ledgers)
            .par_chunk_by(|a, b| a.0 == b.0)
            .filter(|alike| alike.len() > 1)
            .flat_map_iter(|alike| of_alike(alike, row))
            .collect();
        copied.par_sort_unstable();
        Self(copied)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &(Place, Place)> {
        self.0.iter()
    }

    /// The place that has a row first; none where no earlier file has it.
    pub(super) fn first_of(&self, place: Place) -> Option<Place> {
        let found = self.0.binary_search_by_key(&place, |(copy, _)| *copy);
        found.ok().map(|at| self.0[at].1)
    }
}

impl Copied {
    /// As [`Self::first_of`], of the place of a file and that of a row of it.
    pub(crate) fn first(&self, (file, row): (usize, usize)) -> Option<(usize, usize)> {
        let (file, row) = (u32::try_from(file).ok()?, u32::try_from(row).ok()?);
        let first = self.first_of(Place { file, row })?;
        Some((index(first.file), index(first.row)))
    }
}

/// The digests of the names of all rows, or of what happened in them, in order: they take less than
/// a map of all, and all cores make and sort them.
fn digests(ledgers: &[LedgerFile]) -> Vec<(u64, Place)> {
    let state = RandomState::new();
    let rows = ledgers.iter().map(|ledger| ledger.rows.len()).sum();
    let mut digests = Vec::with_capacity(rows);
    for (file, ledger) in (0_u32..).zip(ledgers) {
        let rows = (0_u32..u32::MAX).into_par_iter().zip(&ledger.rows);
        digests.par_extend(rows.map(|(row, content)| {
            let digest = match source_of_line(content) {
                Some(source) => state.hash_one((source, Event::of(content))),
                None => state.hash_one(&content.id),
            };
            (digest, Place { file, row })
        }));
    }
    digests.par_sort_unstable();
    digests
}

/// What happened in a row that is named after its line. The worth that a source gave it changes
/// from one export to the next, and is no part of it where units or money moved.
#[derive(PartialEq, Hash)]
struct Event<'r> {
    at: i64,
    kind: RowKind,
    wallet: &'r str,
    legs: [Option<(Quantity, &'r str)>; 3],
    value: Option<Money>,
    tx_hash: Option<&'r str>,
    to_wallet: Option<&'r str>,
    basis: Option<Money>,
    acquired: Option<Timestamp>,
    lots: Vec<(&'r str, Quantity)>,
}

impl<'r> Event<'r> {
    fn of(row: &'r Row) -> Self {
        let leg = |leg: &'r Option<Leg>| leg.as_ref().map(|leg| (leg.amount, &*leg.asset));
        let legs = [leg(&row.sent), leg(&row.received), leg(&row.fee)];
        let lots = row.rare.lots.iter();
        let is_value = row.kind == RowKind::MarginPnl || legs.iter().all(Option::is_none);
        Self {
            at: row.at.timestamp_micros(),
            kind: row.kind,
            wallet: &row.wallet,
            legs,
            value: row.value.filter(|_| is_value),
            tx_hash: row.tx_hash.as_deref(),
            to_wallet: row.rare.to_wallet.as_deref(),
            basis: row.rare.basis,
            acquired: row.rare.acquired,
            lots: lots.map(|lot| (&*lot.row, lot.quantity)).collect(),
        }
    }
}

/// Those among rows that share a digest, which are in order of files and rows. Rows that share
/// nothing else are told apart here as well.
fn of_alike<'r>(
    alike: &[(u64, Place)],
    row: impl Fn(Place) -> &'r Row,
) -> impl Iterator<Item = (Place, Place)> {
    let mut events: Vec<Equal<'r>> = Vec::new();
    let mut named = Vec::new();
    alike.iter().filter_map(move |(_, place)| {
        let content = row(*place);
        let Some(source) = source_of_line(content) else {
            named.push(*place);
            let earlier = named.partition_point(|other: &Place| other.file < place.file);
            let mut earlier = named[..earlier].iter();
            let first = earlier.find(|first| is_same(row(**first), content))?;
            return Some((*place, *first));
        };
        let of_event = |equal: &&mut Equal<'_>| {
            equal.source == source && Event::of(row(equal.first_places[0])) == Event::of(content)
        };
        match events.iter_mut().find(of_event) {
            Some(equal) => equal.take(*place).map(|first| (*place, first)),
            None => {
                events.push(Equal {
                    source,
                    first_places: vec![*place],
                    file: place.file,
                    taken: 1,
                });
                None
            }
        }
    })
}

/// Equal rows of one source.
struct Equal<'r> {
    source: &'r str,
    /// Where the first of them stands first, where the second, and so on.
    first_places: Vec<Place>,
    /// The last file that has any, and how many of it were looked at.
    file: u32,
    taken: usize,
}

impl Equal<'_> {
    /// Takes the next of them; gives the place that has it first, if an earlier file has as many.
    fn take(&mut self, place: Place) -> Option<Place> {
        if self.file != place.file {
            (self.file, self.taken) = (place.file, 0);
        }
        self.taken += 1;
        let first = self.first_places.get(self.taken - 1).copied();
        if first.is_none() {
            self.first_places.push(place);
        }
        first
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::ledger::NamedLot;

    use super::*;
    use crate::import::{self, Limits};

    #[test]
    fn rows_that_only_differ_in_a_rare_part_have_digests_of_their_own() {
        let text = "timestamp,type,wallet,received_amount,received_asset,value,currency\n\
                    2024-01-01T00:00:00Z,deposit,main,1,BTC,5,USD\n";
        let read = || import::read(text.as_bytes(), Limits::default()).unwrap();
        let mut ledgers = vec![read().into_ledger("a"), read().into_ledger("b")];
        let count = |ledgers: &[LedgerFile]| {
            let mut digests: Vec<u64> = digests(ledgers).iter().map(|(it, _)| *it).collect();
            digests.dedup();
            digests.len()
        };
        assert_eq!(count(&ledgers), 1);
        ledgers[1].rows[0].rare.basis = ledgers[1].rows[0].value;
        assert_eq!(count(&ledgers), 2, "another cost");
        ledgers.push(read().into_ledger("c"));
        ledgers[2].rows[0].rare.lots = vec![NamedLot {
            row: "x".into(),
            quantity: Quantity::ZERO,
        }];
        assert_eq!(count(&ledgers), 3, "other lots");
    }
}
