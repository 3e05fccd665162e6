//! A computed ledger and what the tests ask of its files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use packtrain_report::{
    Document, Figures, Form, FormFile, InputFile, Progress, YearSelection, figures_but_lists, forms,
};
use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::{Amount, Outcome, TaxYear};
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, compute};

/// A computed ledger and the files that it came from.
pub(crate) struct Report {
    pub(crate) outcome: Outcome,
    pub(crate) texts: Vec<String>,
    pub(crate) inputs: Vec<InputFile>,
}

impl Report {
    pub(crate) fn of(country: Country, files: &[(&str, String)], options: &[(&str, &str)]) -> Self {
        let ledgers: Vec<LedgerFile> = files
            .iter()
            .map(|(name, text)| {
                let import = import::read(text.as_bytes(), Limits::default()).unwrap();
                import.into_ledger(*name)
            })
            .collect();
        let options = options.iter();
        let request = Request {
            options: options
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Request::default()
        };
        let inputs = files.iter().map(|(name, _)| InputFile {
            name: (*name).to_owned(),
            sha256: String::new(),
            rows: 1,
            bad_rows: 0,
        });
        Self {
            outcome: compute(&ledgers, country, &request).unwrap(),
            texts: files.iter().map(|(_, text)| text.clone()).collect(),
            inputs: inputs.collect(),
        }
    }

    fn at(country: Country, paths: &[&str]) -> Self {
        let files: Vec<_> = paths
            .iter()
            .map(|path| (*path, fs::read_to_string(root().join(path)).unwrap()))
            .collect();
        Self::of(country, &files, &[])
    }

    fn document(&self, years: YearSelection) -> Document<'_> {
        Document {
            outcome: &self.outcome,
            years,
            inputs: &self.inputs,
            inventories: &[],
            generated_at: "2026-01-15T14:02:11Z".parse().unwrap(),
            taxpayer: None,
        }
    }

    pub(crate) fn forms(&self) -> Vec<FormFile> {
        forms(&self.document(YearSelection::All)).unwrap()
    }

    pub(crate) fn figures(&self) -> Figures<'_> {
        figures_but_lists(&self.document(YearSelection::All))
    }

    /// The words of the PDF of a year, page by page.
    pub(crate) fn pdf(&self, year: TaxYear) -> Vec<String> {
        let document = self.document(YearSelection::one(year));
        let bytes = packtrain_report::pdf(&document, &Progress::UNWATCHED).unwrap();
        let file = lopdf::Document::load_mem(&bytes).unwrap();
        let pages = file.get_pages().into_keys();
        pages
            .map(|page| {
                let text = file.extract_text(&[page]).unwrap();
                text.split_whitespace().collect::<Vec<_>>().join(" ")
            })
            .collect()
    }

    pub(crate) fn years(&self) -> Vec<TaxYear> {
        self.outcome.totals.keys().copied().collect()
    }

    /// The records of a form of a year, each by the names of its columns.
    pub(crate) fn records(&self, form: Form, year: TaxYear) -> Vec<BTreeMap<String, String>> {
        let files = self.forms();
        let file = files
            .iter()
            .find(|file| file.form == form && file.year == year);
        file.map(|file| records(&file.bytes)).unwrap_or_default()
    }

    /// A figure of the assessment, in cents.
    pub(crate) fn figure(&self, year: TaxYear, key: &str) -> i128 {
        let all = &self.outcome.assessments[&year].figures;
        let figure = all.iter().find(|figure| figure.key == key).unwrap();
        match figure.amount {
            Amount::Money(money) => cents(&money.to_cents()),
            _ => panic!("{key} is no money"),
        }
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

pub(crate) fn records(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    let all = reader.records().map(Result::unwrap);
    let by_name = all.map(|record| {
        let cells = header.iter().zip(&record);
        cells.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    });
    by_name.collect()
}

pub(crate) fn cents(text: &str) -> i128 {
    let digits: String = text.chars().filter(|c| *c != '.').collect();
    digits.parse().unwrap_or_else(|_| panic!("{text:?}"))
}

/// What a column comes to; empty cells are nothing.
pub(crate) fn sum(records: &[BTreeMap<String, String>], column: &str) -> i128 {
    let cells = records.iter().map(|record| &*record[column]);
    cells.filter(|cell| !cell.is_empty()).map(cents).sum()
}

pub(crate) fn examples() -> Vec<(&'static str, Report)> {
    let case = |name: &str| format!("tests/cases/tax/{name}/ledger.csv");
    let (ca, au) = (case("ca-acb"), case("au-discount"));
    let fr = case("own/fr-costs-lower-the-price-alone");
    vec![
        (
            "us",
            Report::at(
                Country::Us,
                &[
                    "examples/ledger-coinharbor.csv",
                    "examples/ledger-wallet.csv",
                ],
            ),
        ),
        ("uk", Report::at(Country::Uk, &["examples/uk/ledger.csv"])),
        ("de", Report::at(Country::De, &["examples/de/ledger.csv"])),
        ("ca", Report::at(Country::Ca, &[&ca])),
        ("au", Report::at(Country::Au, &[&au])),
        ("fr", Report::at(Country::Fr, &[&fr])),
    ]
}

/// Every case of a country, and its example.
pub(crate) fn all(country: Country) -> Vec<Report> {
    let prefix = format!("{country}-");
    let mut paths: Vec<_> = fs::read_dir(root().join("tests/cases/tax"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(&prefix))
        .map(|name| format!("tests/cases/tax/{name}/ledger.csv"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let cases = paths.iter().map(|path| Report::at(country, &[path]));
    let examples = examples().into_iter();
    let example = examples.filter(|(name, _)| *name == country.as_str());
    cases.chain(example.map(|(_, report)| report)).collect()
}
