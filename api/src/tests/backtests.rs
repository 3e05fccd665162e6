//! How back-tests are asked for and shown.

use packtrain_core::job::{Lane, State};

use super::*;

const PATH: &str = "/v2/premium/alerts/backtests";

fn body() -> Value {
    json!({ "rule": {
        "name": "a", "when": { "metric": "tvl:aave", "op": "<", "value": "1" },
    }})
}

#[tokio::test]
async fn a_back_test_is_one_job_in_the_lane_of_the_cores_and_shows_what_its_job_found() {
    let client = Client::new();
    let first = client.post(PATH, Some("k"), &body()).await;
    assert_eq!(first.status, StatusCode::ACCEPTED, "{}", first.text());
    assert_eq!(first.header("retry-after"), "1");
    assert_eq!(first.json()["request"]["days"], 90);
    assert_eq!(first.json()["result"], Value::Null);
    let id = first.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(first.header("location"), format!("{PATH}/{id}"));
    let again = client.post(PATH, Some("k"), &body()).await;
    assert_eq!(again.json()["id"], id);
    let bare = client.post(PATH, None, &body()).await;
    assert_eq!(bare.code(), "idempotency.key_missing");
    {
        let asked = client.world.asked.lock().unwrap();
        let tests: Vec<_> = asked
            .iter()
            .filter(|job| &*job.kind == "alerts.backtest")
            .collect();
        assert_eq!((tests.len(), tests[0].lane), (1, Lane::Cpu));
        assert!(tests[0].ties.gate.is_some());
    }
    let job: JobId = id.replace("bkt_", "job_").parse().unwrap();
    client
        .world
        .end(job, State::Succeeded, json!({ "fired": 3 }));
    let shown = client.get(&format!("{PATH}/{id}")).await.json();
    assert_eq!(shown["result"], json!({ "fired": 3 }));
    assert_eq!(shown["artifacts"], json!([]));
    // It is no comparison, although the two have one form.
    let other = format!("{PATH}/{id}")
        .replace("alerts/backtests", "comparisons")
        .replace("bkt_", "cmp_");
    assert_eq!(client.get(&other).await.code(), "not_found");
}

#[tokio::test]
async fn what_a_key_may_not_watch_it_may_not_look_back_at() {
    let client = Client::new();
    for metric in ["platform:dead", "job:tax.report:waiting"] {
        let rule = json!({ "name": "a", "when": { "metric": metric, "op": ">", "value": "0" } });
        let asked = client.post(PATH, Some("k"), &json!({ "rule": rule })).await;
        assert_eq!(asked.code(), "auth.scope_missing", "{metric}");
    }
}
