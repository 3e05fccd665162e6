//! Which rows stand in an earlier file too.

use std::hash::{BuildHasher, RandomState};

use packtrain_core::ledger::Row;
use rayon::prelude::*;

use super::LedgerFile;
use super::input::{Place, index, is_same};

/// Rows that stand in an earlier file too, each with the place that has it first; in order of files
/// and rows.
pub(super) struct Copied(Vec<(Place, Place)>);

impl Copied {
    /// Those among the rows of all files.
    pub(super) fn among(ledgers: &[LedgerFile]) -> Self {
        let filled = ledgers.iter().filter(|ledger| !ledger.rows.is_empty());
        if filled.count() < 2 {
            return Self(Vec::new());
        }
        let row = |place: Place| &ledgers[index(place.file)].rows[index(place.row)];
        let mut copied: Vec<_> = ids(ledgers)
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
}

/// The digests of the ids of all rows, in order: they take less than a map of all ids, and all
/// cores make and sort them.
fn ids(ledgers: &[LedgerFile]) -> Vec<(u64, Place)> {
    let digests = RandomState::new();
    let rows = ledgers.iter().map(|ledger| ledger.rows.len()).sum();
    let mut ids = Vec::with_capacity(rows);
    for (file, ledger) in (0_u32..).zip(ledgers) {
        let rows = (0_u32..u32::MAX).into_par_iter().zip(&ledger.rows);
        ids.par_extend(rows.map(|(row, content)| {
            let digest = digests.hash_one(&content.id);
            (digest, Place { file, row })
        }));
    }
    ids.par_sort_unstable();
    ids
}

/// Those among rows whose ids share a digest, which are in order of files and rows.
fn of_alike<'r>(
    alike: &[(u64, Place)],
    row: impl Fn(Place) -> &'r Row,
) -> impl Iterator<Item = (Place, Place)> {
    alike.iter().filter_map(move |(_, place)| {
        let others = alike.partition_point(|(_, earlier)| earlier.file < place.file);
        let mut of_others = alike[..others].iter().map(|(_, earlier)| *earlier);
        // Ids that only share a digest are told apart here as well.
        let first = of_others.find(|first| is_same(row(*first), row(*place)))?;
        Some((*place, first))
    })
}
