//! Comparisons: all methods in one pass, the same bytes for the same files.

use packtrain_core::fault::Verdict;
use packtrain_core::job::{About, Gate, Lane};

use super::super::compare::Compare;
use super::super::report::Report;
use super::*;

#[tokio::test]
async fn a_comparison_has_every_method_of_the_country_for_each_year() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let done = run::<Compare>(&world, 7, us(&[file])).await.unwrap();
    let comparison = only_json(&world, &done);
    let nets = |year: &str| {
        let methods = comparison["years"][year].as_array().unwrap().iter();
        let net = |one: &Value| (one["method"].clone(), one["totals"]["net"].clone());
        methods.map(net).collect::<Vec<_>>()
    };
    let told = |all: [(&str, &str); 4]| all.map(|(method, net)| (json!(method), json!(net)));
    assert_eq!(
        nets("2024"),
        told([
            ("fifo", "400.00"),
            ("lifo", "200.00"),
            ("hifo", "200.00"),
            ("lofo", "400.00")
        ])
    );
    assert_eq!(nets("2025").len(), 4);
    assert_eq!(comparison["files"][0]["name"], "a.csv");
    assert_eq!(
        world.stages(),
        ["fetch", "read", "store", "read", "compute", "store"]
    );
}

#[tokio::test]
async fn the_summary_of_a_comparison_names_gain_and_taxed_amount_of_each_method() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let mut body = us(&[file]);
    body["years"] = json!([2025]);
    let done = run::<Compare>(&world, 7, body).await.unwrap();
    let summary = &record(&done).summary;
    let years = summary["years"].as_object().unwrap();
    assert_eq!(years.keys().collect::<Vec<_>>(), ["2025"]);
    let lifo = &years["2025"][1];
    assert_eq!(
        (
            &lifo["method"],
            &lifo["net"],
            &lifo["taxable"],
            &lifo["is_default"]
        ),
        (
            &json!("lifo"),
            &json!("400.00"),
            &json!("400.00"),
            &json!(false)
        )
    );
    let result = done.result.as_ref().unwrap();
    assert_eq!(result["comparison"], format!("cmp_{:032x}", 7));
    assert_eq!(result["artifacts"], json!(["comparison-2025-us.json"]));
}

#[tokio::test]
async fn two_comparisons_of_the_same_files_are_the_same_bytes() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let one = run::<Compare>(&world, 7, us(&[file])).await.unwrap();
    let other = run::<Compare>(&world, 8, us(&[file])).await.unwrap();
    assert_eq!(files(&world, &one), files(&world, &other));
    assert_ne!(record(&one).id, record(&other).id);
}

#[tokio::test]
async fn a_comparison_agrees_with_a_report_by_each_of_its_methods() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let done = run::<Compare>(&world, 7, us(&[file])).await.unwrap();
    let comparison = only_json(&world, &done);
    for (place, method) in ["fifo", "lifo", "hifo", "lofo"].into_iter().enumerate() {
        let mut body = us(&[file]);
        body["method"] = json!(method);
        let report = run::<Report>(&world, 9, body).await.unwrap();
        let totals = &record(&report).summary["totals"];
        for year in ["2024", "2025"] {
            assert_eq!(
                comparison["years"][year][place]["totals"], totals[year],
                "{method} {year}"
            );
        }
    }
}

#[tokio::test]
async fn a_comparison_says_how_many_rows_are_done_of_those_of_all_methods() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let payload: Compare = serde_json::from_value(us(&[file])).unwrap();
    let ctx = world.attempt(7);
    let work = payload.run(&ctx);
    work.await.unwrap();
    // Entering the next stage closes the one before with all that was done in it.
    assert_eq!(world.total_of("compute"), Some(4 * 4));
}

#[tokio::test]
async fn a_comparison_that_is_to_stop_ends_without_a_record_and_may_be_tried_again() {
    let world = World::new();
    let file = imported(&world, "a.csv", LEDGER).await;
    let payload: Compare = serde_json::from_value(us(&[file])).unwrap();
    let ctx = world.attempt(7);
    ctx.cancel.cancel();
    let fault = payload.run(&ctx).await.unwrap_err();
    assert_eq!(
        (fault.code, fault.verdict),
        ("job.stopped", Verdict::Retry(None))
    );
}

#[tokio::test]
async fn a_comparison_waits_for_a_file_that_is_still_being_read() {
    let world = World::new();
    let file = world.upload("a.csv", LEDGER).await;
    let fault = run::<Compare>(&world, 7, us(&[file])).await.unwrap_err();
    assert_eq!(fault.code, "tax.file_waiting");
    assert!(matches!(fault.verdict, Verdict::Snooze(_)), "{fault:?}");
}

#[test]
fn a_comparison_takes_no_method_and_is_told_what_else_does_not_fit() {
    let check = |body: Value| {
        let entry = crate::catalogue::find("tax.compare").unwrap();
        let error = (entry.check)(&body).unwrap_err();
        let first = error.errors[0].clone();
        (first.pointer, first.code.into_owned())
    };
    let file = "fil_00000000000000000000000000000001";
    let with = |name: &str, value: Value| {
        let mut body = json!({"country": "us", "files": [file]});
        body[name] = value;
        check(body)
    };
    let told = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
    assert_eq!(with("method", json!("fifo")), told("/method", "unknown"));
    assert_eq!(with("files", json!([])), told("/files", "file_count"));
    assert_eq!(
        with("files", json!([file, file])),
        told("/files/1", "file_repeated")
    );
    assert_eq!(
        with("years", json!(vec![2020; 51])),
        told("/years", "year_count")
    );
    for years in [json!([2024, 99_999]), json!([2025, -5])] {
        assert_eq!(with("years", years), told("/years/1", "invalid"));
    }
    assert_eq!(
        with("options", json!({"weather": "fair"})),
        told("/options/weather", "unknown_option")
    );
    let body = json!({"country": "uk", "files": [file], "scope": "wallet"});
    assert_eq!(check(body), told("/scope", "unknown_scope"));
}

#[test]
fn comparisons_wait_in_the_lane_of_the_cores_and_few_of_a_tenant_run_at_once() {
    let about = About::of::<Compare>();
    assert_eq!(about.lane, Lane::Cpu, "pulse has slots of its own");
    assert_eq!(about.gate, Gate::Tenant { max: 2 });
}
