//! One total cost of all assets, and the value of all that is held.

use std::sync::Arc;

use super::*;
use crate::engine::compute_days;
use crate::prices::Prices;

fn france(rows: &[&str], prices: &str) -> Outcome {
    let prices = format!("date,asset,currency,price\n{prices}");
    let request = Request {
        prices: Arc::new(Prices::read(prices.as_bytes()).unwrap()),
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Fr, &request).unwrap()
}

/// Code, row, what is at stake, and whether that was computed.
fn findings(outcome: &Outcome) -> Vec<(&'static str, &str, String, bool)> {
    let warnings = outcome.warnings.iter();
    warnings
        .map(|one| {
            let stake = one.at_stake.to_cents();
            (one.code.as_str(), &*one.id, stake, one.is_exact)
        })
        .collect()
}

const TWO: [&str; 3] = [
    "b 2024-01-05 buy A 1000EUR 1BTC - currency=EUR",
    "e 2024-01-06 buy A 1000EUR 10ETH - currency=EUR",
    "s 2024-06-01 sell A 0.5BTC 1500EUR - currency=EUR",
];

#[test]
fn the_sentence_of_a_disposal_names_its_figures_and_the_price_of_all_that_was_held() {
    let why = |prices| france(&TWO, prices).disposals[0].why.to_string();
    assert_eq!(
        why("2024-05-30,ETH,EUR,300\n"),
        "Part of the total cost of the portfolio: 2000.00 x price 1500.00 / value 6000.00 = \
         500.00; held were 1 BTC worth 3000.00 (by this row), 10 ETH worth 3000.00 (listed price \
         of 2024-05-30); proceeds as received in money."
    );
    assert!(why("").contains("10 ETH worth 1000.00 (last price in the records, of 2024-01-06);"));
}

#[test]
fn at_most_ten_assets_are_named_the_most_valuable_of_all() {
    let mut rows: Vec<String> = (1..=12)
        .map(|n| format!("b{n} 2024-06-01 buy A {n}EUR 1C{n} - currency=EUR"))
        .collect();
    rows.push("s 2024-06-02 sell A 1C1 1EUR - currency=EUR".to_owned());
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = france(&rows, "");
    let Choice::Portfolio(state) = &outcome.disposals[0].why.choice else {
        panic!("{:?}", outcome.disposals[0].why);
    };
    assert_eq!(
        (state.value.to_cents(), state.more),
        ("78.00".to_owned(), 2)
    );
    let names: Vec<_> = state.parts.iter().map(|part| &*part.asset).collect();
    let wanted = [
        "C12", "C11", "C10", "C9", "C8", "C7", "C6", "C5", "C4", "C3",
    ];
    assert_eq!(names, wanted);
    assert_eq!(outcome.warnings, []);
}

#[test]
fn an_old_price_is_at_stake_with_what_the_gain_would_be_without_it() {
    // 2,000 x 1,500 / 4,000 = 750; without the ETH 2,000 x 1,500 / 3,000 = 1,000.
    let outcome = france(&TWO, "");
    let wanted = ("missing_portfolio_price", "s", "250.00".to_owned(), true);
    assert_eq!(findings(&outcome), [wanted]);
    let finding = &outcome.warnings[0];
    assert!(
        finding.message.contains("10 were held"),
        "{}",
        finding.message
    );
    assert!(
        finding.message.contains("at most 147 days old"),
        "{}",
        finding.message
    );
    assert_eq!(france(&TWO, "2024-05-25,ETH,EUR,100\n").warnings, []);
    assert_eq!(france(&TWO, "2024-05-24,ETH,EUR,100\n").warnings.len(), 1);
}

#[test]
fn what_was_never_priced_counts_as_zero_and_is_told_once_a_year() {
    let rows = [
        "b 2023-01-05 buy A 1000EUR 4BTC - currency=EUR",
        "a 2023-01-06 airdrop A - 5SOL - currency=EUR",
        "s 2023-06-01 sell A 1BTC 1000EUR - currency=EUR",
        "t 2023-07-01 sell A 1BTC 1000EUR - currency=EUR",
        "u 2024-06-01 sell A 1BTC 1000EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    let one = |row| ("missing_portfolio_price", row, "0.00".to_owned(), false);
    assert_eq!(findings(&outcome), [one("s"), one("u")]);
    let gains = outcome.disposals.iter().map(|line| line.gain.to_cents());
    assert_eq!(gains.collect::<Vec<_>>(), ["750.00"; 3]);
}

#[test]
fn units_sold_beyond_the_records_were_held_and_are_settled_by_a_purchase() {
    let rows = [
        "b 2024-01-05 buy A 1000EUR 1BTC - currency=EUR",
        "s 2024-06-01 sell A 2BTC 3000EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    assert_eq!(outcome.disposals[0].gain.to_cents(), "2000.00");
    // Bought for what they were sold for: the total cost has 1,500 more.
    let wanted = ("missing_cost_basis", "s", "1500.00".to_owned(), true);
    assert_eq!(findings(&outcome), [wanted]);
}

#[test]
fn what_moves_between_wallets_or_leaves_the_records_is_held() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "t 2024-06-02 transfer A>B 0.5BTC 0.5BTC - currency=EUR",
        "w 2024-06-03 withdrawal A 0.5BTC - - currency=EUR",
        "s 2024-06-04 sell A 1BTC 1000EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    assert_eq!(outcome.disposals[0].cost.to_cents(), "500.00");
    let held: Vec<_> = outcome
        .holdings
        .iter()
        .map(|held| (held.quantity.to_string(), held.cost.to_cents()))
        .collect();
    assert_eq!(held, [("1".to_owned(), "500.00".to_owned())]);
}

#[test]
fn a_sale_for_nothing_uses_no_cost() {
    let rows = [
        "b 2024-06-01 buy A 1000EUR 2BTC - currency=EUR",
        "s 2024-06-04 spend A 1BTC - - value=0 currency=EUR",
        "u 2024-06-05 sell A 1BTC 1500EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    let costs = outcome.disposals.iter().map(|line| line.cost.to_cents());
    assert_eq!(costs.collect::<Vec<_>>(), ["0.00", "1000.00"]);
}

#[test]
fn what_is_left_has_shares_of_the_total_cost_by_value_and_loses_none_of_it() {
    let rows = [
        "b 2024-06-01 buy A 100EUR 3BTC - currency=EUR",
        "e 2024-06-01 buy A 200EUR 7ETH - currency=EUR",
        "a 2024-06-01 airdrop A - 5SOL - currency=EUR",
        "s 2024-06-02 sell A 1ETH 29EUR - currency=EUR",
    ];
    let outcome = france(&rows, "");
    let left = outcome.holdings.iter().map(|held| held.cost);
    let sum = left.fold(outcome.disposals[0].cost, |sum, cost| {
        sum.checked_add(cost).unwrap()
    });
    assert_eq!(sum.to_plain(), "300");
    assert_eq!(outcome.holdings.len(), 3);
    assert!(outcome.holdings[2].cost.is_zero());
}

#[test]
fn holdings_of_a_day_are_those_of_the_rows_up_to_it() {
    let day = "2024-05-31".parse().unwrap();
    let request = Request::default();
    let held = compute_days(&[ledger(&TWO)], Country::Fr, &request, &[day], &|| false).unwrap();
    let costs = held[0].holdings.iter().map(|held| held.cost.to_cents());
    assert_eq!(costs.collect::<Vec<_>>(), ["1000.00", "1000.00"]);
}
