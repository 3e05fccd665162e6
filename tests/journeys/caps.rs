//! What a tenant is told on a day, over all its rules.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000};

/// A tenant's own number of messages a day.
async fn allow(scene: &Scene, messages: u32) {
    let own = format!("update tenant set messages_a_day = {messages} where name = 'ada'");
    assert_eq!(scene.yard.database.run(&own).await, 1);
}

/// What was counted, over all tenants.
async fn counted(scene: &Scene) -> Vec<String> {
    let told = "select told::text from alert_told";
    scene.yard.database.texts(told).await
}

/// What happened in an incident, with reasons.
fn steps(story: &Value) -> Vec<(&str, &Value)> {
    let steps = story["steps"].as_array().unwrap().iter();
    steps
        .map(|step| (step["what"].as_str().unwrap(), &step["facts"]["why"]))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_is_told_as_much_as_its_tier_allows_and_the_rest_when_the_next_day_begins() {
    let scene = Scene::new().await;
    allow(&scene, 2).await;
    for _ in 0..3 {
        scene.rule(below_3000()).await;
    }
    assert_eq!(scene.observe("3200", 0).await, 0);
    assert_eq!(scene.observe("2900", 60).await, 2, "three fire");
    assert_eq!(counted(&scene).await, ["2"]);
    let mut stories = scene.stories().await;
    stories.sort_by_key(|story| steps(story).contains(&("held", &json!("tier_cap"))));
    let told = [("fired", &Value::Null), ("told", &json!("fired"))];
    let held = [("fired", &Value::Null), ("held", &json!("tier_cap"))];
    let [first, second, third] = stories.as_slice() else {
        panic!("{stories:?}");
    };
    assert_eq!(steps(first), told);
    assert_eq!(steps(second), told);
    assert_eq!(steps(third), held);
    assert_eq!(scene.look().await, 0, "the day is not over");
    scene.yard.database.shift_clock(TimeDelta::hours(26)).await;
    assert_eq!(scene.look().await, 1);
    assert_eq!(counted(&scene).await, ["1"], "of another day");
    assert_eq!(scene.receiver.got().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_told_of_a_firing_is_told_of_its_end_though_the_day_s_messages_are_used_up() {
    let scene = Scene::new().await;
    allow(&scene, 1).await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    assert_eq!(scene.observe("3200", 61).await, 1);
    assert_eq!(counted(&scene).await, ["1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tenants_without_a_cap_are_not_counted() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    scene.observe("3200", 0).await;
    assert_eq!(scene.observe("2900", 60).await, 1);
    assert!(counted(&scene).await.is_empty());
}
