//! Rules that are snoozed.

use chrono::TimeDelta;
use packtrain_core::ports::KeyScope;
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000, told};
use super::runs::ended;

async fn snooze(scene: &Scene, rule: &str, asked: &Value) -> Value {
    let path = format!("/v2/premium/alerts/rules/{rule}/snooze");
    let answer = scene.owner.post(&path, &[], asked).await;
    answer.expect(200).json()
}

async fn wake(scene: &Scene, rule: &str) {
    let path = format!("/v2/premium/alerts/rules/{rule}/snooze");
    scene.owner.send("DELETE", &path, &[], "").await.expect(204);
}

async fn shown(scene: &Scene, rule: &str) -> Value {
    let path = format!("/v2/premium/alerts/rules/{rule}");
    scene.owner.get(&path).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_told_of_a_snoozed_rule_until_its_snooze_ends_and_what_holds_still_is() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    let snoozed = snooze(&scene, &rule, &json!({ "for_s": 7_200 })).await;
    assert!(snoozed["snoozed_until"].is_string(), "{snoozed}");
    assert_eq!(scene.look().await, 0);
    assert_eq!(scene.observe("2900", 60).await, 0);
    let firing = shown(&scene, &rule).await;
    assert_eq!(firing["phase"], "firing");
    assert_eq!(firing["snoozed_until"], snoozed["snoozed_until"]);
    assert_eq!(scene.look().await, 0);
    // By itself, when its time has come.
    scene.yard.database.shift_clock(TimeDelta::hours(3)).await;
    assert_eq!(scene.look().await, 1);
    let page = scene.owner.get("/v2/premium/alerts/incidents").await.json();
    let incident = page["items"][0]["id"].as_str().unwrap();
    let path = format!("/v2/premium/alerts/incidents/{incident}");
    let story = scene.owner.get(&path).await.expect(200).json();
    let steps = story["steps"].as_array().unwrap().iter();
    let steps: Vec<_> = steps.map(|step| step["what"].as_str().unwrap()).collect();
    assert_eq!(steps, ["fired", "held", "told"], "{story}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_ends_a_snooze_is_told_at_the_next_look_what_was_held_back() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    snooze(&scene, &rule, &json!({ "for_s": 2_592_000 })).await;
    assert_eq!(scene.observe("2900", 60).await, 0);
    wake(&scene, &rule).await;
    assert!(shown(&scene, &rule).await.get("snoozed_until").is_none());
    assert_eq!(scene.look().await, 1);
    // The end of what was told waits for a snooze as well; what is over by then is not told.
    snooze(&scene, &rule, &json!({ "for_s": 60 })).await;
    assert_eq!(scene.observe("3200", 120).await, 0);
    assert_eq!(scene.observe("2900", 180).await, 0);
    wake(&scene, &rule).await;
    assert_eq!(scene.look().await, 0, "it fires as they know");
    wake(&scene, &rule).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_evaluation_that_did_not_know_of_a_snooze_s_end_does_not_undo_it() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    snooze(&scene, &rule, &json!({ "for_s": 2_592_000 })).await;
    scene.look().await;
    // The end of the evaluation waits for this; it has read the rule by then.
    let ends = "update alert_state set snoozed_until = null, wake_at = now_utc()";
    let hold = scene.yard.database.hold(ends).await;
    let tick = scene.begin("2900", 60).await;
    scene.yard.database.blocked(1).await;
    hold.commit().await;
    ended(&scene.yard, tick).await;
    assert_eq!(told(&scene.yard, tick.derive("then:0")).await, 0);
    assert_eq!(scene.look().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snooze_is_its_owner_s_alone_and_has_an_end() {
    let scene = Scene::new().await;
    let rule = scene.rule(below_3000()).await;
    let path = format!("/v2/premium/alerts/rules/{rule}/snooze");
    let other = scene.yard.client("bo", &[KeyScope::User]).await;
    let hour = json!({ "for_s": 3_600 });
    other.post(&path, &[], &hour).await.expect(404);
    other.send("DELETE", &path, &[], "").await.expect(404);
    for (asked, place) in [
        (json!({ "for_s": 2_592_001 }), "/for_s"),
        (json!({ "until": "2020-01-01T00:00:00Z" }), "/until"),
        (json!({}), ""),
    ] {
        let refused = scene.owner.post(&path, &[], &asked).await;
        let refused = refused.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], place, "{refused}");
    }
    assert!(shown(&scene, &rule).await.get("snoozed_until").is_none());
}
