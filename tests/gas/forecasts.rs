//! From snapshots to a forecast, and to what became of it.

use chrono::{TimeDelta, Timelike};
use packtrain_core::ports::GasForecasts;
use packtrain_core::time::{Timestamp, rfc3339};
use packtrain_jobs::catalogue::KINDS;
use packtrain_jobs::gas::bucket::BUCKET;
use packtrain_tests::until;
use serde_json::{Value, json};

use super::scene::{CHAIN, GWEI, Made, Scene, one_each};

/// By the hour of the day: every day the same, so that the last price tells nothing.
fn by_hour(at: Timestamp) -> u64 {
    GWEI * u64::from(1 + at.hour() % 12)
}

#[tokio::test]
async fn snapshots_become_a_forecast_which_is_judged_when_its_time_has_passed() {
    let scene = Scene::without_workers().await;
    let worker = scene.yard.worker(KINDS).await;
    let days = 12 * 96;
    let first = scene.quarter - BUCKET * days;
    let (last_at, target_at) = (scene.quarter - BUCKET, scene.quarter + BUCKET * 3);
    scene.keep(&one_each(first, 1_000, days, by_hour)).await;
    assert_eq!(scene.roll_up().await, 12 * 96);
    until("it is forecast", async || {
        scene.count("gas_forecast").await == 3
    })
    .await;
    let shown = scene.get("ethereum/forecast").await.expect(200).json();
    let hour = &shown["forecasts"][0];
    assert_eq!(hour["p50_wei"], by_hour(target_at).to_string());
    assert_eq!(hour["naive_p50_wei"], by_hour(last_at).to_string());
    assert_eq!(hour["target_at"], json!(rfc3339(target_at)));
    assert_eq!(hour["record"]["verdict"], "unknown");
    assert_eq!(shown["is_stale"], false);
    assert_eq!(
        scene.count("gas_score").await,
        0,
        "nothing is known of it yet"
    );
    worker.drain().await;

    // An hour and a quarter later.
    scene
        .yard
        .database
        .shift_clock(scene.ahead + BUCKET * 5)
        .await;
    let worker = scene.yard.worker(KINDS).await;
    let number = 1_000 + u64::try_from(days).unwrap();
    let price = |at: Timestamp| by_hour(at) + GWEI / 10;
    scene.keep(&one_each(scene.quarter, number, 5, price)).await;
    assert_eq!(scene.roll_up().await, 5);
    until("it is judged", async || scene.count("gas_score").await == 1).await;
    let judged = "select concat_ws(' ', horizon_hours, actual_wei, error_ppm, naive_error_ppm,
                         week_ago_error_ppm) from gas_score";
    let (said, actual, last) = (by_hour(target_at), price(target_at), by_hour(last_at));
    let ppm = |said: u64| said.abs_diff(actual) * 1_000_000 / actual;
    let wanted = format!("1 {actual} {} {} {}", ppm(said), ppm(last), ppm(said));
    assert_eq!(scene.yard.database.texts(judged).await, [wanted]);

    // The bucket is mended, and what was said of it is judged again.
    let late = Made {
        number: number + 5,
        branch: 1,
        parent: 1,
        at: target_at + TimeDelta::minutes(8),
        base_fee_wei: actual + 2 * GWEI,
    };
    scene.keep(&[late]).await;
    assert_eq!(scene.roll_up().await, 1);
    let mended = format!(
        "select count(*) from gas_score where actual_wei = {}",
        actual + GWEI
    );
    until("it is judged again", async || {
        scene.yard.database.number(&mended).await == 1
    })
    .await;
    worker.drain().await;
    scene.yard.stop().await;
}

#[tokio::test]
async fn a_forecast_that_does_not_beat_the_naive_one_says_so() {
    let scene = Scene::new().await;
    let first = scene.quarter - BUCKET * 120;
    scene.keep(&one_each(first, 100, 120, |_| GWEI)).await;
    scene.roll_up().await;
    until("it is forecast", async || {
        scene.count("gas_forecast").await > 0
    })
    .await;
    let scores = |better: bool| {
        let (own, naive) = if better { (7, 8) } else { (8, 7) };
        format!(
            "insert into gas_score (chain_id, origin, horizon_hours, actual_wei, error_ppm,
                    naive_error_ppm, loss_ppm, naive_loss_ppm, is_covered, is_naive_covered)
             select 1, now_utc() - n * interval '15 minutes', 1, 1, {own}0000, {naive}0000,
                    {own}0000, {naive}0000, n % 4 > 0, true
               from generate_series(1, 100) as n
                 on conflict (chain_id, origin, horizon_hours) do nothing"
        )
    };
    scene.yard.database.run(&scores(false)).await;
    let record = async || {
        let shown = scene.get("ethereum/forecast").await.expect(200).json();
        shown["forecasts"][0]["record"].clone()
    };
    let worse = record().await;
    assert_eq!(
        (&worse["verdict"], &worse["count"]),
        (&json!("not_better"), &json!(100))
    );
    assert!(
        worse["says"]
            .as_str()
            .unwrap()
            .contains("does not beat the naive forecast")
    );
    assert_eq!(worse["error_percent"], 8.0);
    assert_eq!(worse["naive_error_percent"], 7.0);
    assert_eq!(worse["covered_percent"], 75.0);
    assert_eq!(worse["week_ago_error_percent"], Value::Null);
    scene.yard.database.run("delete from gas_score").await;
    scene.yard.database.run(&scores(true)).await;
    assert_eq!(record().await["verdict"], "better");
    // A forecast is what was said, whoever asks again.
    let known = scene.kept.newest(CHAIN).await.unwrap();
    assert_eq!(
        GasForecasts::keep(&scene.kept, CHAIN, &known)
            .await
            .unwrap(),
        0
    );
    scene.yard.stop().await;
}
