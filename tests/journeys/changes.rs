//! Rules that are changed while they fire, evaluations that died, and endpoints that fail at times.

use chrono::TimeDelta;
use packtrain_core::time::{Clock, SystemClock, Timestamp};
use packtrain_jobs::alerts::evaluate::Evaluate;
use packtrain_tests::{Answer, until};
use serde_json::json;

use super::alerts::{ETHER, Scene, below_3000, messages};
use super::runs::{ask, ended};

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_asks_for_something_else_ends_what_it_fired_for_and_is_told_anew() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let path = format!("/v2/premium/alerts/rules/{rule}");
    let mut other = below_3000();
    other["when"]["value"] = json!("3050");
    let change = json!({ "rule": other, "endpoints": [scene.endpoint] }).to_string();
    let json = ("content-type", "application/json");
    let put = async |version: &str| {
        let headers = [json, ("if-match", version)];
        scene
            .owner
            .send("PUT", &path, &headers, change.clone())
            .await
    };
    assert_eq!(put("\"1\"").await.expect(200).json()["version"], 2);
    put("\"1\"").await.expect(412);
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    assert!(page["items"][0]["ended_at"].is_string(), "{page}");
    let story = page["items"][0]["id"].as_str().unwrap();
    let story = format!("/v2/premium/alerts/incidents/{story}");
    let story = scene.owner.get(&story).await.expect(200).json();
    let last = story["steps"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["what"], &last["facts"]["why"]),
        (&json!("ended"), &json!("changed"))
    );
    // It is evaluated anew at what its metric is, and this is another incident.
    assert_eq!(scene.look().await, 1);
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    assert_eq!(page["items"].as_array().unwrap().len(), 2, "{page}");
    assert_eq!(scene.receiver.got().len(), 2);
    let delete = async |version: &str| {
        let headers = [("if-match", version)];
        scene.owner.send("DELETE", &path, &headers, "").await
    };
    delete("\"1\"").await.expect(412);
    delete("\"2\"").await.expect(204);
    assert_eq!(scene.observe("3300", 180).await, 0);
}

/// Asks for another name of a rule, and for nothing else.
async fn rename(scene: &Scene, rule: &str) -> Answer {
    let mut named = below_3000();
    named["name"] = json!("Ether is cheap");
    let change = json!({ "rule": named, "endpoints": [scene.endpoint] }).to_string();
    let path = format!("/v2/premium/alerts/rules/{rule}");
    let headers = [("content-type", "application/json")];
    scene.owner.send("PUT", &path, &headers, change).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_gets_another_name_while_it_fires_goes_on_and_is_told_its_end() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let put = rename(&scene, &rule).await;
    assert_eq!(put.expect(200).json()["phase"], "firing");
    assert_eq!(scene.look().await, 0, "it is not told again");
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let items = page["items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{page}");
    assert_eq!(items[0].get("ended_at"), None, "{page}");
    assert_eq!(scene.observe("3200", 120).await, 1);
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    assert!(page["items"][0]["ended_at"].is_string(), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_that_gets_another_name_while_it_is_evaluated_is_told_its_end_once() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    let database = &scene.yard.database;
    let pause =
        |paused: &str| format!("update lane set paused_at = {paused} where name = 'notify'");
    database.run(&pause("now_utc()")).await;
    // The evaluation has found out what it writes when the name changes.
    let hold = database.hold("select from alert_state for update").await;
    let (put, tick) = tokio::join!(rename(&scene, &rule), async {
        database.blocked(1).await;
        let tick = scene.begin("3200", 120).await;
        database.blocked(2).await;
        hold.rollback().await;
        tick
    });
    put.expect(200);
    let early = messages(&scene.yard, tick.derive("then:0")).await;
    let look = ask(&scene.yard, &Evaluate::default()).await;
    let late = messages(&scene.yard, look).await;
    assert_eq!((early.len(), late.len()), (1, 1));
    database.run(&pause("null")).await;
    let skipped = ended(&scene.yard, early[0]).await.result;
    assert_eq!(
        skipped,
        Some(json!({ "skipped": "the rule was changed meanwhile" }))
    );
    ended(&scene.yard, late[0]).await;
    assert_eq!(scene.receiver.got().len(), 2, "its beginning and its end");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_reads_the_points_of_one_that_died_before_it() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    // Evaluations of these two died; the first point came late and changes nothing either way.
    for (second, value) in [(-60, 2_800), (60, 2_900)] {
        let at = scene.at(second).to_rfc3339();
        let point = format!(
            "insert into metric_point (key, at, value, tick)
             values ('{ETHER}', '{at}', {value}, gen_random_uuid())"
        );
        scene.yard.database.run(&point).await;
    }
    assert_eq!(scene.observe("3200", 120).await, 2, "it fired and is over");
    let got = scene.receiver.got();
    let told: Vec<_> = { got.iter() }
        .map(|it| serde_json::from_slice::<serde_json::Value>(&it.body).unwrap())
        .map(|body| (body["type"].clone(), body["data"]["after"]["value"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            (json!("alert.firing"), json!("2900")),
            (json!("alert.resolved"), json!("3200")),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_story_of_a_long_incident_ends_with_what_happened_last() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    scene.observe("2900", 60).await;
    let many = "insert into incident_step (rule_id, seq, tenant_id, incident_id, step, at, facts)
                select i.rule_id, 1000 + n, i.tenant_id, i.id, 'held', now_utc(), '{}'
                  from incident i, generate_series(1, 1000) as n";
    scene.yard.database.run(many).await;
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let incident = page["items"][0]["id"].as_str().unwrap();
    let path = format!("/v2/premium/alerts/incidents/{incident}");
    let story = scene.owner.get(&path).await.expect(200).json();
    let steps = story["steps"].as_array().unwrap();
    assert_eq!(
        (&steps[0]["seq"], &steps[999]["seq"]),
        (&json!(1_001), &json!(2_000))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_failed_six_days_ago_and_fails_once_more_is_not_disabled() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    let ago = "update endpoint set failing_since = now_utc() - interval '6 days',
                                   failed_at = now_utc() - interval '6 days'";
    scene.yard.database.run(ago).await;
    scene.receiver.answer_always(Some(503));
    scene.tell("2900", 60).await;
    let path = format!("/v2/premium/endpoints/{}", scene.endpoint);
    let yesterday = SystemClock.now() - TimeDelta::days(1);
    until("the endpoint is known to fail since now", async || {
        let shown = scene.owner.get(&path).await.expect(200).json();
        assert_eq!(shown.get("disabled_at"), None, "{shown}");
        let since = shown["failing_since"].as_str().unwrap();
        since.parse::<Timestamp>().unwrap() > yesterday
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_failure_that_began_before_a_success_says_nothing_of_the_endpoint() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    let later = "insert into delivery_try (job_id, number, tenant_id, endpoint_id, at, latency_ms,
                                           result)
                 select gen_random_uuid(), 1, tenant_id, id, now_utc() + interval '30 s', 1,
                        'delivered'
                   from endpoint";
    scene.yard.database.run(later).await;
    scene.receiver.answer_always(Some(503));
    scene.tell("2900", 60).await;
    until("the try is kept", async || {
        let tries = "select count(*) from delivery_try where result = 'temporary'";
        scene.yard.database.number(tries).await > 0
    })
    .await;
    let path = format!("/v2/premium/endpoints/{}", scene.endpoint);
    let shown = scene.owner.get(&path).await.expect(200).json();
    assert_eq!(shown.get("failing_since"), None, "{shown}");
}
