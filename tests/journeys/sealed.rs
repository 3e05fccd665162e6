//! What the database holds of the secrets of endpoints.

use packtrain_core::job::State;
use packtrain_jobs::alerts::seal::Seal;
use serde_json::json;
use standardwebhooks::Webhook;

use super::alerts::{Scene, below_3000, headers};
use super::runs::{ask, ended};

/// What is stored of endpoints, as text.
const STORED: &str = "select address || ' ' || array_to_string(secrets, ' ') from endpoint";

fn assert_sealed(rows: &[String], scene: &Scene) {
    for row in rows {
        assert!(
            row.split(' ').all(|it| it.starts_with("sealed:1:")),
            "{row}"
        );
        assert!(
            !row.contains("http") && !row.contains(&scene.secret),
            "{row}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neither_addresses_nor_secrets_of_endpoints_stand_in_the_database_as_they_are() {
    let scene = Scene::new().await;
    let path = format!("/v2/premium/endpoints/{}/secrets", scene.endpoint);
    let made = scene.owner.post(&path, &[], &json!({})).await.expect(201);
    let new = made.json()["secret"].as_str().unwrap().to_owned();
    let rows = scene.yard.database.texts(STORED).await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].split(' ').count(), 3, "an address and two secrets");
    assert_sealed(&rows, &scene);
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let message = &scene.receiver.got()[0];
    for secret in [&new, &scene.secret] {
        let judge = Webhook::new(secret).unwrap();
        judge.verify(&message.body, &headers(message)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_older_release_wrote_is_told_as_before_and_sealed_by_upkeep() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    let (url, secret) = (&scene.receiver.url, &scene.secret);
    let plain = format!(
        "update endpoint set address = '{url}', secrets = '{{{secret}}}', sealed_by = null"
    );
    assert_eq!(scene.yard.database.run(&plain).await, 1);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    for count in [1, 0] {
        let sealed = ask(&scene.yard, &Seal::default()).await;
        let sealed = ended(&scene.yard, sealed).await;
        assert_eq!(sealed.state, State::Succeeded, "{:?}", sealed.failures);
        assert_eq!(sealed.result, Some(json!({ "sealed": count })));
    }
    assert_sealed(&scene.yard.database.texts(STORED).await, &scene);
    assert_eq!(scene.observe("3200", 120).await, 1);
    let judge = Webhook::new(secret).unwrap();
    let got = scene.receiver.got();
    assert_eq!(got.len(), 2);
    for message in &got {
        judge.verify(&message.body, &headers(message)).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_row_that_is_copied_to_another_endpoint_does_not_open_there() {
    let scene = Scene::new().await;
    let asked = json!({ "name": "b", "channel": "webhook", "address": scene.receiver.url });
    let made = scene.owner.post("/v2/premium/endpoints", &[], &asked).await;
    let other = made.expect(201).json()["id"].as_str().unwrap().to_owned();
    let copied = "update endpoint e
                     set address = o.address
                    from endpoint o
                   where o.id <> e.id
                     and e.name = 'b'";
    assert_eq!(scene.yard.database.run(copied).await, 1);
    let path = format!("/v2/premium/endpoints/{other}");
    scene.owner.get(&path).await.expect(500);
    let whole = format!("/v2/premium/endpoints/{}", scene.endpoint);
    scene.owner.get(&whole).await.expect(200);
}
