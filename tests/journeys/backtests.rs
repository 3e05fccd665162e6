//! What a rule would have done, asked for over HTTP before it is made.

use packtrain_core::ports::KeyScope;
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000};

const PATH: &str = "/v2/premium/alerts/backtests";

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_says_how_often_a_rule_would_have_fired_when_and_on_what() {
    let scene = Scene::new().await;
    let values = ["3200", "2900", "3150", "2800", "2950", "3300", "2999"];
    for (hour, value) in (-7_i64..).zip(values) {
        assert_eq!(scene.observe(value, hour * 3_600).await, 0);
    }
    let asked = json!({
        "rule": below_3000(), "endpoints": [scene.endpoint], "days": 30,
        "noise_within_s": 3_600, "firings_max": 2,
    });
    let headers = [("idempotency-key", "k"), ("prefer", "wait=20")];
    let made = scene.owner.post(PATH, &headers, &asked).await;
    let made = made.expect(200).json();
    assert_eq!(made["state"], "succeeded", "{made}");
    let result = &made["result"];
    let said = result["said"].as_str().unwrap();
    assert!(
        said.starts_with("It would have fired 3 times in "),
        "{said}"
    );
    assert!(
        said.contains("of the 30 days asked for there is no more data"),
        "{said}"
    );
    assert_eq!(
        (&result["fired"], &result["messages"], &result["noisy"]),
        (&json!(3), &json!(5), &json!(1)),
        "{result}"
    );
    let on: Vec<&Value> = { result["firings"].as_array().unwrap().iter() }
        .map(|firing| &firing["values"][0]["value"])
        .collect();
    assert_eq!(on, ["2900", "2800", "2999"]);
    assert_eq!(result["advice"]["value"], "2999", "{result}");
    assert_eq!(result["data"][0]["points"], 7);
    // The same request under its key is the same back-test.
    let again = scene.owner.post(PATH, &headers, &asked).await;
    assert_eq!(again.expect(200).json()["id"], made["id"]);
    let own = made["links"]["self"].as_str().unwrap();
    let shown = scene.owner.get(own).await.expect(200).json();
    assert_eq!(shown["result"], made["result"]);
    let other = scene.yard.client("bo", &[KeyScope::User]).await;
    other.get(own).await.expect(404);
    // No rule was made, and nobody was told.
    let rules = scene.owner.get("/v2/premium/alerts/rules").await.json();
    assert_eq!(rules["items"], json!([]));
    assert_eq!(scene.receiver.got().len(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_of_what_was_never_observed_says_so() {
    let scene = Scene::new().await;
    let asked = json!({ "rule": {
        "name": "a", "when": { "metric": "tvl:nobody", "op": "<", "value": "1" },
    }});
    let headers = [("idempotency-key", "k"), ("prefer", "wait=20")];
    let made = scene.owner.post(PATH, &headers, &asked).await;
    let made = made.expect(200).json();
    assert_eq!(
        made["result"]["said"],
        "It would have fired 0 times in 90 days; nothing is kept of tvl:nobody."
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_back_test_that_is_wrong_is_told_where() {
    let scene = Scene::new().await;
    let mut odd = below_3000();
    odd["when"]["aggregate"] = "mean".into();
    odd["when"]["window_s"] = 61.into();
    for (asked, place) in [
        (json!({ "rule": below_3000(), "days": 367 }), "/days"),
        (json!({ "rule": odd }), "/rule/when/window_s"),
        (json!({ "rule": below_3000(), "month": 1 }), "/month"),
    ] {
        let headers = [("idempotency-key", "k")];
        let refused = scene.owner.post(PATH, &headers, &asked).await;
        let refused = refused.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], place, "{refused}");
    }
    scene
        .owner
        .post(PATH, &[], &json!({ "rule": below_3000() }))
        .await
        .expect(400);
}
