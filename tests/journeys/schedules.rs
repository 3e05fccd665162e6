//! What comes by itself: the scheduler enqueues it, workers run it, replicas do not double it.

use packtrain_core::ports::KeyScope;
use packtrain_jobs::catalogue::KINDS;
use packtrain_scheduler::Ticker;
use packtrain_tests::{Yard, until};
use serde_json::Value;

/// The API alone, four minutes past ten: whoever else used the database would see its clock move.
async fn yard() -> Yard {
    let folder = tempfile::tempdir().unwrap();
    let yard = Yard::door(folder).await;
    yard.database.set_clock("2026-11-24T10:04:02Z").await;
    yard
}

/// The timetable of the catalogue, without what comes so often that a test would count little else.
async fn seed(yard: &Yard, ticker: &Ticker) {
    ticker.seed().await.unwrap();
    let often = "update schedule set is_enabled = false
                  where kind in ('gas.rollup', 'gas.snapshot', 'alerts.evaluate', 'chain.scan',
                                 'prices.observe', 'analytics.ingest', 'alerts.digest',
                                 'ops.observe')";
    assert_eq!(yard.database.run(often).await, 8);
}

async fn jobs_of(yard: &Yard, kind: &str) -> Vec<Value> {
    let client = yard.client("ops", &[KeyScope::Operator]).await;
    let path = format!("/v2/admin/jobs?kind={kind}");
    let page = client.get(&path).await.expect(200).json();
    page["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn every_five_minutes_what_jobs_use_is_kept_warm_and_a_canary_goes_through() {
    let yard = yard().await;
    let mut ticker = yard.ticker();
    seed(&yard, &ticker).await;
    assert_eq!(
        ticker.look().await.unwrap(),
        0,
        "nothing is due at the start"
    );
    yard.database.set_clock("2026-11-24T10:05:02Z").await;
    assert_eq!(ticker.look().await.unwrap(), 1);
    yard.worker(KINDS).await;
    until("the canary is through", async || {
        let canaries = jobs_of(&yard, "ops.canary").await;
        canaries.iter().any(|job| job["state"] == "succeeded")
    })
    .await;
    let warm = jobs_of(&yard, "ops.keep_warm").await.remove(0);
    let client = yard.client("ops", &[KeyScope::Operator]).await;
    let path = format!("/v2/admin/jobs/{}", warm["id"].as_str().unwrap());
    let job = client.get(&path).await.expect(200).json();
    let warmed = job["result"]["warmed"].as_array().unwrap();
    let what: Vec<_> = warmed
        .iter()
        .map(|one| one["what"].as_str().unwrap())
        .collect();
    assert_eq!(what, ["pool worker", "hints pg", "objects folder"]);
    yard.stop().await;
}

#[tokio::test]
async fn three_schedulers_enqueue_each_time_once() {
    let yard = yard().await;
    let mut tickers = [yard.ticker(), yard.ticker(), yard.ticker()];
    for ticker in &tickers {
        seed(&yard, ticker).await;
    }
    for minute in ["05", "10", "15", "20"] {
        // With 10:20 comes the hourly pruning of 10:17.
        let times = if minute == "20" { 2 } else { 1 };
        let moment = format!("2026-11-24T10:{minute}:02Z");
        yard.database.set_clock(&moment).await;
        let [one, two, three] = &mut tickers;
        let (one, two, three) = tokio::join!(one.look(), two.look(), three.look());
        assert_eq!(one.unwrap() + two.unwrap() + three.unwrap(), times);
    }
    assert_eq!(jobs_of(&yard, "ops.keep_warm").await.len(), 4);
    yard.stop().await;
}

#[tokio::test]
async fn after_a_day_without_schedulers_the_hourly_pruning_is_made_up_for_once() {
    let yard = yard().await;
    let mut ticker = yard.ticker();
    seed(&yard, &ticker).await;
    yard.database.set_clock("2026-11-27T10:04:02Z").await;
    ticker.look().await.unwrap();
    assert_eq!(jobs_of(&yard, "ops.prune").await.len(), 1);
    assert_eq!(ticker.look().await.unwrap(), 0);
    yard.stop().await;
}
