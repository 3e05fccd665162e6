//! The records of a stretch of a file, one after the other, and where each stands.

use csv::StringRecord;

use super::{count, header};

/// Walks records. Cells are cut at their delimiters where there are no quotes; with quotes the csv
/// crate reads them.
pub(super) struct Records<'a> {
    text: &'a str,
    cells: Cells<'a>,
    /// Line breaks before the present record.
    breaks: usize,
    /// Byte at which the present record starts, and the one after its last.
    start: usize,
    end: usize,
}

enum Cells<'a> {
    Plain {
        delimiter: u8,
        /// How many cells of a record are kept, whatever it has.
        most: usize,
        /// Those of the present record, and how many it has.
        cells: Vec<&'a str>,
        count: usize,
    },
    Quoted {
        reader: Box<csv::Reader<&'a [u8]>>,
        record: StringRecord,
    },
}

impl<'a> Records<'a> {
    /// The records of a text that begins at a record's start. What is beyond the first `most` cells
    /// of a record is counted and need not be kept.
    pub(super) fn new(text: &'a str, delimiter: u8, most: usize) -> Self {
        let cells = match count(text, b'"') {
            0 => Cells::Plain {
                delimiter,
                most,
                cells: Vec::new(),
                count: 0,
            },
            _ => Cells::quoted(text, delimiter),
        };
        Self {
            text,
            cells,
            breaks: 0,
            start: 0,
            end: 0,
        }
    }

    /// Goes to the next record; false at the end. Blank lines are none.
    pub(super) fn next(&mut self) -> bool {
        let bytes = self.text.as_bytes();
        match &mut self.cells {
            Cells::Plain {
                delimiter,
                most,
                cells,
                count,
            } => {
                self.start = self.end;
                self.breaks += skip_blanks(bytes, &mut self.start);
                let length;
                (length, *count) = cut(&self.text[self.start..], *delimiter, *most, cells);
                self.end = self.start + length;
                self.start < bytes.len()
            }
            Cells::Quoted { reader, record } => {
                let before = reader.position().clone();
                let is_read = reader.read_record(record).unwrap_or(false);
                // The reader counts from line 1.
                self.breaks = usize::try_from(before.line() - 1).unwrap_or(usize::MAX);
                self.start = usize::try_from(before.byte()).unwrap_or(usize::MAX);
                self.end = usize::try_from(reader.position().byte()).unwrap_or(usize::MAX);
                self.breaks += skip_blanks(bytes, &mut self.start);
                is_read
            }
        }
    }

    /// How many cells the present record has.
    pub(super) fn width(&self) -> usize {
        match &self.cells {
            Cells::Plain { count, .. } => *count,
            Cells::Quoted { record, .. } => record.len(),
        }
    }

    /// A cell of the present record, without its quotes and the blanks around it; empty where there
    /// is none, and for one that is not kept.
    #[inline]
    pub(super) fn cell(&self, place: usize) -> &str {
        match &self.cells {
            Cells::Plain { cells, .. } => cells.get(place).copied().unwrap_or_default(),
            Cells::Quoted { record, .. } => trimmed(record.get(place).unwrap_or_default()),
        }
    }

    /// The present record as it stands in the file.
    pub(super) fn raw(&self) -> &'a str {
        self.text.get(self.start..self.end).unwrap_or_default()
    }

    /// How many lines end before the present record.
    pub(super) const fn lines_before(&self) -> usize {
        self.breaks
    }
}

impl<'a> Cells<'a> {
    fn quoted(text: &'a str, delimiter: u8) -> Self {
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            .buffer_capacity(64 * 1024)
            .from_reader(text.as_bytes());
        Self::Quoted {
            reader: Box::new(reader),
            record: StringRecord::new(),
        }
    }
}

/// Cuts the record with which a text begins into its cells, and keeps the first `most` of them;
/// gives its length and how many it has.
fn cut<'a>(text: &'a str, delimiter: u8, most: usize, cells: &mut Vec<&'a str>) -> (usize, usize) {
    cells.clear();
    let mut keep = |cell| {
        if cells.len() < most {
            cells.push(trimmed(cell));
        }
    };
    let bytes = text.as_bytes();
    let (mut start, mut end, mut count) = (0, bytes.len(), 1);
    for (at, &byte) in bytes.iter().enumerate() {
        if byte == delimiter {
            keep(&text[start..at]);
            (start, count) = (at + 1, count + 1);
        } else if is_break(byte) {
            end = at;
            break;
        }
    }
    keep(&text[start..end]);
    (end, count)
}

/// A cell without the blanks around it.
fn trimmed(cell: &str) -> &str {
    let cell = match cell.as_bytes() {
        // Nearly all cells need no trimming.
        [] => return cell,
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => return cell,
        _ => cell.trim_ascii(),
    };
    // Few files mark their cells: the long way is for those alone.
    match cell.as_bytes().first() {
        Some(byte) if !byte.is_ascii() => header::plain(cell),
        _ => cell,
    }
}

const fn is_break(byte: u8) -> bool {
    matches!(byte, b'\r' | b'\n')
}

/// Goes over line breaks, and says how many lines end in them.
fn skip_blanks(bytes: &[u8], at: &mut usize) -> usize {
    let blanks = bytes.get(*at..).unwrap_or_default().iter();
    let blanks = blanks.take_while(|byte| is_break(**byte));
    let lines = blanks.clone().filter(|byte| **byte == b'\n').count();
    *at += blanks.count();
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// More cells than any record here has.
    const WIDE: usize = 100;

    /// Each record with the lines before it, as it stands in the file, and its cells.
    fn all(mut records: Records<'_>) -> Vec<(usize, String, Vec<String>)> {
        let mut all = Vec::new();
        while records.next() {
            let cells = (0..records.width()).map(|place| records.cell(place).to_owned());
            let cells = cells.collect();
            let raw = records.raw().trim_end_matches(['\r', '\n']);
            all.push((records.lines_before(), raw.to_owned(), cells));
            assert_eq!(records.cell(records.width()), "");
        }
        all
    }

    #[test]
    fn a_record_knows_its_line_and_its_text() {
        let text = "a;b\r\n\n;\nlast";
        let cells = |cells: &[&str]| cells.iter().map(|cell| (*cell).to_owned()).collect();
        let expected: Vec<(usize, String, Vec<String>)> = vec![
            (0, "a;b".to_owned(), cells(&["a", "b"])),
            (2, ";".to_owned(), cells(&["", ""])),
            (3, "last".to_owned(), cells(&["last"])),
        ];
        assert_eq!(all(Records::new(text, b';', WIDE)), expected);
    }

    #[test]
    fn cells_beyond_the_most_are_counted_and_not_kept() {
        let text = format!("a,b,c\n{}\nd", ",".repeat(100_000));
        let mut records = Records::new(&text, b',', 2);
        let mut widths = Vec::new();
        while records.next() {
            widths.push(records.width());
            let Cells::Plain { cells, .. } = &records.cells else {
                panic!("no quotes");
            };
            assert!(cells.len() <= 2 && cells.capacity() < 100);
            assert_eq!(records.cell(2), "");
        }
        assert_eq!(widths, [3, 100_001, 1]);
    }

    proptest! {
        #[test]
        fn records_without_quotes_are_those_that_the_csv_crate_reads(text in "[a€ ,;\r\n]{0,40}") {
            let quoted = Records {
                cells: Cells::quoted(&text, b','),
                ..Records::new(&text, b',', WIDE)
            };
            prop_assert_eq!(all(Records::new(&text, b',', WIDE)), all(quoted));
        }
    }
}
