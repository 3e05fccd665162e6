//! Years that the records cannot tell of.

use super::super::compare::Compare;
use super::super::report::Report;
use super::*;

/// As [`LEDGER`], with no row in 2025 and one in 2026.
const WITH_A_GAP: &str = "\
id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,currency
a,2024-01-10T12:00:00Z,buy,main,100,USD,1,BTC,USD
d,2026-06-10T12:00:00Z,sell,main,1,BTC,500,USD,USD
";

#[tokio::test]
async fn a_year_after_all_rows_fails_and_says_which_years_have_rows() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let mut body = us(&[file]);
    body["years"] = json!([2024, 2031]);
    let report = run::<Report>(&world, 7, body.clone()).await.unwrap_err();
    let compare = run::<Compare>(&world, 8, body).await.unwrap_err();
    for fault in [report, compare] {
        assert_eq!(fault.code, "tax.year_outside");
        assert_eq!(
            fault.message,
            "nothing is known of 2031, which is after all rows; there are 3 rows (1 disposal) in \
             2024, 1 row (1 disposal) in 2025"
        );
    }
}

#[tokio::test]
async fn a_year_between_rows_is_reported_on_and_named_as_one_without_rows() {
    let world = World::new();
    let file = imported(&world, "a.csv", WITH_A_GAP).await;
    let mut body = us(&[file]);
    body["years"] = json!([2025]);
    body["formats"] = json!(["json"]);
    let done = run::<Report>(&world, 7, body).await.unwrap();
    assert_eq!(record(&done).summary["years_without_rows"], json!(["2025"]));
    let figures = only_json(&world, &done);
    assert_eq!(figures["provenance"]["years"], json!(["2025"]));
    assert_eq!(figures["provenance"]["years_without_rows"], json!(["2025"]));
    assert_eq!(figures["totals"], json!({}));
}
