//! The order in which lots are used.

use super::*;

#[test]
fn parts_of_a_lot_that_meet_again_are_one_lot() {
    let rows = [
        "a 2023-02-01 buy A 100USD 3BTC -",
        "m 2024-05-01 transfer A>B 1BTC 1BTC -",
        "n 2024-05-02 transfer A>B 1BTC 1BTC -",
        "s 2024-06-01 sell B 2BTC 2000USD -",
    ];
    let outcome = outcome(&rows, Method::Fifo, Some(Scope::Wallet));
    assert_eq!(lines(&outcome), ["s<a 2 66.67 1933.33"]);
}

#[test]
fn hifo_ranks_by_cost_with_fees_and_takes_the_older_of_equals() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1BTC 5USD",
        "b 2024-01-02 buy A 104USD 1BTC -",
        "c 2024-01-03 buy A 315USD 3BTC -",
        "s 2024-06-01 sell A 1.5BTC 1500USD -",
    ];
    let outcome = outcome(&rows, Method::Hifo, None);
    assert_eq!(
        lines(&outcome),
        ["s<a 1 105.00 895.00", "s<c 0.5 52.50 447.50"]
    );
}

#[test]
fn hifo_ranks_a_lot_by_what_it_cost_when_acquired_after_it_was_cut_too() {
    // A third of 100 cannot be written exactly; the rank must not drift with the rounding.
    let rows = [
        "a 2024-01-01 buy A 100USD 3BTC -",
        "b 2024-01-02 buy A 200USD 6BTC -",
        "s 2024-06-01 sell A 1BTC 100USD -",
        "t 2024-06-02 sell A 1BTC 100USD -",
        "u 2024-06-03 sell A 2BTC 200USD -",
    ];
    let outcome = outcome(&rows, Method::Hifo, None);
    let lots: Vec<_> = outcome
        .disposals
        .iter()
        .map(|line| line.lot.as_deref())
        .collect();
    assert_eq!(lots, [Some("a"), Some("a"), Some("a"), Some("b")]);
}

#[test]
fn named_lots_that_are_not_there_leave_the_rest_to_the_method() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-01-02 buy A 200USD 1ETH -",
        "s 2024-07-01 sell A 1.5ETH 600USD - lots=b:0.5;z:1",
    ];
    let outcome = usual(&rows);
    assert_eq!(
        lines(&outcome),
        ["s<b 0.5 100.00 100.00", "s<a 1 100.00 300.00"]
    );
    assert_eq!(outcome.disposals[0].why.choice, Choice::Named);
    assert_eq!(
        warnings(&outcome),
        [("named_lot_missing", "s", "400.00".to_owned())]
    );
}
