//! The disposals as CSV: one line per disposal and lot, for spreadsheets and for auditors.

use std::io;

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
    for line in disposals(document) {
        write_line(&mut writer, line, document.inputs).map_err(ReportError::Csv)?;
    }
    writer
        .flush()
        .map_err(|error| ReportError::Csv(error.into()))
}

fn write_line<W: io::Write>(
    writer: &mut csv::Writer<W>,
    line: &Disposal,
    inputs: &[InputFile],
) -> csv::Result<()> {
    let acquired = line.acquired.map(|date| date.to_string());
    let days_held = days_held(line).map(|days| days.to_string());
    let file = file_name(line.origin, inputs).unwrap_or_default();
    writer.write_record([
        &*inert(&line.id),
        line.kind.as_str(),
        &*inert(&line.asset),
        &*inert(&line.wallet),
        &line.date.to_string(),
        &line.quantity.to_string(),
        &line.proceeds.to_cents(),
        &line.fees.to_cents(),
        &line.cost.to_cents(),
        &line.gain.to_cents(),
        &line.denied_loss.to_cents(),
        line.gain.currency().code(),
        line.term.map_or("", |term| term.as_str()),
        line.rule,
        acquired.as_deref().unwrap_or_default(),
        days_held.as_deref().unwrap_or_default(),
        &*inert(line.lot.as_deref().unwrap_or_default()),
        &line.form_box.map(String::from).unwrap_or_default(),
        if line.is_fee { "true" } else { "false" },
        &*inert(file),
        &line.origin.line.to_string(),
        &*inert(&line.why.to_string()),
    ])
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
