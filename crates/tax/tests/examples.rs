//! The ledgers in `examples/` are what a newcomer tries first: they read cleanly and show one
//! real thing to check.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::Path;

use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::{TaxYear, WarningCode};
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, compute};

fn ledger(name: &str) -> LedgerFile {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../examples")
        .join(name);
    let import = import::read(&fs::read(path).unwrap(), Limits::default()).unwrap();
    assert_eq!(import.errors, []);
    import.into_ledger(name)
}

#[test]
fn the_example_ledgers_have_one_missing_purchase_and_nothing_else_that_costs_money() {
    let ledgers = [ledger("ledger-coinharbor.csv"), ledger("ledger-wallet.csv")];
    let outcome = compute(&ledgers, Country::Us, &Request::default()).unwrap();
    let at_stake: Vec<_> = outcome
        .warnings
        .iter()
        .filter(|w| !w.at_stake.is_zero())
        .collect();
    assert_eq!(at_stake.len(), 1, "{at_stake:#?}");
    assert_eq!(at_stake[0].code, WarningCode::MissingCostBasis);
    assert_eq!(at_stake[0].year, TaxYear(2025));
    let years: Vec<_> = outcome.totals.keys().map(|year| year.0).collect();
    assert_eq!(years, [2023, 2024, 2025]);
    let here = |w: &&packtrain_tax::outcome::Warning| w.code != WarningCode::RepurchaseNearLoss;
    assert_eq!(outcome.warnings.iter().filter(here).count(), 1);
}
