//! Form 8949 in the Tax Exchange Format, version 042 of 30 November 2011, which tax programs
//! import.
//!
//! Confirmed in the text of that version: the header (`V`, `A`, `D`, `^`); records of format 4 with
//! `TD`, `N`, `C1`, `L1`, `P` security, `D` acquired, `D` sold, `$` cost basis, `$` sales net of
//! commission, `^`; dates as MM/DD/YYYY, an unknown date of acquisition as an empty `D`; an ASCII
//! file without tabs; format 5 with a last `$` for a loss that is not allowed. The text has a
//! number for each copy of Form 8949, A to C, and term. In 2011 and 2012 the long-term boxes had
//! these letters too; their later letters are those of the same copies:
//!
//! | short-term box | number | | long-term box | to 2012 | number |
//! | --- | --- | --- | --- | --- | --- |
//! | A | 321 | | D | A | 323 |
//! | B | 711 | | E | B | 713 |
//! | C | 712 | | F | C | 714 |
//!
//! Boxes G to L came with the form of 2025. Version 042 has no numbers for them, and no later
//! version was found: sales from 2025 on are in the CSV alone. The format has no field that leads
//! to a ledger row; the lines stand in the order of the CSV.

use std::io;

use packtrain_tax::outcome::{TaxYear, Term};

use super::cents::Cents;
use super::form_8949::{date, sheets};
use super::statement::{Columns, Entry};
use crate::{Document, ENGINE, ReportError};

const VERSION: &str = "V042";
/// Letters of a description; programs cut longer ones.
const DESCRIPTION_CHARS_MAX: usize = 60;

/// The number of a box. Its letter alone does not tell the term: A to C were the boxes of both
/// parts in 2011 and 2012.
const fn reference(term: Option<Term>, name: char) -> Option<u16> {
    let Some(term) = term else {
        return None;
    };
    Some(match (term, name) {
        (Term::Short, 'A') => 321,
        (Term::Short, 'B') => 711,
        (Term::Short, 'C') => 712,
        (Term::Long, 'A' | 'D') => 323,
        (Term::Long, 'B' | 'E') => 713,
        (Term::Long, 'C' | 'F') => 714,
        _ => return None,
    })
}

pub(super) fn write(
    document: &Document<'_>,
    year: TaxYear,
    mut writer: impl io::Write,
) -> Result<bool, ReportError> {
    let mut records = String::new();
    for sheet in sheets(document, year)? {
        let Some(number) = reference(sheet.term, sheet.name) else {
            continue;
        };
        for (entry, cents) in sheet.entries.iter().zip(&sheet.cents) {
            records.push_str(&record(number, entry, cents));
        }
    }
    if records.is_empty() {
        return Ok(false);
    }
    let made = document.generated_at.format("%m/%d/%Y");
    let text = format!("{VERSION}\r\nA{ENGINE}\r\nD {made}\r\n^\r\n{records}");
    writer
        .write_all(text.as_bytes())
        .map_err(ReportError::Form)?;
    Ok(true)
}

fn record(number: u16, entry: &Entry<'_>, cents: &Columns<Cents>) -> String {
    let acquired = entry.first.acquired.map(date).unwrap_or_default();
    let denied = match cents.denied == Cents::ZERO {
        true => String::new(),
        false => format!("${}\r\n", cents.denied),
    };
    format!(
        "TD\r\nN{number}\r\nC1\r\nL1\r\nP{}\r\nD{acquired}\r\nD{}\r\n${}\r\n${}\r\n{denied}^\r\n",
        plain(&entry.description()),
        date(entry.first.date),
        cents.cost,
        cents.proceeds,
    )
}

/// Text that cannot end a line or a record, in the letters of the format.
fn plain(text: &str) -> String {
    let letters = text.chars().take(DESCRIPTION_CHARS_MAX);
    letters
        .map(|letter| match letter {
            '^' => '?',
            ' '..='~' => letter,
            _ => '?',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{YearSelection, sample};

    fn txf(asset: &str, form_box: char) -> Option<String> {
        let mut outcome = sample::empty();
        let mut line = sample::sale("t2", asset, "10", "4");
        line.form_box = Some(form_box);
        outcome.disposals.push(line);
        let document = Document {
            outcome: &outcome,
            years: YearSelection::All,
            inputs: &[],
            inventories: &[],
            generated_at: sample::at(),
            taxpayer: None,
        };
        let mut bytes = Vec::new();
        let is_written = write(&document, TaxYear(2025), &mut bytes).unwrap();
        is_written.then(|| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn each_box_to_2024_has_its_reference_number_and_later_boxes_have_none() {
        let of = |term, names: &str| -> Vec<_> {
            names
                .chars()
                .map(|name| reference(Some(term), name))
                .collect()
        };
        assert_eq!(of(Term::Short, "ABC"), [321, 711, 712].map(Some));
        assert_eq!(of(Term::Long, "DEF"), [323, 713, 714].map(Some));
        assert_eq!(of(Term::Short, "GHI"), [None; 3]);
        assert_eq!(of(Term::Long, "JKL"), [None; 3]);
        assert_eq!(txf("BTC", 'L'), None);
    }

    #[test]
    fn a_name_cannot_end_its_line_or_its_record() {
        let text = txf("A\r\n^\r\nTD\t€", 'C').unwrap();
        assert!(text.contains("\r\nP0.5 A?????TD??\r\n"), "{text}");
        assert_eq!(text.lines().filter(|line| *line == "^").count(), 2);
        assert!(text.is_ascii());
    }
}
