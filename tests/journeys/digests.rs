//! Many messages in one, at the end of a window.

use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_core::ports::KeyScope;
use packtrain_jobs::alerts::digest::Digest;
use packtrain_tests::until;
use serde_json::{Value, json};
use standardwebhooks::Webhook;

use super::alerts::{Scene, below_3000, headers};
use super::runs::{ask, ended, job};

/// Has what the scene's endpoint is told gathered.
async fn gather(scene: &Scene, digest: Value) -> Value {
    let path = format!("/v2/premium/endpoints/{}/digest", scene.endpoint);
    let json = [("content-type", "application/json")];
    let put = scene.owner.send("PUT", &path, &json, digest.to_string());
    put.await.expect(200).json()
}

/// Lets SQL's clock stand so many minutes after the beginning.
async fn pass_to(scene: &Scene, minutes: i64) {
    let passed = TimeDelta::minutes(minutes);
    scene.yard.database.shift_clock(passed).await;
}

/// Looks whose windows have ended, as is done every minute; the digests that follow from it.
async fn look(scene: &Scene) -> Vec<JobId> {
    let look = ask(&scene.yard, &Digest {}).await;
    let done = ended(&scene.yard, look).await;
    assert_eq!(done.state, State::Succeeded, "{:?}", done.failures);
    let told = done.result.and_then(|result| result["told"].as_u64());
    let places = 0..told.unwrap_or(0);
    places
        .map(|place| look.derive(&format!("then:{place}")))
        .collect()
}

/// The same; all digests have arrived.
pub(super) async fn told(scene: &Scene) -> usize {
    let digests = look(scene).await;
    for digest in &digests {
        let done = ended(&scene.yard, *digest).await;
        assert_eq!(done.state, State::Succeeded, "{:?}", done.failures);
    }
    digests.len()
}

/// The bodies of what the receiver was sent, each verified by a judge that is not ours.
fn bodies(scene: &Scene) -> Vec<Value> {
    let judge = Webhook::new(&scene.secret).unwrap();
    let got = scene.receiver.got().into_iter();
    got.map(|message| {
        judge.verify(&message.body, &headers(&message)).unwrap();
        serde_json::from_slice(&message.body).unwrap()
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_in_a_window_is_told_once_in_one_signed_message_at_its_end() {
    let scene = Scene::new().await;
    let shown = gather(&scene, json!({ "every_s": 3600 })).await;
    assert_eq!(shown["digest"]["every_s"], 3600, "{shown}");
    scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    for (value, seconds) in [("2900", 60), ("3200", 120), ("2800", 180)] {
        assert_eq!(scene.observe(value, seconds).await, 1, "{value}");
    }
    assert_eq!(told(&scene).await, 0, "the window has not ended");
    assert_eq!(scene.receiver.got().len(), 0);
    pass_to(&scene, 61).await;
    assert_eq!(told(&scene).await, 1);
    assert_eq!(told(&scene).await, 0, "nothing is told twice");
    let bodies = bodies(&scene);
    assert_eq!(bodies.len(), 1);
    assert_eq!(bodies[0]["type"], "alert.digest");
    let data = &bodies[0]["data"];
    let entries = data["entries"].as_array().unwrap();
    let fires: Vec<&Value> = entries.iter().map(|entry| &entry["is_firing"]).collect();
    assert_eq!(fires, [true, false, true], "{data}");
    assert_eq!(entries[0]["incident"]["after"]["value"], "2900");
    assert_eq!(entries[2]["incident"]["after"]["value"], "2800");
    assert_eq!(data["more"], 0);
    let title = data["title"].as_str().unwrap();
    assert!(title.starts_with("3 changes, 2 alerts firing"), "{title}");
    // Incidents know by which messages they were told.
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let mut counts = Vec::new();
    for item in page["items"].as_array().unwrap() {
        let incident = item["id"].as_str().unwrap();
        let path = format!("/v2/premium/alerts/incidents/{incident}");
        let tries = scene.owner.get(&path).await.json()["tries"].take();
        let tries = tries.as_array().unwrap();
        assert!(
            tries.iter().all(|it| it["result"] == "delivered"),
            "{tries:?}"
        );
        counts.push(tries.len());
    }
    // Of two that fired in one millisecond either may be listed first.
    counts.sort_unstable();
    assert_eq!(counts, [1, 2]);
    // A window in which nothing happened ends in silence, and the next one is told again.
    pass_to(&scene, 121).await;
    assert_eq!(told(&scene).await, 0);
    assert_eq!(scene.observe("3300", 240).await, 1);
    pass_to(&scene, 181).await;
    assert_eq!(told(&scene).await, 1);
    assert_eq!(scene.receiver.got().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_critical_is_told_at_once_unless_the_digest_says_otherwise() {
    let scene = Scene::new().await;
    gather(&scene, json!({ "every_s": 3600 })).await;
    let mut rule = below_3000();
    rule["severity"] = "critical".into();
    scene.rule(rule).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    assert_eq!(bodies(&scene)[0]["type"], "alert.firing");
    gather(&scene, json!({ "every_s": 3600, "critical": "gathered" })).await;
    assert_eq!(scene.observe("3200", 120).await, 1);
    assert_eq!(scene.receiver.got().len(), 1);
    pass_to(&scene, 61).await;
    assert_eq!(told(&scene).await, 1);
    assert_eq!(bodies(&scene)[1]["data"]["entries"][0]["is_firing"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_was_not_taken_is_tried_again_as_it_was_and_before_the_next_one() {
    let scene = Scene::new().await;
    gather(&scene, json!({ "every_s": 3600 })).await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.observe("2900", 60).await;
    scene.receiver.answer_always(Some(503));
    pass_to(&scene, 61).await;
    let first = look(&scene).await[0];
    until("the attempt has failed", async || {
        let record = job(&scene.yard, first).await;
        !record.failures.is_empty() && record.state == State::Scheduled
    })
    .await;
    scene.observe("3200", 120).await;
    scene.receiver.answer_always(None);
    pass_to(&scene, 121).await;
    let second = look(&scene).await[0];
    for digest in [first, second] {
        assert_eq!(ended(&scene.yard, digest).await.state, State::Succeeded);
    }
    let got = scene.receiver.got();
    let (last, before) = got.split_last().unwrap();
    assert_eq!(last.header("webhook-id"), second.to_string());
    for message in before {
        assert_eq!(message.header("webhook-id"), first.to_string());
        assert_eq!(message.body, before[0].body);
    }
    let bodies = bodies(&scene);
    for body in &bodies {
        let entries = body["data"]["entries"].as_array().unwrap();
        assert_eq!(entries.len(), 1, "{body}");
    }
    assert_eq!(bodies[0]["data"]["entries"][0]["is_firing"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_enough_of_digests_is_told_what_was_gathered_and_then_each_thing_by_itself() {
    let scene = Scene::new().await;
    gather(
        &scene,
        json!({ "at": "08:00", "timezone": "Europe/Berlin" }),
    )
    .await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.observe("2900", 60).await;
    let path = format!("/v2/premium/endpoints/{}/digest", scene.endpoint);
    scene.owner.send("DELETE", &path, &[], "").await.expect(204);
    scene.owner.send("DELETE", &path, &[], "").await.expect(404);
    assert_eq!(scene.observe("3200", 120).await, 1);
    pass_to(&scene, 1).await;
    assert_eq!(told(&scene).await, 1);
    assert_eq!(told(&scene).await, 0);
    let bodies = bodies(&scene);
    let types: Vec<&Value> = bodies.iter().map(|body| &body["type"]).collect();
    assert_eq!(types, ["alert.resolved", "alert.digest"]);
    let left = "select count(*) from digest_window";
    assert_eq!(scene.yard.database.number(left).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_tells_the_first_fifty_and_counts_the_others() {
    let scene = Scene::new().await;
    gather(&scene, json!({ "every_s": 3600 })).await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.observe("2900", 60).await;
    // As if the rule had been told of sixty times more.
    for sql in [
        "insert into incident_step (rule_id, seq, tenant_id, incident_id, step, at, facts)
         select rule_id, 1000 + n, tenant_id, incident_id, step, at + n * interval '1 s', facts
           from incident_step, generate_series(1, 60) n
          where seq = (select seq from digest_entry)",
        "insert into digest_entry (rule_id, seq, endpoint_id, tenant_id)
         select rule_id, 1000 + n, endpoint_id, tenant_id
           from digest_entry, generate_series(1, 60) n",
    ] {
        assert_eq!(scene.yard.database.run(sql).await, 60);
    }
    pass_to(&scene, 61).await;
    assert_eq!(told(&scene).await, 1);
    let data = bodies(&scene)[0]["data"].take();
    assert_eq!(data["entries"].as_array().unwrap().len(), 50);
    assert_eq!(data["more"], 11);
    let title = data["title"].as_str().unwrap();
    assert!(title.starts_with("61 changes, 61 alerts firing"), "{title}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_digest_that_cannot_be_is_refused_with_the_place_and_is_its_tenant_s_alone() {
    let scene = Scene::new().await;
    let path = format!("/v2/premium/endpoints/{}/digest", scene.endpoint);
    let json = [("content-type", "application/json")];
    for (digest, place) in [
        (json!({}), ""),
        (json!({ "every_s": 60 }), "/every_s"),
        (json!({ "at": "25:00" }), "/at"),
        (json!({ "at": "08:00", "days": [] }), "/days"),
    ] {
        let put = scene.owner.send("PUT", &path, &json, digest.to_string());
        let refused = put.await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], place, "{refused}");
        let asked = json!({
            "name": "x", "channel": "webhook", "address": scene.receiver.url, "digest": digest,
        });
        let made = scene.owner.post("/v2/premium/endpoints", &[], &asked).await;
        let refused = made.expect(422).json();
        let place = format!("/digest{place}");
        assert_eq!(refused["errors"][0]["pointer"], place, "{refused}");
    }
    let stranger = scene.yard.client("bo", &[KeyScope::User]).await;
    let hourly = json!({ "every_s": 3600 }).to_string();
    stranger.send("PUT", &path, &json, hourly).await.expect(404);
    stranger.send("DELETE", &path, &[], "").await.expect(404);
    // One that is asked for with the endpoint begins with it, and goes with it.
    let asked = json!({
        "name": "x", "channel": "webhook", "address": scene.receiver.url,
        "digest": { "at": "08:00", "days": ["mon"], "timezone": "Europe/Berlin" },
    });
    let made = scene.owner.post("/v2/premium/endpoints", &[], &asked).await;
    let made = made.expect(201).json();
    assert_eq!(made["digest"]["at"], "08:00", "{made}");
    let windows = "select count(*) from digest_window";
    assert_eq!(scene.yard.database.number(windows).await, 1);
    let named = format!("/v2/premium/endpoints/{}", made["id"].as_str().unwrap());
    scene
        .owner
        .send("DELETE", &named, &[], "")
        .await
        .expect(204);
    assert_eq!(scene.yard.database.number(windows).await, 0);
}
