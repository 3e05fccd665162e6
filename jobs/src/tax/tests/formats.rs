//! What a report is given in.

use super::super::report::Report;
use super::*;

/// Names and media types of a report in these formats.
async fn given(formats: &[&str]) -> Vec<(String, String)> {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let mut body = us(&[file]);
    body["years"] = json!([2024]);
    if !formats.is_empty() {
        body["formats"] = json!(formats);
    }
    let done = run::<Report>(&world, 7, body).await.unwrap();
    let made = files(&world, &done);
    let names: Vec<_> = made.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(done.result.as_ref().unwrap()["artifacts"], json!(names));
    assert!(made.iter().all(|(.., bytes)| !bytes.is_empty()));
    let told = made
        .iter()
        .map(|(name, kind, _)| (name.clone(), kind.clone()));
    told.collect()
}

fn told(all: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, kind): &(&str, &str)| ((*name).to_owned(), (*kind).to_owned());
    all.iter().map(owned).collect()
}

#[tokio::test]
async fn files_of_a_year_that_ends_in_the_next_are_named_by_both() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let body = json!({"country": "uk", "files": [file], "formats": ["json", "forms"]});
    let mut one = body.clone();
    one["years"] = json!([2024]);
    let done = run::<Report>(&world, 7, one).await.unwrap();
    assert_eq!(
        done.result.unwrap()["artifacts"],
        json!([
            "figures-2024-25-uk.json",
            "sa108-2024-25-uk.csv",
            "sa108-computation-2024-25-uk.csv"
        ])
    );
    let done = run::<Report>(&world, 8, body).await.unwrap();
    let names = &done.result.unwrap()["artifacts"];
    assert_eq!(names[0], "figures-2024-25-to-2025-26-uk.json");
}

#[tokio::test]
async fn a_report_is_given_as_pdf_csv_and_json_where_nobody_chose() {
    let usual = told(&[
        ("tax-2024-us.pdf", "application/pdf"),
        ("disposals-2024-us.csv", "text/csv; charset=utf-8"),
        ("figures-2024-us.json", "application/json"),
    ]);
    assert_eq!(given(&[]).await, usual);
    assert_eq!(given(&["json", "csv", "pdf", "csv"]).await, usual);
}

#[tokio::test]
async fn a_report_is_given_in_the_formats_asked_for_and_no_others() {
    let workbook = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    assert_eq!(
        given(&["xlsx"]).await,
        told(&[("audit-2024-us.xlsx", workbook)])
    );
    let csv = "text/csv; charset=utf-8";
    assert_eq!(
        given(&["forms"]).await,
        told(&[
            ("form-8949-2024-us.csv", csv),
            ("schedule-d-2024-us.csv", csv),
            ("form-8949-2024-us.txf", "text/plain; charset=us-ascii"),
        ])
    );
}

#[tokio::test]
async fn a_report_in_every_format_is_the_same_bytes_each_time() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let mut body = us(&[file]);
    body["formats"] = json!(["pdf", "csv", "json", "forms", "xlsx"]);
    let one = run::<Report>(&world, 7, body.clone()).await.unwrap();
    let other = run::<Report>(&world, 7, body).await.unwrap();
    assert!(files(&world, &one) == files(&world, &other));
}

#[tokio::test]
async fn a_report_says_how_many_rows_and_pages_are_done() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    run::<Report>(&world, 7, us(&[file])).await.unwrap();
    assert_eq!(world.total_of("compute"), Some(4));
    assert!(world.total_of("render").is_some_and(|pages| pages > 1));
}

#[tokio::test]
async fn a_report_that_is_to_stop_ends_while_it_is_computed() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let payload: Report = serde_json::from_value(us(&[file])).unwrap();
    let ctx = world.attempt(7);
    ctx.cancel.cancel();
    assert_eq!(payload.run(&ctx).await.unwrap_err().code, "job.stopped");
    assert_eq!(world.stages().last().unwrap(), "compute");
}

#[test]
fn a_request_of_before_is_still_a_report_and_a_worker_of_before_claims_none_of_now() {
    let file = "fil_00000000000000000000000000000001";
    let entry = crate::catalogue::find("tax.report").unwrap();
    assert_eq!(entry.about.schema, 4);
    let before = json!({
        "country": "us", "years": [2025], "method": null, "scope": null, "timezone": null,
        "options": {}, "files": [file],
    });
    assert_eq!((entry.check)(&before), Ok(()));
}

#[test]
fn formats_that_are_none_or_unknown_are_told_and_the_usual_ones_are_left_out_of_a_payload() {
    let file = "fil_00000000000000000000000000000001";
    let with = |formats: Value| json!({"country": "us", "files": [file], "formats": formats});
    let entry = crate::catalogue::find("tax.report").unwrap();
    let told = |formats: Value| {
        let error = (entry.check)(&with(formats)).unwrap_err();
        let first = error.errors[0].clone();
        (first.pointer, first.code.into_owned())
    };
    let of = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(told(json!([])), of("/formats", "format_count"));
    assert_eq!(told(json!(["pdf", "docx"])), of("/formats/1", "invalid"));
    let payload = |formats: Value| {
        let report: Report = serde_json::from_value(with(formats)).unwrap();
        serde_json::to_value(report).unwrap()
    };
    let usual = payload(json!(["json", "pdf", "csv"]));
    assert!(usual.get("formats").is_none(), "{usual}");
    assert_eq!(payload(json!(["xlsx"]))["formats"], json!(["xlsx"]));
}
