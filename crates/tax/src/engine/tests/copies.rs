//! Rows of two exports that overlap, where the source names no rows.

use super::*;

/// A file of a source whose rows are named after their lines.
fn export(name: &str, source: &str, rows: &[&str]) -> LedgerFile {
    let named = rows.iter().enumerate();
    let named: Vec<_> = named.map(|(at, row)| format!("r{at} {row}")).collect();
    let named: Vec<_> = named.iter().map(String::as_str).collect();
    let mut ledger = ledger(&named);
    for (line, row) in (2_u32..).zip(&mut ledger.rows) {
        (row.line, row.id) = (line, format!("{source}-{line}").into());
    }
    ledger.name = name.to_owned();
    ledger
}

/// Files of one source under these names, by the rules of the United States.
fn of(files: &[(&str, &str, &[&str])]) -> Outcome {
    let files: Vec<_> = files
        .iter()
        .map(|(name, source, rows)| export(name, source, rows))
        .collect();
    compute(&files, Country::Us, &Request::default()).unwrap()
}

fn told(outcome: &Outcome) -> Vec<String> {
    let copies = outcome.warnings.iter();
    let copies = copies.filter(|it| it.code == WarningCode::DuplicateRow);
    let told = copies.map(|it| format!("{} of {}: {}", it.id, it.origin.file, it.message));
    let mut told: Vec<_> = told.collect();
    told.sort();
    told
}

const OLD: &str = "2023-12-01 buy A 80USD 1ETH -";
const ROW: &str = "2024-01-10 buy A 100USD 1ETH 1USD hash=0xA";
const LATE: &str = "2024-08-01 buy A 150USD 1ETH -";

#[test]
fn a_row_named_after_its_line_counts_once_though_a_longer_export_has_it_on_another_line() {
    let short: &[&str] = &[ROW];
    let long: &[&str] = &[OLD, ROW, LATE];
    let outcome = of(&[("h1.csv", "koinly", short), ("all.csv", "koinly", long)]);
    assert_eq!(holdings(&outcome), ["ETH * 3 331.00"]);
    let said = "koinly-3 of 1: the same row stands in h1.csv on line 2; counted once";
    assert_eq!(told(&outcome), [said]);
    // In whichever order they are given.
    let outcome = of(&[("all.csv", "koinly", long), ("h1.csv", "koinly", short)]);
    assert_eq!(holdings(&outcome), ["ETH * 3 331.00"]);
    let said = "koinly-2 of 1: the same row stands in all.csv on line 3; counted once";
    assert_eq!(told(&outcome), [said]);
}

#[test]
fn of_equal_rows_as_many_count_as_the_file_with_most_of_them_has() {
    let (one, two, three): (&[&str], &[&str], &[&str]) =
        (&[ROW], &[ROW, OLD, ROW], &[ROW, ROW, ROW]);
    let units = |files: &[&[&str]]| {
        let files: Vec<_> = files
            .iter()
            .map(|rows| ("a.csv", "koinly", *rows))
            .collect();
        let outcome = of(&files);
        (
            outcome.holdings[0].quantity.to_string(),
            told(&outcome).len(),
        )
    };
    let is = |units: &str, told| (units.to_owned(), told);
    assert_eq!(units(&[two]), is("3", 0));
    assert_eq!(units(&[one, two]), is("3", 1));
    assert_eq!(units(&[two, &[OLD, ROW, ROW]]), is("3", 3));
    assert_eq!(units(&[one, three, one, two]), is("4", 4));
}

#[test]
fn rows_of_two_sources_or_with_other_units_wallets_or_hashes_are_no_copies() {
    let row: &[&str] = &[ROW];
    let outcome = of(&[("a.csv", "koinly", row), ("b.csv", "cointracker", row)]);
    assert_eq!(holdings(&outcome), ["ETH * 2 202.00"]);
    for other in [
        "2024-01-10 buy B 100USD 1ETH 1USD hash=0xA",
        "2024-01-10 buy A 100USD 2ETH 1USD hash=0xA",
        "2024-01-10 buy A 100USD 1ETH 2USD hash=0xA",
        "2024-01-10 buy A 100USD 1ETH 1USD hash=0xB",
        "2024-01-11 buy A 100USD 1ETH 1USD hash=0xA",
    ] {
        let outcome = of(&[("a.csv", "koinly", row), ("b.csv", "koinly", &[OLD, other])]);
        assert_eq!(told(&outcome), [] as [String; 0], "{other}");
    }
    // A row with a name of its own is another one under another name.
    let named = |name: &str| {
        let row = format!("{name} {ROW}");
        ledger(&[row.as_str()])
    };
    let files = [named("TX-2"), named("TX-3")];
    let outcome = compute(&files, Country::Us, &Request::default()).unwrap();
    assert_eq!(holdings(&outcome), ["ETH * 2 202.00"]);
}

#[test]
fn the_worth_that_an_export_gives_a_row_tells_it_apart_only_where_nothing_moved() {
    let with =
        |kind: &str, legs: &str, value: &str| format!("2024-01-10 {kind} A {legs} - value={value}");
    let copies = |kind, legs| {
        let rows = [with(kind, legs, "10"), with(kind, legs, "11")];
        let one: &[&str] = &[&rows[0]];
        let other: &[&str] = &[OLD, &rows[1]];
        told(&of(&[("a.csv", "koinly", one), ("b.csv", "koinly", other)])).len()
    };
    assert_eq!(copies("staking", "- 1ETH"), 1);
    assert_eq!(copies("margin_pnl", "- -"), 0);
}
