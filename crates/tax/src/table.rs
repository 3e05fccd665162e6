//! Small tables that a person gives beside the ledgers, such as prices: comma separated, with a
//! header, the columns in any order.

/// Why a table cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// A column is not there.
    #[error("the header has no column {column}; needed: {needed}")]
    Column {
        /// Its name.
        column: &'static str,
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

/// Reads a table line by line and gives how many lines there are. `take` is given the number of
/// each line and its cells, trimmed and in the order of `columns`, and says what is wrong with it.
///
/// # Errors
/// [`TableError`] at the first line that is wrong: half a table is worth little.
pub(crate) fn read<const WIDTH: usize>(
    bytes: &[u8],
    columns: [&'static str; WIDTH],
    lines_max: usize,
    mut take: impl FnMut(u64, [&str; WIDTH]) -> Result<(), String>,
) -> Result<usize, TableError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(bytes);
    let header = reader.headers().map_err(|error| unreadable(&error))?;
    let mut places = [0; WIDTH];
    for (place, column) in places.iter_mut().zip(columns) {
        let mut names = header.iter();
        let found = names.position(|name| name.eq_ignore_ascii_case(column));
        *place = found.ok_or_else(|| TableError::Column {
            column,
            needed: columns.join(", "),
        })?;
    }
    let mut count = 0;
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(&error))?;
        let line = record.position().map_or(0, csv::Position::line);
        let cells = places.map(|place| record.get(place).unwrap_or_default());
        take(line, cells).map_err(|what| TableError::Line { line, what })?;
        count += 1;
        if count > lines_max {
            return Err(TableError::TooMany { max: lines_max });
        }
    }
    Ok(count)
}

fn unreadable(error: &csv::Error) -> TableError {
    TableError::Line {
        line: error.position().map_or(1, csv::Position::line),
        what: "not as many cells as the header, or not UTF-8".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_to_two(file: &str) -> Result<usize, String> {
        let said = read(file.as_bytes(), ["a", "b"], 2, |_, cells| match cells {
            ["", _] => Err("a is empty".to_owned()),
            _ => Ok(()),
        });
        said.map_err(|error| error.to_string())
    }

    #[test]
    fn columns_stand_in_any_order_and_case_and_others_are_passed_over() {
        let mut seen = Vec::new();
        let file = "\u{feff}B, c ,A\n1,2, 3\n4,5,6\n";
        let count = read(file.as_bytes(), ["a", "b"], 2, |line, cells| {
            seen.push((line, cells.map(str::to_owned)));
            Ok(())
        });
        assert_eq!(count, Ok(2));
        let cells = |a: &str, b: &str| [a.to_owned(), b.to_owned()];
        assert_eq!(seen, [(2, cells("3", "1")), (3, cells("6", "4"))]);
    }

    #[test]
    fn the_first_thing_that_is_wrong_with_a_table_is_told_with_its_line() {
        assert_eq!(read_to_two("a,b\n1,2\n3,4\n"), Ok(2));
        for (file, said) in [
            ("a,c\n1,2\n", "the header has no column b; needed: a, b"),
            ("a,b\n1,2\n,4\n,5\n", "line 3: a is empty"),
            (
                "a,b\n1,2\n3\n",
                "line 3: not as many cells as the header, or not UTF-8",
            ),
            ("a,b\n1,2\n3,4\n5,6\n", "more than 2 lines in one file"),
        ] {
            assert_eq!(read_to_two(file), Err(said.to_owned()));
        }
    }
}
