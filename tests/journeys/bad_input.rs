//! Bad input gets a clear error, and nothing is lost.

use axum::body::Body;
use bytes::Bytes;
use packtrain_core::limits::FILE_BYTES_MAX;
use packtrain_core::ports::KeyScope;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_tests::Yard;
use serde_json::json;

use super::kinds::LEDGER;

#[tokio::test(flavor = "multi_thread")]
async fn the_good_rows_of_a_file_are_imported_and_the_bad_ones_listed_with_their_places() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let ledger = format!("{LEDGER}t3,2024-07-01T12:00:00Z,sell,main,many,BTC,1,USD,,,,USD\n");
    let file = client.upload("a.csv", ledger).await.expect(201).json();
    let file = client
        .get(&format!(
            "/v2/premium/files/{}",
            file["id"].as_str().unwrap()
        ))
        .await;
    let file = file.expect(200).json();
    assert_eq!(
        (&file["state"], &file["rows_total"]),
        (&json!("imported"), &json!(3))
    );
    assert_eq!(file["rows_bad"], 1);
    let error = &file["errors"]["items"][0];
    assert_eq!(
        (&error["line"], &error["field"]),
        (&json!(4), &json!("sent_amount"))
    );
    assert!(error["column"].as_u64().unwrap() > 1, "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_with_an_unknown_header_is_rejected_and_says_what_was_found() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client
        .upload("a.csv", "alpha,beta\n1,2\n")
        .await
        .expect(201)
        .json();
    assert_eq!(file["state"], "rejected");
    let problem = file["problem"].as_str().unwrap();
    assert!(
        problem.contains("alpha") && problem.contains("timestamp"),
        "{problem}"
    );
    let body = json!({ "country": "us", "files": [file["id"]] });
    let report = client.report("k", &body).await.json();
    assert_eq!(report["state"], "dead", "{report}");
    assert!(report.to_string().contains("cannot be read"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_in_a_wrong_encoding_is_rejected_with_the_place_of_the_first_bad_byte() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client
        .upload("a.csv", &b"id,timestamp\n1,\xff\xfe\xfa\n"[..])
        .await;
    let file = file.expect(201).json();
    assert_eq!(file["state"], "rejected");
    assert!(
        file["problem"].as_str().unwrap().contains("line 2"),
        "{file}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_file_is_refused() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let answer = client.upload("a.csv", "").await.expect(422);
    assert_eq!(answer.header("content-type"), "application/problem+json");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_over_the_limit_is_refused_and_leaves_nothing() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let part = Bytes::from(vec![b'x'; 1 << 20]);
    let parts = FILE_BYTES_MAX / (1 << 20) + 1;
    let parts =
        futures::stream::iter((0..parts).map(move |_| Ok::<_, std::io::Error>(part.clone())));
    client
        .upload("a.csv", Body::from_stream(parts))
        .await
        .expect(413);
    assert_eq!(yard.database.number("select count(*) from file").await, 0);
    assert_eq!(yard.database.number("select count(*) from job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_request_that_cannot_be_is_refused_with_the_place_in_the_body() {
    let yard = Yard::without_workers().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = yard.database.ids().file();
    for (body, pointer) in [
        (json!({ "country": "xx", "files": [file] }), "/country"),
        (json!({ "country": "us", "files": ["fil_1"] }), "/files/0"),
        (json!({ "country": "us", "files": [file] }), "/files/0"),
        (json!({ "country": "us", "files": [] }), "/files"),
        (
            json!({ "country": "us", "method": "best", "files": [file] }),
            "/method",
        ),
        (
            json!({ "country": "us", "options": { "wrap/x": "1" }, "files": [file] }),
            "/options/wrap~1x",
        ),
        (
            json!({ "country": "us", "options": { "wrap": "maybe" }, "files": [file] }),
            "/options/wrap",
        ),
        (
            json!({ "country": "us", "files": [file, file] }),
            "/files/1",
        ),
    ] {
        let answer = client.report("k", &body).await.expect(422);
        let problem = answer.json();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    assert_eq!(yard.database.number("select count(*) from job").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_does_not_decode_is_refused_at_the_door_and_dead_behind_it() {
    let yard = Yard::start().await;
    let operator = yard.client("ops", &[KeyScope::Operator]).await;
    let file = yard.database.ids().file();
    let stranger = packtrain_core::ids::TenantId::from_uuid(file.as_uuid());
    for (body, pointer) in [
        (
            json!({ "kind": "tax.import", "payload": { "file": 7 } }),
            "/payload/file",
        ),
        (
            json!({ "kind": "tax.report", "payload": { "country": "us", "files": [] } }),
            "/payload/files",
        ),
        (
            json!({ "kind": "tax.import", "payload": { "file": file }, "tenant": stranger }),
            "/tenant",
        ),
    ] {
        let answer = operator.post("/v2/admin/jobs", &[], &body).await;
        let problem = answer.expect(422).json();
        assert_eq!(problem["errors"][0]["pointer"], pointer, "{problem}");
    }
    // A job of another version's enqueuer, past this door.
    let tomorrow = SystemClock.now() + chrono::Duration::days(1);
    let good = json!({ "kind": "tax.import", "payload": { "file": yard.database.ids().file() },
                       "run_at": packtrain_core::time::rfc3339(tomorrow) });
    let job = operator
        .post("/v2/admin/jobs", &[], &good)
        .await
        .expect(202)
        .json();
    let id = job["id"].as_str().unwrap().to_owned();
    yard.database
        .run("update job set payload = '{\"file\": 7}'")
        .await;
    yard.database
        .run("update scheduled set run_at = now_utc()")
        .await;
    packtrain_tests::until("the job is dead", async || {
        operator.get(&format!("/v2/admin/jobs/{id}")).await.json()["state"] == "dead"
    })
    .await;
    let job = operator
        .get(&format!("/v2/admin/jobs/{id}"))
        .await
        .expect(200)
        .json();
    assert!(job.to_string().contains("job.payload"), "{job}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_was_uploaded_twice_is_one_finding_and_changes_no_figure() {
    let yard = Yard::start().await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let (first, copy) = (
        client.file("a.csv", LEDGER).await,
        client.file("b.csv", LEDGER).await,
    );
    let summary = async |key: &str, files: &[&str]| {
        let body = json!({ "country": "us", "years": [2024], "files": files });
        client.report(key, &body).await.expect(200).json()["summary"].clone()
    };
    let (once, twice) = (
        summary("once", &[&first]).await,
        summary("twice", &[&first, &copy]).await,
    );
    assert!(
        once["totals"].is_array() || once["totals"].is_object(),
        "{once}"
    );
    assert_eq!(once["totals"], twice["totals"], "{twice}");
    assert_eq!(twice["warnings_total"], 1, "{twice}");
    assert_eq!(
        twice["warnings"][0]["message"],
        "a.csv was given twice, also as b.csv; it was read once"
    );
    let body = json!({ "country": "us", "files": [first, first] });
    let refused = client.report("same", &body).await.expect(422).json();
    assert_eq!(refused["errors"][0]["code"], "file_repeated");
}
