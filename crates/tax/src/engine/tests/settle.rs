//! Answers to findings: which rows they fit, and what they leave of the findings.

use super::*;
use crate::settle::{Answer, Price, Purchase, RowName, Settlement, Way, said_twice};

fn named(id: &str) -> RowName {
    RowName {
        id: id.to_owned(),
        file: None,
    }
}

fn of_file(id: &str, file: &str) -> RowName {
    RowName {
        file: Some(file.to_owned()),
        ..named(id)
    }
}

fn bought(date: &str, units: &str, cost: &str) -> Answer {
    Answer::Purchase(Purchase {
        date: date.parse().unwrap(),
        asset: None,
        units: units.parse().unwrap(),
        cost: cost.parse().unwrap(),
        currency: None,
    })
}

fn priced(asset: Option<&str>, one: &str) -> Answer {
    Answer::Price(Price {
        asset: asset.map(str::to_owned),
        one: one.parse().unwrap(),
        currency: None,
    })
}

fn try_answers(ledgers: &[LedgerFile], answers: &[(RowName, Answer)]) -> Result<Outcome, TaxError> {
    let settle = answers.iter().map(|(row, answer)| Settlement {
        row: row.clone(),
        answer: answer.clone(),
    });
    let mut request = Request::default();
    request.settlements.settle = settle.collect();
    compute(ledgers, Country::Us, &request)
}

fn answered(rows: &[&str], id: &str, answer: Answer) -> Outcome {
    try_answers(&[ledger(rows)], &[(named(id), answer)]).unwrap()
}

fn refused(rows: &[&str], id: &str, answer: Answer) -> String {
    let error = try_answers(&[ledger(rows)], &[(named(id), answer)]).unwrap_err();
    assert_eq!(error.code(), "tax.settlement_misfit");
    error.to_string()
}

const SOLD: [&str; 2] = [
    "a 2024-01-01 buy A 100USD 1ETH -",
    "s 2024-07-01 sell A 3ETH 900USD -",
];

#[test]
fn what_was_bought_in_several_purchases_is_answered_by_each_and_the_same_one_twice_is_refused() {
    let (first, second) = (
        bought("2024-02-01", "1", "150"),
        bought("2024-03-01", "1", "250"),
    );
    let ledgers = [ledger(&SOLD)];
    let both = [(named("s"), first.clone()), (named("s"), second)];
    let outcome = try_answers(&ledgers, &both).unwrap();
    // 900 less what the three units had cost.
    assert_eq!(outcome.totals[&TaxYear(2024)].net.to_cents(), "400.00");
    let again = [
        (named("s"), first.clone()),
        (of_file("s", "ledger.csv"), first),
    ];
    let error = try_answers(&ledgers, &again).unwrap_err();
    assert!(error.to_string().contains("keep one of them"), "{error}");
}

#[test]
fn answers_are_the_same_only_where_they_contradict_or_repeat_each_other() {
    let of = |row: RowName, answer: Answer| Settlement { row, answer };
    let apart = |file: &str| Answer::NotTransfer(Some(of_file("d", file)));
    let copies = Answer::Accept(WarningCode::DuplicateRow);
    let all = [
        of(named("s"), bought("2024-02-01", "1", "150")),
        of(named("s"), bought("2024-03-01", "1", "150")),
        of(named("s"), bought("2024-02-01", "1", "150")),
        of(named("w"), apart("a.csv")),
        of(named("w"), apart("b.csv")),
        of(named("w"), apart("a.csv")),
        of(named("x"), copies.clone()),
        of(named("x"), copies),
        of(named("p"), priced(None, "7")),
        of(named("p"), priced(None, "8")),
    ];
    assert_eq!(said_twice(&all), [(0, 2), (3, 5), (8, 9)]);
}

#[test]
fn an_answer_for_a_row_that_is_not_there_is_an_error_that_names_it() {
    let said = refused(&SOLD, "x", bought("2020-01-01", "2", "10"));
    assert_eq!(
        said,
        "the answer purchase for row \"x\" does not fit: no row \"x\" is in the files"
    );
    let name = of_file("s", "other.csv");
    let answers = [(name, bought("2020-01-01", "2", "10"))];
    let error = try_answers(&[ledger(&SOLD)], &answers).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("there is no file \"other.csv\""),
        "{error}"
    );
}

#[test]
fn an_answer_for_an_id_of_two_rows_wants_the_file() {
    let second = LedgerFile {
        name: "second.csv".to_owned(),
        ..ledger(&["s 2024-08-01 spend A 1ETH - -"])
    };
    let ledgers = [ledger(&SOLD), second];
    let answer = priced(None, "300");
    let error = try_answers(&ledgers, &[(named("s"), answer.clone())]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("of \"ledger.csv\", \"second.csv\" differ"),
        "{error}"
    );
    let outcome = try_answers(&ledgers, &[(of_file("s", "second.csv"), answer)]).unwrap();
    assert_eq!(lines(&outcome)[2], "s<- 1 0.00 300.00");
    assert_eq!(outcome.disposals[2].why.value, ValueFrom::Answer);
}

#[test]
fn a_purchase_that_covers_less_leaves_the_rest_to_check() {
    let outcome = answered(&SOLD, "s", bought("2020-01-01", "0.5", "10"));
    assert_eq!(
        lines(&outcome),
        [
            "s<s-purchase 0.5 10.00 140.00",
            "s<a 1 100.00 200.00",
            "s<- 1.5 0.00 450.00"
        ]
    );
    assert_eq!(
        warnings(&outcome),
        [("missing_cost_basis", "s", "450.00".to_owned())]
    );
    assert_eq!(
        outcome.settled[0].to_string(),
        "0.5 ETH bought on 2020-01-01 for 10 USD"
    );
}

#[test]
fn a_purchase_after_its_row_or_by_a_row_that_moves_no_asset_is_refused() {
    let said = refused(&SOLD, "s", bought("2024-07-02", "2", "10"));
    assert!(said.ends_with("the purchase is after the row"), "{said}");
    let said = refused(&SOLD, "a", bought("2023-07-02", "2", "10"));
    assert!(
        said.ends_with("the row moves no asset in this way"),
        "{said}"
    );
}

#[test]
fn a_purchase_of_the_day_of_the_sale_is_there_before_it() {
    let outcome = answered(&SOLD, "s", bought("2024-07-01", "2", "10"));
    assert_eq!(warnings(&outcome), []);
}

#[test]
fn a_purchase_of_a_deposit_whose_withdrawal_is_there_is_refused() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "w 2024-02-01 withdrawal A 1ETH - -",
        "d 2024-02-01 deposit B - 1ETH -",
    ];
    let said = refused(&rows, "d", bought("2020-01-01", "1", "10"));
    assert!(
        said.ends_with("its withdrawal is in the files: take the answer out"),
        "{said}"
    );
}

#[test]
fn units_that_came_by_another_row_are_settled_there() {
    let rows = [
        "d 2024-02-01 deposit B - 2SOL -",
        "s 2024-07-01 sell B 2SOL 90USD -",
    ];
    let outcome = usual(&rows);
    let sale = outcome
        .warnings
        .iter()
        .find(|warning| &*warning.id == "s")
        .unwrap();
    assert!(
        sale.message.ends_with("they came by row d"),
        "{}",
        sale.message
    );
    assert_eq!(sale.ways, [Way::AddFile, Way::AcceptZero]);
    let part = answered(&rows, "d", bought("2023-02-01", "0.5", "10"));
    // The rest of the deposit is still without a purchase; bought at 20 each as the other half
    // a unit, all of it would have cost 40 and not 10.
    assert_eq!(
        warnings(&part),
        [
            ("missing_cost_basis", "s", "67.50".to_owned()),
            ("unmatched_transfer", "d", "30.00".to_owned()),
        ]
    );
}

#[test]
fn a_price_is_of_the_leg_that_is_named_and_no_price_replaces_money() {
    let rows = [
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-01-01 buy A 10USD 10BNB -",
        "m 2024-07-01 transfer A>B 1ETH 1ETH 2BNB",
    ];
    let outcome = answered(&rows, "m", priced(Some("BNB"), "3"));
    assert_eq!(lines(&outcome), ["m<b 2 2.00 4.00"]);
    assert_eq!(outcome.disposals[0].why.value, ValueFrom::Answer);
    assert_eq!(warnings(&outcome), []);
    let said = refused(&SOLD, "s", priced(None, "3"));
    assert!(
        said.ends_with("the row states its money, which counts before any price"),
        "{said}"
    );
}

#[test]
fn an_acceptance_settles_its_finding_alone_and_is_told_when_there_is_none() {
    let rows = [
        "r 2024-01-01 staking A - 1ETH -",
        "w 2024-02-01 withdrawal A 2ETH - -",
    ];
    let outcome = answered(&rows, "w", Answer::Accept(WarningCode::UnmatchedTransfer));
    let left: Vec<_> = warnings(&outcome)
        .into_iter()
        .map(|(code, id, _)| (code, id))
        .collect();
    assert_eq!(left, [("missing_price", "r"), ("negative_balance", "w")]);
    assert!(outcome.settled[0].is_used);
    let outcome = answered(&rows, "w", Answer::Accept(WarningCode::UnusableRow));
    assert!(!outcome.settled[0].is_used);
    assert!(
        outcome.settled[0]
            .to_string()
            .ends_with("so take the answer out")
    );
    let said = refused(
        &rows,
        "w",
        Answer::AcceptZero(WarningCode::UnmatchedTransfer),
    );
    assert!(
        said.ends_with("unmatched_transfer is settled in other ways"),
        "{said}"
    );
}

#[test]
fn zero_accepted_where_units_came_in_holds_for_every_sale_of_them() {
    let rows = [
        "g 2024-01-01 gift_in A - 2ETH -",
        "s 2024-02-01 sell A 1ETH 50USD -",
        "t 2024-03-01 sell A 1ETH 60USD -",
    ];
    assert_eq!(warnings(&usual(&rows)).len(), 2);
    let outcome = answered(
        &rows,
        "g",
        Answer::AcceptZero(WarningCode::MissingCostBasis),
    );
    assert_eq!(lines(&outcome), ["s<g 1 0.00 50.00", "t<g 1 0.00 60.00"]);
    assert_eq!(warnings(&outcome), []);
    assert!(outcome.settled[0].is_used);
}

#[test]
fn a_pair_that_is_denied_finds_another_and_a_row_that_is_none_finds_none() {
    let rows = [
        "a 2024-01-01 buy A 200USD 2ETH -",
        "w 2024-02-01T10:00:00Z withdrawal A 1ETH - -",
        "d 2024-02-01T11:00:00Z deposit B - 1ETH -",
        "e 2024-02-01T12:00:00Z deposit C - 1ETH -",
    ];
    let to = |outcome: &Outcome| -> Vec<String> {
        let received = outcome
            .transfers
            .iter()
            .map(|line| line.received.to_string());
        received.collect()
    };
    assert_eq!(to(&usual(&rows)), ["d"]);
    let denied = answered(&rows, "d", Answer::NotTransfer(Some(named("w"))));
    assert_eq!(to(&denied), ["e"]);
    let alone = answered(&rows, "w", Answer::NotTransfer(None));
    assert_eq!(to(&alone), Vec::<String>::new());
    let other = answered(&rows, "e", Answer::Transfer(named("w")));
    assert_eq!(to(&other), ["e"]);
    assert_eq!(other.transfers[0].by, crate::outcome::MatchedBy::Answer);
    let said = refused(&rows, "a", Answer::Transfer(named("d")));
    assert!(
        said.ends_with("a transfer is a withdrawal and a deposit of one asset"),
        "{said}"
    );
}

#[test]
fn a_row_is_half_of_one_transfer_only() {
    let rows = [
        "a 2024-01-01 buy A 200USD 2ETH -",
        "w 2024-02-01T10:00:00Z withdrawal A 1ETH - -",
        "d 2024-02-01T11:00:00Z deposit B - 1ETH -",
        "e 2024-02-01T12:00:00Z deposit C - 1ETH -",
    ];
    let both = |first: (&str, Answer), second: (&str, Answer)| {
        let answers = [first, second].map(|(id, answer)| (named(id), answer));
        try_answers(&[ledger(&rows)], &answers)
    };
    let with = |id| Answer::Transfer(named(id));
    let without = |id: Option<&str>| Answer::NotTransfer(id.map(named));
    let says = |error: Result<Outcome, TaxError>, end: &str| {
        let said = error.unwrap_err().to_string();
        assert!(said.ends_with(end), "{said}");
    };
    let twice = "row \"w\" is half of another transfer already";
    says(both(("d", with("w")), ("e", with("w"))), twice);
    says(both(("d", with("w")), ("w", with("d"))), "already");
    let denied = "another answer makes row \"w\" half of a transfer";
    says(both(("d", with("w")), ("w", without(None))), denied);
    says(both(("d", with("w")), ("w", without(Some("d")))), denied);
    let joined = "another answer says that it is no transfer";
    says(both(("w", without(None)), ("d", with("w"))), joined);
    says(both(("w", without(Some("d"))), ("d", with("w"))), joined);
    // That it is no transfer with another row is no contradiction.
    let outcome = both(("w", without(Some("d"))), ("e", with("w"))).unwrap();
    assert_eq!(&*outcome.transfers[0].received, "e");
}

#[test]
fn an_answer_about_a_second_copy_is_about_the_row_that_counts() {
    let second = LedgerFile {
        name: "second.csv".to_owned(),
        sha256: "of another export".to_owned(),
        ..ledger(&SOLD)
    };
    let ledgers = [ledger(&SOLD), second];
    let copy = || of_file("s", "second.csv");
    let bought = bought("2020-01-01", "2", "10");
    let outcome = try_answers(&ledgers, &[(copy(), bought.clone())]).unwrap();
    assert_eq!(
        lines(&outcome),
        ["s<s-purchase 2 10.00 590.00", "s<a 1 100.00 200.00"]
    );
    assert_eq!(outcome.settled[0].origin.file, 0);
    // A copy that is counted is a row of its own, whichever answer stands first.
    let answers = [(copy(), bought), (copy(), Answer::Keep)];
    let outcome = try_answers(&ledgers, &answers).unwrap();
    assert_eq!(outcome.settled[0].origin.file, 1);
    // The finding that there is a copy is the copy's.
    let accept = Answer::Accept(WarningCode::DuplicateRow);
    let outcome = try_answers(&ledgers, &[(copy(), accept)]).unwrap();
    assert!(outcome.settled[0].is_used);
}

#[test]
fn two_purchases_for_one_row_are_refused_however_the_row_and_the_asset_are_named() {
    let twice = |first: RowName, second: RowName, asset: Option<&str>| {
        let Answer::Purchase(mut purchase) = bought("2020-01-01", "2", "10") else {
            panic!("a purchase");
        };
        let one = Answer::Purchase(purchase.clone());
        purchase.asset = asset.map(str::to_owned);
        let answers = [(first, one), (second, Answer::Purchase(purchase))];
        try_answers(&[ledger(&SOLD)], &answers).unwrap_err()
    };
    let of_file = || of_file("s", "ledger.csv");
    for error in [
        twice(named("s"), of_file(), None),
        twice(of_file(), named("s"), Some("ETH")),
    ] {
        let said = error.to_string();
        assert!(said.ends_with("keep one of them"), "{said}");
        let TaxError::Settlement { entry, .. } = error else {
            panic!("{error:?}");
        };
        assert_eq!(entry, 1);
    }
    let rows = ["r 2024-01-01 staking A - 1ETH -"];
    let answers = [
        (named("r"), priced(None, "3")),
        (named("r"), priced(Some("ETH"), "4")),
    ];
    let said = try_answers(&[ledger(&rows)], &answers).unwrap_err();
    assert!(said.to_string().ends_with("keep one of them"), "{said}");
}

#[test]
fn a_purchase_of_more_than_the_row_lacks_says_how_much_of_it_stays_held() {
    let said = |method: Option<Method>, units: &str| {
        let mut request = Request {
            method,
            ..Request::default()
        };
        request.settlements.settle = vec![Settlement {
            row: named("s"),
            answer: bought("2020-01-01", units, "10"),
        }];
        let country = match method {
            Some(_) => Country::Ca,
            None => Country::Us,
        };
        let outcome = compute(&[ledger(&SOLD)], country, &request).unwrap();
        outcome.settled[0].to_string()
    };
    for method in [None, Some(Method::Acb)] {
        let rest = said(method, "80");
        assert!(
            rest.ends_with(", of which wallet \"A\" still holds 78 after the row"),
            "{rest}"
        );
        let exact = said(method, "2");
        assert!(!exact.contains("of which"), "{exact}");
    }
    let rows = ["d 2024-02-01 deposit B - 2SOL -"];
    let outcome = answered(&rows, "d", bought("2023-02-01", "5", "10"));
    let said = outcome.settled[0].to_string();
    assert!(
        said.ends_with(", of which 3 stay where they were bought"),
        "{said}"
    );
}

#[test]
fn money_for_no_units_is_found_with_the_money_at_stake() {
    let found = |row: &str, money: bool| {
        // Files of other sources have such rows; in the neutral ledger they are errors.
        let mut ledger = ledger(&[row]);
        let row = &mut ledger.rows[0];
        for leg in [&mut row.sent, &mut row.received].into_iter().flatten() {
            if *leg.asset == *"ETH" || !money {
                leg.amount = packtrain_core::quantity::Quantity::ZERO;
            }
        }
        let outcome = compute(&[ledger], Country::Us, &Request::default()).unwrap();
        let told = warnings(&outcome).into_iter();
        told.map(|(code, id, at_stake)| format!("{code} {id} {at_stake}"))
            .collect::<Vec<_>>()
    };
    for row in [
        "z 2024-07-01 sell A 1ETH 100USD -",
        "z 2024-07-01 buy A 100USD 1ETH -",
    ] {
        assert_eq!(found(row, true), ["unusable_row z 100.00"]);
        assert!(found(row, false).is_empty());
    }
}

#[test]
fn what_stays_held_of_several_purchases_is_told_of_one_of_them_and_each_has_its_own_id() {
    let of = |date: &str, currency: &str| {
        let Answer::Purchase(purchase) = bought(date, "2", "150") else {
            panic!("a purchase");
        };
        let currency = currency.parse().ok();
        (
            named("s"),
            Answer::Purchase(Purchase {
                currency,
                ..purchase
            }),
        )
    };
    let ledgers = [ledger(&SOLD)];
    let both = [of("2023-02-01", "USD"), of("2023-03-01", "USD")];
    let outcome = try_answers(&ledgers, &both).unwrap();
    let said: Vec<_> = outcome.settled.iter().map(ToString::to_string).collect();
    assert!(!said[0].contains("still holds"), "{said:?}");
    assert!(
        said[1].ends_with("of which wallet \"A\" still holds 2 after the row"),
        "{said:?}"
    );
    assert_eq!(
        lines(&outcome),
        [
            "s<s-purchase 2 150.00 450.00",
            "s<s-purchase-2 1 75.00 225.00"
        ]
    );
    // As many units of one day for as much in another currency are another purchase.
    let both = [of("2023-02-01", "USD"), of("2023-02-01", "EUR")];
    assert!(try_answers(&ledgers, &both).is_ok());
}

fn of_lots(lots: &[(&str, &str)]) -> Answer {
    let lot = |(row, quantity): &(&str, &str)| packtrain_core::ledger::NamedLot {
        row: (*row).into(),
        quantity: quantity.parse().unwrap(),
    };
    Answer::Lots(lots.iter().map(lot).collect(), None)
}

const BOUGHT_THRICE: [&str; 4] = [
    "a 2023-01-01 buy A 100USD 1ETH -",
    "b 2023-02-01 buy A 300USD 1ETH -",
    "c 2023-03-01 buy A 200USD 1ETH -",
    "s 2024-07-01 sell A 2ETH 900USD -",
];

#[test]
fn an_answer_names_the_lots_of_a_row_whose_file_cannot_and_the_method_chooses_the_rest() {
    let outcome = answered(&BOUGHT_THRICE, "s", of_lots(&[("b", "1"), ("c", "0.5")]));
    assert_eq!(
        lines(&outcome),
        [
            "s<b 1 300.00 150.00",
            "s<c 0.5 100.00 125.00",
            "s<a 0.5 50.00 175.00",
        ]
    );
    assert_eq!(outcome.disposals[0].why.choice, Choice::Named);
    let settled = &outcome.settled[0];
    assert_eq!(settled.answer, Way::Lots);
    assert_eq!(settled.said, "it uses the lots 1 of b, 0.5 of c");
    assert!(settled.is_used);
}

#[test]
fn a_lot_of_an_answer_that_is_not_there_is_a_finding_that_another_answer_settles() {
    let outcome = answered(&BOUGHT_THRICE, "s", of_lots(&[("x", "1")]));
    assert_eq!(outcome.warnings[0].code, WarningCode::NamedLotMissing);
    assert_eq!(outcome.warnings[0].ways[0], Way::Lots);
}

#[test]
fn lots_of_an_answer_are_refused_where_the_row_gives_none_or_fewer_units_or_no_lots_are_kept() {
    let error = refused(&BOUGHT_THRICE, "a", of_lots(&[("b", "1")]));
    assert!(error.contains("gives no units"), "{error}");
    let error = refused(&BOUGHT_THRICE, "s", of_lots(&[("a", "1"), ("b", "1.5")]));
    assert!(
        error.contains("2.5 ETH together, and the row gives 2"),
        "{error}"
    );
    let mut request = Request::default();
    request.settlements.settle = vec![Settlement {
        row: named("s"),
        answer: of_lots(&[("a", "1")]),
    }];
    let error = compute(&[ledger(&BOUGHT_THRICE)], Country::Uk, &request).unwrap_err();
    assert!(error.to_string().contains("keeps no lots"), "{error}");
}

#[test]
fn a_lot_of_an_answer_whose_id_rows_of_two_files_have_is_refused_until_its_file_is_named() {
    let of = |name: &str, rows: &[&str]| LedgerFile {
        name: name.to_owned(),
        ..ledger(rows)
    };
    let ledgers = [
        of("h1.csv", &["b 2023-01-01 buy A 100USD 1ETH -"]),
        of("h2.csv", &["b 2023-02-01 buy A 900USD 1ETH -"]),
        of("h3.csv", &["s 2024-07-01 sell A 1ETH 1000USD -"]),
    ];
    let lots = |file: Option<&str>| {
        let Answer::Lots(lots, _) = of_lots(&[("b", "1")]) else {
            unreachable!()
        };
        Answer::Lots(lots, file.map(str::to_owned))
    };
    let told = |file| try_answers(&ledgers, &[(named("s"), lots(file))]);
    let error = told(None).unwrap_err().to_string();
    let expected = "rows \"b\" of \"h1.csv\", \"h2.csv\" differ; add with_file = \"...\"";
    assert!(error.contains(expected), "{error}");
    assert_eq!(
        lines(&told(Some("h1.csv")).unwrap()),
        ["s<b 1 100.00 900.00"]
    );
    assert_eq!(
        lines(&told(Some("h2.csv")).unwrap()),
        ["s<b 1 900.00 100.00"]
    );
    let error = told(Some("h4.csv")).unwrap_err().to_string();
    assert!(error.contains("there is no file \"h4.csv\""), "{error}");
    // Of the same row in two files the first counts.
    let copies = [
        of("h0.csv", &["a 2022-02-01 buy A 50USD 1ETH -"]),
        of("h1.csv", &["b 2023-01-01 buy A 100USD 1ETH -"]),
        of("h2.csv", &["b 2023-01-01 buy A 100USD 1ETH -"]),
        ledgers[2].clone(),
    ];
    for file in [None, Some("h2.csv")] {
        let outcome = try_answers(&copies, &[(named("s"), lots(file))]).unwrap();
        assert_eq!(lines(&outcome), ["s<b 1 100.00 900.00"], "{file:?}");
    }
}

#[test]
fn an_answer_of_lots_is_written_as_the_column_of_a_ledger() {
    let read = |lots: &str| {
        let answer = serde_json::json!({ "row": "s", "answer": "lots", "lots": lots });
        let written: crate::settle::Written = serde_json::from_value(answer).unwrap();
        written.read().map(|settlement| settlement.answer)
    };
    assert_eq!(read("b:1; c:0.5"), Ok(of_lots(&[("b", "1"), ("c", "0.5")])));
    for wrong in ["", "b", "b:0", "b:-1", ":1", "b:1,5", "b:1;;c:1"] {
        let slips = read(wrong).unwrap_err();
        assert_eq!(slips[0].key, Some("lots"), "{wrong}");
    }
}
