//! Small tables that a person gives beside the ledgers, such as prices: separated by commas,
//! semicolons or tabs, with a header, the columns in any order.

use csv::ErrorKind;
use packtrain_core::quantity::counted;

use crate::decimal::{HELP, Marks};
use crate::import::{ImportError, decode, delimiter, short};

/// Why a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// The bytes are no text, or nothing is in it.
    #[error(transparent)]
    Text(#[from] ImportError),
    /// A column is not there.
    #[error("line {line}: the header {found:?} has no column {column}; needed: {needed}")]
    Column {
        /// The line of the header, counted from 1.
        line: u64,
        /// Its name.
        column: &'static str,
        /// The header as it stands there.
        found: String,
        /// The names of all columns.
        needed: String,
    },
    /// A line that is wrong.
    #[error("line {line}: {what}")]
    Line {
        /// Counted from 1 with the header.
        line: u64,
        /// What is wrong with it.
        what: String,
    },
    /// More than one file may have.
    #[error("more than {max} lines in one file")]
    TooMany {
        /// How many it may have.
        max: usize,
    },
}

/// What a table has.
pub(crate) struct Form<const WIDTH: usize> {
    /// Its columns; a file may have others, which are passed over.
    pub(crate) columns: [&'static str; WIDTH],
    /// The place among them of the one that holds an amount.
    pub(crate) amount: usize,
    /// How many lines it may have.
    pub(crate) lines_max: usize,
}

/// Reads a table line by line and gives how many lines there are. `take` is given the number of
/// each line and its cells, trimmed and in the order of the columns, the amount with a point as its
/// mark of decimals, and says what is wrong with it.
///
/// # Errors
/// [`TableError`] at the first line that is wrong: half a table is worth little.
pub(crate) fn read<const WIDTH: usize>(
    bytes: &[u8],
    form: &Form<WIDTH>,
    mut take: impl FnMut(u64, [&str; WIDTH]) -> Result<(), String>,
) -> Result<usize, TableError> {
    let (text, _) = decode(bytes)?;
    let (text, first) = without_blank_lines(&text);
    let delimiter = delimiter(text.lines().next().unwrap_or_default());
    let marks = Marks::of(text, delimiter);
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .delimiter(delimiter)
        .from_reader(text.as_bytes());
    let header = reader
        .headers()
        .map_err(|error| unreadable(text, first, &error))?;
    let places = places(text, first, header, form.columns)?;
    let (mut count, mut at) = (0, (0, first));
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(text, first, &error))?;
        at = line_of(text, at, record.position());
        let line = at.1;
        let wrong = |what| TableError::Line { line, what };
        let mut cells = places.map(|place| record.get(place).unwrap_or_default());
        let amount = marks.plain(cells[form.amount]);
        let amount = amount.map_err(|what| wrong(format!("{what}; {HELP}")))?;
        cells[form.amount] = &amount;
        take(line, cells).map_err(wrong)?;
        count += 1;
        if count > form.lines_max {
            let max = form.lines_max;
            return Err(TableError::TooMany { max });
        }
    }
    Ok(count)
}

/// The text from its header on, and the header's line.
fn without_blank_lines(text: &str) -> (&str, u64) {
    let blank = &text[..text.len() - text.trim_start().len()];
    let start = blank.rfind('\n').map_or(0, |end| end + 1);
    let lines = text[..start].bytes().filter(|byte| *byte == b'\n').count();
    (&text[start..], lines as u64 + 1)
}

/// Where each column stands.
fn places<const WIDTH: usize>(
    text: &str,
    line: u64,
    header: &csv::StringRecord,
    columns: [&'static str; WIDTH],
) -> Result<[usize; WIDTH], TableError> {
    let mut places = [0; WIDTH];
    for (place, column) in places.iter_mut().zip(columns) {
        let mut names = header.iter();
        let found = names.position(|name| name.eq_ignore_ascii_case(column));
        *place = found.ok_or_else(|| TableError::Column {
            line,
            column,
            found: short(text.lines().next().unwrap_or_default()),
            needed: columns.join(", "),
        })?;
    }
    Ok(places)
}

/// The byte and the line of a record, counted on from a byte before it and its line. The reader's
/// own count is one short where lines end in two characters, and stands before blank lines.
fn line_of(
    text: &str,
    (from, line): (usize, u64),
    position: Option<&csv::Position>,
) -> (usize, u64) {
    let byte = position.and_then(|position| usize::try_from(position.byte()).ok());
    let rest = &text.as_bytes()[byte.unwrap_or(from).clamp(from, text.len())..];
    let breaks = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
    let at = text.len() - rest.len() + breaks.count();
    let passed = text.as_bytes()[from..at].iter();
    let lines = passed.filter(|byte| **byte == b'\n').count() as u64;
    (at, line + lines)
}

fn unreadable(text: &str, first: u64, error: &csv::Error) -> TableError {
    let (_, line) = line_of(text, (0, first), error.position());
    let before = usize::try_from(line - first).unwrap_or(usize::MAX);
    let found = short(text.lines().nth(before).unwrap_or_default());
    let what = match error.kind() {
        ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            let cells = counted(*len, "cell", "cells");
            format!("{cells} where the header has {expected_len}: {found:?}")
        }
        _ => format!("{found:?} cannot be read: {error}"),
    };
    TableError::Line { line, what }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: Form<2> = Form {
        columns: ["a", "b"],
        amount: 1,
        lines_max: 2,
    };

    fn read_to_two(file: &str) -> Result<usize, String> {
        let said = read(file.as_bytes(), &FORM, |_, cells| match cells {
            ["", _] => Err("a is empty".to_owned()),
            _ => Ok(()),
        });
        said.map_err(|error| error.to_string())
    }

    fn seen(file: &[u8]) -> Vec<(u64, [String; 2])> {
        let mut seen = Vec::new();
        let count = read(file, &FORM, |line, cells| {
            seen.push((line, cells.map(str::to_owned)));
            Ok(())
        });
        assert_eq!(count, Ok(seen.len()));
        seen
    }

    fn cells(a: &str, b: &str) -> [String; 2] {
        [a.to_owned(), b.to_owned()]
    }

    #[test]
    fn columns_stand_in_any_order_and_case_and_others_are_passed_over() {
        let seen = seen("\u{feff}B, c ,A\n1,2, 3\n4,5,6\n".as_bytes());
        assert_eq!(seen, [(2, cells("3", "1")), (3, cells("6", "4"))]);
    }

    #[test]
    fn commas_semicolons_and_tabs_part_the_cells_of_a_table() {
        let expected = [(2, cells("x", "1234.56")), (3, cells("y", "7"))];
        let semicolons = "\u{feff}a;b\r\nx;1234,56\r\n\"y\";7\r\n";
        for file in [
            "a,b\nx,1234.56\ny,7\n",
            "a\tb\nx\t1234.56\ny\t7\n",
            "a;b\nx;1234.56\ny;7\n",
            semicolons,
        ] {
            assert_eq!(seen(file.as_bytes()), expected, "{file:?}");
        }
        let utf16 = semicolons.encode_utf16().flat_map(u16::to_le_bytes);
        assert_eq!(seen(&utf16.collect::<Vec<_>>()), expected);
    }

    #[test]
    fn the_first_thing_that_is_wrong_with_a_table_is_told_with_its_line_and_text() {
        assert_eq!(read_to_two("a,b\n1,2\n3,4\n"), Ok(2));
        for (file, said) in [
            (
                "a;c\n1;2\n",
                "line 1: the header \"a;c\" has no column b; needed: a, b",
            ),
            (
                "\r\n  \r\na;c\r\n1;2\r\n",
                "line 3: the header \"a;c\" has no column b; needed: a, b",
            ),
            ("\n \na,b\n1,2\n\n,4\n", "line 6: a is empty"),
            (
                "\n \na,b\n1,2,3\n",
                "line 4: 3 cells where the header has 2: \"1,2,3\"",
            ),
            ("a,b\n1,2\n,4\n,5\n", "line 3: a is empty"),
            (
                "a,b\n1,2\n3\n",
                "line 3: 1 cell where the header has 2: \"3\"",
            ),
            ("a,b\n1,2\n3,4\n5,6\n", "more than 2 lines in one file"),
            (
                "a;b\nx;1.234,56\n",
                "line 2: \"1.234,56\" may mean two numbers: it has more than one mark; write \
                 1234.56 or 1234,56, one way in all of the file, without a mark of thousands",
            ),
            ("a;b\r\n1;2\r\n\r\n;4\r\n", "line 4: a is empty"),
            (" \n", "the file is empty"),
        ] {
            assert_eq!(read_to_two(file), Err(said.to_owned()));
        }
    }
}
