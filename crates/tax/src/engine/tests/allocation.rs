//! Which lots go to which wallet at the turn to 2025: by a rule, or as the person has it.

use std::sync::Arc;

use super::*;
use crate::allocation::Allocation;

/// Three lots in two wallets, of which the sale of 2024 leaves b and c, one unit in each wallet.
const ROWS: &[&str] = &[
    "a 2024-02-01 buy A 100USD 1BTC -",
    "b 2024-03-01 buy A 300USD 1BTC -",
    "c 2024-04-01 buy B 200USD 1BTC -",
    "s 2024-05-01 sell A 1BTC 1000USD -",
    "t 2025-05-01 sell A 1BTC 1000USD -",
];

fn ask(allocation: &str, option: &str, scope: Option<Scope>) -> Request {
    let file = format!("asset,lot,wallet,quantity\n{allocation}");
    let options = [("allocation".to_owned(), option.to_owned())];
    Request {
        scope,
        options: options
            .into_iter()
            .filter(|(_, rule)| !rule.is_empty())
            .collect(),
        allocation: Arc::new(Allocation::read(file.as_bytes()).unwrap()),
        ..Request::default()
    }
}

fn allocated(rows: &[&str], allocation: &str, option: &str) -> Outcome {
    compute(&[ledger(rows)], Country::Us, &ask(allocation, option, None)).unwrap()
}

fn refused(rows: &[&str], allocation: &str) -> String {
    let error = compute(&[ledger(rows)], Country::Us, &ask(allocation, "", None)).unwrap_err();
    assert_eq!(error.code(), "tax.bad_allocation");
    error.to_string()
}

/// What the report says about the allocation.
fn notes(outcome: &Outcome) -> Vec<&str> {
    let all = outcome.rules_used.iter();
    all.filter(|note| note.source.starts_with("Rev. Proc. 2024-28"))
        .map(|note| &*note.text)
        .collect()
}

#[test]
fn each_rule_of_allocation_says_which_lot_the_first_wallet_has() {
    for (rule, lot) in [
        ("in_place", "t<b 1 300.00 700.00"),
        ("oldest", "t<b 1 300.00 700.00"),
    ] {
        assert_eq!(lines(&allocated(ROWS, "", rule))[1], lot, "{rule}");
    }
    // Of the lots that are left, B's is now the dearest and the oldest stays behind it.
    let mut rows = ROWS.to_vec();
    rows[1] = "b 2024-03-01 buy A 150USD 1BTC -";
    let costs = |rule| lines(&allocated(&rows, "", rule))[1].clone();
    assert_eq!(costs("in_place"), "t<b 1 150.00 850.00");
    assert_eq!(costs("oldest"), "t<b 1 150.00 850.00");
    assert_eq!(costs("highest"), "t<c 1 200.00 800.00");
}

#[test]
fn the_oldest_lots_go_to_the_first_wallet_by_name_wherever_they_were_bought() {
    let rows = [
        "a 2024-02-01 buy B 100USD 1BTC -",
        "b 2024-03-01 buy A 300USD 1BTC -",
        "t 2025-05-01 sell A 1BTC 1000USD -",
    ];
    assert_eq!(
        lines(&allocated(&rows, "", "in_place")),
        ["t<b 1 300.00 700.00"]
    );
    let oldest = allocated(&rows, "", "oldest");
    assert_eq!(lines(&oldest), ["t<a 1 100.00 900.00"]);
    assert!(notes(&oldest)[0].contains("Lots of 2 BTC changed wallets."));
}

#[test]
fn units_go_to_the_wallets_that_the_person_gives_them_to() {
    let own = "BTC,c,A,1\nBTC,b,B,1\n";
    let outcome = allocated(ROWS, own, "");
    assert_eq!(lines(&outcome)[1], "t<c 1 200.00 800.00");
    assert_eq!(holdings(&outcome), ["BTC B 1 300.00"]);
    let notes = notes(&outcome);
    assert_eq!(notes.len(), 1);
    assert!(notes[0].contains("person's own allocation"), "{}", notes[0]);
    assert!(
        notes[0].contains("Lots of 2 BTC changed wallets."),
        "{}",
        notes[0]
    );
}

#[test]
fn an_asset_that_the_person_does_not_allocate_goes_by_the_rule() {
    let mut rows = ROWS.to_vec();
    rows.extend([
        "e 2024-02-01 buy B 10USD 1ETH -",
        "f 2024-03-01 buy A 20USD 1ETH -",
        "g 2025-06-01 sell A 1ETH 50USD -",
    ]);
    let outcome = allocated(&rows, "BTC,c,A,1\nBTC,b,B,1\n", "oldest");
    assert_eq!(
        lines(&outcome)[1..],
        ["t<c 1 200.00 800.00", "g<e 1 10.00 40.00"]
    );
    assert_eq!(notes(&outcome).len(), 2);
}

#[test]
fn units_outside_the_records_are_allocated_to_no_wallet() {
    let rows = [
        "a 2024-02-01 buy A 100USD 2BTC -",
        "b 2024-03-01 buy A 300USD 1BTC -",
        "w 2024-04-01 withdrawal A 1BTC - -",
        "t 2025-05-01 sell A 2BTC 1000USD -",
    ];
    let outcome = allocated(&rows, "BTC,a,,1\nBTC,a,A,1\nBTC,b,A,1\n", "");
    assert_eq!(
        lines(&outcome),
        ["t<a 1 50.00 450.00", "t<b 1 300.00 200.00"]
    );
}

#[test]
fn an_allocation_that_does_not_add_up_says_all_that_is_wrong() {
    assert_eq!(
        refused(ROWS, "BTC,c,A,0.5\nBTC,b,B,1\nBTC,a,A,1\nBTC,c,C,1\n"),
        "the allocation of BTC does not add up: \
         line 4: nothing is left of a lot \"a\"; \
         1 BTC is left of lot \"c\", 1.5 are allocated; \
         \"A\" holds 1 BTC, 0.5 are allocated to it; \
         \"C\" holds 0 BTC, 1 is allocated to it"
    );
    assert_eq!(
        refused(ROWS, "ETH,c,A,1\n"),
        "the allocation of ETH does not add up: the records have no ETH then"
    );
}

#[test]
fn a_wallet_that_gave_more_than_it_held_can_be_allocated_nothing() {
    let rows = [
        "a 2024-02-01 buy A 100USD 2BTC -",
        "s 2024-03-01 sell B 1BTC 1000USD -",
        "t 2025-03-01 sell A 1BTC 2000USD -",
    ];
    assert_eq!(
        refused(&rows, "BTC,a,A,1\n"),
        "the allocation of BTC does not add up: \
         \"A\" holds 2 BTC, 1 is allocated to it; \
         \"B\" gave 1 BTC more than it held: correct the rows first"
    );
}

#[test]
fn an_allocation_without_a_turn_to_wallets_is_refused() {
    let own = "BTC,c,A,1\nBTC,b,B,1\n";
    let error = |country, scope| {
        let error = compute(&[ledger(ROWS)], country, &ask(own, "", scope)).unwrap_err();
        error.to_string()
    };
    let start = "an allocation of lots to wallets is for the United States under the dated rule \
                 of scope; ";
    assert_eq!(
        error(Country::Us, Some(Scope::Wallet)),
        format!("{start}scope wallet was asked for")
    );
    assert_eq!(
        error(Country::De, None),
        format!("{start}Germany has no such rule")
    );
}

#[test]
fn an_allocation_counts_though_no_row_follows_the_turn() {
    let own = "BTC,c,A,1\nBTC,b,B,1\n";
    let outcome = allocated(&ROWS[..4], own, "");
    assert_eq!(holdings(&outcome), ["BTC A 1 200.00", "BTC B 1 300.00"]);
    assert!(notes(&outcome)[0].contains("person's own allocation"));
    let said = refused(&ROWS[..4], "ETH,c,A,1\n");
    assert!(said.ends_with("the records have no ETH then"), "{said}");
}

#[test]
fn what_is_open_after_the_turn_lies_in_its_wallet_though_no_row_follows_it() {
    let on = |day: &str| {
        let request = Request {
            open_on: Some(day.parse().unwrap()),
            ..Request::default()
        };
        let outcome = compute(&[ledger(&ROWS[..4])], Country::Us, &request).unwrap();
        let wallets = outcome.open.iter().map(|lot| lot.wallet.is_some());
        wallets.collect::<Vec<_>>()
    };
    assert_eq!(on("2024-12-31"), [false, false]);
    assert_eq!(on("2025-01-01"), [true, true]);
}
