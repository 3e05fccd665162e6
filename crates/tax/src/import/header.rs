//! The header row: its columns by name, the delimiter, and which source they tell.

use std::collections::BTreeMap;

use super::mapping::Mapping;
use super::zone::Zone;
use super::{Decision, ImportError, Source};
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
    /// The lines over it, where an export says something about itself.
    over: String,
    pub(super) delimiter: u8,
    /// The byte at which the first data row begins, and its line.
    pub(super) body: (usize, u32),
}

/// What a header tells.
pub(super) struct Told {
    pub(super) source: &'static Source,
    /// Why it is that source, where others fit too.
    pub(super) decision: Option<Decision>,
}

impl Header {
    /// Finds the header and the source that it tells. Some exports have lines about themselves
    /// over it; where no source is told, the first row is the header, and the error says so.
    pub(super) fn find(
        text: &str,
        sources: &[&'static Source],
    ) -> Result<(Self, Told), ImportError> {
        let first = Self::read(text, 0)?;
        let mut from = first.body.0;
        let is_told = |header: &Self| sources.iter().any(|one| header.missing(one).is_empty());
        let mut header = None;
        for _ in 0..PREAMBLE_ROWS_MAX {
            if is_told(&first) || from >= text.len() {
                break;
            }
            let mut next = Self::read(text, from)?;
            if is_told(&next) {
                text[..from].clone_into(&mut next.over);
                header = Some(next);
                break;
            }
            from = next.body.0;
        }
        let header = header.unwrap_or(first);
        let told = header.source(sources)?;
        Ok((header, told))
    }

    /// Finds the header that has every column of a mapping.
    pub(super) fn find_mapped(
        text: &str,
        mapping: &Mapping,
        source: &'static Source,
    ) -> Result<(Self, Told), ImportError> {
        mapping.check()?;
        let mut header = Self::read(text, 0)?;
        let mut fewest = header.strangers(mapping);
        for _ in 0..PREAMBLE_ROWS_MAX {
            let strangers = header.strangers(mapping);
            if strangers.is_empty() {
                let told = Told {
                    source,
                    decision: None,
                };
                return Ok((header.with(mapping), told));
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
        Err(ImportError::Mapping { what, key: None })
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
        let delimiter = delimiter(first);
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
        let cells: Vec<String> = record.iter().map(|cell| plain(cell).to_owned()).collect();
        let keys = cells.iter().map(|cell| key(cell)).collect();
        Ok(Self {
            cells,
            keys,
            mapped: None,
            over: String::new(),
            delimiter,
            body,
        })
    }

    /// The columns of a source that are not there.
    fn missing(&self, source: &Source) -> Vec<&'static str> {
        let needed = source.needed.iter().copied();
        needed.filter(|name| self.place(name).is_none()).collect()
    }

    /// The source of which every needed column is there. Of several it is the one that needs
    /// most, then the one that reads most of the columns, then the first of the list.
    fn source(&self, sources: &[&'static Source]) -> Result<Told, ImportError> {
        let fits = |source: &&&'static Source| self.missing(source).is_empty();
        let fitting: Vec<&'static Source> = sources.iter().filter(fits).copied().collect();
        let read = |source: &Source| source.known.iter().filter(|name| self.has(name)).count();
        let rank = |source: &Source| (source.needed.len(), read(source));
        // The last of equals would win: the list is walked from its end.
        let Some(best) = fitting.iter().rev().max_by_key(|source| rank(source)) else {
            return Err(self.unknown(sources));
        };
        if let Some(name) = best.known.iter().find(|name| self.count(name) > 1) {
            return Err(ImportError::DoubleColumn {
                column: self.name(name).to_owned(),
            });
        }
        let others: Vec<_> = fitting
            .iter()
            .filter(|source| source.name != best.name)
            .collect();
        let is_common = |name: &&str| others.iter().any(|other| other.needed.contains(name));
        let own = best.needed.iter().copied().filter(|name| !is_common(name));
        let own: Vec<_> = own.map(|name| self.name(name)).collect();
        let decision = (!others.is_empty()).then(|| Decision {
            over: others.iter().map(|source| source.name).collect(),
            columns: own,
        });
        Ok(Told {
            source: best,
            decision,
        })
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

    /// Where a column stands, counted from 0.
    ///
    /// A name may have alternatives, such as `txhash|transaction_hash` where an export renamed a
    /// column. One that ends in `(*)` is any with an asset or a zone there, such as
    /// `value_in(eth)`; one that ends in `#2` is the second column of that name.
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        if let Some(mapped) = &self.mapped {
            return mapped.get(name).copied();
        }
        name.split('|').find_map(|name| {
            let (name, nth) = numbered(name);
            let mut places = (0..).zip(&self.keys).filter(|(_, key)| is_named(key, name));
            places.nth(nth).map(|(place, _)| place)
        })
    }

    /// The place of a column by its exact key, for sources whose columns no list can name.
    pub(super) fn place_of_key(&self, wanted: &str) -> Option<usize> {
        self.keys.iter().position(|key| key == wanted)
    }

    fn has(&self, name: &str) -> bool {
        self.place(name).is_some()
    }

    /// That of a column's alternative names which this header has, or the first of them.
    pub(super) fn name(&self, name: &'static str) -> &'static str {
        let mut names = name.split('|');
        let own = names.clone().find(|name| self.has(name));
        own.or_else(|| names.next()).unwrap_or(name)
    }

    /// The zone that the lines over the header name, such as `Time Zone:UTC+8`.
    pub(super) fn zone_over(&self) -> Option<Zone> {
        let over = self.over.to_ascii_lowercase();
        let (_, rest) = over.split_once("time zone:")?;
        Zone::of_offset(rest.split([',', ';', '\t', '\r', '\n']).next()?.trim())
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
        if name.contains('#') && name.len() > 1 {
            return usize::from(self.has(name));
        }
        let is_it = |key: &&String| name.split('|').any(|name| is_named(key, name));
        self.keys.iter().filter(is_it).count()
    }

    /// Columns that were found and known to no source, with what they may have been meant to be.
    fn near(&self, source: &Source, missing: &[&'static str]) -> Vec<(String, &'static str)> {
        let strangers = self.keys.iter().zip(&self.cells);
        strangers
            .filter(|(key, _)| key.len() <= NAME_CHARS_MAX)
            .filter(|(key, _)| !source.known.iter().any(|name| is_one(key, name)))
            .take(NAMES_MAX)
            .filter_map(|(key, cell)| {
                let by_word = OTHER_WORDS
                    .iter()
                    .find(|(word, _)| word == key)
                    .map(|(_, meant)| meant);
                let meant = missing
                    .iter()
                    .flat_map(|name| name.split('|'))
                    .find(|name| by_word == Some(name) || edits(key, name) <= EDITS_MAX)?;
                Some((cell.clone(), meant))
            })
            .collect()
    }
}

/// Whether a column has one of several names.
fn is_one(key: &str, name: &str) -> bool {
    name.split('|').any(|name| is_named(key, numbered(name).0))
}

/// A name and which column of that name it is, counted from 0.
fn numbered(name: &str) -> (&str, usize) {
    match name.rsplit_once('#') {
        Some((name, number)) if !name.is_empty() => (
            name,
            number
                .parse::<usize>()
                .map_or(0, |number| number.saturating_sub(1)),
        ),
        _ => (name, 0),
    }
}

/// Whether a column has a name. `(*)` at its end stands for a unit that is an asset or a zone,
/// `($)` for one that is money, `/*` for whatever comes after the stroke.
fn is_named(key: &str, name: &str) -> bool {
    if let Some(start) = name.strip_suffix('*')
        && start.ends_with('/')
    {
        return key.starts_with(start);
    }
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

/// What parts the cells, told by the header: semicolons or tabs where there are more of them than
/// commas, else commas.
pub(crate) fn delimiter(header: &str) -> u8 {
    let count = |mark: u8| header.bytes().filter(|byte| *byte == mark).count();
    let mut others = [b';', b'\t'].into_iter();
    let most = others.find(|mark| count(*mark) > count(b','));
    most.unwrap_or(b',')
}

/// A cell without blanks and marks of byte order around it: some exports mark every cell.
pub(super) fn plain(cell: &str) -> &str {
    cell.trim_matches(|letter: char| letter.is_whitespace() || letter == '\u{feff}')
}

/// A column's name in lower case, with underscores for blanks.
fn key(cell: &str) -> String {
    cell.to_lowercase().replace([' ', '-'], "_")
}

/// A text cut to a length that an error can repeat.
pub(crate) fn short(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use chrono_tz::Tz;

    use super::*;

    #[test]
    fn sources_that_need_as_many_columns_are_told_apart_by_what_they_read_of_the_file() {
        const fn source(name: &'static str, known: &'static [&'static str]) -> Source {
            Source {
                name,
                label: name,
                needed: &["a", "b"],
                known,
                id: None,
                words: &[],
                owner: None,
                zone: Tz::UTC,
                read: |_| None,
                join: None,
            }
        }
        static FIRST: Source = source("first", &["a", "b"]);
        static SECOND: Source = source("second", &["a", "b", "c"]);
        let told = |header: &str| Header::find(header, &[&FIRST, &SECOND]).unwrap().1;
        assert_eq!(told("a,b,c\n").source.name, "second");
        assert_eq!(told("a,b\n").source.name, "first");
        let over = told("a,b\n").decision.map(|decision| decision.over);
        assert_eq!(over, Some(vec!["second"]));
    }
}
