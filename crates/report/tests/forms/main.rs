//! The files for the return: their sums are the report's figures, their lines lead to the ledger,
//! and the examples look as shown beside this file.
//!
//! `SNAPSHOTS=overwrite` writes what was found in place of what is expected.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod au;
mod ca;
mod de;
mod fr;
mod places;
mod report;
mod sums;
mod uk;
mod us;

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use packtrain_report::{ENGINE, Form};
use packtrain_tax::request::Country;

use report::{Report, examples, records};

#[test]
fn the_forms_of_the_examples_are_as_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms");
    let mut names = Vec::new();
    for (_, report) in examples() {
        for file in report.forms() {
            let found = String::from_utf8(file.bytes).unwrap();
            let found = found.replace(ENGINE, "packtrain").replace('\r', "");
            let path = folder.join(&file.name);
            if env::var_os("SNAPSHOTS").is_some_and(|how| how == "overwrite") {
                fs::write(&path, &found).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(found, expected.replace('\r', ""), "{}", file.name);
            names.push(file.name);
        }
    }
    names.sort();
    let there = fs::read_dir(folder).unwrap();
    let mut there: Vec<_> = there
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| !name.ends_with(".rs"))
        .collect();
    there.sort();
    assert_eq!(names, there);
}

#[test]
fn the_same_document_gives_the_same_files() {
    for (_, report) in examples() {
        assert_eq!(report.forms(), report.forms());
    }
}

#[test]
fn every_line_leads_to_the_row_of_the_ledger_that_it_came_from() {
    let mut lines = 0;
    for (_, report) in examples() {
        for file in report.forms().iter().filter(|file| file.form != Form::Txf) {
            for record in records(&file.bytes) {
                let Some(row) = record.get("row").or(record.get("rows")) else {
                    continue;
                };
                let index = report.inputs.iter();
                let index = index
                    .enumerate()
                    .find(|(_, file)| file.name == record["file"]);
                let text = &report.texts[index.unwrap().0];
                let at: usize = record["line"].parse().unwrap();
                let first = row.split('+').next().unwrap();
                let there = text.lines().nth(at - 1).unwrap();
                assert!(there.starts_with(&format!("{first},")), "{first}: {there}");
                lines += 1;
            }
        }
    }
    assert!(lines > 50, "{lines}");
}

#[test]
fn text_from_the_ledger_never_begins_like_a_formula() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,fee_amount,fee_asset,value,currency\n\
                  =b,2024-01-10T12:00:00Z,buy,+w,1000,CUR,1,@SUM,,,,CUR\n\
                  =c,2024-02-10T12:00:00Z,buy,+w,1000,CUR,1,-X,,,,CUR\n\
                  +s,2024-06-10T12:00:00Z,sell,+w,1,@SUM,2400,CUR,10,CUR,,CUR\n\
                  -t,2024-07-10T12:00:00Z,sell,+w,1,-X,400,CUR,10,CUR,,CUR\n";
    let with_forms = |country: &&Country| !Form::of(**country).is_empty();
    for country in Country::ALL.iter().filter(with_forms) {
        let currency = packtrain_tax::jurisdiction::of(*country).currency;
        let text = ledger.replace("CUR", currency.code());
        let report = Report::of(*country, &[("=file.csv", text)], &[]);
        let files = report.forms();
        assert!(files.len() > 1, "{country}");
        let mut inert = 0;
        for file in files.iter().filter(|file| file.form != Form::Txf) {
            for cell in records(&file.bytes).iter().flat_map(BTreeMap::values) {
                let is_number = cell.parse::<f64>().is_ok();
                let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
                assert!(is_number || !is_formula, "{}: {cell}", file.name);
                inert += usize::from(cell.starts_with('\''));
            }
        }
        assert!(inert >= 4, "{country}: {inert}");
    }
}
