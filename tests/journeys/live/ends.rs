//! The ends of all jobs of a tenant, as clients follow them.

use packtrain_core::ports::KeyScope;
use packtrain_jobs::catalogue::KINDS;
use serde_json::{Value, json};

use super::{LEDGER, Stage, follow, told};

/// The kind and the state of an end.
fn end(event: &Value) -> (&str, &str) {
    assert_eq!(told(event).1, "ended", "{event}");
    let word = |name: &str| event["data"][name].as_str().unwrap();
    (word("kind"), word("state"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ends_of_all_jobs_of_a_tenant_are_told_and_told_on_to_who_comes_back() {
    let stage = Stage::new().await;
    stage.yard.worker(KINDS).await;
    let mut socket = stage.follows(&["jobs"]).await;
    let bo = stage.yard.client("bo", &[KeyScope::User]).await;
    bo.finished_report(LEDGER, 2024).await;
    let report = stage.ada.finished_report(LEDGER, 2024).await;
    let report = report["id"].as_str().unwrap();
    let first = socket.said().await;
    assert_eq!(
        (told(&first).0, end(&first)),
        (1, ("tax.import", "succeeded"))
    );
    let second = socket.said().await;
    assert_eq!(
        (told(&second).0, end(&second)),
        (2, ("tax.report", "succeeded"))
    );
    let job = second["data"]["job"].as_str().unwrap();
    assert_eq!(
        job.trim_start_matches("job_"),
        report.trim_start_matches("rep_")
    );
    drop(socket);
    let mut socket = stage.api.socket(&stage.ada).await;
    follow(&mut socket, &["jobs"], &json!({ "jobs": 1 })).await;
    assert_eq!(socket.said().await, second);
    stage.yard.stop().await;
}
