//! Which wallets a lot may come from, and the turn to lots by wallet.

use super::*;

#[test]
fn the_dated_rule_pools_all_wallets_through_2024_and_keeps_them_apart_from_2025() {
    let rows = [
        "a 2024-02-01 buy A 100USD 1BTC -",
        "b 2024-03-01 buy B 200USD 1BTC -",
        "c 2024-04-01 buy B 300USD 1BTC -",
        // Local New Year's Eve: UTC is already in 2025.
        "s 2025-01-01T04:59:59Z sell B 1BTC 1000USD -",
        "t 2025-01-01T05:00:00Z sell B 1BTC 1000USD -",
    ];
    // The first sale uses A's lot; what is left lies with B, where the units are one too many, so
    // the newer lot goes to A.
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        ["s<a 1 100.00 900.00", "t<b 1 200.00 800.00"]
    );
    assert_eq!(holdings(&outcome), ["BTC A 1 300.00"]);
    assert_eq!(outcome.disposals[0].date.to_string(), "2024-12-31");
    assert_eq!(warnings(&outcome), []);
    let note = outcome
        .rules_used
        .iter()
        .find(|note| note.source.starts_with("Rev. Proc. 2024-28"))
        .unwrap();
    assert!(
        note.text.contains("Lots of 1 BTC changed wallets."),
        "{}",
        note.text
    );
}

#[test]
fn an_explicit_scope_holds_for_all_dates() {
    let rows = [
        "a 2024-02-01 buy A 100USD 1BTC -",
        "b 2024-03-01 buy B 200USD 1BTC -",
        "s 2024-05-01 sell B 1BTC 1000USD -",
        "t 2025-05-01 sell A 1BTC 1000USD -",
    ];
    let wallet = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(
        lines(&wallet),
        ["s<b 1 200.00 800.00", "t<a 1 100.00 900.00"]
    );
    let universal = outcome(&rows, Method::Fifo, Some(Scope::Universal));
    assert_eq!(
        lines(&universal),
        ["s<a 1 100.00 900.00", "t<b 1 200.00 800.00"]
    );
}

#[test]
fn lots_that_did_not_stray_stay_in_their_wallets_at_the_turn_to_2025() {
    let rows = [
        "a 2024-02-01 buy Z 100USD 1BTC -",
        "b 2024-03-01 buy A 200USD 1BTC -",
        "m 2024-04-01 transfer A>Y 0.5BTC 0.5BTC -",
        "s 2025-05-01 sell Y 0.5BTC 1000USD -",
        "t 2025-05-01 sell A 0.5BTC 1000USD -",
        "u 2025-05-01 sell Z 1BTC 1000USD -",
    ];
    let outcome = usual(&rows);
    let expected = [
        "s<b 0.5 100.00 900.00",
        "t<b 0.5 100.00 900.00",
        "u<a 1 100.00 900.00",
    ];
    assert_eq!(lines(&outcome), expected);
    let note = outcome
        .rules_used
        .iter()
        .find(|note| note.source.starts_with("Rev. Proc. 2024-28"))
        .unwrap();
    assert!(note.text.contains("Every lot was where its units were."));
}

#[test]
fn strayed_lots_go_oldest_first_to_the_wallets_in_the_order_of_their_names() {
    let rows = [
        "a 2023-01-01 buy M 100USD 2BTC -",
        "b 2023-02-01 buy B 300USD 1BTC -",
        "c 2023-03-01 buy A 500USD 1BTC -",
        "d 2023-04-01 buy M 700USD 1BTC -",
        // LIFO over all wallets uses d, c and half of b, though the units leave M.
        "s 2024-05-01 sell M 2.5BTC 2500USD -",
        "x 2025-05-01 sell A 1BTC 1000USD -",
        "y 2025-05-01 sell B 1BTC 1000USD -",
        "z 2025-05-01 sell M 0.5BTC 1000USD -",
    ];
    let outcome = outcome(&rows, Method::Lifo, None);
    assert_eq!(
        lines(&outcome)[3..],
        [
            "x<a 1 50.00 950.00",
            "y<b 0.5 150.00 350.00",
            "y<a 0.5 25.00 475.00",
            "z<a 0.5 25.00 975.00",
        ]
    );
    assert_eq!(outcome.holdings, []);
}

#[test]
fn lots_that_strayed_from_several_wallets_are_placed_in_one_order() {
    let rows = [
        "a 2023-01-01 buy M 100USD 1BTC -",
        "b 2023-02-01 buy N 200USD 1BTC -",
        "c 2023-03-01 buy B 300USD 1BTC -",
        "d 2023-04-01 buy A 400USD 1BTC -",
        // The newest lots, c and d, go; the units leave M and N.
        "s 2024-05-01 sell N 1BTC 1000USD -",
        "t 2024-05-01 sell M 1BTC 1000USD -",
        "x 2025-05-01 sell A 1BTC 1000USD -",
        "y 2025-05-01 sell B 1BTC 1000USD -",
    ];
    let outcome = outcome(&rows, Method::Lifo, None);
    assert_eq!(
        lines(&outcome)[2..],
        ["x<a 1 100.00 900.00", "y<b 1 200.00 800.00"]
    );
}

#[test]
fn a_wallet_that_gave_more_than_it_had_starts_2025_with_nothing() {
    let rows = [
        "a 2024-02-01 buy A 100USD 2BTC -",
        "s 2024-03-01 sell B 1BTC 1000USD -",
        "t 2025-03-01 sell A 2BTC 2000USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        [
            "s<a 1 50.00 950.00",
            "t<a 1 50.00 950.00",
            "t<- 1 0.00 1000.00"
        ]
    );
    // Bought by B for the 1,000 of its sale, the unit goes to A in 2025 and is sold at cost.
    let expected = [
        ("negative_balance", "s", "1000.00".to_owned()),
        ("missing_cost_basis", "t", "1000.00".to_owned()),
    ];
    assert_eq!(warnings(&outcome), expected);
}

#[test]
fn many_wallets_give_the_same_as_a_few() {
    // Forty wallets hold a lot each; the sales go through the method's order, not the wallets'.
    let mut rows: Vec<String> = (0..40)
        .map(|n| format!("b{n} 2024-01-01 buy W{n} {}USD 1BTC -", (n * 7) % 40 + 1))
        .collect();
    rows.extend((0..40).map(|n| format!("s{n} 2024-02-01 sell W{n} 1BTC 100USD -")));
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    let outcome = outcome(&rows, Method::Hifo, None);
    let costs: Vec<_> = outcome
        .disposals
        .iter()
        .map(|line| line.cost.to_cents())
        .collect();
    let expected: Vec<_> = (1..=40).rev().map(|cost| format!("{cost}.00")).collect();
    assert_eq!(costs, expected);
    assert_eq!(outcome.holdings, []);
}
