//! The tax cases of `tests/cases/tax`, one test each: records in, the law's figures out.
//!
//! They run here and not in the product's test binary because they need this crate alone.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

macro_rules! cases {
    ($($test:ident: $folder:literal,)*) => {
        $(#[test] fn $test() { crate::run(&root().join($folder)); })*

        /// The folders that are run.
        const RUN: &[&str] = &[$($folder),*];
    };
}

mod circle;
mod compare;
mod own;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use packtrain_tax::allocation::Allocation;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::prices::Prices;
use packtrain_tax::request::{Country, Request};
use packtrain_tax::settle::Settlements;
use packtrain_tax::{LedgerFile, compute};
use serde_json::Value;

use compare::Case;

cases! {
    au_discount_gives_the_expected_figures: "au-discount",
    ca_acb_gives_the_expected_figures: "ca-acb",
    ca_inclusion_gives_the_expected_figures: "ca-inclusion",
    de_freigrenze_2023_2024_gives_the_expected_figures: "de-freigrenze-2023-2024",
    de_one_year_gives_the_expected_figures: "de-one-year",
    uk_30_day_gives_the_expected_figures: "uk-30-day",
    uk_crypto_to_crypto_gives_the_expected_figures: "uk-crypto-to-crypto",
    uk_day_30_and_31_gives_the_expected_figures: "uk-day-30-and-31",
    uk_exempt_amounts_gives_the_expected_figures: "uk-exempt-amounts",
    uk_fee_in_token_gives_the_expected_figures: "uk-fee-in-token",
    uk_s104_basic_gives_the_expected_figures: "uk-s104-basic",
    uk_same_day_gives_the_expected_figures: "uk-same-day",
    uk_split_year_2024_25_gives_the_expected_figures: "uk-split-year-2024-25",
    us_8949_boxes_gives_the_expected_figures: "us-8949-boxes",
    us_crypto_to_crypto_gives_the_expected_figures: "us-crypto-to-crypto",
    us_fees_gives_the_expected_figures: "us-fees",
    us_fifo_basic_gives_the_expected_figures: "us-fifo-basic",
    us_gift_in_dual_basis_gives_the_expected_figures: "us-gift-in-dual-basis",
    us_gift_out_donation_gives_the_expected_figures: "us-gift-out-donation",
    us_hifo_basic_gives_the_expected_figures: "us-hifo-basic",
    us_income_kinds_gives_the_expected_figures: "us-income-kinds",
    us_lifo_basic_gives_the_expected_figures: "us-lifo-basic",
    us_lofo_basic_gives_the_expected_figures: "us-lofo-basic",
    us_loss_cap_carryforward_gives_the_expected_figures: "us-loss-cap-carryforward",
    us_missing_basis_gives_the_expected_figures: "us-missing-basis",
    us_no_wash_sale_gives_the_expected_figures: "us-no-wash-sale",
    us_one_year_boundary_gives_the_expected_figures: "us-one-year-boundary",
    us_per_wallet_2025_gives_the_expected_figures: "us-per-wallet-2025",
    us_spec_id_gives_the_expected_figures: "us-spec-id",
    us_transfer_fee_gives_the_expected_figures: "us-transfer-fee",
    us_universal_2025_contrast_gives_the_expected_figures: "us-universal-2025-contrast",
}

#[test]
fn every_case_is_run() {
    assert_all_run(&root(), RUN, &["README.md", "own"]);
}

/// Every folder is in the list, so that no case is forgotten.
fn assert_all_run(root: &Path, run: &[&str], others: &[&str]) {
    for folder in fs::read_dir(root).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        let is_known = run.contains(&&*name) || others.contains(&&*name);
        assert!(is_known, "{name} is not run");
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases/tax")
}

fn run(folder: &Path) {
    let expected = expected(folder);
    let files = ["ledger.csv", "ledger-2.csv", "ledger-3.csv"].into_iter();
    let files = files.filter(|name| folder.join(name).exists());
    let mut ledgers: Vec<_> = files.map(|name| ledger(folder, name, &expected)).collect();
    let mut request = request(&expected);
    import::join_files(&mut ledgers, &request.settlements);
    if let Ok(allocation) = fs::read(folder.join("allocation.csv")) {
        request.allocation = Arc::new(Allocation::read(&allocation).unwrap());
    }
    if let Ok(prices) = fs::read(folder.join("prices.csv")) {
        request.prices = Arc::new(Prices::read(&prices).unwrap());
    }
    let outcome = compute(&ledgers, country(&expected), &request).unwrap();
    let currency = outcome.settings.currency.to_string();
    assert_eq!(currency, text(&expected["currency"]));
    Case {
        expected: &expected,
        outcome: &outcome,
    }
    .compare();
}

fn expected(folder: &Path) -> Value {
    let text = fs::read_to_string(folder.join("expected.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

fn ledger(folder: &Path, name: &str, expected: &Value) -> LedgerFile {
    let bytes = fs::read(folder.join(name)).unwrap();
    let import = import::read(&bytes, Limits::default()).unwrap();
    let unread = import.errors.iter();
    let unread: Vec<_> = unread
        .map(|error| (u64::from(error.line), error.code.to_string()))
        .collect();
    let wanted = expected["unread"].as_array().into_iter().flatten();
    let wanted: Vec<_> = wanted
        .map(|error| (error["line"].as_u64().unwrap(), text(&error["code"])))
        .collect();
    assert_eq!(unread, wanted, "lines of {name} that cannot be read");
    import.into_ledger(name)
}

fn country(expected: &Value) -> Country {
    text(&expected["jurisdiction"]).parse().unwrap()
}

/// What a case asks for; without a scope it takes the country's own rule.
fn request(expected: &Value) -> Request {
    let options = expected["options"].as_object().into_iter().flatten();
    let (zone, options): (Vec<_>, Vec<_>) = options.partition(|(name, _)| *name == "timezone");
    Request {
        method: Some(text(&expected["method"]).parse().unwrap()),
        scope: expected["scope"]
            .as_str()
            .map(|scope| scope.parse().unwrap()),
        timezone: zone.first().map(|(_, zone)| text(zone).parse().unwrap()),
        options: options
            .into_iter()
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
        settlements: settlements(expected),
        ..Request::default()
    }
}

/// What the person of a case answers to findings.
fn settlements(expected: &Value) -> Settlements {
    let list = |key: &str| expected[key].as_array().cloned().unwrap_or_default();
    let given = serde_json::json!({ "settle": list("settle"), "rule": list("rule") });
    serde_json::from_value(given).unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
