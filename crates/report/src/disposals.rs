//! The disposals as CSV: one line per disposal and lot, for spreadsheets and for auditors.

use std::fmt::{self, Write};
use std::io;

use packtrain_core::time::day;
use packtrain_tax::outcome::Disposal;

use crate::cells::inert;
use crate::figures::{disposals, file_name};
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
pub fn write_csv(document: &Document<'_>, writer: impl io::Write) -> Result<(), ReportError> {
    let mut writer = csv::Writer::from_writer(writer);
    writer.write_record(HEADER).map_err(ReportError::Csv)?;
    let mut cells = Cells {
        writer,
        text: String::new(),
    };
    for line in disposals(document) {
        write_line(&mut cells, line, document.inputs).map_err(ReportError::Csv)?;
    }
    let flushed = cells.writer.flush();
    flushed.map_err(|error| ReportError::Csv(error.into()))
}

/// Writes cell by cell; what is no text yet becomes one in the same memory each time.
struct Cells<W: io::Write> {
    writer: csv::Writer<W>,
    text: String,
}

impl<W: io::Write> Cells<W> {
    fn text(&mut self, text: &str) -> csv::Result<()> {
        self.writer.write_field(text)
    }

    fn shown(&mut self, value: impl fmt::Display) -> csv::Result<()> {
        self.text.clear();
        // A string takes all that is written to it.
        let _ = write!(self.text, "{value}");
        self.writer.write_field(&self.text)
    }

    fn shown_or_empty(&mut self, value: Option<impl fmt::Display>) -> csv::Result<()> {
        match value {
            Some(value) => self.shown(value),
            None => self.text(""),
        }
    }

    fn end_line(&mut self) -> csv::Result<()> {
        self.writer.write_record(None::<&[u8]>)
    }
}

fn write_line<W: io::Write>(
    cells: &mut Cells<W>,
    line: &Disposal,
    inputs: &[InputFile],
) -> csv::Result<()> {
    cells.text(&inert(&line.id))?;
    cells.text(line.kind.as_str())?;
    cells.text(&inert(&line.asset))?;
    cells.text(&inert(&line.wallet))?;
    cells.shown(day(line.date))?;
    cells.shown(line.quantity)?;
    for amount in [
        line.proceeds,
        line.fees,
        line.cost,
        line.gain,
        line.denied_loss,
    ] {
        cells.shown(amount.fixed(CENTS))?;
    }
    cells.text(line.gain.currency().code())?;
    cells.text(line.term.map_or("", |term| term.as_str()))?;
    cells.text(line.rule)?;
    cells.shown_or_empty(line.acquired.map(day))?;
    cells.shown_or_empty(days_held(line))?;
    cells.text(&inert(line.lot.as_deref().unwrap_or_default()))?;
    cells.shown_or_empty(line.form_box)?;
    cells.shown(line.is_fee)?;
    cells.text(&inert(file_name(line.origin, inputs).unwrap_or_default()))?;
    cells.shown(line.origin.line)?;
    // A sentence of ours, which begins with a letter.
    cells.shown(&line.why)?;
    cells.end_line()
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
