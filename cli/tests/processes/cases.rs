//! The tax cases of `tests/cases/tax` through `packtrain report --format json`: records in, the
//! law's figures out, as a person gets them.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use packtrain_core::money::{Currency, Money};
use packtrain_tax::request::Country;
use serde_json::Value;

use crate::binary::{command, folder};

/// Amounts of these blocks are compared within the case's tolerance, the rest word for word.
const AMOUNTS: [&str; 13] = [
    "proceeds",
    "fees",
    "cost",
    "gain",
    "denied_loss",
    "value",
    "gains",
    "losses",
    "net",
    "short",
    "long",
    "other",
    "income",
];
/// A case has one file, or several of the same person.
const FILES: [&str; 3] = ["ledger.csv", "ledger-2.csv", "ledger-3.csv"];
const ALLOCATION: &str = "allocation.csv";
const PRICES: &str = "prices.csv";
const ANSWERS: &str = "answers.toml";

pub(crate) fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/cases/tax")
}

#[test]
fn every_tax_case_gives_its_figures_through_the_command() {
    assert_eq!(run_all(&cases()), 31, "cases");
}

#[test]
fn every_case_of_an_edge_gives_its_figures_through_the_command() {
    assert_eq!(run_all(&cases().join("own")), 254, "cases");
}

/// Runs the cases of a folder and counts them.
fn run_all(cases: &Path) -> usize {
    let mut seen = 0;
    for case in fs::read_dir(cases).unwrap() {
        let case = case.unwrap().path();
        let Ok(text) = fs::read_to_string(case.join("expected.json")) else {
            continue;
        };
        let expected: Value = serde_json::from_str(&text).unwrap();
        let found = figures(&case, &expected);
        let name = case.file_name().unwrap().to_string_lossy().into_owned();
        Case {
            name: &name,
            expected: &expected,
            found: &found,
        }
        .compare();
        seen += 1;
    }
    seen
}

/// What the command prints for a case.
pub(crate) fn figures(case: &Path, expected: &Value) -> Value {
    let files = FILES.map(|name| (name, fs::read(case.join(name))));
    let files = files.iter().filter_map(|(name, bytes)| {
        let bytes = bytes.as_ref().ok()?;
        Some((*name, bytes.as_slice()))
    });
    let mut files: Vec<_> = files.collect();
    let mut words = words(&files, expected);
    let allocation = fs::read(case.join(ALLOCATION)).ok();
    if let Some(allocation) = &allocation {
        words.push(format!("--allocation={ALLOCATION}"));
        files.push((ALLOCATION, allocation));
    }
    let prices = fs::read(case.join(PRICES)).ok();
    if let Some(prices) = &prices {
        words.push(format!("--prices={PRICES}"));
        files.push((PRICES, prices));
    }
    let answers = answers(expected);
    if !answers.is_empty() {
        words.push(format!("--settle={ANSWERS}"));
        files.push((ANSWERS, answers.as_bytes()));
    }
    let folder = folder(&files);
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    let done = command(folder.path(), &words).assert().success();
    serde_json::from_slice(&done.get_output().stdout).unwrap()
}

/// The answers and rules of a case as the file in which a person gives them.
fn answers(expected: &Value) -> String {
    let mut text = String::new();
    for table in ["settle", "rule"] {
        for one in expected[table].as_array().into_iter().flatten() {
            text += &format!("[[{table}]]\n");
            // A string of JSON is one of TOML.
            for (key, value) in one.as_object().unwrap() {
                text += &format!("{key} = {value}\n");
            }
        }
    }
    text
}

/// How a person asks for what a case is about; without a scope the country's own rule holds.
fn words(files: &[(&str, &[u8])], expected: &Value) -> Vec<String> {
    let text = |key: &str| expected[key].as_str().map(str::to_lowercase);
    let mut words = vec!["report".to_owned(), "--format=json".to_owned()];
    words.extend(files.iter().map(|(name, _)| (*name).to_owned()));
    for (flag, key) in [
        ("country", "jurisdiction"),
        ("method", "method"),
        ("scope", "scope"),
    ] {
        words.extend(text(key).map(|value| format!("--{flag}={value}")));
    }
    let options = expected["options"].as_object().into_iter().flatten();
    words.extend(options.map(|(name, value)| {
        let value = value.as_str().unwrap();
        match name.as_str() {
            "timezone" => format!("--timezone={value}"),
            _ => format!("--option={name}={value}"),
        }
    }));
    if expected["unread"].is_array() {
        words.push("--skip-bad-rows".to_owned());
    }
    words
}

struct Case<'c> {
    name: &'c str,
    expected: &'c Value,
    found: &'c Value,
}

impl Case<'_> {
    fn compare(&self) {
        for block in ["disposals", "removed", "income", "holdings"] {
            self.compare_lists(block);
        }
        self.compare_totals();
        self.compare_assessments();
        for (id, wanted) in self.objects("form_8949_box") {
            let lines = self.found["disposals"].as_array().unwrap().iter();
            let lines = lines.filter(|line| line["id"] == *id);
            let boxes: BTreeSet<_> = lines.map(|line| line["form_box"].to_string()).collect();
            assert_eq!(
                boxes,
                [wanted.to_string()].into(),
                "{}: box of {id}",
                self.name
            );
        }
        let told = |code: &Value, id: &Value| {
            let warnings = self.found["warnings"].as_array().unwrap();
            warnings
                .iter()
                .any(|found| found["code"] == *code && found["id"] == *id)
        };
        for warning in self.expected["warnings"].as_array().unwrap() {
            assert!(
                told(&warning["code"], &warning["id"]),
                "{}: {warning}",
                self.name
            );
        }
    }

    /// Every line that is expected is there once, and no other.
    fn compare_lists(&self, block: &str) {
        let mut found: Vec<_> = self.found[block].as_array().unwrap().iter().collect();
        for wanted in self.expected[block].as_array().unwrap() {
            let place = found.iter().position(|found| self.is_line(found, wanted));
            let place = place.unwrap_or_else(|| {
                panic!(
                    "{}: no line of {block} is {wanted}, but {found:#?}",
                    self.name
                )
            });
            found.swap_remove(place);
        }
        assert!(
            found.is_empty(),
            "{}: {block} has more: {found:#?}",
            self.name
        );
    }

    fn is_line(&self, found: &Value, wanted: &Value) -> bool {
        let keys = wanted.as_object().unwrap().keys().map(String::as_str);
        let mut keys = keys.chain(["denied_loss"]);
        keys.all(|key| self.agrees(key, &found[key], &wanted[key]))
    }

    fn agrees(&self, key: &str, found: &Value, wanted: &Value) -> bool {
        match (text(key, found), text(key, wanted)) {
            (Some(found), Some(wanted)) if AMOUNTS.contains(&key) => self.is_near(found, wanted),
            _ => found == wanted,
        }
    }

    fn is_near(&self, found: &str, wanted: &str) -> bool {
        let money = |text: &str| Money::parse(text, Currency::USD).unwrap();
        let tolerance = money(self.expected["tolerance"].as_str().unwrap());
        money(found).checked_sub(money(wanted)).unwrap().abs() <= tolerance
    }

    fn compare_totals(&self) {
        let (found, wanted) = (&self.found["totals"], &self.expected["totals"]);
        let years = |totals: &Value| -> BTreeSet<String> {
            totals.as_object().unwrap().keys().cloned().collect()
        };
        assert_eq!(years(found), years(wanted), "{}", self.name);
        for (year, wanted) in self.objects("totals") {
            assert!(
                self.is_line(&found[year], wanted),
                "{}: {year}: {}",
                self.name,
                found[year]
            );
        }
    }

    fn compare_assessments(&self) {
        let countries = Country::ALL.iter().map(|country| country.as_str());
        for block in countries.chain(["net_capital"]) {
            for (year, wanted) in self.objects(block) {
                let figures = self.found["assessments"][year].as_array().unwrap();
                for (key, wanted) in wanted.as_object().unwrap() {
                    let figure = figures.iter().find(|figure| figure["key"] == *key);
                    let found = &figure.unwrap_or_else(|| panic!("no figure {key}"))["value"];
                    let agrees = match (found.as_str(), wanted.as_str()) {
                        (Some(found), Some(wanted)) => self.is_near(found, wanted),
                        _ => found == wanted,
                    };
                    assert!(agrees, "{}: {key} of {year} is {found}", self.name);
                }
            }
        }
    }

    fn objects(&self, block: &str) -> impl Iterator<Item = (&String, &Value)> {
        self.expected[block].as_object().into_iter().flatten()
    }
}

/// A value as text. A loss of which nothing is denied stands nowhere.
fn text<'v>(key: &str, value: &'v Value) -> Option<&'v str> {
    let absent = (key == "denied_loss").then_some("0");
    value.as_str().or(absent)
}
