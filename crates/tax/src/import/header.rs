//! The header row: its columns by name, the delimiter, and which source they tell.

use std::collections::BTreeMap;

use super::mapping::Mapping;
use super::{ImportError, Source};
use crate::fiat::is_fiat;

/// Two names this many edits apart or fewer may be meant to be the same.
const EDITS_MAX: usize = 2;

/// Rows that may stand over the header.
const PREAMBLE_ROWS_MAX: usize = 12;
/// Columns of one file.
const COLUMNS_MAX: usize = 1_000;
/// Characters of a column's name that an error repeats, and names that it lists.
const NAME_CHARS_MAX: usize = 60;
const NAMES_MAX: usize = 50;

/// Words for a column that other exports use.
const OTHER_WORDS: &[(&str, &str)] = &[
    ("date", "timestamp"),
    ("time", "timestamp"),
    ("datetime", "timestamp"),
    ("date_utc", "timestamp"),
    ("kind", "type"),
    ("label", "type"),
    ("transaction_type", "type"),
    ("account", "wallet"),
    ("exchange", "wallet"),
    ("from_wallet", "wallet"),
    ("fiat", "currency"),
    ("ccy", "currency"),
];

/// The header of a file.
#[derive(Debug)]
pub(super) struct Header {
    cells: Vec<String>,
    /// The cells in lower case with underscores for blanks.
    keys: Vec<String>,
    /// Where the columns stand that a mapping names; then no other is read.
    mapped: Option<BTreeMap<String, usize>>,
    pub(super) delimiter: u8,
    /// The byte at which the first data row begins, and its line.
    pub(super) body: (usize, u32),
}

impl Header {
    /// Finds the header and the source that it tells. Some exports have lines about themselves
    /// over it; where no source is told, the first row is the header, and the error says so.
    pub(super) fn find(
        text: &str,
        sources: &[&'static Source],
    ) -> Result<(Self, &'static Source), ImportError> {
        let first = Self::read(text, 0)?;
        let mut from = first.body.0;
        let is_told = |header: &Self| sources.iter().any(|one| header.missing(one).is_empty());
        let mut header = None;
        for _ in 0..PREAMBLE_ROWS_MAX {
            if is_told(&first) || from >= text.len() {
                break;
            }
            let next = Self::read(text, from)?;
            from = next.body.0;
            if is_told(&next) {
                header = Some(next);
                break;
            }
        }
        let header = header.unwrap_or(first);
        let source = header.source(sources)?;
        Ok((header, source))
    }

    /// Finds the header that has every column of a mapping.
    pub(super) fn find_mapped(text: &str, mapping: &Mapping) -> Result<Self, ImportError> {
        mapping.check()?;
        let mut header = Self::read(text, 0)?;
        let mut fewest = header.strangers(mapping);
        for _ in 0..PREAMBLE_ROWS_MAX {
            let strangers = header.strangers(mapping);
            if strangers.is_empty() {
                return Ok(header.with(mapping));
            }
            // The row that comes nearest is the one that was meant.
            if strangers.len() < fewest.len() {
                fewest = strangers;
            }
            if header.body.0 >= text.len() {
                break;
            }
            header = Self::read(text, header.body.0)?;
        }
        let what = format!("no column {} in the file", fewest.join(", "));
        Err(ImportError::Mapping { what })
    }

    /// Columns that a mapping names and that are not here.
    fn strangers(&self, mapping: &Mapping) -> Vec<String> {
        let named = mapping.columns.values();
        let strangers = named.filter(|name| !self.keys.contains(&key(name.trim())));
        strangers.map(|name| format!("{:?}", short(name))).collect()
    }

    fn with(self, mapping: &Mapping) -> Self {
        let place = |theirs: &String| self.keys.iter().position(|one| *one == key(theirs.trim()));
        let mapped = mapping.columns.iter();
        let mapped = mapped.filter_map(|(ours, theirs)| Some((ours.clone(), place(theirs)?)));
        let mapped = Some(mapped.collect());
        Self { mapped, ..self }
    }

    /// Reads the first row from a byte on that is not blank.
    fn read(text: &str, from: usize) -> Result<Self, ImportError> {
        let rest = &text[from..];
        let first = rest.trim_start().lines().next().unwrap_or_default();
        let count = |mark: u8| first.bytes().filter(|byte| *byte == mark).count();
        let delimiter = [b';', b'\t']
            .into_iter()
            .find(|mark| count(*mark) > count(b','))
            .unwrap_or(b',');
        let mut record = csv::StringRecord::new();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .from_reader(rest.as_bytes());
        // A text in memory cannot fail to be read, and a flexible reader refuses no record.
        let _ = reader.read_record(&mut record);
        let read = usize::try_from(reader.position().byte()).unwrap_or(rest.len());
        let start = from + read.min(rest.len());
        let lines = text.as_bytes()[..start]
            .iter()
            .filter(|byte| **byte == b'\n')
            .count();
        let body = (start, u32::try_from(lines + 1).unwrap_or(u32::MAX));
        if record.len() > COLUMNS_MAX {
            return Err(ImportError::TooManyColumns { max: COLUMNS_MAX });
        }
        let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
        let keys = cells.iter().map(|cell| key(cell)).collect();
        Ok(Self {
            cells,
            keys,
            mapped: None,
            delimiter,
            body,
        })
    }

    /// The columns of a source that are not there.
    fn missing(&self, source: &Source) -> Vec<&'static str> {
        let needed = source.needed.iter().copied();
        needed.filter(|name| self.place(name).is_none()).collect()
    }

    /// The source of which every needed column is there; of several, the one that needs most.
    fn source(&self, sources: &[&'static Source]) -> Result<&'static Source, ImportError> {
        let told = sources
            .iter()
            .filter(|source| self.missing(source).is_empty());
        let Some(best) = told.max_by_key(|source| source.needed.len()) else {
            return Err(self.unknown(sources));
        };
        match best.known.iter().find(|name| self.count(name) > 1) {
            Some(name) => Err(ImportError::DoubleColumn {
                column: (*name).to_owned(),
            }),
            None => Ok(best),
        }
    }

    /// What is missing for the source that comes nearest; without any that comes near, for the
    /// product's own format.
    fn unknown(&self, sources: &[&'static Source]) -> ImportError {
        let found = |source: &Source| source.needed.len() - self.missing(source).len();
        let near = sources
            .iter()
            .filter(|source| found(source) * 2 > source.needed.len());
        let near = near.min_by_key(|source| self.missing(source).len());
        let Some(best) = near.or(sources.first()) else {
            return ImportError::Empty;
        };
        let missing = self.missing(best);
        ImportError::UnknownHeader {
            near: self.near(best, &missing),
            found: self
                .cells
                .iter()
                .take(NAMES_MAX)
                .map(|cell| short(cell))
                .collect(),
            needed: best.needed.to_vec(),
            missing,
        }
    }

    /// Where a column stands, counted from 0. A name that ends in `(*)` is any that has an asset
    /// there, such as `value_in(eth)`.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        match &self.mapped {
            Some(mapped) => mapped.get(name).copied(),
            None => self.keys.iter().position(|key| is_named(key, name)),
        }
    }

    /// The unit in the name of a column, such as `ETH` of `Value_IN(ETH)`.
    pub(super) fn unit(&self, place: usize) -> Option<&str> {
        let (_, rest) = self.cells.get(place)?.rsplit_once('(')?;
        rest.strip_suffix(')')
    }

    /// How many cells a row has.
    pub(super) const fn width(&self) -> usize {
        self.cells.len()
    }

    pub(super) fn into_cells(self) -> Vec<String> {
        self.cells
    }

    fn count(&self, name: &str) -> usize {
        self.keys.iter().filter(|key| is_named(key, name)).count()
    }

    /// Columns that were found and known to no source, with what they may have been meant to be.
    fn near(&self, source: &Source, missing: &[&'static str]) -> Vec<(String, &'static str)> {
        let strangers = self.keys.iter().zip(&self.cells);
        strangers
            .filter(|(key, _)| key.len() <= NAME_CHARS_MAX)
            .filter(|(key, _)| !source.known.contains(&key.as_str()))
            .take(NAMES_MAX)
            .filter_map(|(key, cell)| {
                let by_word = OTHER_WORDS
                    .iter()
                    .find(|(word, _)| word == key)
                    .map(|(_, meant)| meant);
                let meant = missing
                    .iter()
                    .find(|name| by_word == Some(name) || edits(key, name) <= EDITS_MAX)?;
                Some((cell.clone(), *meant))
            })
            .collect()
    }
}

/// Whether a column has a name. `(*)` at its end stands for a unit that is an asset, `($)` for
/// one that is money.
fn is_named(key: &str, name: &str) -> bool {
    let (start, is_money) = match (name.strip_suffix("(*)"), name.strip_suffix("($)")) {
        (Some(start), _) => (start, false),
        (_, Some(start)) => (start, true),
        (None, None) => return key == name,
    };
    let unit = key
        .strip_prefix(start)
        .and_then(|rest| rest.strip_prefix('('));
    let unit = unit.and_then(|unit| unit.strip_suffix(')'));
    unit.is_some_and(|unit| is_fiat(unit) == is_money)
}

/// A column's name in lower case, with underscores for blanks.
fn key(cell: &str) -> String {
    cell.to_lowercase().replace([' ', '-'], "_")
}

/// A text cut to a length that an error can repeat.
pub(super) fn short(text: &str) -> String {
    match text.char_indices().nth(NAME_CHARS_MAX) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

/// How many single-character edits make one word the other (Levenshtein).
pub(super) fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}
