//! Owners hear of endpoints that are disabled, over others of theirs.

use packtrain_core::ports::KeyScope;
use packtrain_tests::{Client, Receiver, until};
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000};

const ENDPOINTS: &str = "/v2/premium/endpoints";

/// Another endpoint, at which something has arrived.
async fn another(scene: &Scene, owner: &Client, name: &str) -> Receiver {
    let receiver = Receiver::start().await;
    let asked = json!({ "name": name, "channel": "webhook", "address": receiver.url });
    let made = owner.post(ENDPOINTS, &[], &asked).await.expect(201).json();
    let path = format!("{ENDPOINTS}/{}/test", made["id"].as_str().unwrap());
    let asked = owner.post(&path, &[], &json!({})).await;
    asked.expect(202);
    until("it was tried out", async || !receiver.got().is_empty()).await;
    settled(scene).await;
    receiver
}

/// Waits until no message is on its way any more.
async fn settled(scene: &Scene) {
    let open = "select (select count(*) from scheduled) + (select count(*) from ready)
                       + (select count(*) from waiting) + (select count(*) from lease)";
    until("nothing is on its way", async || {
        scene.yard.database.number(open).await == 0
    })
    .await;
}

/// What a receiver was told of disabled endpoints.
fn warnings(receiver: &Receiver) -> Vec<Value> {
    let got = receiver.got().into_iter();
    let events = got.map(|message| serde_json::from_slice::<Value>(&message.body).unwrap());
    let is_warning = |event: &Value| event["type"] == "endpoint.disabled";
    events.filter(is_warning).collect()
}

/// Jobs that tell of disabled endpoints, those that led to them among them.
async fn jobs(scene: &Scene) -> i64 {
    let count = "select count(*) from job where kind = 'alerts.warn'";
    scene.yard.database.number(count).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_an_endpoint_disabled_is_told_once_over_the_others_and_not_over_itself() {
    let scene = Scene::new().await;
    let phone = another(&scene, &scene.owner, "phone").await;
    let pager = another(&scene, &scene.owner, "pager").await;
    let stranger = scene.yard.client("bo", &[KeyScope::User]).await;
    let theirs = another(&scene, &stranger, "theirs").await;
    // Two messages, both of which find that it is gone.
    scene.rule(below_3000()).await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.receiver.answer_always(Some(410));
    assert_eq!(scene.observe("2900", 60).await, 2);
    settled(&scene).await;
    let named = format!("{ENDPOINTS}/{}", scene.endpoint);
    let shown = scene.owner.get(&named).await.expect(200).json();
    for receiver in [&phone, &pager] {
        let warnings = warnings(receiver);
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        let data = &warnings[0]["data"];
        assert_eq!(
            (&data["endpoint"], &data["channel"], &data["cause"]),
            (&json!("desk"), &json!("webhook"), &json!("gone 410"))
        );
        assert_eq!(data["title"], "desk is switched off");
        assert_eq!(warnings[0]["timestamp"], shown["disabled_at"]);
    }
    assert!(warnings(&scene.receiver).is_empty(), "it is disabled");
    assert!(warnings(&theirs).is_empty(), "it is another tenant's");
    assert_eq!(jobs(&scene).await, 3);
    // What is not sent there any more disables nothing, and its next time is another one.
    assert_eq!(scene.observe("3200", 120).await, 2);
    settled(&scene).await;
    assert_eq!(jobs(&scene).await, 3);
    let enable = format!("{named}/enable");
    scene.owner.post(&enable, &[], &json!({})).await.expect(200);
    assert_eq!(scene.observe("2900", 180).await, 2);
    settled(&scene).await;
    assert_eq!(jobs(&scene).await, 6);
    assert_eq!((warnings(&phone).len(), warnings(&pager).len()), (2, 2));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_failed_for_five_days_is_told_of_with_how_often_and_that_is_retried() {
    let scene = Scene::new().await;
    let phone = another(&scene, &scene.owner, "phone").await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.receiver.answer_always(Some(503));
    scene
        .yard
        .database
        .run(
            "update endpoint
                set failing_since = date_trunc('second', now_utc()) - interval '6 days',
                    failed_at = now_utc() - interval '1 hour',
                    failures = 40
              where name = 'desk'",
        )
        .await;
    let since = "select extract(epoch from failing_since)::bigint from endpoint
                  where name = 'desk'";
    let since = scene.yard.database.number(since).await;
    // The first try over the other one fails, and the next one does not.
    phone.answer(&[503]);
    scene.begin("2900", 60).await;
    until("the warning was tried", async || phone.got().len() >= 2).await;
    scene
        .yard
        .database
        .shift_clock(chrono::TimeDelta::seconds(60))
        .await;
    until("the warning came again", async || phone.got().len() >= 3).await;
    let warnings = warnings(&phone);
    assert_eq!(warnings[0], warnings[1], "the same message");
    let data = &warnings[0]["data"];
    assert_eq!(data["failures"], 41);
    assert_eq!(data["cause"], "server error 503");
    let told = data["since"].as_str().unwrap();
    let told: packtrain_core::time::Timestamp = told.parse().unwrap();
    assert_eq!(told.timestamp(), since);
    assert_eq!(jobs(&scene).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_there_is_no_other_endpoint_nothing_is_sent_and_the_list_says_that_one_is_disabled() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.receiver.answer_always(Some(410));
    assert_eq!(scene.observe("2900", 60).await, 1);
    settled(&scene).await;
    assert_eq!(jobs(&scene).await, 1);
    let told = "select count(*) from outcome o join job j using (id)
                 where j.kind = 'alerts.warn' and o.result = '{\"told\": 0}'";
    assert_eq!(scene.yard.database.number(told).await, 1);
    assert_eq!(scene.receiver.got().len(), 1);
    let page = scene.owner.get(ENDPOINTS).await.expect(200).json();
    let shown = &page["items"][0];
    assert!(shown["disabled_at"].is_string(), "{shown}");
    assert_eq!(shown["disabled_because"], "it answered that it is no more");
}
