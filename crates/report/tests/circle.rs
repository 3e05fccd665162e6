//! A report says of which circle its country is, in a sentence.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use packtrain_core::time::Timestamp;
use packtrain_report::{Document, Progress, YearSelection};
use packtrain_tax::jurisdiction::{self, Circle};
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, compute};

const MARK: &str = "This country is of the second circle";

/// The figures and the PDF of a ledger without rows.
fn report(country: Country) -> (String, Vec<u8>) {
    let outcome = compute(&[LedgerFile::default()], country, &Request::default()).unwrap();
    let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    let document = Document {
        outcome: &outcome,
        years: YearSelection::All,
        inputs: &[],
        inventories: &[],
        generated_at: at,
        taxpayer: None,
    };
    let mut json = Vec::new();
    packtrain_report::write_json(&document, &mut json).unwrap();
    let progress = Progress {
        on_page: &|_, _| {},
        is_cancelled: &|| false,
    };
    let pdf = packtrain_report::pdf(&document, &progress).unwrap();
    (String::from_utf8(json).unwrap(), pdf)
}

#[test]
fn a_report_on_a_country_of_the_second_circle_says_so_and_no_other_does() {
    for country in Country::ALL {
        let is_second = jurisdiction::of(*country).circle == Circle::Second;
        let (json, pdf) = report(*country);
        assert_eq!(json.contains(MARK), is_second, "{country}");
        let file = lopdf::Document::load_mem(&pdf).unwrap();
        let pages: Vec<u32> = file.get_pages().into_keys().collect();
        let text = file.extract_text(&pages).unwrap();
        assert_eq!(text.contains(MARK), is_second, "{country}");
    }
    let sentence = jurisdiction::of(Country::Es).circle.sentence();
    assert!(sentence.is_some_and(|sentence| sentence.starts_with(MARK)));
}
