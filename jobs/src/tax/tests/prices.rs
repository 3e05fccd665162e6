//! Lists of prices: told by their header, and taken for rows that state no value.

use packtrain_core::ports::FileState;

use super::super::compare::Compare;
use super::super::report::Report;
use super::*;

/// A reward whose value nobody states.
const REWARD: &str = "\
id,timestamp,type,wallet,received_amount,received_asset,currency
r,2024-03-11T12:00:00Z,staking,main,2,ETH,USD
";

const PRICES: &str = "\
date,asset,currency,price
2024-03-10,ETH,USD,3900.50
2024-03-12,ETH,USD,4000
";

#[tokio::test]
async fn a_list_of_prices_is_told_by_its_header_and_has_no_rows() {
    let world = World::new();
    let file = imported(&world, "prices.csv", PRICES).await;
    let read = world.file(file);
    assert_eq!(read.record.state, FileState::Imported);
    assert_eq!(read.record.source.as_deref(), Some("prices"));
    assert_eq!((read.record.rows_total, read.record.rows_bad), (2, 0));
    assert!(read.rows.is_empty());
}

#[tokio::test]
async fn a_list_with_a_line_that_is_no_price_is_rejected_with_its_line() {
    let world = World::new();
    let text = "date,asset,currency,price\n2024-03-10,ETH,USD,1\n2024-03-11,ETH,USD,one\n";
    let file = imported(&world, "prices.csv", text).await;
    let read = world.file(file);
    assert_eq!(read.record.state, FileState::Rejected);
    let problem = read.record.problem.unwrap();
    assert!(problem.starts_with("line 3: "), "{problem}");
}

#[tokio::test]
async fn a_file_of_no_known_source_is_told_as_such_and_not_as_a_bad_list_of_prices() {
    let world = World::new();
    let file = imported(&world, "a.csv", "date,asset,amount\n2024-03-10,ETH,1\n").await;
    let problem = world.file(file).record.problem.unwrap();
    assert!(
        problem.starts_with("the header row is of no known source"),
        "{problem}"
    );
}

#[tokio::test]
async fn a_row_that_states_no_value_is_valued_by_the_prices_that_a_report_names() {
    let world = World::new();
    let file = imported(&world, "a.csv", REWARD).await;
    let prices = imported(&world, "prices.csv", PRICES).await;
    let income = async |body: Value| {
        let done = run::<Report>(&world, 7, body).await.unwrap();
        let summary = &record(&done).summary;
        let inputs = summary["inputs"].as_array().unwrap().iter();
        let names: Vec<_> = inputs.map(|input| input["name"].clone()).collect();
        (summary["totals"]["2024"]["income"].clone(), names)
    };
    assert_eq!(
        income(us(&[file])).await,
        (json!("0.00"), vec![json!("a.csv")])
    );
    let mut priced = us(&[file]);
    priced["prices"] = json!(prices);
    let names = vec![json!("a.csv"), json!("prices.csv")];
    assert_eq!(income(priced.clone()).await, (json!("7801.00"), names));
    let done = run::<Compare>(&world, 8, priced).await.unwrap();
    let comparison = only_json(&world, &done);
    for method in comparison["years"]["2024"].as_array().unwrap() {
        assert_eq!(method["totals"]["income"], "7801.00");
    }
    assert_eq!(comparison["files"][1]["rows"], 2);
}

#[tokio::test]
async fn rows_and_prices_are_not_taken_for_one_another() {
    let world = World::new();
    let file = imported(&world, "a.csv", REWARD).await;
    let prices = imported(&world, "prices.csv", PRICES).await;
    let fault = run::<Report>(&world, 7, us(&[prices])).await.unwrap_err();
    assert_eq!(fault.code, "tax.file_of_prices");
    let other = imported(&world, "b.csv", LEDGER).await;
    let mut body = us(&[file]);
    body["prices"] = json!(other);
    let fault = run::<Report>(&world, 7, body).await.unwrap_err();
    assert_eq!(fault.code, "tax.file_without_prices");
}

#[tokio::test]
async fn a_report_waits_for_prices_that_are_still_being_read() {
    let world = World::new();
    let file = imported(&world, "a.csv", REWARD).await;
    let mut body = us(&[file]);
    body["prices"] = json!(world.upload("prices.csv", PRICES).await);
    let fault = run::<Report>(&world, 7, body).await.unwrap_err();
    assert_eq!(fault.code, "tax.file_waiting");
}

#[test]
fn prices_that_are_among_the_files_are_told() {
    let entry = crate::catalogue::find("tax.report").unwrap();
    let file = "fil_00000000000000000000000000000001";
    let body = json!({"country": "us", "files": [file], "prices": file});
    let error = (entry.check)(&body).unwrap_err();
    assert_eq!(error.errors[0].pointer, "/prices");
    assert_eq!(error.errors[0].code, "file_repeated");
}
