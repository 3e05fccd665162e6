//! What is read for a back-test, and what is said of it.

use std::sync::Arc;

use packtrain_core::ids::JobId;
use packtrain_core::time::Clock;
use packtrain_rules::metric::Metric;
use serde_json::Value as Json;
use uuid::Uuid;

use super::*;
use crate::watching::Watching;
use crate::world::{Noon, World};

/// So many points of a metric, so many seconds apart, up to now: 1, 2, 3 and so on.
fn kept(metric: &str, count: i32, apart_s: i64) -> Arc<Watching> {
    observed(
        metric,
        (0..count).map(|number| {
            let back = TimeDelta::seconds(apart_s * i64::from(count - 1 - number));
            (Noon.now() - back, (number + 1).to_string())
        }),
    )
}

fn observed(metric: &str, points: impl IntoIterator<Item = (Timestamp, String)>) -> Arc<Watching> {
    let watching = Watching::at(Noon.now());
    let tick = JobId::from_uuid(Uuid::from_u128(9));
    watching.with(|kept| kept.observe(metric, tick, points));
    watching
}

fn attempt(kept: &Arc<Watching>) -> Ctx {
    let mut ctx = World::new().attempt(1);
    let world = Arc::get_mut(&mut ctx.world).expect("nobody else has it yet");
    world.watch = kept.clone();
    ctx
}

fn asks(when: Json, words: Json) -> Backtest {
    let mut asked = json!({ "rule": { "name": "a", "when": when } });
    for (key, value) in words.as_object().unwrap() {
        asked[key] = value.clone();
    }
    serde_json::from_value(asked).unwrap()
}

fn above(value: i64) -> Json {
    json!({ "metric": "tvl:a", "op": ">", "value": value })
}

async fn tested(kept: &Arc<Watching>, asked: Backtest) -> Json {
    asked.run(&attempt(kept)).await.unwrap().result.unwrap()
}

#[tokio::test]
async fn many_points_are_read_in_pages_each_once_with_what_was_before() {
    let kept = kept("tvl:a", 45_000, 60);
    let ctx = attempt(&kept);
    let until = Noon.now();
    let asked = Asked {
        from: until - TimeDelta::minutes(44_000),
        until,
    };
    let rule = asks(above(5), json!({})).rule;
    let read = history::read(&ctx, &rule, asked).await.unwrap();
    let metric: Metric = "tvl:a".parse().unwrap();
    let points = &read.history[&metric];
    let values: Vec<String> = points.iter().map(|it| it.value.to_string()).collect();
    let wanted: Vec<String> = (1_000..=45_000).map(|it| it.to_string()).collect();
    assert!(values == wanted, "{} points", values.len());
    assert_eq!(kept.with(|kept| kept.reads), 3);
    assert_eq!(read.from(asked.from), asked.from);
}

#[tokio::test]
async fn of_a_metric_with_too_many_points_the_last_of_each_minute_is_read() {
    let leaves =
        (0..20).map(|number| json!({ "metric": format!("tvl:a{number}"), "op": ">", "value": 1 }));
    let asked = asks(json!({ "any": leaves.collect::<Vec<_>>() }), json!({}));
    // A rule of twenty metrics has room for 30,000 points of each.
    let kept = kept("tvl:a7", 45_000, 10);
    let answer = tested(&kept, asked).await;
    let data = answer["data"].as_array().unwrap();
    let of_a7 = data.iter().find(|it| it["metric"] == "tvl:a7").unwrap();
    assert_eq!(of_a7["of_minutes"], true);
    let points = of_a7["points"].as_u64().unwrap();
    assert!((7_500..=7_502).contains(&points), "{points}");
    let said = answer["said"].as_str().unwrap();
    assert!(
        said.starts_with("It would have fired 1 time in 5 days; of the 90 days asked for"),
        "{said}"
    );
    assert!(
        said.contains("nothing is kept of tvl:a0 and tvl:a1 and"),
        "{said}"
    );
}

#[tokio::test]
async fn a_window_is_filled_by_what_was_before_the_time_that_is_asked_for() {
    let when = json!({
        "metric": "tvl:a", "op": ">", "value": 0, "aggregate": "change_percent",
        "window_s": 86_400,
    });
    let kept = kept("tvl:a", 24 * 4, 3_600);
    let answer = tested(&kept, asks(when, json!({ "days": 1 }))).await;
    assert_eq!(answer["said"], "It would have fired 1 time in 24 hours.");
    // It was so when the time began.
    assert_eq!(answer["firings"][0]["at"], answer["from"]);
    assert_eq!(answer["data"][0]["points"], 24 * 3 + 1);
}

#[tokio::test]
async fn firings_are_listed_as_far_as_a_result_has_room_and_all_are_counted() {
    let hours = (0..600_i32).map(|hour| {
        let at = Noon.now() - TimeDelta::hours(i64::from(600 - hour));
        (at, (hour % 2 * 10).to_string())
    });
    let kept = observed("tvl:a", hours);
    let asked = asks(
        above(5),
        json!({ "noise_within_s": 3_600, "firings_max": 299 }),
    );
    let answer = tested(&kept, asked).await;
    assert_eq!(
        (&answer["fired"], &answer["noisy"]),
        (&json!(300), &json!(299))
    );
    assert_eq!(answer["firings"].as_array().unwrap().len(), 100);
    let advice = answer["advice"]["reason"].as_str().unwrap();
    assert!(answer["advice"]["value"].is_string(), "{advice}");
    assert!(answer.to_string().len() < RESULT_BYTES_MAX);
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    for (asked, place) in [
        (asks(above(5), json!({ "days": 0 })), "/days"),
        (
            asks(above(5), json!({ "noise_within_s": 0 })),
            "/noise_within_s",
        ),
        (asks(json!({ "all": [] }), json!({})), "/rule/when/all"),
        (
            asks(
                json!({
                    "metric": "tvl:a", "op": ">", "value": 1, "aggregate": "mean", "window_s": 61,
                }),
                json!({}),
            ),
            "/rule/when/window_s",
        ),
    ] {
        let errors = asked.check();
        let places: Vec<&str> = errors.iter().map(|error| &*error.pointer).collect();
        assert_eq!(places, [place]);
    }
    assert_eq!(asks(above(5), json!({})).check(), []);
}
