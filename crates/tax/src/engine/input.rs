//! The rows of all files in order of time, each counted once, withdrawals paired with deposits.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use packtrain_core::ledger::Row;
use packtrain_core::time::Timestamp;
use rayon::prelude::*;

use super::answers::{Answers, Priced};
use super::pairs::{self, Given, Pairs};
use super::{At, LedgerFile, refunds};
use crate::error::TaxError;
use crate::jurisdiction::Jurisdiction;
use crate::outcome::{MatchedBy, Origin};
use crate::request::Settings;
use crate::settle::Way;

/// Everything that is to be computed.
pub(super) struct Input<'a> {
    ledgers: &'a [LedgerFile],
    pub(super) answers: &'a Answers,
    /// Place of each row, in the order of the computation.
    pub(super) order: Vec<Place>,
    /// Rows that stand in an earlier file too; they are not in `order`.
    pub(super) duplicates: Vec<Duplicate<'a>>,
    /// Of each paired withdrawal or deposit, by its index: the other half.
    pairs: Pairs,
}

/// Which file, and which row of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Place {
    pub(super) file: u32,
    pub(super) row: u32,
}

/// A row that was left out because it stands in an earlier file too.
pub(super) struct Duplicate<'a> {
    pub(super) row: &'a Row,
    pub(super) origin: Origin,
    /// Name of the file that has it first.
    pub(super) first: &'a str,
    /// The line there, where the row is named after its line and has another name there.
    pub(super) first_line: Option<u32>,
    /// Where all of the file is a copy and none of it counts: then the file is told once.
    pub(super) copies: Option<Copies<'a>>,
}

/// A file that was given more than once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Copies<'a> {
    /// The name of the copy.
    pub(super) name: &'a str,
    /// Its rows.
    pub(super) rows: &'a [Row],
    /// How often the file was given, the first time included; none where a person had rows of
    /// another copy counted, so that it was not read once.
    pub(super) times: Option<usize>,
}

/// The files that are the same as an earlier one.
struct Originals {
    /// Of each file, the place of the earlier one.
    of: Vec<Option<usize>>,
    /// Whether a person has rows of the file counted as copies.
    has_kept: Vec<bool>,
}

impl Originals {
    /// The earlier file, where none of the rows of its copy counts.
    fn of_whole(&self, file: usize) -> Option<usize> {
        self.of[file].filter(|_| !self.has_kept[file])
    }

    /// Of a copy that is told as a whole: the file by which it is told once, which is the earlier
    /// one where all its copies are left out.
    fn told_by(&self, file: usize) -> Option<usize> {
        let original = self.of_whole(file)?;
        Some(self.times(original).map_or(file, |_| original))
    }

    /// How often a file was given; none where it was not read once.
    fn times(&self, original: usize) -> Option<usize> {
        let copies = self.of.iter().zip(&self.has_kept);
        let mut copies = copies.filter(|(of, _)| **of == Some(original));
        copies.try_fold(1, |times, (_, has_kept)| (!has_kept).then_some(times + 1))
    }
}

impl<'a> Input<'a> {
    /// # Errors
    /// [`TaxError::Settlement`] where an answer does not fit what other rows say, and
    /// [`TaxError::Stopped`].
    pub(super) fn new(
        ledgers: &'a [LedgerFile],
        answers: &'a Answers,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Self, TaxError> {
        Self::of(ledgers, answers, is_stopped)
    }

    /// The rows of the same files with other answers.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub(super) fn with<'b>(
        &self,
        answers: &'b Answers,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Input<'b>, TaxError>
    where
        'a: 'b,
    {
        Input::of(self.ledgers, answers, is_stopped)
    }

    fn of(
        ledgers: &'a [LedgerFile],
        answers: &'a Answers,
        is_stopped: &dyn Fn() -> bool,
    ) -> Result<Self, TaxError> {
        let rows: usize = ledgers.iter().map(|ledger| ledger.rows.len()).sum();
        let mut input = Self {
            ledgers,
            answers,
            order: Vec::with_capacity(rows + answers.added.len()),
            duplicates: Vec::new(),
            pairs: Pairs::new(),
        };
        input.collect();
        input.sort();
        let indices = input.indices();
        let given = Given::of(answers, &indices);
        input.pairs = pairs::pair(input.rows(), &given, is_stopped)?;
        let is_paired = |place| {
            indices
                .get(place)
                .is_some_and(|i| input.pairs.contains_key(i))
        };
        match answers.brought.iter().find(|(place, _)| is_paired(place)) {
            // Counted twice, the units would be sold twice.
            Some((_, answer)) => Err(TaxError::Settlement {
                row: format!("{:?}", answers.settled[*answer].id),
                answer: Way::Purchase.as_str(),
                entry: *answer,
                what: "its withdrawal is in the files: take the answer out".to_owned(),
            }),
            None => Ok(input),
        }
    }

    /// The index of each row that an answer pairs, parts or explains.
    fn indices(&self) -> HashMap<Place, usize> {
        let named: HashSet<Place> = self.answers.halves().collect();
        if named.is_empty() {
            return HashMap::new();
        }
        let order = self.order.iter().enumerate();
        let named = order.filter(|(_, place)| named.contains(place));
        named.map(|(index, place)| (*place, index)).collect()
    }

    /// Brings the rows in order of time. Those of one moment keep the order of files and lines,
    /// but for what a transaction gives back to the wallet that sent it.
    fn sort(&mut self) {
        if !self.order.is_sorted_by_key(|place| self.row(*place).at) {
            let places = self.order.par_iter();
            let mut order: Vec<(Timestamp, Place)> =
                places.map(|place| (self.row(*place).at, *place)).collect();
            order.par_sort_by_key(|(at, _)| *at);
            self.order = order.into_iter().map(|(_, place)| place).collect();
        }
        if let Some(order) = refunds::behind(&self.order, |place| self.row(*place)) {
            self.order = order;
        }
    }

    /// Of each file that is the same as an earlier one, the place of that one. Equal bytes that
    /// were read in two ways, such as for two wallets, are two files.
    fn originals(&self) -> Originals {
        let ledgers = self.ledgers.iter().enumerate();
        let original = |(place, ledger): (usize, &LedgerFile)| {
            let mut earlier = self.ledgers[..place].iter();
            earlier.position(|other| {
                !ledger.sha256.is_empty()
                    && other.sha256 == ledger.sha256
                    && other.rows == ledger.rows
            })
        };
        let of: Vec<_> = ledgers.map(original).collect();
        let mut has_kept = vec![false; self.ledgers.len()];
        for place in self.answers.kept() {
            has_kept[index(place.file)] = true;
        }
        Originals { of, has_kept }
    }

    /// All rows in file order, without those that an earlier file has too.
    fn collect(&mut self) {
        // Before all rows of their moment: a purchase of the day on which its units are sold.
        for row in 0..number(self.answers.added.len()) {
            let file = self.answers.file;
            self.order.push(Place { file, row });
        }
        let originals = self.originals();
        let copied = Arc::clone(&self.answers.copied);
        let mut copied = copied.iter().peekable();
        let mut told = HashSet::new();
        for (file, ledger) in (0_u32..).zip(self.ledgers) {
            let told_by = originals.told_by(index(file));
            for row in 0..number(ledger.rows.len()) {
                let place = Place { file, row };
                let first = copied.next_if(|(copy, _)| *copy == place);
                if self.answers.leaves_out(place) {
                    continue;
                }
                match first.filter(|_| !self.answers.keeps(place)) {
                    Some((_, first)) => {
                        if told_by.is_none_or(|file| told.insert(file)) {
                            let duplicate = self.duplicate(place, *first, &originals);
                            self.duplicates.push(duplicate);
                        }
                    }
                    None => self.order.push(place),
                }
            }
        }
    }

    /// A row that is left out, since an earlier file has it first.
    fn duplicate(&self, place: Place, first: Place, originals: &Originals) -> Duplicate<'a> {
        let ledgers: &'a [LedgerFile] = self.ledgers;
        let ledger = &ledgers[index(place.file)];
        let row = &ledger.rows[index(place.row)];
        let original = originals.of_whole(index(place.file));
        let other = self.given(first);
        Duplicate {
            row,
            origin: Origin {
                file: place.file,
                line: row.line,
            },
            first_line: (other.id != row.id).then_some(other.line),
            first: &ledgers[original.unwrap_or(index(first.file))].name,
            copies: original.map(|original| Copies {
                name: &ledger.name,
                rows: &ledger.rows,
                times: originals.times(original),
            }),
        }
    }

    /// The other half of a paired withdrawal or deposit, its index, and what told it.
    pub(super) fn partner(&self, at: &At<'_>) -> Option<(usize, &'a Row, MatchedBy)> {
        let (other, by) = *self.pairs.get(&at.index)?;
        Some((other, self.row_at(other), by))
    }

    /// All rows, in order of time.
    pub(super) fn rows(&self) -> impl Iterator<Item = &'a Row> {
        self.order.iter().map(|place| self.row(*place))
    }

    /// Whether any row names its lots.
    pub(super) fn has_named_lots(&self) -> bool {
        let rows = self.order.par_iter().map(|place| self.row(*place));
        rows.any(|row| !row.rare.lots.is_empty())
    }

    /// A row in its place.
    pub(super) fn at(&self, index: usize, rules: &Jurisdiction, settings: &Settings) -> At<'a> {
        let place = self.order[index];
        let row = self.row(place);
        let date = row.at.with_timezone(&settings.timezone).date_naive();
        let origin = Origin {
            file: place.file,
            line: row.line,
        };
        At {
            row,
            origin,
            index,
            date,
            year: rules.year_of(date),
        }
    }

    /// A row by its place in the order of time.
    pub(super) fn row_at(&self, index: usize) -> &'a Row {
        self.row(self.order[index])
    }

    /// A row as its file has it.
    fn given(&self, place: Place) -> &'a Row {
        &self.ledgers[index(place.file)].rows[index(place.row)]
    }

    /// A row as answers left it.
    pub(super) fn row(&self, place: Place) -> &'a Row {
        if let Some(row) = self.answers.changed(place) {
            return row;
        }
        if place.file == self.answers.file {
            return &self.answers.added[index(place.row)];
        }
        self.given(place)
    }

    /// Whether a value of a row is a person's answer.
    pub(super) fn has_price(&self, at: &At<'_>, of: Priced) -> bool {
        self.answers.has_price(self.order[at.index], of)
    }
}

/// An index as a number of half the size. A report has fewer rows than there are numbers.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// A number as an index; it was made from one.
pub(super) fn index(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Whether two rows have one id and say the same of what happened, whatever line they stand on. A
/// note says nothing of it: of one record, exports of several ages have other words.
pub(super) fn is_same(a: &Row, b: &Row) -> bool {
    a.at == b.at
        && a.kind == b.kind
        && Row {
            line: a.line,
            note: a.note.clone(),
            ..b.clone()
        } == *a
}
