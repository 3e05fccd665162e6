//! Answers, rules and an allocation that a request brings with it.

use packtrain_core::job::About;

use super::super::compare::Compare;
use super::super::report::Report;
use super::super::said::Answers;
use super::*;

/// Three units are sold of which one was bought.
const SHORT: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,currency
t1,2024-01-10T12:00:00Z,buy,main,100,USD,1,ETH,USD
t2,2024-06-10T12:00:00Z,sell,main,3,ETH,900,USD,USD
";

const PRICES: &str = "date,asset,currency,price\n2024-03-10,ETH,USD,3900.50\n";

fn purchase() -> Value {
    json!({"settle": [
        {"row": "t2", "answer": "purchase", "date": "2022-05-01", "units": 2, "cost": "240"},
    ]})
}

#[tokio::test]
async fn an_answer_that_comes_with_a_request_settles_its_finding_in_reports_and_comparisons() {
    let world = World::new();
    let file = imported(&world, "a.csv", SHORT).await;
    let prices = imported(&world, "prices.csv", PRICES).await;
    let mut body = us(&[file]);
    body["settlements"] = purchase();
    body["prices"] = json!(prices);
    let done = run::<Compare>(&world, 8, body.clone()).await.unwrap();
    let comparison = only_json(&world, &done);
    assert_eq!(
        comparison["years"]["2024"][0]["totals"]["net"], "560.00",
        "900 less 240 and 100"
    );
    body["formats"] = json!(["json"]);
    let done = run::<Report>(&world, 7, body).await.unwrap();
    let figures = only_json(&world, &done);
    assert_eq!(figures["totals"]["2024"]["net"], "560.00");
    assert_eq!(figures["warnings"], json!([]));
    assert_eq!(figures["settled"][0]["answer"], "purchase");
    // Rows that answers add stand in the input right behind the ledgers.
    let inputs = figures["provenance"]["files"].as_array().unwrap().iter();
    let inputs: Vec<_> = inputs.map(|file| (&file["name"], &file["rows"])).collect();
    assert_eq!(
        inputs,
        [
            (&json!("a.csv"), &json!(2)),
            (&json!("settlements"), &json!(1)),
            (&json!("prices.csv"), &json!(1)),
        ]
    );
}

#[tokio::test]
async fn the_summary_names_the_answers_and_rules_that_did_nothing() {
    let world = World::new();
    let file = imported(&world, "a.csv", SHORT).await;
    let mut body = us(&[file]);
    body["settlements"] = purchase();
    let settle = body["settlements"]["settle"].as_array_mut().unwrap();
    settle.push(json!({"row": "t1", "answer": "keep"}));
    body["settlements"]["rule"] = json!([{"wallet": "main", "answer": "keep"}]);
    let done = run::<Report>(&world, 7, body).await.unwrap();
    let summary = &record(&done).summary;
    let unused = summary["answers_unused"].as_array().unwrap();
    assert_eq!(unused.len(), 1);
    assert_eq!(unused[0]["id"], "t1");
    assert_eq!(
        summary["rules_unused"][0]["said"],
        "a row in wallet \"main\" counts, though an earlier file has the same"
    );
}

#[tokio::test]
async fn an_answer_that_fits_no_row_ends_the_report_and_says_which() {
    let world = World::new();
    let file = imported(&world, "a.csv", SHORT).await;
    let mut body = us(&[file]);
    body["settlements"] = json!({"settle": [{"row": "t9", "answer": "keep"}]});
    let fault = run::<Report>(&world, 7, body).await.unwrap_err();
    assert_eq!(fault.code, "tax.settlement_misfit");
    assert!(fault.message.contains("t9"), "{}", fault.message);
}

#[tokio::test]
async fn an_allocation_that_comes_with_a_request_gives_lots_to_wallets() {
    let world = World::new();
    let ledger = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,currency
t1,2023-01-10T12:00:00Z,buy,A,100,USD,1,BTC,USD
t2,2023-02-10T12:00:00Z,buy,B,300,USD,1,BTC,USD
t3,2025-06-10T12:00:00Z,sell,A,1,BTC,500,USD,USD
";
    let file = imported(&world, "a.csv", ledger).await;
    let mut body = us(&[file]);
    body["formats"] = json!(["json"]);
    body["allocation"] = json!([
        {"asset": "BTC", "lot": "t1", "wallet": "B", "quantity": 1},
        {"asset": "BTC", "lot": "t2", "wallet": "A", "quantity": "1"},
    ]);
    let net = async |body: Value| {
        let done = run::<Report>(&world, 7, body).await?;
        Ok::<_, Fault>(only_json(&world, &done)["totals"]["2025"]["net"].clone())
    };
    assert_eq!(net(body.clone()).await.unwrap(), "200.00");
    // Entries are counted as the lines of a file would be, below its header.
    body["allocation"][1]["lot"] = json!("t9");
    let fault = net(body.clone()).await.unwrap_err();
    assert_eq!(fault.code, "tax.bad_allocation");
    assert!(fault.message.contains("line 3: "), "{}", fault.message);
    body.as_object_mut().unwrap().remove("allocation");
    assert_eq!(net(body).await.unwrap(), "400.00");
}

/// Place and detail of all that is wrong with what is said in a request.
fn refused(kind: &str, settlements: &Value, allocation: &Value) -> Vec<(String, String)> {
    let body = json!({
        "country": "us", "files": ["fil_00000000000000000000000000000001"],
        "settlements": settlements, "allocation": allocation,
    });
    let entry = crate::catalogue::find(kind).unwrap();
    let errors = (entry.check)(&body).unwrap_err().errors.into_iter();
    errors
        .map(|error| (error.pointer, error.detail))
        .collect::<Vec<_>>()
}

#[test]
fn all_that_is_wrong_with_what_is_said_is_told_at_once_each_in_its_place() {
    let settlements = json!({
        "settle": [
            {"row": "a", "answer": "keep", "cots": "1"},
            {"row": "b", "answer": "price", "price": 0.1},
            {"row": "c", "answer": "purchase", "date": "yesterday", "units": "2"},
            {"row": "d", "answer": "keep"},
            {},
        ],
        "rule": [{"is": "airdrop"}, {"wallet": "A", "type": "teleport", "answer": "keep"}],
    });
    let allocation = json!([{"asset": "", "lot": "t1", "quantity": "all"}, {"asset": "BTC"}]);
    for kind in ["tax.report", "tax.compare"] {
        let refused = refused(kind, &settlements, &allocation);
        let places: Vec<_> = refused.iter().map(|(place, _)| place.as_str()).collect();
        assert_eq!(
            places,
            [
                "/settlements/settle/0/cots",
                "/settlements/settle/1/price",
                "/settlements/settle/2/cost",
                "/settlements/settle/2/date",
                "/settlements/settle/4/row",
                "/settlements/settle/4/answer",
                "/settlements/rule/0",
                "/settlements/rule/1/type",
                "/allocation/0/asset",
                "/allocation/0/quantity",
                "/allocation/1/lot",
                "/allocation/1/quantity",
            ]
        );
        assert_eq!(refused[2].1, "purchase needs cost");
    }
}

#[test]
fn an_allocation_that_no_rule_of_the_country_takes_is_told_when_it_is_asked_for() {
    let line = json!({"asset": "BTC", "lot": "t1", "wallet": "A", "quantity": "1"});
    let body = json!({
        "country": "de", "files": ["fil_00000000000000000000000000000001"], "allocation": [line],
    });
    let entry = crate::catalogue::find("tax.report").unwrap();
    let errors = (entry.check)(&body).unwrap_err().errors;
    let told: Vec<_> = errors
        .iter()
        .map(|error| (error.pointer.as_str(), &*error.code))
        .collect();
    assert_eq!(told, [("/allocation", "no_allocation")]);
}

#[test]
fn what_is_said_has_limits_and_so_has_what_is_told_of_it() {
    let many = vec![json!({"row": "a", "answer": "keep"}); 10_001];
    let refused_all = refused("tax.report", &json!({ "settle": many }), &json!([]));
    assert_eq!(
        refused_all,
        [(
            "/settlements/settle".to_owned(),
            "At most 10000 may be given.".to_owned()
        )]
    );
    for (many, more) in [
        (150, "50 more places need a change."),
        (101, "1 more place needs a change."),
    ] {
        let rules = vec![json!({ "is": "airdrop" }); many];
        let refused_some = refused("tax.report", &json!({ "rule": rules }), &json!([]));
        assert_eq!(refused_some.len(), 101);
        assert_eq!(refused_some[100].1, more);
    }
}

#[test]
fn a_word_that_an_entry_says_twice_is_refused_and_so_is_an_entry_that_is_no_object() {
    let read = |entry: &str| {
        let answers: Result<Answers, _> = serde_json::from_str(&format!(
            "{{\"settle\": [{{\"row\": \"a\", \"answer\": \"keep\"}}, {entry}]}}"
        ));
        answers.unwrap_err().to_string()
    };
    let said = read(r#"{"row": "b", "answer": "price", "price": "1", "price": "2"}"#);
    assert!(said.starts_with("\"price\" is said twice"), "{said}");
    assert!(read("7").contains("expected an object"));
}

#[test]
fn a_request_without_answers_is_the_payload_of_before_and_one_with_them_is_another() {
    let file = "fil_00000000000000000000000000000001";
    let plain = json!({"country": "us", "files": [file]});
    let payload = |body: Value| {
        let report: Report = serde_json::from_value(body).unwrap();
        serde_json::to_value(report).unwrap()
    };
    let mut empty = plain.clone();
    empty["settlements"] = json!({"settle": [], "rule": []});
    empty["allocation"] = json!([]);
    let mut answered = plain.clone();
    answered["settlements"] = purchase();
    let before = payload(plain);
    assert_eq!(payload(empty), before);
    assert!(before.get("settlements").is_none() && before.get("allocation").is_none());
    assert_eq!(payload(answered)["settlements"], purchase());
    assert_eq!(About::of::<Compare>().schema, 2);
}

#[test]
fn the_same_answer_given_twice_is_refused_with_the_places_of_both() {
    let price = json!({"row": "a", "answer": "price", "price": "1"});
    let keep = json!({"row": "a", "answer": "keep"});
    let refused = refused(
        "tax.report",
        &json!({ "settle": [price, keep, price] }),
        &json!([]),
    );
    assert_eq!(
        refused,
        [(
            "/settlements/settle/2".to_owned(),
            "price for row \"a\" stands at /settlements/settle/0 already".to_owned()
        )]
    );
}
