//! Files in: bytes of one export become rows of the neutral ledger and a list of what is wrong.
//!
//! One source is one file in `sources` and one line in its list. A source is recognised by its
//! header row alone, never by the file's name.

mod across;
mod cells;
mod chain;
mod decode;
mod duplicates;
mod entry;
mod error;
mod header;
mod join;
mod mapping;
mod owner;
mod records;
mod sheet;
mod sources;
mod symbols;
mod times;
mod wrapped;
mod zone;

use chrono_tz::Tz;
use packtrain_core::ledger::{Row, RowError};
use packtrain_core::limits::{FILE_ROWS_MAX, ROW_ERRORS_MAX};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

pub(crate) use across::is_joined;
pub use across::{PARTS, join_files};
pub use decode::Encoding;
pub(crate) use decode::decode;
pub use error::ImportError;
use header::Header;
pub(crate) use header::{delimiter, short};
use join::Joined;
pub use mapping::{Mapping, Meaning};
use sheet::{Report, Sheet};
use sources::MAPPED;
pub(crate) use sources::account_key;
use sources::neutral::LINE;
pub(crate) use sources::neutral::{named_lots, needs, zero_for_money};

use crate::decimal::Marks;
use crate::engine::LedgerFile;

/// A file is cut for reading side by side only into stretches of at least so many bytes.
const STRETCH_BYTES_MIN: usize = 256 * 1024;

/// A kind of file, told by its header.
struct Source {
    /// The stable word, such as `neutral`.
    name: &'static str,
    /// What people call it, which is the wallet of its rows where the file names none.
    label: &'static str,
    /// Columns without which the file is not of this source. Here and in `known`, `a|b` is a
    /// column that was renamed; [`Header::place`] says what else a name may hold.
    needed: &'static [&'static str],
    /// Every column that is read.
    known: &'static [&'static str],
    /// The column with the rows' own ids, where the source has one.
    id: Option<&'static str>,
    /// The places in `known` of the columns with its own words for what a row is, where these say
    /// more than the kind that the row is read as.
    words: &'static [usize],
    /// The columns with who sends and who receives, where only they tell which way a row goes.
    owner: Option<(&'static str, &'static str)>,
    /// Zone of the times in the file, where they name none and nobody says otherwise.
    zone: Tz,
    /// Reads one record into a row, or says all that is wrong with it. A record that is no
    /// business of the ledger gives none, and no error.
    read: for<'a> fn(&mut Sheet<'a>) -> Option<Row>,
    /// Puts rows together that are parts of one transaction, where the source has such.
    join: Option<fn(Vec<Row>) -> Joined>,
}

/// How a file is read, where it does not say so itself.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How much of it is read.
    pub limits: Limits,
    /// Zone of times that name none.
    pub zone: Option<Tz>,
    /// The account or wallet of its rows, where the file names none. For a file of a chain this
    /// is the address that the file is about.
    pub wallet: Option<String>,
    /// Which of its columns hold what: then no source is looked for.
    pub mapping: Option<Mapping>,
    /// The coin that a chain's fees are paid in, where the file does not name it.
    pub coin: Option<String>,
    /// Codes of currencies that are the symbols of coins in this file.
    pub coins: Vec<String>,
    /// Symbols of coins that are codes of currencies in this file.
    pub money: Vec<String>,
}

/// How much of one file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Data rows; more is an [`ImportError::TooManyRows`].
    pub rows_max: u32,
    /// Row errors that are kept; further ones are counted only.
    pub row_errors_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rows_max: FILE_ROWS_MAX,
            row_errors_max: ROW_ERRORS_MAX,
        }
    }
}

/// Why a file whose header fits several sources was read as the one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The sources that it could have been.
    pub over: Vec<&'static str>,
    /// The columns that decided: those that of all these only the chosen source needs.
    pub columns: Vec<&'static str>,
}

/// A file that was read.
#[derive(Debug, Clone)]
pub struct Import {
    /// The source that the header told, such as `neutral`.
    pub source: &'static str,
    /// Why it is that source, where the header fits others too.
    pub decision: Option<Decision>,
    /// The header's cells as they stand in the file.
    pub header: Vec<String>,
    /// Good rows, in file order.
    pub rows: Vec<Row>,
    /// What is wrong, in file order; at most [`Limits::row_errors_max`].
    pub errors: Vec<RowError>,
    /// How many errors there are, those beyond the limit included.
    pub errors_total: u32,
    /// Data rows of the file, good and bad.
    pub rows_total: u32,
    /// Rows with at least one error; they are not in `rows`.
    pub bad_rows: u32,
    /// How the text was encoded.
    pub encoding: Encoding,
    /// SHA-256 of the file's bytes, 64 lower-case hexadecimal digits.
    pub sha256: String,
}

impl Import {
    /// The good rows as a ledger of the given name, for [`compute`](crate::compute).
    pub fn into_ledger(self, name: impl Into<String>) -> LedgerFile {
        LedgerFile {
            name: name.into(),
            sha256: self.sha256,
            source: self.source.to_owned(),
            rows: self.rows,
        }
    }
}

/// Reads one file: all good rows and all errors at once.
///
/// # Errors
/// [`ImportError`] when the file as a whole cannot be read: nothing in it, a wrong encoding, an
/// unknown header, too many rows.
pub fn read(bytes: &[u8], limits: Limits) -> Result<Import, ImportError> {
    let options = Options {
        limits,
        ..Options::default()
    };
    read_with(bytes, &options)
}

/// As [`read`], told what the file does not say.
///
/// # Errors
/// As [`read`].
pub fn read_with(bytes: &[u8], options: &Options) -> Result<Import, ImportError> {
    let (result, sha256) = rayon::join(|| read_text(bytes, options), || digest(bytes));
    let mut import = result?;
    import.sha256 = sha256;
    Ok(import)
}

fn read_text(bytes: &[u8], options: &Options) -> Result<Import, ImportError> {
    let limits = options.limits;
    let (text, encoding) = decode(bytes)?;
    let (header, told) = match &options.mapping {
        Some(mapping) => Header::find_mapped(&text, mapping, &MAPPED)?,
        None => Header::find(&text, sources::ALL)?,
    };
    let source = told.source;
    let about = About::of(&text, &header, source, options);
    let stretches = stretches(&text, header.body);
    let room: usize = stretches.iter().map(|stretch| stretch.room(limits)).sum();
    // One allocation that all stretches write into, each in its own place. It is made side by side:
    // the first touch of a page of memory is dear.
    let mut rows: Vec<Option<Row>> = Vec::new();
    rows.par_extend(rayon::iter::repeat_n(None, room));
    let mut free = rows.as_mut_slice();
    let mut work = Vec::with_capacity(stretches.len());
    for stretch in stretches {
        let (own, others) = free.split_at_mut(stretch.room(limits));
        work.push((stretch, own));
        free = others;
    }
    let reports: Vec<Report> = work
        .into_par_iter()
        .map(|(stretch, rows)| read_stretch(&stretch, rows, &header, &about))
        .collect::<Result<_, _>>()?;
    let mut report = Report::default();
    reports.into_iter().for_each(|later| report.add(later));
    #[expect(
        clippy::filter_map_identity,
        reason = "flatten would not reuse the allocation"
    )]
    let mut rows: Vec<Row> = rows.into_iter().filter_map(|row| row).collect();
    if report.rows_total > limits.rows_max {
        return Err(ImportError::TooManyRows {
            max: limits.rows_max,
        });
    }
    if let Some(column) = source.id.filter(|column| header.place(column).is_some()) {
        duplicates::take_out(&text, &header, column, &mut rows, &mut report);
    }
    let mut joined = match source.join {
        Some(join) => join(rows),
        None => Joined::from(rows),
    };
    join::complete(&mut joined);
    symbols::tell_apart(&mut joined.rows, source.name, options);
    join::tell(&text, joined.flaws, &mut report);
    report.errors.truncate(limits.row_errors_max);
    Ok(Import {
        source: source.name,
        decision: told.decision,
        header: header.into_cells(),
        rows: joined.rows,
        errors: report.errors,
        errors_total: report.errors_total,
        rows_total: report.rows_total,
        bad_rows: report.bad_rows,
        encoding,
        sha256: String::new(),
    })
}

/// What is known of a file before its rows are read.
struct About<'a> {
    source: &'static Source,
    options: &'a Options,
    /// The address that the file is about, where it has addresses and tells.
    owner: Option<String>,
    /// What marks decimals in it.
    marks: Marks,
}

impl<'a> About<'a> {
    fn of(text: &str, header: &Header, source: &'static Source, options: &'a Options) -> Self {
        let owner = source.owner.and_then(|columns| {
            let wallet = options.wallet.as_deref();
            owner::find(&text[header.body.0..], header, columns, wallet)
        });
        Self {
            source,
            options,
            owner,
            marks: Marks::of(&text[header.body.0..], header.delimiter),
        }
    }
}

/// Reads the good rows of a stretch into their places.
fn read_stretch<'a>(
    stretch: &Stretch<'a>,
    places: &mut [Option<Row>],
    header: &'a Header,
    about: &'a About<'_>,
) -> Result<Report, ImportError> {
    let mut sheet = Sheet::new((stretch.text, stretch.line), header, about);
    let mut places = places.iter_mut();
    while sheet.next()? {
        if let Some(mut row) = (about.source.read)(&mut sheet) {
            entry::note_words(&sheet, about.source.words, &mut row);
            // A stretch has room for a row on every line.
            if let Some(place) = places.next() {
                *place = Some(row);
            }
        }
    }
    Ok(sheet.finish())
}

/// Whole rows of a file that can be read beside others.
struct Stretch<'a> {
    text: &'a str,
    /// Line on which it begins.
    line: u32,
    /// How many lines it has at most.
    lines: usize,
}

impl<'a> Stretch<'a> {
    fn new(text: &'a str, line: u32) -> Self {
        Self {
            text,
            line,
            lines: lines(text) + 1,
        }
    }

    fn room(&self, limits: Limits) -> usize {
        self.lines
            .min(usize::try_from(limits.rows_max).unwrap_or(usize::MAX))
    }
}

/// Cuts the data rows into stretches.
///
/// A line break inside quotes ends no row, so a file with quotes is one stretch.
fn stretches(text: &str, (start, line): (usize, u32)) -> Vec<Stretch<'_>> {
    let rest = &text[start..];
    // Where a file starts below its header, the mark of its encoding is there.
    let (mut rest, mut line) = (rest.strip_prefix('\u{feff}').unwrap_or(rest), line);
    let size = (rest.len() / rayon::current_num_threads().max(1)).max(STRETCH_BYTES_MIN);
    let has_quotes = count(rest, b'"') > 0;
    let mut stretches = Vec::new();
    while rest.len() > size && !has_quotes {
        let Some(end) = rest.as_bytes()[size..]
            .iter()
            .position(|byte| *byte == b'\n')
        else {
            break;
        };
        let (text, more) = rest.split_at(size + end + 1);
        stretches.push(Stretch::new(text, line));
        let lines = count(text, b'\n');
        line = line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        rest = more;
    }
    stretches.push(Stretch::new(rest, line));
    stretches
}

/// How many lines end in a text, by whatever marks the end.
fn lines(text: &str) -> usize {
    let alone = |pair: &&[u8]| pair[0] == b'\r' && pair[1] != b'\n';
    let returns = match count(text, b'\r') {
        0 => 0,
        _ => text.as_bytes().windows(2).filter(alone).count(),
    };
    count(text, b'\n') + returns
}

/// How often a byte of ASCII occurs. Short sums of bytes let the compiler look at many at once.
fn count(text: &str, wanted: u8) -> usize {
    let short = |chunk: &[u8]| {
        chunk.iter().fold(0_u8, |sum, byte| {
            sum.wrapping_add(u8::from(*byte == wanted))
        })
    };
    text.as_bytes()
        .chunks(128)
        .map(|chunk| usize::from(short(chunk)))
        .sum()
}

/// The source of a row that is named after its line, since its file names no rows: `binance` of
/// `binance-7`, and of `binance-7-2` where the line gave several. None for a row with a name.
pub(crate) fn source_of_line(row: &Row) -> Option<&str> {
    let id: &str = &row.id;
    let is_line = |rest: &str| {
        let number = rest.split('-').next();
        number.and_then(|number| number.parse().ok()) == Some(row.line)
    };
    let mut dashes = id.match_indices('-');
    let (end, _) = dashes.find(|(dash, _)| is_line(&id[dash + 1..]))?;
    let name = &id[..end];
    let is_known = [LINE, MAPPED.name].contains(&name)
        || sources::ALL.iter().any(|source| source.name == name);
    is_known.then_some(name)
}

/// SHA-256 of bytes, 64 lower-case hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests;
