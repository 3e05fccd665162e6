//! The disposals as CSV: one line per disposal and lot, for spreadsheets and for auditors.

use std::io::{self, Write};

use packtrain_tax::outcome::Disposal;

use crate::cells::inert;
use crate::figures::{disposals, file_name};
use crate::lines::{self, Text};
use crate::{Document, InputFile, ReportError};

const HEADER: [&str; 22] = [
    "id",
    "type",
    "asset",
    "wallet",
    "date",
    "quantity",
    "proceeds",
    "fees",
    "cost",
    "gain",
    "denied_loss",
    "currency",
    "term",
    "rule",
    "acquired",
    "days_held",
    "lot",
    "form_box",
    "is_fee",
    "file",
    "line",
    "why",
];

/// Decimals of an amount of money.
const CENTS: u32 = 2;

/// Writes one line per disposal and lot of the selected years.
///
/// Cells that hold text from the input and begin like a formula are written with an apostrophe
/// before them, so that no spreadsheet runs them; amounts and dates stay as they are.
///
/// # Errors
/// [`ReportError::Csv`] when the writer fails.
pub fn write_csv(document: &Document<'_>, mut writer: impl Write) -> Result<(), ReportError> {
    write_lines(document, &mut writer).map_err(|error| ReportError::Csv(error.into()))
}

fn write_lines(document: &Document<'_>, writer: &mut impl Write) -> io::Result<()> {
    writer.write_all(HEADER.join(",").as_bytes())?;
    writer.write_all(b"\n")?;
    lines::write(disposals(document), writer, |text, line| {
        add(text, line, document.inputs);
    })?;
    writer.flush()
}

/// Adds the cells of a line, a comma behind each but the last.
fn add(text: &mut Text, line: &Disposal, inputs: &[InputFile]) {
    from_input(text, &line.id);
    word(text, line.kind.as_str());
    from_input(text, &line.asset);
    from_input(text, &line.wallet);
    text.day(line.date);
    text.plain(",");
    text.plain(line.quantity.text().as_bytes());
    text.plain(",");
    for amount in [
        line.proceeds,
        line.fees,
        line.cost,
        line.gain,
        line.denied_loss,
    ] {
        text.plain(amount.fixed(CENTS).as_bytes());
        text.plain(",");
    }
    word(text, line.gain.currency().code());
    word(text, line.term.map_or("", |term| term.as_str()));
    word(text, line.rule);
    if let Some(acquired) = line.acquired {
        text.day(acquired);
    }
    text.plain(",");
    if let Some(days) = days_held(line) {
        text.number(days);
    }
    text.plain(",");
    from_input(text, line.lot.as_deref().unwrap_or_default());
    if let Some(form_box) = line.form_box {
        text.plain(form_box.encode_utf8(&mut [0; 4]));
    }
    text.plain(",");
    word(text, if line.is_fee { "true" } else { "false" });
    from_input(text, file_name(line.origin, inputs).unwrap_or_default());
    text.number(line.origin.line);
    text.plain(",");
    // A sentence of ours, which begins with a letter.
    text.why(line, quoted);
    text.plain("\n");
}

/// Adds a word of ours, which needs no quotes.
fn word(text: &mut Text, word: &str) {
    text.plain(word);
    text.plain(",");
}

/// Adds a cell with text from the input.
fn from_input(text: &mut Text, cell: &str) {
    quoted(text, &inert(cell));
    text.plain(",");
}

/// Adds a text, in quotes where it would else be taken for more than one cell.
fn quoted(text: &mut Text, cell: &str) {
    let is_plain = |byte: u8| !matches!(byte, b',' | b'"' | b'\r' | b'\n');
    if cell.bytes().all(is_plain) {
        return text.plain(cell);
    }
    text.plain("\"");
    text.plain(cell.replace('"', "\"\""));
    text.plain("\"");
}

/// Days between acquisition and disposal, where a purchase is on record.
pub(crate) fn days_held(line: &Disposal) -> Option<i64> {
    // What is matched with a pool or with purchases near by is not held as a lot.
    let acquired = line.acquired.filter(|_| line.lot.is_some())?;
    Some(line.date.signed_duration_since(acquired).num_days())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{YearSelection, sample};

    fn csv(outcome: &packtrain_tax::outcome::Outcome) -> Vec<csv::StringRecord> {
        let document = Document {
            outcome,
            years: YearSelection::All,
            inputs: &[InputFile {
                name: "=file.csv".to_owned(),
                sha256: String::new(),
                rows: 1,
                bad_rows: 0,
            }],
            inventories: &[],
            generated_at: sample::at(),
            taxpayer: None,
        };
        let mut bytes = Vec::new();
        write_csv(&document, &mut bytes).unwrap();
        let mut reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .from_reader(&*bytes);
        reader.records().map(Result::unwrap).collect()
    }

    #[test]
    fn there_is_one_line_for_each_disposal_under_one_header() {
        let outcome = sample::outcome(40);
        let lines = csv(&outcome);
        assert_eq!(lines.len(), 41);
        assert_eq!(lines[0], csv::StringRecord::from(HEADER.to_vec()));
        assert_eq!(&lines[1][0], "t1");
    }

    #[test]
    fn text_that_begins_like_a_formula_is_made_inert_and_amounts_stay_numbers() {
        let mut outcome = sample::empty();
        for start in ["=", "+", "-", "@", "\t", "\r"] {
            let name = format!("{start}HYPERLINK(1)");
            let mut line = sample::sale(&name, &name, "10", "13.5");
            (line.wallet, line.lot) = (name.as_str().into(), Some(name.as_str().into()));
            outcome.disposals.push(line);
        }
        for line in csv(&outcome).iter().skip(1) {
            for cell in [0, 2, 3, 16, 19] {
                assert!(line[cell].starts_with('\''), "{:?}", &line[cell]);
            }
            assert_eq!((&line[6], &line[8], &line[9]), ("10.00", "13.50", "-3.50"));
        }
    }

    #[test]
    fn text_with_marks_of_cells_and_lines_stands_in_quotes_and_reads_back() {
        let mut outcome = sample::empty();
        let names = [
            "a,b", "a \"b\"", "a\nb", "a\rb", "=\"a\"", "#a", "a;b", " a",
        ];
        for name in names {
            outcome.disposals.push(sample::sale(name, "BTC", "10", "0"));
        }
        let lines = csv(&outcome);
        let read: Vec<_> = lines
            .iter()
            .skip(1)
            .map(|line| line[0].to_owned())
            .collect();
        let expected = names.map(|name| inert(name).into_owned());
        assert_eq!(read, expected);
    }

    #[test]
    fn what_is_not_on_record_is_an_empty_cell() {
        let mut outcome = sample::empty();
        let mut line = sample::sale("t2", "BTC", "10", "0");
        (line.acquired, line.lot, line.term) = (None, None, None);
        outcome.disposals.push(line);
        let lines = csv(&outcome);
        assert!(
            [12, 14, 15, 16]
                .iter()
                .all(|cell| lines[1][*cell].is_empty())
        );
    }
}
