//! What is told as a thing to check.

use serde_json::json;

use super::*;
use crate::settle::{Answer, RowName, Settlement, Settlements};

#[test]
fn a_cost_that_is_not_known_is_zero_and_told_when_it_matters() {
    let rows = [
        "a 2024-01-01 opening A - 10ETH - acquired=2021-01-01",
        "s 2024-07-01 sell A 1ETH 300USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(lines(&outcome), ["s<a 1 0.00 300.00"]);
    assert_eq!(outcome.disposals[0].term, Some(Term::Long));
    assert_eq!(
        warnings(&outcome),
        [("missing_cost_basis", "s", "300.00".to_owned())]
    );
}

#[test]
fn a_price_that_is_not_known_is_zero_with_an_estimate_of_what_is_at_stake() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "s 2024-07-01 spend A 2ETH - -",
        "r 2024-07-02 staking A - 1ETH -",
        "f 2024-07-03 fee A - - 0.5ETH",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        ["s<a 2 200.00 -200.00", "f<a 0.5 50.00 -50.00"]
    );
    assert_eq!(
        warnings(&outcome),
        [
            ("missing_price", "s", "200.00".to_owned()),
            ("missing_price", "r", "100.00".to_owned()),
            ("missing_price", "f", "50.00".to_owned()),
        ]
    );
}

#[test]
fn rows_in_a_currency_without_a_rate_are_left_out_and_told() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH -",
        "e 2024-02-01 staking A - 1ETH - value=90 currency=THB",
        // Nothing of this row is in baht.
        "m 2024-03-03 transfer A>B 1ETH 1ETH - currency=THB",
        // Money in a currency without a rate, and no value in dollars.
        "x 2024-03-04 sell A 1ETH 90THB -",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        warnings(&outcome),
        [
            ("currency_mismatch", "e", "100.00".to_owned()),
            ("missing_price", "x", "100.00".to_owned()),
        ]
    );
    assert_eq!(outcome.income.len(), 0);
}

#[test]
fn a_row_that_stands_in_two_files_counts_once() {
    let first = ledger(&[
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-01-02 buy A 200USD 1ETH -",
    ]);
    let mut second = ledger(&[
        "b 2024-01-02 buy A 200USD 1ETH -",
        "a 2024-01-01 buy A 100USD 2ETH -",
        "s 2024-07-01 sell A 1ETH 600USD -",
    ]);
    second.name = "second.csv".to_owned();
    let outcome = compute(&[first, second], Country::Us, &Request::default()).unwrap();
    assert_eq!(holdings(&outcome), ["ETH * 3 300.00"]);
    assert_eq!(
        warnings(&outcome),
        [("duplicate_row", "b", "0.00".to_owned())]
    );
    assert_eq!(
        outcome.warnings[0].origin,
        crate::outcome::Origin { file: 1, line: 2 }
    );
}

#[test]
fn a_file_that_was_given_twice_is_read_once_and_told_once() {
    let rows = [
        "a 2024-01-01 buy A 100USD 3ETH -",
        "b 2024-01-02 buy A 200USD 1ETH -",
        "s 2024-07-01 sell A 1ETH 600USD -",
    ];
    let file = || LedgerFile {
        name: "a.csv".to_owned(),
        ..ledger(&rows)
    };
    let told = |files: &[LedgerFile]| {
        let outcome = compute(files, Country::Us, &Request::default()).unwrap();
        let told = outcome.warnings.iter();
        let told: Vec<_> = told
            .map(|it| format!("{} {}", it.message, it.at_stake.to_cents()))
            .collect();
        (outcome.disposals.len(), told)
    };
    let renamed = LedgerFile {
        name: "b.csv".to_owned(),
        ..file()
    };
    let said = |what: &str| (1, vec![what.to_owned()]);
    // All of it happened twice: another unit sold for 600.00 that had cost 33.33.
    let twice = "a.csv was given twice; it was read once 566.67";
    assert_eq!(told(&[file(), file()]), said(twice));
    let also = "a.csv was given twice, also as b.csv; it was read once 566.67";
    assert_eq!(told(&[file(), renamed.clone()]), said(also));
    let thrice = "a.csv was given 3 times; it was read once 566.67";
    assert_eq!(told(&[file(), file(), file()]), said(thrice));
    // Where one copy counts, the file was not read once.
    let counted = LedgerFile {
        name: "c.csv".to_owned(),
        ..file()
    };
    let left = "a.csv was given again as b.csv; this copy was left out".to_owned();
    let files = [file(), renamed, counted];
    let outcome = compute(&files, Country::Us, &keeping(&json!({ "file": "c.csv" }))).unwrap();
    assert_eq!(
        (outcome.disposals.len(), &outcome.warnings[0].message),
        (2, &left)
    );
    // Read for another wallet the same bytes are another file.
    let mut other = file();
    other.rows[1].wallet = "B".into();
    let (_, found) = told(&[file(), other]);
    assert_eq!(found.len(), 2, "{found:?}");
}

/// A request with one rule that keeps copies.
fn keeping(conditions: &serde_json::Value) -> Request {
    let mut rule = conditions.clone();
    rule["answer"] = json!("keep");
    Request {
        settlements: Settlements {
            rule: vec![super::rules::rule(&rule)],
            settle: Vec::new(),
        },
        ..Request::default()
    }
}

/// Three years: a purchase, a sale in each of two.
const YEARS: [&str; 3] = [
    "a 2022-01-01 buy A 300USD 3ETH -",
    "s 2023-07-01 sell A 1ETH 150USD -",
    "t 2024-07-01 sell A 1ETH 700USD -",
];

#[test]
fn a_copied_file_is_a_finding_of_each_year_that_it_has_rows_of_with_that_years_money() {
    let outcome = compute(
        &[ledger(&YEARS), ledger(&YEARS)],
        Country::Us,
        &Request::default(),
    );
    let found = outcome.unwrap().warnings.into_iter();
    let told: Vec<_> = found
        .map(|it| {
            let ways: Vec<_> = it.ways.iter().map(|way| way.as_str()).collect();
            assert_eq!(ways, ["accept", "rule"]);
            assert_eq!(it.message, "ledger.csv was given twice; it was read once");
            (
                it.year.0,
                it.id.to_string(),
                it.origin.file,
                it.at_stake.to_cents(),
            )
        })
        .collect();
    let said = |year, id: &str, stake: &str| (year, id.to_owned(), 1, stake.to_owned());
    let all = [
        said(2024, "t", "600.00"),
        said(2023, "s", "50.00"),
        said(2022, "a", "0.00"),
    ];
    assert_eq!(told, all);
}

#[test]
fn where_a_part_of_a_copied_file_is_kept_each_row_that_is_left_out_is_told() {
    let ledgers = [ledger(&YEARS), ledger(&YEARS)];
    let outcome = compute(&ledgers, Country::Us, &keeping(&json!({ "type": "buy" }))).unwrap();
    let told = outcome.warnings.iter();
    let told: Vec<_> = told.map(|it| format!("{} {}", it.id, it.message)).collect();
    let said = "the same row stands in ledger.csv; counted once";
    assert_eq!(told, [format!("t {said}"), format!("s {said}")]);
    assert_eq!(outcome.holdings[0].quantity.to_string(), "4");
}

#[test]
fn the_finding_of_a_file_that_was_given_twice_by_one_name_can_be_accepted() {
    let accept = |row: &str| Settlement {
        row: RowName {
            id: row.to_owned(),
            file: Some("ledger.csv".to_owned()),
        },
        answer: Answer::Accept(WarningCode::DuplicateRow),
    };
    let request = |rows: &[&str]| Request {
        settlements: Settlements {
            rule: Vec::new(),
            settle: rows.iter().map(|row| accept(row)).collect(),
        },
        ..Request::default()
    };
    let twice = [ledger(&YEARS), ledger(&YEARS)];
    let outcome = compute(&twice, Country::Us, &request(&["a", "s", "t"])).unwrap();
    assert!(outcome.warnings.is_empty());
    assert!(outcome.settled.iter().all(|answer| answer.is_used));
    // Two copies of a row in other files have a finding each.
    let other = |hash: &str| LedgerFile {
        sha256: hash.to_owned(),
        ..ledger(&YEARS[..1])
    };
    let thrice = [ledger(&YEARS), other("1"), other("2")];
    let outcome = compute(&thrice, Country::Us, &request(&["a", "a"])).unwrap();
    assert!(outcome.warnings.is_empty());
    let origins = outcome.settled.iter().map(|answer| answer.origin.file);
    assert_eq!(origins.collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn losses_with_purchases_close_by_are_one_hint_for_each_asset_and_year() {
    let rows = [
        "a 2024-01-01 buy A 300USD 3ETH -",
        "s 2024-07-01 sell A 1ETH 60USD -",
        "b 2024-07-10 buy A 50USD 1ETH -",
        "t 2024-07-20 sell A 1ETH 40USD -",
        // A loss long after every other purchase.
        "u 2024-12-20 sell A 1ETH 40USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        warnings(&outcome),
        [("repurchase_near_loss", "s", "0.00".to_owned())]
    );
    assert!(
        outcome.warnings[0]
            .message
            .starts_with("2 lines of ETH with losses of -100.00 USD")
    );
}

#[test]
fn a_loss_of_less_than_half_a_cent_is_no_hint() {
    let rows = [
        "a 2024-01-01 buy A 300USD 3ETH -",
        "s 2024-07-01 sell A 1ETH 99.999USD -",
        "b 2024-07-10 buy A 50USD 1ETH -",
    ];
    assert_eq!(warnings(&usual(&rows)), []);
}

#[test]
fn amounts_with_a_sign_are_left_out_and_told() {
    let mut ledger = ledger(&["a 2024-01-01 buy A 100USD 1ETH -"]);
    ledger.rows[0].sent.as_mut().unwrap().amount = "-1".parse().unwrap();
    let outcome = compute(&[ledger], Country::Us, &Request::default()).unwrap();
    assert_eq!(outcome.warnings[0].code, WarningCode::UnusableRow);
    assert_eq!(outcome.holdings, []);
}
