//! Answers and rules of the person in the PDF.

use packtrain_tax::compute;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::UsedRule;
use packtrain_tax::request::{Country, Request};
use packtrain_tax::settle::{Answer, Purchase, RowName, Settlement};

use super::*;

#[test]
fn answers_and_rules_stand_with_the_method_and_findings_name_their_ways() {
    let mut outcome = sample::outcome(5);
    outcome.settled = vec![sample::settled()];
    outcome.rules_given = vec![UsedRule {
        said: "a deposit is of the kind airdrop".to_owned(),
        rows: 3,
    }];
    let read = made(&outcome);
    for text in [
        "Findings settled by your answers",
        "Row t99",
        "2 ETH bought on 2020-01-01 for 10 USD.",
        "Your rules on what rows are",
        "A deposit is of the kind airdrop.",
    ] {
        assert!(read.has(text), "{text}: {}", read.text());
    }
    let text = read.text().replace('\n', " ");
    assert!(text.contains("or answer that zero is right."), "{text}");
    assert!(!text.contains("accept_zero"), "{text}");
}

#[test]
fn an_amount_at_stake_is_no_bound_and_says_where_it_is_estimated() {
    let mut outcome = sample::outcome(5);
    for warning in &mut outcome.warnings {
        warning.is_exact = false;
    }
    let text = made(&outcome).text();
    assert!(text.contains(" at stake, estimated"), "{text}");
    for warning in &mut outcome.warnings {
        warning.is_exact = true;
    }
    let text = made(&outcome).text();
    assert!(
        text.contains(" at stake") && !text.contains("estimated"),
        "{text}"
    );
    assert!(
        !text.contains("Up to") && !text.contains("at most in all"),
        "{text}"
    );
}

#[test]
fn a_purchase_that_was_answered_is_no_row_of_a_file_on_the_cover() {
    let rows = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                currency\n\
                g,2023-06-10T12:00:00Z,gift_in,main,,,1,BTC,USD\n\
                s,2023-07-10T12:00:00Z,sell,main,1,ETH,2400,USD,USD\n";
    let import = import::read(rows.as_bytes(), Limits::default()).unwrap();
    // The one is a row of its own, the other gives a row its cost.
    let bought = ["s", "g"].map(|id| Settlement {
        row: RowName {
            id: id.to_owned(),
            file: None,
        },
        answer: Answer::Purchase(Purchase {
            date: sample::day("2022-03-01"),
            asset: None,
            units: sample::quantity("1"),
            cost: sample::quantity("100"),
            currency: None,
        }),
    });
    let mut request = Request::default();
    request.settlements.settle = bought.into();
    let outcome = compute(&[import.into_ledger("a.csv")], Country::Us, &request).unwrap();
    assert_eq!(outcome.rows.values().sum::<usize>(), 3);
    let read = made(&outcome);
    assert!(read.has("2\u{a0}rows, 0\u{a0}files"), "{}", read.text());
}
