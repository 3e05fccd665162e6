//! Walks the records of a file and remembers where each cell stands, so that an error can point
//! at it.

use std::collections::HashSet;

use packtrain_core::ledger::{Asset, RowError};

use super::header::Header;
use super::mapping::Mapping;
use super::records::Records;
use super::zone::Zone;
use super::{About, ImportError, Limits, Source};
use crate::decimal::Marks;

/// Characters of a line that an error repeats.
const TEXT_CHARS_MAX: usize = 500;
/// Words that are looked through one by one before the set is asked.
const FEW: usize = 16;

/// The records of one file, one at a time.
pub(super) struct Sheet<'a> {
    records: Records<'a>,
    header: &'a Header,
    /// Where each known column of the source stands.
    places: Vec<Option<usize>>,
    /// What each known column is called in this file.
    names: Vec<&'static str>,
    /// The unit in the name of each known column, and the zone that it names.
    units: Vec<Option<String>>,
    zones: Vec<Option<Zone>>,
    width: usize,
    delimiter: u8,
    marks: Marks,
    limits: Limits,
    source: &'static Source,
    zone: Zone,
    wallet: Asset,
    mapping: Option<&'a Mapping>,
    has_wallet: bool,
    owner: Option<&'a str>,
    coin: Option<&'a str>,
    /// Line on which the stretch begins.
    first_line: u32,
    /// Line of the present record.
    line: u32,
    errors_in_row: u32,
    /// Errors that were kept before the present record.
    errors_before: usize,
    /// The last word of each column: most rows repeat it.
    last: Vec<Option<Asset>>,
    words: Words,
    report: Report,
}

/// Words, each once.
#[derive(Default)]
struct Words {
    /// The first ones: a ledger has few assets and wallets, and these are found without hashing.
    few: Vec<Asset>,
    more: HashSet<Asset>,
}

impl Words {
    /// The one shared copy of a word.
    fn shared(&mut self, word: &str) -> Asset {
        let few = self.few.iter().find(|known| ***known == *word);
        if let Some(known) = few.or_else(|| self.more.get(word)) {
            return Asset::clone(known);
        }
        let word = Asset::from(word);
        match self.few.len() {
            ..FEW => self.few.push(Asset::clone(&word)),
            _ => _ = self.more.insert(Asset::clone(&word)),
        }
        word
    }
}

/// What was counted and found wrong.
#[derive(Debug, Default)]
pub(super) struct Report {
    pub(super) errors: Vec<RowError>,
    pub(super) errors_total: u32,
    pub(super) rows_total: u32,
    pub(super) bad_rows: u32,
}

impl Report {
    /// Adds what was found in a later stretch of the file.
    pub(super) fn add(&mut self, later: Self) {
        self.errors.extend(later.errors);
        self.errors_total = self.errors_total.saturating_add(later.errors_total);
        self.rows_total = self.rows_total.saturating_add(later.rows_total);
        self.bad_rows = self.bad_rows.saturating_add(later.bad_rows);
    }
}

/// What is wrong with a cell, without where.
pub(super) struct Flaw {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl<'a> Sheet<'a> {
    /// Reads a stretch of the file that begins at a row's start, on the given line.
    pub(super) fn new(
        (text, line): (&'a str, u32),
        header: &'a Header,
        about: &'a About<'_>,
    ) -> Self {
        let (source, options) = (about.source, about.options);
        let mapping = options.mapping.as_ref();
        let places: Vec<_> = source.known.iter().map(|name| header.place(name)).collect();
        let unit = |place: &Option<usize>| header.unit((*place)?).map(str::to_owned);
        let units: Vec<_> = places.iter().map(unit).collect();
        let zone = |unit: &Option<String>| Zone::of_offset(unit.as_deref()?);
        let given = options
            .zone
            .or(mapping.and_then(|one| one.zone))
            .map(Zone::Named);
        let label = options.wallet.as_deref();
        let label = label.or(mapping.and_then(|one| one.wallet.as_deref()));
        let label = label.unwrap_or(source.label);
        Self {
            records: Records::new(text, header.delimiter, header.width()),
            header,
            zones: units.iter().map(zone).collect(),
            units,
            places,
            names: source.known.iter().map(|name| header.name(name)).collect(),
            width: header.width(),
            delimiter: header.delimiter,
            marks: about.marks,
            limits: options.limits,
            source,
            zone: header
                .zone_over()
                .or(given)
                .unwrap_or(Zone::Named(source.zone)),
            wallet: Asset::from(label),
            mapping,
            has_wallet: options.wallet.is_some(),
            owner: about.owner.as_deref(),
            coin: options.coin.as_deref(),
            first_line: line,
            line,
            errors_in_row: 0,
            errors_before: 0,
            last: vec![None; source.known.len()],
            words: Words::default(),
            report: Report::default(),
        }
    }

    /// Goes to the next record that has as many cells as the header; false at the end.
    pub(super) fn next(&mut self) -> Result<bool, ImportError> {
        loop {
            self.close_row();
            if !self.records.next() {
                return Ok(false);
            }
            let lines = u32::try_from(self.records.lines_before()).unwrap_or(u32::MAX);
            self.line = self.first_line.saturating_add(lines);
            if self.report.rows_total == self.limits.rows_max {
                return Err(ImportError::TooManyRows {
                    max: self.limits.rows_max,
                });
            }
            self.report.rows_total += 1;
            if self.records.width() == self.width {
                return Ok(true);
            }
            self.count_flaw();
        }
    }

    fn count_flaw(&mut self) {
        let (cells, width) = (self.records.width(), self.width);
        let help = if cells > width {
            "put quotes around a cell that holds the delimiter, and write no thousands mark"
        } else {
            "the line may have been cut off; cells without a value still need their delimiter"
        };
        self.flaw(
            None,
            Flaw {
                code: "cell_count",
                message: format!("the row has {cells} cells, the header {width}"),
                help: Some(help.to_owned()),
            },
        );
    }

    /// Ends the present row and gives what was found in all of them.
    pub(super) fn finish(mut self) -> Report {
        self.close_row();
        self.report
    }

    fn close_row(&mut self) {
        self.report.bad_rows += u32::from(self.errors_in_row > 0);
        self.errors_in_row = 0;
        // Cells are not read in the order in which they stand.
        let errors = &mut self.report.errors;
        errors[self.errors_before..].sort_by_key(|error| (error.line, error.column));
        self.errors_before = errors.len();
    }

    /// Whether nothing is wrong with the present row so far.
    pub(super) const fn is_good(&self) -> bool {
        self.errors_in_row == 0
    }

    pub(super) const fn line(&self) -> u32 {
        self.line
    }

    /// Zone of the times in a column that name none: that of the column's name, else the file's.
    pub(super) fn zone(&self, column: usize) -> Zone {
        self.zones[column].unwrap_or(self.zone)
    }

    /// How a file of no known source is read.
    pub(super) const fn mapping(&self) -> Option<&'a Mapping> {
        self.mapping
    }

    /// The wallet of rows that name none.
    pub(super) fn wallet(&self) -> Asset {
        Asset::clone(&self.wallet)
    }

    /// The wallet of a row that is about an address: the one that was given, else the address.
    pub(super) fn wallet_of(&mut self, address: &str) -> Asset {
        if self.has_wallet {
            return self.wallet();
        }
        // Files write an address of Ethereum with and without the capitals that check it; on other
        // chains case tells addresses apart.
        match address.starts_with("0x") {
            true => self.shared(&address.to_ascii_lowercase()),
            false => self.shared(address),
        }
    }

    /// The address that the file is about, where it tells.
    pub(super) const fn owner(&self) -> Option<&'a str> {
        self.owner
    }

    /// The coin that a chain's fees are paid in, where somebody said so.
    pub(super) const fn coin(&self) -> Option<&'a str> {
        self.coin
    }

    /// Whether the file has a column.
    pub(super) fn has(&self, column: usize) -> bool {
        self.places[column].is_some()
    }

    /// A cell by its column's exact key, for sources whose columns no list can name.
    pub(super) fn cell_of_key(&self, key: &str) -> Option<&str> {
        let place = self.header.place_of_key(key)?;
        Some(cell(&self.records, Some(place)))
    }

    /// The stable word of the file's source.
    pub(super) const fn source(&self) -> &'static str {
        self.source.name
    }

    /// What a column is called in this file.
    pub(super) fn column_name(&self, column: usize) -> &'static str {
        self.names[column]
    }

    /// The unit in the name of a column, such as `ETH` of `Value_IN(ETH)`.
    pub(super) fn unit(&mut self, column: usize) -> Option<Asset> {
        let unit = self.units[column].clone()?;
        Some(self.shared(&unit))
    }

    /// What marks decimals in the file.
    pub(super) const fn marks(&self) -> Marks {
        self.marks
    }

    /// The one shared copy of a word.
    pub(super) fn shared(&mut self, word: &str) -> Asset {
        self.words.shared(word)
    }

    /// A cell of the present record by its column's place in the source's list, trimmed; empty
    /// where the file has no such column.
    pub(super) fn cell(&self, column: usize) -> &str {
        cell(&self.records, self.places[column])
    }

    /// The one shared copy of a word that many rows repeat.
    pub(super) fn word(&mut self, column: usize) -> Asset {
        let cell = cell(&self.records, self.places[column]);
        if let Some(last) = &self.last[column]
            && **last == *cell
        {
            return Asset::clone(last);
        }
        let word = self.words.shared(cell);
        self.last[column] = Some(Asset::clone(&word));
        word
    }

    /// Records what is wrong with a cell, or with the whole row where no column is given.
    pub(super) fn flaw(&mut self, column: Option<usize>, flaw: Flaw) {
        self.errors_in_row = self.errors_in_row.saturating_add(1);
        self.report.errors_total = self.report.errors_total.saturating_add(1);
        if self.report.errors.len() >= self.limits.row_errors_max {
            return;
        }
        let place = column.and_then(|column| self.places[column]);
        let raw = self.records.raw();
        let at = place.map(|place| cell_start(raw, self.delimiter, place));
        let field = column.map(|column| self.names[column]);
        self.report
            .errors
            .push(flaw.into_error(self.line, raw, at, field));
    }
}

impl Flaw {
    /// The error for a record that begins on `line`; `at` is the byte of the cell in `raw`.
    pub(super) fn into_error(
        self,
        line: u32,
        raw: &str,
        at: Option<usize>,
        field: Option<&str>,
    ) -> RowError {
        let raw = raw.trim_end_matches(['\r', '\n']);
        let cell = at.unwrap_or(0).min(raw.len());
        // A quoted cell may hold line breaks: the error names the physical line.
        let above = raw[..cell].bytes().filter(|byte| *byte == b'\n').count();
        let first = raw[..cell].rfind('\n').map_or(0, |end| end + 1);
        let text = raw[first..].lines().next().unwrap_or_default();
        let before = raw[first..cell].chars().count();
        RowError {
            line: line.saturating_add(u32::try_from(above).unwrap_or(u32::MAX)),
            column: at.map(|_| u32::try_from(before + 1).unwrap_or(u32::MAX)),
            field: field.map(str::to_owned),
            code: self.code.to_owned(),
            message: self.message,
            help: self.help,
            text: text.chars().take(TEXT_CHARS_MAX).collect(),
        }
    }
}

fn cell<'r>(records: &'r Records<'_>, place: Option<usize>) -> &'r str {
    place.map_or("", |place| records.cell(place))
}

/// The byte at which a cell begins in its record.
pub(super) fn cell_start(raw: &str, delimiter: u8, place: usize) -> usize {
    let (mut left, mut quoted) = (place, false);
    for (at, byte) in raw.bytes().enumerate() {
        if left == 0 {
            return at;
        }
        match byte {
            b'"' => quoted = !quoted,
            byte if byte == delimiter && !quoted => left -= 1,
            _ => {}
        }
    }
    raw.len()
}
