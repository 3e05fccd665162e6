//! The story of a row that was joined of rows of several files.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use packtrain_report::{Document, InputFile, YearSelection, explain};
use packtrain_tax::import::{self, Limits};
use packtrain_tax::request::{Country, Request};
use packtrain_tax::settle::Settlements;
use packtrain_tax::{LedgerFile, compute};

/// A file with these rows, under this name.
fn read(name: &str, rows: &str) -> LedgerFile {
    let header = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,value,currency,tx_hash\n";
    let import = import::read(format!("{header}{rows}").as_bytes(), Limits::default());
    import.unwrap().into_ledger(name)
}

#[test]
fn a_row_that_was_joined_of_two_files_is_told_under_the_name_of_each_of_its_parts() {
    let mut ledgers = vec![
        read(
            "coins.csv",
            "b,2024-03-09T12:00:00Z,buy,main,1000,USD,1,ETH,,USD,\n\
             c,2024-03-10T12:00:00Z,withdrawal,main,1,ETH,,,1500,USD,0xaa\n",
        ),
        read(
            "tokens_of_mine.csv",
            "t,2024-03-10T12:00:00Z,deposit,main,,,1500,USDC,1500,USD,0xaa\n",
        ),
    ];
    import::join_files(&mut ledgers, &Settlements::default());
    let request = Request {
        open_on: "2024-12-31".parse().ok(),
        ..Request::default()
    };
    let outcome = compute(&ledgers, Country::Us, &request).unwrap();
    let input = |name: &str| InputFile {
        name: name.to_owned(),
        sha256: String::new(),
        rows: 1,
        bad_rows: 0,
    };
    let document = Document {
        outcome: &outcome,
        years: YearSelection::All,
        inputs: &[input("coins.csv"), input("tokens_of_mine.csv")],
        inventories: &[],
        generated_at: "2025-01-01T00:00:00Z".parse().unwrap(),
        taxpayer: None,
    };
    for id in ["c", "t", "c+t"] {
        let story = explain(&document, &ledgers, id).unwrap();
        for line in [
            "proceeds 1500.00 - fees 0.00 - cost 1000.00 = gain 500.00 USD",
            "Read as one transaction: c (coins.csv, line 3), t (tokens_of_mine.csv, line 2)\n",
            "Of its units 1500 USDC are left when the records end, at a cost of 1500.00 USD",
        ] {
            assert!(story.contains(line), "{id}: {story}");
        }
    }
}

#[test]
fn a_joined_row_that_is_sold_with_others_of_a_day_in_a_pool_is_told_under_its_own_name() {
    let mut ledgers = vec![
        read(
            "coins.csv",
            "a,2023-03-09T12:00:00Z,buy,main,1000,GBP,2,ETH,,GBP,\n\
             c,2024-06-10T12:00:00Z,withdrawal,main,1,ETH,,,1500,GBP,0xaa\n\
             d,2024-06-10T13:00:00Z,sell,main,1,ETH,1500,GBP,,GBP,\n",
        ),
        read(
            "tokens.csv",
            "t,2024-06-10T12:00:00Z,deposit,main,,,1500,USDC,1500,GBP,0xaa\n",
        ),
    ];
    import::join_files(&mut ledgers, &Settlements::default());
    let outcome = compute(&ledgers, Country::Uk, &Request::default()).unwrap();
    assert_eq!(&*outcome.disposals[0].id, "c+t+d");
    let document = Document {
        outcome: &outcome,
        years: YearSelection::All,
        inputs: &[],
        inventories: &[],
        generated_at: "2025-01-01T00:00:00Z".parse().unwrap(),
        taxpayer: None,
    };
    for id in ["c+t", "c", "t", "d", "c+t+d"] {
        let story = explain(&document, &ledgers, id).unwrap_or_default();
        let line = "proceeds 3000.00 - fees 0.00 - cost 1000.00 = gain 2000.00 GBP";
        assert!(story.contains(line), "{id}: {story}");
    }
}
