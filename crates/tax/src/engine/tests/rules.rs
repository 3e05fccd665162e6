//! A person's rules on what rows are.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::settle::{Answer, RowName, Rule, Settlement, Settlements};

pub(super) fn rule(rule: &serde_json::Value) -> Rule {
    Rule::deserialize(rule).unwrap()
}

fn ruled(rows: &[&str], rules: &[serde_json::Value]) -> Result<Outcome, TaxError> {
    let mut ledger = ledger(rows);
    for row in &mut ledger.rows {
        row.note = Some(format!("Earn Reward of {}", row.id).into());
    }
    let request = Request {
        settlements: Settlements {
            rule: rules.iter().map(rule).collect(),
            settle: Vec::new(),
        },
        ..Request::default()
    };
    compute(&[ledger], Country::Us, &request)
}

fn counts(outcome: &Outcome) -> Vec<usize> {
    outcome.rules_given.iter().map(|rule| rule.rows).collect()
}

const CAME: [&str; 3] = [
    "a 2024-01-01 deposit A - 1ETH - value=100",
    "b 2024-01-02 deposit B - 2ETH - value=200",
    "c 2024-01-03 staking B - 3ETH - value=300",
];

#[test]
fn every_condition_of_a_rule_must_hold_and_the_first_that_fits_decides() {
    let rules = [
        json!({ "note": "reward of A", "type": "deposit", "is": "interest" }),
        json!({ "wallet": "b", "asset": "eth", "is": "mining" }),
        json!({ "file": "other.csv", "is": "airdrop" }),
        json!({ "asset": "ETH", "is": "staking" }),
    ];
    let outcome = ruled(&CAME, &rules).unwrap();
    let kinds: Vec<_> = outcome
        .income
        .iter()
        .map(|line| line.kind.as_str())
        .collect();
    assert_eq!(kinds, ["interest", "mining", "mining"]);
    assert_eq!(counts(&outcome), [1, 2, 0, 0]);
    // A row that is of the kind already is not changed.
    let outcome = ruled(&CAME, &rules[3..]).unwrap();
    assert_eq!(counts(&outcome), [2]);
    assert_eq!(outcome.warnings, []);
}

#[test]
fn a_rule_that_a_row_cannot_meet_is_an_error_with_its_line() {
    let error = ruled(&CAME, &[json!({ "type": "deposit", "is": "spend" })]).unwrap_err();
    assert_eq!(error.code(), "tax.rule_misfit");
    assert_eq!(
        error.to_string(),
        "the rule that a deposit is of the kind spend does not fit row \"a\" (\"ledger.csv\", \
         line 2): nothing was sent"
    );
    let rows = ["a 2024-01-01 buy A 100USD 1ETH -"];
    let error = ruled(&rows, &[json!({ "type": "buy", "is": "airdrop" })]).unwrap_err();
    assert!(error.to_string().ends_with("something was sent"), "{error}");
}

#[test]
fn a_rule_without_a_condition_or_that_says_nothing_known_is_refused() {
    let refused = |rule: serde_json::Value| Rule::deserialize(&rule).unwrap_err().to_string();
    let error = refused(json!({ "is": "airdrop" }));
    assert!(error.starts_with("a rule without a condition"), "{error}");
    let error = refused(json!({ "row": "a", "is": "teleport" }));
    assert_eq!(error, "there is no type \"teleport\"");
    let error = refused(json!({ "row": "a" }));
    assert!(error.starts_with("a rule that says nothing"), "{error}");
    let error = refused(json!({ "row": "a", "is": "airdrop", "answer": "keep" }));
    assert_eq!(error, "a rule says is or answer, not both");
    let error = refused(json!({ "row": "a", "answer": "accept" }));
    assert_eq!(
        error,
        "a rule answers keep and not \"accept\"; answer for one row in `settle`, by its id"
    );
    for key in ["file", "row", "wallet", "to_wallet", "asset", "note"] {
        let error = refused(json!({ key: " ", "type": "deposit", "is": "airdrop" }));
        assert_eq!(error, format!("{key} is empty; leave it out"));
    }
}

#[test]
fn a_rule_that_keeps_counts_the_copies_that_it_fits_and_leaves_the_kinds_to_other_rules() {
    let rows = [
        "k 2024-01-01 deposit Kraken - 1ETH - value=100",
        "l 2024-01-02 deposit Ledger - 2ETH - value=200",
    ];
    let mut second = ledger(&rows);
    second.name = "second.csv".to_owned();
    let settlements = |rules: &[serde_json::Value], settle: Vec<Settlement>| Settlements {
        rule: rules.iter().map(rule).collect(),
        settle,
    };
    let run = |settlements: Settlements| {
        let request = Request {
            settlements,
            ..Request::default()
        };
        compute(&[ledger(&rows), second.clone()], Country::Us, &request).unwrap()
    };
    let rules = [
        json!({ "wallet": "kraken", "answer": "keep" }),
        json!({ "type": "deposit", "is": "staking" }),
    ];
    let outcome = run(settlements(&rules, Vec::new()));
    let ids: Vec<_> = outcome.income.iter().map(|line| &*line.id).collect();
    assert_eq!(ids, ["k", "k", "l"]);
    assert_eq!(counts(&outcome)[0], 1);
    let copies = outcome.warnings.iter().map(|warning| &*warning.id);
    assert_eq!(copies.collect::<Vec<_>>(), ["l"]);
    // An answer about a copy that a rule keeps is about that copy, and not about the first.
    let about = Settlement {
        row: RowName {
            id: "k".to_owned(),
            file: Some("second.csv".to_owned()),
        },
        answer: Answer::Price(crate::settle::Price {
            asset: None,
            one: "7".parse().unwrap(),
            currency: None,
        }),
    };
    let outcome = run(settlements(&rules, vec![about]));
    let values: Vec<_> = outcome
        .income
        .iter()
        .map(|line| line.value.to_plain())
        .collect();
    assert_eq!(values, ["100", "7", "200"]);
}

#[test]
fn one_record_that_two_exports_note_in_other_words_counts_once() {
    let rows = ["k 2024-01-01 staking Kraken - 1ETH - value=100"];
    let noted = |name: &str, note: Option<&str>| {
        let mut ledger = ledger(&rows);
        ledger.name = name.to_owned();
        ledger.rows[0].note = note.map(Box::from);
        ledger
    };
    let ledgers = [
        noted("of_before.csv", None),
        noted("old.csv", Some("earn")),
        noted("new.csv", Some("earn reward")),
    ];
    let outcome = compute(&ledgers, Country::Us, &Request::default()).unwrap();
    assert_eq!(outcome.income.len(), 1);
    let found: Vec<_> = outcome.warnings.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(found, ["duplicate_row"; 2]);
    // What is answered about the id is not refused as being about several rows.
    let mut request = Request::default();
    request.settlements.settle = vec![Settlement {
        row: RowName {
            id: "k".to_owned(),
            file: None,
        },
        answer: Answer::Keep,
    }];
    let outcome = compute(&ledgers, Country::Us, &request).unwrap();
    assert_eq!(outcome.income.len(), 3);
}

#[test]
fn the_names_of_a_rule_stand_in_quotes() {
    let named = json!({ "wallet": "Mia's \"vault\"", "asset": "ADA", "is": "airdrop" });
    assert_eq!(
        rule(&named).to_string(),
        "a row of \"ADA\" in wallet \"Mia's \\\"vault\\\"\" is of the kind airdrop"
    );
}

#[test]
fn an_answer_meets_the_row_as_the_rules_left_it() {
    let rows = [
        "a 2024-01-01 withdrawal A 1ETH - -",
        "b 2024-01-20 deposit B - 1ETH - value=100",
    ];
    let name = |id: &str| RowName {
        id: id.to_owned(),
        file: None,
    };
    let mut settlements = Settlements {
        settle: vec![Settlement {
            row: name("a"),
            answer: Answer::Transfer(name("b")),
        }],
        rule: Vec::new(),
    };
    let run = |settlements: &Settlements| {
        let request = Request {
            settlements: settlements.clone(),
            ..Request::default()
        };
        compute(&[ledger(&rows)], Country::Us, &request)
    };
    assert_eq!(run(&settlements).unwrap().transfers.len(), 1);
    settlements.rule = vec![rule(&json!({ "row": "b", "is": "income" }))];
    assert_eq!(
        run(&settlements).unwrap_err().code(),
        "tax.settlement_misfit"
    );
}

#[test]
fn units_that_came_without_a_purchase_are_in_the_pool_and_matched_with_no_sale() {
    let rows = [
        "a 2024-01-10 buy A 1000GBP 1ETH -",
        "s 2024-06-01 sell A 1ETH 3000GBP -",
        "d 2024-06-10 deposit B - 1ETH -",
    ];
    let rows = rows.map(|row| format!("{row} currency=GBP"));
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let outcome = compute(&[ledger(&rows)], Country::Uk, &Request::default()).unwrap();
    let line = &outcome.disposals[0];
    assert_eq!((line.rule, &*line.gain.to_cents()), ("s104", "2000.00"));
    assert_eq!(outcome.disposals.len(), 1);
    assert_eq!(holdings(&outcome), ["ETH * 1 0.00"]);
}

#[test]
fn names_of_one_pool_keep_their_units_however_many_there_are() {
    let mut rows = vec!["a 2024-01-10 buy A 4000GBP 40X0 - currency=GBP".to_owned()];
    for name in 1..40 {
        rows.push(format!(
            "w{name} 2024-01-11 wrap A 1X0 1X{name} - currency=GBP"
        ));
    }
    rows.push("s 2024-06-01 sell A 1X39 300GBP - currency=GBP".to_owned());
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let request = Request {
        options: [("wrap".to_owned(), "carry".to_owned())].into(),
        ..Request::default()
    };
    let outcome = compute(&[ledger(&rows)], Country::Uk, &request).unwrap();
    assert_eq!(outcome.disposals[0].cost.to_cents(), "100.00");
    let held = holdings(&outcome);
    assert_eq!(held.len(), 39);
    assert!(
        held.iter().all(|one| one.ends_with(" * 1 100.00")),
        "{held:?}"
    );
}
