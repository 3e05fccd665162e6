//! A ledger goes in over HTTP, a report comes out.

use packtrain_core::ports::KeyScope;
use packtrain_tests::Yard;
use serde_json::json;

use super::kinds::LEDGER;

#[tokio::test(flavor = "multi_thread")]
async fn an_uploaded_ledger_becomes_a_tax_report() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let report = client.finished_report(LEDGER, 2024).await;
    assert_eq!(report["state"], "succeeded");
    let id = report["id"].as_str().unwrap();
    let pdf = client
        .get(&format!(
            "/v2/premium/reports/{id}/artifacts/tax-2024-us.pdf"
        ))
        .await;
    let pdf = pdf.expect(200);
    assert!(pdf.body.starts_with(b"%PDF-"));
    assert_eq!(pdf.header("content-type"), "application/pdf");
    let figures = format!("/v2/premium/reports/{id}/artifacts/figures-2024-us.json");
    let figures = client.get(&figures).await.expect(200).json();
    assert_eq!(figures["totals"]["2024"]["net"], "11880.00");
    assert_eq!(figures["disposals"][0]["lot"], "t1");
    let csv = format!("/v2/premium/reports/{id}/artifacts/disposals-2024-us.csv");
    assert!(
        client
            .get(&csv)
            .await
            .expect(200)
            .text()
            .contains("11880.00")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_events_of_a_report_tell_its_stages_in_order_and_resume_where_a_reader_stopped() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let report = client.finished_report(LEDGER, 2024).await;
    let events = format!(
        "/v2/premium/reports/{}/events",
        report["id"].as_str().unwrap()
    );
    let all = client.get(&events).await.expect(200).text();
    let places: Vec<_> = ["read", "compute", "render", "store"]
        .iter()
        .map(|stage| {
            all.find(&format!("\"name\":\"{stage}\""))
                .expect("every stage is told")
        })
        .collect();
    assert!(places.is_sorted(), "{all}");
    for stage in ["read", "compute", "render", "store"] {
        let ended = format!("\"name\":\"{stage}\",\"state\":\"done\"");
        assert!(all.contains(&ended), "{stage} never ends: {all}");
    }
    assert!(all.contains("event: done"), "{all}");
    let rest = client
        .send("GET", &events, &[("last-event-id", "3")], "")
        .await
        .expect(200)
        .text();
    assert!(
        !rest.contains("id: 3\n") && rest.contains("id: 4\n"),
        "{rest}"
    );
    assert!(rest.contains("event: done"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_on_a_year_between_rows_is_made_and_one_before_them_fails_and_says_why() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let later = "t3,2026-06-10T12:00:00Z,sell,main,0.5,BTC,35000,USD,70,USD,,USD\n";
    let ledger = format!("{LEDGER}{later}");
    let report = client.finished_report(&ledger, 2025).await;
    assert_eq!(report["state"], "succeeded");
    assert_eq!(report["summary"]["years_without_rows"], json!(["2025"]));
    let id = report["id"].as_str().unwrap();
    let pdf = format!("/v2/premium/reports/{id}/artifacts/tax-2025-us.pdf");
    let pdf = client.get(&pdf).await;
    assert!(pdf.expect(200).body.starts_with(b"%PDF-"));
    let report = client.finished_report(&ledger, 2019).await;
    assert_eq!(report["state"], "dead");
    assert_eq!(
        report["failures"][0]["code"], "tax.year_outside",
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_that_is_asked_for_before_its_file_was_read_waits_for_it() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let headers = [("content-type", "text/csv")];
    let file = client
        .send("POST", "/v2/premium/files?name=a.csv", &headers, LEDGER)
        .await;
    let file = file.expect(201).json()["id"].clone();
    let body = json!({ "country": "us", "files": [file] });
    let report = client
        .post("/v2/premium/reports", &[("idempotency-key", "k")], &body)
        .await;
    let report = report.expect(202).json()["id"].as_str().unwrap().to_owned();
    yard.worker(packtrain_jobs::catalogue::KINDS).await;
    packtrain_tests::until("the report is there", async || {
        let now = client.get(&format!("/v2/premium/reports/{report}")).await;
        now.json()["state"] == "succeeded"
    })
    .await;
}
