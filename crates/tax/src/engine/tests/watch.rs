//! Who watches a computation hears of all its rows, and may stop it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// More rows than are taken between two looks.
const ROWS: usize = STRETCH_ROWS + 10;

fn long_ledger() -> LedgerFile {
    let rows: Vec<String> = (0..ROWS)
        .map(|row| format!("b{row} 2024-01-10 buy main 10USD 1BTC -"))
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    ledger(&rows)
}

/// What a watcher hears of a piece of work that nobody stops.
fn heard(work: impl Fn(&Watch<'_>)) -> Vec<(usize, usize)> {
    let heard = Mutex::new(Vec::new());
    work(&Watch {
        on_rows: &|done, total| heard.lock().unwrap().push((done, total)),
        is_stopped: &|| false,
    });
    heard.into_inner().unwrap()
}

#[test]
fn a_computation_that_is_wanted_no_more_stops() {
    let ledgers = [long_ledger()];
    let looks = AtomicUsize::new(0);
    let watch = Watch {
        is_stopped: &|| looks.fetch_add(1, Ordering::Relaxed) > 0,
        ..Watch::UNWATCHED
    };
    let request = Request::default();
    let computed = compute_watched(&ledgers, Country::Us, &request, &watch);
    assert_eq!(computed.unwrap_err(), TaxError::Stopped);
    assert_eq!(looks.load(Ordering::Relaxed), 2, "the second look stops it");
}

#[test]
fn a_comparison_that_is_wanted_no_more_stops() {
    let ledgers = [ledger(&["b 2024-01-10 buy main 10USD 1BTC -"])];
    let watch = Watch {
        is_stopped: &|| true,
        ..Watch::UNWATCHED
    };
    let compared = compare_watched(&ledgers, Country::Us, &Request::default(), &watch);
    assert_eq!(compared.unwrap_err(), TaxError::Stopped);
}

#[test]
fn a_watcher_hears_of_every_row_and_the_number_never_falls() {
    let ledgers = [long_ledger()];
    let request = Request::default();
    let one = heard(|watch| {
        compute_watched(&ledgers, Country::Us, &request, watch).unwrap();
    });
    assert_eq!(
        one,
        [(0, ROWS), (STRETCH_ROWS, ROWS), (ROWS, ROWS)],
        "at the start, between, and at the end"
    );
    let all = heard(|watch| {
        compare_watched(&ledgers, Country::Us, &request, watch).unwrap();
    });
    let total = ROWS * jurisdiction::of(Country::Us).methods.len();
    assert!(all.is_sorted(), "{all:?}");
    assert_eq!(all.last(), Some(&(total, total)));
}

#[test]
fn a_ledger_without_rows_is_done_at_once() {
    let none = heard(|watch| {
        compute_watched(&[], Country::Us, &Request::default(), watch).unwrap();
    });
    assert_eq!(none, [(0, 0)]);
}

#[test]
fn what_findings_are_worth_is_wanted_no_more_either() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "w 2024-03-01 withdrawal A 1ETH - -",
    ];
    let looks = AtomicUsize::new(0);
    let watch = Watch {
        is_stopped: &|| looks.fetch_add(1, Ordering::Relaxed) > 0,
        ..Watch::UNWATCHED
    };
    let request = Request::default();
    let computed = compute_watched(&[ledger(&rows)], Country::Us, &request, &watch);
    assert_eq!(computed.unwrap_err(), TaxError::Stopped);
}

#[test]
fn a_portfolio_of_many_assets_asks_by_what_it_looks_at_and_not_by_rows() {
    let bought = (0..300).map(|one| format!("b{one} 2024-01-10 buy main 10EUR 1C{one} -"));
    let sold = (0..300).map(|one| format!("s{one} 2024-01-11 sell main 0.001C0 1EUR -"));
    let rows: Vec<_> = bought
        .chain(sold)
        .map(|row| row + " currency=EUR")
        .collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let looks = AtomicUsize::new(0);
    let watch = Watch {
        is_stopped: &|| looks.fetch_add(1, Ordering::Relaxed) > 0,
        ..Watch::UNWATCHED
    };
    let computed = compute_watched(&[ledger(&rows)], Country::Fr, &Request::default(), &watch);
    assert_eq!(computed.unwrap_err(), TaxError::Stopped);
}
