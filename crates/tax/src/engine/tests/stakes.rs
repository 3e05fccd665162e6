//! What is at stake: the figures with a finding as it is, and with it settled the other way.

use super::*;

/// Code, row and stake of each finding, and whether it was computed.
fn stakes(outcome: &Outcome) -> Vec<(&str, &str, String, bool)> {
    let stake = |w: &crate::outcome::Warning| w.at_stake.to_cents();
    (outcome.warnings.iter())
        .map(|w| (w.code.as_str(), &*w.id, stake(w), w.is_exact))
        .collect()
}

fn one(outcome: &Outcome) -> (&str, &str, String, bool) {
    assert_eq!(outcome.warnings.len(), 1, "{:#?}", outcome.warnings);
    stakes(outcome).remove(0)
}

#[test]
fn a_withdrawal_is_worth_the_gain_that_it_would_have_been() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-02-01 buy A 300USD 1ETH -",
        "w 2024-03-01 withdrawal A 1ETH - -",
        "s 2024-04-01 sell A 1ETH 500USD -",
    ];
    // As it is, w takes the lot of 100 along and s sells that of 300: 200. Over all wallets the
    // first in is first out whatever moved, so it is a that is sold: 400. Spent at the last price,
    // 300, w gives 300 - 100 and s 500 - 300: 400 in all.
    let outcome = usual(&rows);
    assert_eq!(lines(&outcome), ["s<a 1 100.00 400.00"]);
    assert_eq!(
        one(&outcome),
        ("unmatched_transfer", "w", "0.00".to_owned(), true)
    );
    // In each wallet its own: 500 - 300 before, 200 + 200 after.
    let outcome = super::outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(lines(&outcome), ["s<b 1 300.00 200.00"]);
    assert_eq!(
        one(&outcome),
        ("unmatched_transfer", "w", "200.00".to_owned(), true)
    );
}

#[test]
fn a_deposit_is_worth_what_its_units_would_have_cost_where_they_are_sold() {
    let rows = [
        "p 2024-01-01 buy A 40USD 1SOL -",
        "d 2024-02-01 deposit B - 2SOL -",
        "s 2024-03-01 sell B 1SOL 90USD -",
    ];
    // Bought at 40 each on the day that they came, one of them sold: 40 less gain.
    let outcome = super::outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(
        stakes(&outcome),
        [
            ("missing_cost_basis", "s", "90.00".to_owned(), true),
            ("unmatched_transfer", "d", "40.00".to_owned(), true),
        ]
    );
}

#[test]
fn a_price_is_worth_the_income_or_the_gain_of_the_year_that_it_changes_most() {
    let rows = [
        "p 2023-12-01 buy A 60USD 1ETH -",
        "r 2023-12-02 staking B - 2ETH -",
        "s 2024-03-01 sell B 2ETH 300USD -",
    ];
    // Income of 120 in 2023; in 2024 the gain is 120 less.
    let outcome = super::outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(
        one(&outcome),
        ("missing_price", "r", "120.00".to_owned(), true)
    );
}

#[test]
fn a_duplicate_is_worth_what_it_changes_when_it_is_kept() {
    let first = ledger(&[
        "a 2024-01-01 buy A 100USD 1ETH -",
        "s 2024-07-01 sell A 1ETH 600USD -",
    ]);
    let mut second = ledger(&["s 2024-07-01 sell A 1ETH 600USD -"]);
    second.name = "second.csv".to_owned();
    let outcome = compute(&[first, second], Country::Us, &Request::default()).unwrap();
    // A second sale for 600, of a unit that nobody bought.
    assert_eq!(
        one(&outcome),
        ("duplicate_row", "s", "600.00".to_owned(), true)
    );
}

#[test]
fn units_paid_back_without_a_loan_are_worth_the_gain_that_they_gave() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "r 2024-07-01 repay A 1ETH - - value=150",
    ];
    assert_eq!(
        one(&usual(&rows)),
        ("unmatched_loan", "r", "50.00".to_owned(), true)
    );
}

#[test]
fn a_loss_from_a_pool_is_worth_its_share_of_the_cost() {
    let rows = [
        "a 2024-05-01 buy A 100GBP 1ETH - currency=GBP",
        "b 2024-05-02 buy A 300GBP 1ETH - currency=GBP",
        "l 2024-09-01 stolen A 1ETH - - currency=GBP",
    ];
    let outcome = compute(&[ledger(&rows)], Country::Uk, &Request::default()).unwrap();
    assert_eq!(
        one(&outcome),
        ("loss_event_not_deducted", "l", "200.00".to_owned(), true)
    );
}

#[test]
fn units_that_a_wallet_lacked_are_worth_what_buying_them_would_change() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "p 2024-02-01 buy C 240USD 1ETH -",
        "s 2024-06-01 sell B 1ETH 500USD -",
    ];
    // Last in first out: p is sold, 260. Bought at the price of the sale, that is sold: nothing.
    let outcome = super::outcome(&rows, Method::Lifo, Some(Scope::Universal));
    assert_eq!(lines(&outcome), ["s<p 1 240.00 260.00"]);
    assert_eq!(
        one(&outcome),
        ("negative_balance", "s", "260.00".to_owned(), true)
    );
}

#[test]
fn without_any_price_a_stake_is_not_known_and_says_so() {
    let rows = [
        "d 2024-02-01 deposit B - 2SOL -",
        "r 2024-02-01 staking B - 1ADA -",
        "w 2024-03-01 withdrawal B 1SOL - -",
    ];
    assert_eq!(
        stakes(&usual(&rows)),
        [
            ("unmatched_transfer", "d", "0.00".to_owned(), false),
            ("missing_price", "r", "0.00".to_owned(), false),
            ("unmatched_transfer", "w", "0.00".to_owned(), false),
        ]
    );
}

#[test]
fn more_rows_than_the_limit_keep_the_estimate() {
    let mut ledger = ledger(&[
        "a 2024-01-01 buy A 100USD 1ETH -",
        "w 2024-03-01 withdrawal A 1ETH - -",
    ]);
    let compute = |ledger: &LedgerFile| {
        let ledger = std::slice::from_ref(ledger);
        compute(ledger, Country::Us, &Request::default()).unwrap()
    };
    assert!(one(&compute(&ledger)).3);
    let more = vec![ledger.rows[0].clone(); crate::engine::stakes::STAKE_ROWS_MAX];
    ledger.rows.extend(more);
    let expected = ("unmatched_transfer", "w", "100.00".to_owned(), false);
    assert_eq!(one(&compute(&ledger)), expected);
}

#[test]
fn rows_that_stand_twice_are_of_the_limit_too() {
    let first = ledger(&[
        "a 2024-01-01 buy A 100USD 1ETH -",
        "w 2024-03-01 withdrawal A 1ETH - -",
    ]);
    let mut second = first.clone();
    second.name = "second.csv".to_owned();
    second.rows.truncate(1);
    let copies = crate::engine::stakes::STAKE_ROWS_MAX - 2;
    second.rows = vec![second.rows[0].clone(); copies + 1];
    let outcome = compute(&[first, second], Country::Us, &Request::default()).unwrap();
    assert!(!outcome.warnings[0].is_exact);
}

#[test]
fn a_copied_file_is_computed_again_once_for_all_its_years() {
    let day = |year: usize| format!("b{year} {year}-01-01 buy A 100USD 1ETH -");
    let years: Vec<_> = (2010..2020).map(day).collect();
    let mut rows: Vec<_> = years.iter().map(String::as_str).collect();
    rows.push("s 2020-01-01 sell A 1ETH 500USD -");
    let mut first = ledger(&rows);
    // So many rows that two computations reach the limit; the copy has findings in 11 years.
    let more = crate::engine::stakes::STAKE_ROWS_MAX / 4 - first.rows.len();
    let last = first.rows[0].clone();
    let numbered = (0..more).map(|number| Row {
        id: format!("n{number}").into(),
        line: 100 + u32::try_from(number).unwrap(),
        ..last.clone()
    });
    first.rows.extend(numbered);
    let second = LedgerFile {
        name: "second.csv".to_owned(),
        ..first.clone()
    };
    let outcome = compute(&[first, second], Country::Us, &Request::default()).unwrap();
    let copies: Vec<_> = outcome.warnings.iter().map(|it| it.is_exact).collect();
    assert_eq!(copies, [true; 11]);
    // Its year is the last one: the sale stands twice in it.
    let sale = outcome.warnings.iter().find(|it| *it.id == *"s");
    assert_eq!(sale.unwrap().at_stake.to_cents(), "400.00");
}

#[test]
fn a_copy_that_is_not_computed_again_does_not_say_that_its_stake_is_exact() {
    let mut first = ledger(&["a 2024-01-01 buy A 100USD 1ETH -"]);
    let copies = vec![first.rows[0].clone(); crate::engine::stakes::STAKE_ROWS_MAX];
    first.rows.extend(copies);
    let second = LedgerFile {
        name: "second.csv".to_owned(),
        ..first.clone()
    };
    let outcome = compute(&[first, second], Country::Us, &Request::default()).unwrap();
    assert!(outcome.warnings.iter().all(|warning| !warning.is_exact));
}
