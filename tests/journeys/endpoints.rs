//! What owners do to endpoints that are there, through the public door.

use chrono::TimeDelta;
use packtrain_core::ports::KeyScope;
use packtrain_tests::until;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::alerts::{Scene, below_3000, headers};

/// Tries the scene's endpoint out, and says what came of it.
async fn tried(scene: &Scene) -> Value {
    let path = format!("/v2/premium/endpoints/{}/test", scene.endpoint);
    let asked = scene.owner.post(&path, &[], &json!({})).await.expect(202);
    let asked = asked.json();
    let shown = format!("{path}/{}", asked["id"].as_str().unwrap());
    until("it is known what came of the test", async || {
        scene.owner.get(&shown).await.expect(200).json()["result"] != "pending"
    })
    .await;
    scene.owner.get(&shown).await.json()
}

/// Asks for something to be made, and says what was.
async fn make(scene: &Scene, path: &str, headers: &[(&str, &str)], asked: &Value) -> Value {
    let answer = scene.owner.post(path, headers, asked).await;
    answer.expect(201).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_repeated_under_its_key_makes_one_endpoint_and_one_rule() {
    let scene = Scene::new().await;
    let key = [("idempotency-key", "first")];
    let url = &scene.receiver.url;
    let asked = json!({ "name": "desk", "channel": "webhook", "address": url });
    let endpoints = "/v2/premium/endpoints";
    let made = make(&scene, endpoints, &key, &asked).await;
    let again = make(&scene, endpoints, &key, &asked).await;
    // Who lost the answer needs the secret as well.
    assert_eq!(
        (&made["id"], &made["secret"]),
        (&again["id"], &again["secret"])
    );
    let other = json!({ "name": "other", "channel": "webhook", "address": url });
    let reused = scene.owner.post(endpoints, &key, &other).await.expect(422);
    assert_eq!(reused.json()["code"], "idempotency.key_reused");
    let page = scene.owner.get(endpoints).await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "{page}");

    let rules = "/v2/premium/alerts/rules";
    let asked = json!({ "rule": below_3000(), "endpoints": [made["id"]] });
    let rule = make(&scene, rules, &key, &asked).await;
    let again = make(&scene, rules, &key, &asked).await;
    assert_eq!(rule["id"], again["id"]);
    let without = json!({ "rule": below_3000() });
    scene.owner.post(rules, &key, &without).await.expect(422);
    let page = scene.owner.get(rules).await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page}");
    // The keys of one tenant are nothing to another.
    let other = scene.yard.client("bo", &[KeyScope::User]).await;
    let asked = json!({ "rule": below_3000() });
    let theirs = other.post(rules, &key, &asked).await.expect(201).json();
    assert_ne!(theirs["id"], rule["id"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_replaced_signs_beside_the_new_one_for_a_day_and_then_no_more() {
    let scene = Scene::new().await;
    let path = format!("/v2/premium/endpoints/{}/secrets", scene.endpoint);
    let made = make(&scene, &path, &[], &json!({})).await;
    let new = made["secret"].as_str().unwrap();
    let signs = |secret: &str| {
        let got = scene.receiver.got();
        let message = got.last().unwrap();
        let judge = Webhook::new(secret).unwrap();
        judge.verify(&message.body, &headers(message)).is_ok()
    };
    assert_eq!(tried(&scene).await["result"], "delivered");
    assert!(signs(&scene.secret) && signs(new));
    scene.yard.database.shift_clock(TimeDelta::hours(25)).await;
    assert_eq!(tried(&scene).await["result"], "delivered");
    assert!(!signs(&scene.secret) && signs(new));
    // What signs no more is not brought back by another one.
    let made = make(&scene, &path, &[], &json!({})).await;
    scene.yard.database.shift_clock(TimeDelta::hours(26)).await;
    assert_eq!(tried(&scene).await["result"], "delivered");
    assert!(!signs(&scene.secret) && signs(new));
    assert!(signs(made["secret"].as_str().unwrap()));
    let shown = format!("/v2/premium/endpoints/{}", scene.endpoint);
    let shown = scene.owner.get(&shown).await.expect(200).json();
    assert!(shown["old_secrets_until"].is_string(), "{shown}");
    // Nobody loses the secret that a receiver knows to one that was asked for too often.
    for status in [201, 201, 409] {
        scene
            .owner
            .post(&path, &[], &json!({}))
            .await
            .expect(status);
    }
    scene
        .yard
        .database
        .shift_clock(TimeDelta::seconds(26 * 3_600 + 11))
        .await;
    assert_eq!(tried(&scene).await["result"], "delivered");
    assert!(signs(made["secret"].as_str().unwrap()));
    let stranger = scene.yard.client("bo", &[KeyScope::User]).await;
    stranger.post(&path, &[], &json!({})).await.expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_asked_for_again_under_its_key_is_made_once() {
    let scene = Scene::new().await;
    let path = format!("/v2/premium/endpoints/{}/secrets", scene.endpoint);
    let post = async |path: &str, key: &str, status: u16| {
        let key = [("idempotency-key", key)];
        let answer = scene.owner.post(path, &key, &json!({})).await;
        answer.expect(status).json()
    };
    let first = post(&path, "first", 201).await;
    assert_eq!(post(&path, "first", 201).await, first);
    let second = post(&path, "second", 201).await;
    assert_ne!(second["secret"], first["secret"]);
    post(&path, "third", 201).await;
    // Four sign. Who asks again for what was made gets it, and not what came after it.
    assert_eq!(post(&path, "fourth", 409).await["code"], "limit.reached");
    let again = post(&path, "first", 201).await;
    assert_eq!(again["secret"], first["secret"]);
    assert!(again["old_secrets_until"].as_str() > first["old_secrets_until"].as_str());
    let signing = "select cardinality(secrets)::bigint from endpoint";
    assert_eq!(scene.yard.database.number(signing).await, 4);
    // What was refused took no key.
    let passed = "update endpoint set old_secrets_until = now_utc()";
    scene.yard.database.run(passed).await;
    let fourth = post(&path, "fourth", 201).await;
    assert_eq!(post(&path, "fourth", 201).await, fourth);

    let url = &scene.receiver.url;
    let asked = json!({ "name": "other", "channel": "webhook", "address": url });
    let endpoints = "/v2/premium/endpoints";
    let other = scene.owner.post(endpoints, &[], &asked).await.expect(201);
    let other = other.json()["id"].as_str().unwrap().to_owned();
    let path = format!("{endpoints}/{other}/secrets");
    let reused = post(&path, "fourth", 422).await;
    assert_eq!(reused["code"], "idempotency.key_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_disabled_is_tried_out_and_told_again_once_it_is_enabled() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.receiver.answer(&[410]);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let named = format!("/v2/premium/endpoints/{}", scene.endpoint);
    let shown = scene.owner.get(&named).await.json();
    assert!(shown["disabled_at"].is_string(), "{shown}");
    scene.receiver.answer(&[503]);
    let failed = tried(&scene).await;
    assert_eq!(
        (&failed["result"], &failed["status"]),
        (&json!("temporary"), &json!(503))
    );
    // Not again at once, so that nobody floods a stranger through us. This is at once, however long
    // the test took to come here.
    let just_now = "update endpoint set tested_at = now_utc()";
    scene.yard.database.run(just_now).await;
    let early = scene
        .owner
        .post(&format!("{named}/test"), &[], &json!({}))
        .await
        .expect(429);
    assert_eq!(early.json()["code"], "endpoint.tested");
    scene
        .yard
        .database
        .shift_clock(TimeDelta::seconds(11))
        .await;
    let works = tried(&scene).await;
    assert_eq!(
        (&works["result"], &works["status"]),
        (&json!("delivered"), &json!(204))
    );
    let event: Value = serde_json::from_slice(&scene.receiver.got().last().unwrap().body).unwrap();
    assert_eq!(event["type"], "endpoint.test");
    // Trying it out enables nothing.
    assert_eq!(scene.observe("3200", 120).await, 1);
    assert_eq!(scene.receiver.got().len(), 3);
    let enabled = scene
        .owner
        .post(&format!("{named}/enable"), &[], &json!({}))
        .await
        .expect(200);
    assert!(enabled.json()["disabled_at"].is_null());
    assert_eq!(scene.observe("2900", 180).await, 1);
    assert_eq!(scene.receiver.got().len(), 4);
    let stranger = scene.yard.client("bo", &[KeyScope::User]).await;
    for path in ["enable", "test"] {
        stranger
            .post(&format!("{named}/{path}"), &[], &json!({}))
            .await
            .expect(404);
    }
}
