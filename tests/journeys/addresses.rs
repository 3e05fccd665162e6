//! Endpoints get other names, and lead elsewhere.

use chrono::TimeDelta;
use packtrain_core::job::State;
use packtrain_core::ports::KeyScope;
use packtrain_tests::{Receiver, until};
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::alerts::{Scene, below_3000, headers};
use super::runs::{ended, job};

fn path(scene: &Scene) -> String {
    format!("/v2/premium/endpoints/{}", scene.endpoint)
}

async fn shown(scene: &Scene) -> Value {
    scene.owner.get(&path(scene)).await.expect(200).json()
}

/// Has the scene's endpoint lead to a receiver.
async fn lead_to(scene: &Scene, receiver: &Receiver) -> Value {
    let edit = json!({ "address": receiver.url });
    let changed = scene.owner.patch(&path(scene), &[], &edit).await;
    changed.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_is_changed_by_its_owner_alone_and_as_it_was_when_he_saw_it() {
    let scene = Scene::new().await;
    let path = path(&scene);
    let seen = scene.owner.get(&path).await.expect(200);
    let tag = seen.header("etag").to_owned();
    let meant = [("if-match", tag.as_str())];
    let edit = json!({ "name": " night desk " });
    let changed = scene.owner.patch(&path, &meant, &edit).await.expect(200);
    let (new, changed) = (changed.header("etag").to_owned(), changed.json());
    assert_eq!(changed["name"], "night desk");
    assert_eq!(
        (&changed["id"], &changed["place"], &changed["channel"]),
        (&seen.json()["id"], &seen.json()["place"], &json!("webhook"))
    );
    let read = scene.owner.get(&path).await;
    assert_eq!((read.header("etag"), read.json()), (&*new, changed));
    let known = [("if-none-match", new.as_str())];
    scene.owner.send("GET", &path, &known, "").await.expect(304);
    let stale = scene.owner.patch(&path, &meant, &edit).await.expect(412);
    assert_eq!(stale.json()["code"], "edit.stale");
    // An address that looks the same is another version all the same.
    let elsewhere = json!({ "address": format!("{}?key=hush", scene.receiver.url) });
    let meant = [("if-match", new.as_str())];
    let changed = scene.owner.patch(&path, &meant, &elsewhere).await;
    assert_eq!(changed.expect(200).json()["place"], seen.json()["place"]);
    scene
        .owner
        .patch(&path, &meant, &elsewhere)
        .await
        .expect(412);

    for (edit, pointer) in [
        (json!({ "name": "" }), "/name"),
        (json!({ "address": "https://10.0.0.1/" }), "/address"),
        (json!({ "address": "ftp://example.org/" }), "/address"),
        (json!({ "address": "ada@example.org" }), "/address"),
    ] {
        let refused = scene.owner.patch(&path, &[], &edit).await.expect(422);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{edit}");
    }
    let other = json!({ "channel": "slack" });
    scene.owner.patch(&path, &[], &other).await.expect(422);
    let stranger = scene.yard.client("bo", &[KeyScope::User]).await;
    let theirs = json!({ "address": "http://127.0.0.1:9/" });
    stranger.patch(&path, &[], &theirs).await.expect(404);
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    assert_eq!(scene.receiver.got().len(), 1, "it leads where it led");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_was_disabled_is_well_at_another_address_under_the_secret_that_it_has() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.receiver.answer(&[410]);
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let disabled = shown(&scene).await;
    assert!(disabled["disabled_at"].is_string(), "{disabled}");
    // The address that stands is no other one.
    let same = lead_to(&scene, &scene.receiver).await;
    assert_eq!(same, disabled);
    let other = Receiver::start().await;
    let moved = lead_to(&scene, &other).await;
    for gone in [
        "disabled_at",
        "disabled_because",
        "failing_since",
        "verified_at",
        "unverified_since",
    ] {
        assert!(moved[gone].is_null(), "{gone}: {moved}");
    }
    assert_eq!(scene.observe("3200", 120).await, 1);
    assert_eq!(scene.receiver.got().len(), 1, "it is told no more");
    let got = other.got();
    assert_eq!(got.len(), 1);
    let judge = Webhook::new(&scene.secret).unwrap();
    judge.verify(&got[0].body, &headers(&got[0])).unwrap();
    assert!(shown(&scene).await["verified_at"].is_string());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_on_its_way_goes_to_the_address_that_stands_when_it_is_tried() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.receiver.answer(&[503]);
    let message = scene.tell("2900", 60).await[0];
    until("the attempt has failed", async || {
        let record = job(&scene.yard, message).await;
        !record.failures.is_empty() && record.state == State::Scheduled
    })
    .await;
    assert!(shown(&scene).await["failing_since"].is_string());
    let other = Receiver::start().await;
    let moved = lead_to(&scene, &other).await;
    assert!(moved["failing_since"].is_null(), "{moved}");
    let passed = TimeDelta::seconds(30);
    scene.yard.database.shift_clock(passed).await;
    assert_eq!(ended(&scene.yard, message).await.state, State::Succeeded);
    assert_eq!(scene.receiver.got().len(), 1);
    let got = other.got();
    assert_eq!(got.len(), 1);
    assert_eq!(got[0].header("webhook-id"), message.to_string());
}
