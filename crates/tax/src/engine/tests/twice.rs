//! Exchanges that two sources tell of: both count, and a finding says so.

use super::*;

/// A file of a source.
fn export(name: &str, source: &str, rows: &[&str]) -> LedgerFile {
    LedgerFile {
        name: name.to_owned(),
        source: source.to_owned(),
        ..ledger(rows)
    }
}

fn of(files: &[LedgerFile]) -> Outcome {
    compute(files, Country::Us, &Request::default()).unwrap()
}

/// Row, year, stake and message of each such finding.
fn told(outcome: &Outcome) -> Vec<(String, i32, String, String)> {
    let found = outcome.warnings.iter();
    let found = found.filter(|it| it.code == WarningCode::PerhapsTwice);
    found
        .map(|it| {
            assert!(it.is_exact, "{it:?}");
            let stake = it.at_stake.to_cents();
            (it.id.to_string(), it.year.0, stake, it.message.clone())
        })
        .collect()
}

/// Whether rows of one source have such a finding beside those of another.
fn is_told(history: &[&str], trades: &[&str]) -> bool {
    let files = [
        export("h.csv", "coinbase", history),
        export("t.csv", "koinly", trades),
    ];
    !told(&of(&files)).is_empty()
}

const BUY: &str = "h1 2024-01-10 buy A 100USD 1ETH 1USD";
const SELL: &str = "h2 2024-06-10 sell A 1ETH 150USD 1USD";
const DEPOSIT: &str = "h3 2024-01-01 deposit A - 500USD -";

#[test]
fn exchanges_that_two_sources_have_count_twice_and_one_finding_of_a_year_says_so() {
    let history = export("h.csv", "kraken", &[DEPOSIT, BUY, SELL]);
    let trades = [
        "t1 2024-01-10T12:00:01.9Z buy a 101USD 1ETH -",
        "t2 2024-06-10T11:59:58Z sell a 1ETH 149USD -",
    ];
    let trades = export("t.csv", "kraken-trades", &trades);
    let files = [history, trades];
    let outcome = of(&files);
    assert_eq!(outcome.totals[&TaxYear(2024)].disposals, 2);

    let told_of = told(&outcome);
    assert_eq!(told_of.len(), 1);
    let (id, year, stake, message) = &told_of[0];
    assert_eq!((id.as_str(), *year, stake.as_str()), ("t1", 2024, "48.00"));
    assert!(
        message.contains("line 3 there and 2 here") && message.starts_with("t.csv has 2 exch"),
        "{message}"
    );
    let mut turned = files;
    turned.reverse();
    assert_eq!(told(&of(&turned)), told_of, "in whichever order");
}

#[test]
fn files_of_one_source_are_never_looked_at_for_exchanges_told_twice() {
    let one = export("a.csv", "kraken", &[BUY]);
    let other = export("b.csv", "kraken", &["x 2024-01-10 buy A 100USD 1ETH 1USD"]);
    assert_eq!(told(&of(&[one, other])), []);
}

#[test]
fn another_wallet_asset_amount_direction_or_time_is_another_exchange() {
    assert!(is_told(&[BUY], &["t 2024-01-10 buy A 102USD 1ETH -"]));
    for other in [
        "t 2024-01-10 buy B 100USD 1ETH -",
        "t 2024-01-10 buy A 100USD 1SOL -",
        "t 2024-01-10 buy A 100EUR 1ETH -",
        "t 2024-01-10 buy A 100USD 1.1ETH -",
        "t 2024-01-10 sell A 1ETH 100USD -",
        "t 2024-01-10T12:00:02.000001Z buy A 100USD 1ETH -",
        "t 2024-01-10 staking A - 1ETH - value=100",
    ] {
        assert!(!is_told(&[BUY], &[other]), "{other}");
    }
}

#[test]
fn of_coins_for_coins_one_leg_is_the_same_and_the_other_differs_by_no_more_than_a_fee() {
    let trade = "h 2024-01-10 trade A 1ETH 20SOL - value=100";
    for (other, is_alike) in [
        ("t 2024-01-10 trade A 1ETH 20SOL - value=100", true),
        ("t 2024-01-10 trade A 1ETH 19.5SOL - value=100", true),
        ("t 2024-01-10 trade A 1.01ETH 20SOL - value=100", true),
        ("t 2024-01-10 trade A 1ETH 18SOL - value=100", false),
        ("t 2024-01-10 trade A 1.01ETH 20.1SOL - value=100", false),
    ] {
        assert_eq!(is_told(&[trade], &[other]), is_alike, "{other}");
    }
}

#[test]
fn each_row_is_another_source_s_row_once() {
    let twice = [DEPOSIT, BUY, "h9 2024-01-10 buy A 100USD 1ETH 1USD", SELL];
    let trades = ["t1 2024-01-10", "t2 2024-01-10", "t3 2024-01-10"];
    let trades = trades.map(|it| format!("{it} buy A 100USD 1ETH -"));
    let trades: Vec<_> = trades.iter().map(String::as_str).collect();
    for (rows, count) in [(1, "1 exchange "), (2, "2 exchanges "), (3, "2 exchanges ")] {
        let files = [
            export("h.csv", "kraken", &twice),
            export("t.csv", "koinly", &trades[..rows]),
        ];
        let (.., message) = told(&of(&files)).remove(0);
        assert!(message.contains(count), "{rows}: {message}");
    }
}

#[test]
fn fills_are_told_of_where_their_sum_is_the_one_row_of_another_source() {
    let fills = [
        "t1 2024-01-10 buy A 40USD 0.4ETH -",
        "t2 2024-01-10T12:00:01Z buy A 61USD 0.6ETH -",
    ];
    assert!(is_told(&[BUY], &fills));
    assert!(is_told(&fills, &[BUY]));
    assert!(!is_told(&[BUY], &fills[..1]));
    let more = "t3 2024-01-10T12:00:01Z buy A 61USD 0.5ETH -";
    assert!(!is_told(&[BUY], &[fills[0], more]));
}

#[test]
fn the_fills_of_coinbase_advanced_are_of_the_account_of_coinbase() {
    let history = "h 2024-01-10 buy Coinbase 100USD 1ETH -";
    let fill = "t 2024-01-10 buy Coinbase_Advanced 100USD 1ETH -";
    let mut trades = export("t.csv", "coinbase-fills", &[fill]);
    trades.rows[0].wallet = "Coinbase Advanced".into();
    let files = [export("h.csv", "coinbase", &[history]), trades];
    assert_eq!(told(&of(&files)).len(), 1);
}

#[test]
fn what_was_bought_twice_is_at_stake_in_the_years_in_which_it_is_sold() {
    let history = [
        "h1 2022-01-10 buy A 100USD 1ETH -",
        "h2 2023-01-10 buy A 300USD 1ETH -",
        "h3 2024-01-10 sell A 2ETH 1000USD -",
    ];
    let trades = ["t1 2022-01-10 buy A 100USD 1ETH -"];
    let files = [
        export("h.csv", "kraken", &history),
        export("t.csv", "koinly", &trades),
    ];
    // Both units of 100 go first: 800 in place of 600, and the finding is of 2022.
    let (id, year, stake, _) = told(&of(&files)).remove(0);
    assert_eq!((id.as_str(), year, stake.as_str()), ("t1", 2022, "200.00"));
}

#[test]
fn exchanges_told_twice_that_both_happened_are_accepted() {
    let files = [
        export("h.csv", "kraken", &[DEPOSIT, BUY]),
        export("t.csv", "koinly", &["t1 2024-01-10 buy A 100USD 1ETH -"]),
    ];
    let answer = serde_json::json!({ "settle": [
        { "row": "t1", "answer": "accept", "finding": "perhaps_twice" },
    ] });
    let request = Request {
        settlements: serde_json::from_value(answer).unwrap(),
        ..Request::default()
    };
    let outcome = compute(&files, Country::Us, &request).unwrap();
    assert_eq!(told(&outcome), []);
    assert!(outcome.settled[0].is_used);
}

#[test]
fn a_row_that_is_left_out_as_a_copy_is_no_exchange_told_twice() {
    let history = export("h.csv", "kraken", &[DEPOSIT, BUY]);
    let trades = export("t.csv", "koinly", &["t1 2024-01-10 buy A 100USD 1ETH -"]);
    let copy = LedgerFile {
        name: "copy.csv".to_owned(),
        ..trades.clone()
    };
    let (.., message) = told(&of(&[history, trades, copy])).remove(0);
    assert!(message.starts_with("t.csv has 1 exchange "), "{message}");
}
