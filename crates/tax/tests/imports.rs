//! Every source reads its sample to the neutral rows beside it, however the file was touched.
//!
//! `SNAPSHOTS=overwrite cargo test -p packtrain-tax --test imports` writes the rows anew.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::{Path, PathBuf};
use std::{env, fs};

use packtrain_core::ledger::{Leg, Row};
use packtrain_core::money::Money;
use packtrain_core::time::rfc3339;
use packtrain_tax::import::{self, Import, Limits};

const HEADER: &str = "id,line,timestamp,type,wallet,to_wallet,sent,received,fee,value,fee_value,\
                      currency,tx_hash,note";

/// Sources in whose files semicolons part the cells where commas mark decimals.
const WITH_DECIMAL_COMMAS: &[&str] = &["koinly"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/imports")
}

/// The samples by the word of their source.
fn samples() -> Vec<(String, String)> {
    let mut samples = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ext| ext == "csv") {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            samples.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    samples.sort();
    assert!(!samples.is_empty());
    samples
}

fn read(text: &str) -> Import {
    import::read(text.as_bytes(), Limits::default()).unwrap()
}

/// Rows and errors as lines of text.
fn lines(import: &Import) -> Vec<String> {
    let leg = |leg: &Option<Leg>| {
        let text = leg
            .as_ref()
            .map(|leg| format!("{} {}", leg.amount, leg.asset));
        text.unwrap_or_default()
    };
    let money = |money: Option<Money>| money.map(Money::to_plain).unwrap_or_default();
    let row = |row: &Row| {
        [
            row.id.to_string(),
            row.line.to_string(),
            rfc3339(row.at),
            row.kind.to_string(),
            row.wallet.to_string(),
            row.to_wallet.as_deref().unwrap_or_default().to_owned(),
            leg(&row.sent),
            leg(&row.received),
            leg(&row.fee),
            money(row.value),
            money(row.fee_value),
            row.currency.to_string(),
            row.tx_hash.as_deref().unwrap_or_default().to_owned(),
            row.note.as_deref().unwrap_or_default().to_owned(),
        ]
        .join(",")
    };
    let errors = import.errors.iter();
    let errors = errors.map(|error| format!("! {}: {} {}", error.line, error.code, error.message));
    import.rows.iter().map(row).chain(errors).collect()
}

#[test]
fn every_source_reads_its_sample_to_the_rows_beside_it() {
    for (name, text) in samples() {
        let import = read(&text);
        assert_eq!(import.source, name);
        let found = format!("{HEADER}\n{}\n", lines(&import).join("\n"));
        let path = folder().join(format!("{name}.rows"));
        if env::var_os("SNAPSHOTS").is_some_and(|how| how == "overwrite") {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(found, expected, "{name}");
    }
}

/// The records of a sample as cells, with the lines over its header.
fn cells(text: &str) -> (String, Vec<Vec<String>>) {
    let delimiter = b',';
    let width = text
        .lines()
        .map(|line| line.matches(',').count())
        .max()
        .unwrap();
    let start = text
        .lines()
        .take_while(|line| line.matches(',').count() < width / 2);
    let over: String = start.map(|line| format!("{line}\n")).collect();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(&text.as_bytes()[over.len()..]);
    let records = reader.records().map(Result::unwrap);
    let cells = records.map(|record| record.iter().map(str::to_owned).collect());
    (over, cells.collect())
}

fn written(over: &str, records: &[Vec<String>], delimiter: u8) -> String {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    for record in records {
        writer.write_record(record).unwrap();
    }
    format!(
        "{over}{}",
        String::from_utf8(writer.into_inner().unwrap()).unwrap()
    )
}

#[test]
fn columns_may_stand_in_any_order() {
    for (name, text) in samples() {
        let (over, mut records) = cells(&text);
        records.iter_mut().for_each(|record| record.reverse());
        let turned = read(&written(&over, &records, b','));
        assert_eq!(lines(&turned), lines(&read(&text)), "{name}");
    }
}

#[test]
fn a_byte_order_mark_and_windows_line_ends_change_nothing() {
    for (name, text) in samples() {
        let touched = format!("\u{feff}{}", text.replace('\n', "\r\n"));
        assert_eq!(lines(&read(&touched)), lines(&read(&text)), "{name}");
    }
}

#[test]
fn semicolons_and_decimal_commas_are_read_where_the_source_has_them() {
    for (name, text) in samples() {
        if !WITH_DECIMAL_COMMAS.contains(&name.as_str()) {
            continue;
        }
        let (over, mut records) = cells(&text);
        let is_number = |cell: &str| cell.parse::<f64>().is_ok();
        let all = records.iter_mut().flatten().filter(|cell| is_number(cell));
        all.for_each(|cell| *cell = cell.replace('.', ","));
        let touched = read(&written(&over, &records, b';'));
        assert_eq!(lines(&touched), lines(&read(&text)), "{name}");
    }
}
