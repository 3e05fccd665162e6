//! How long jobs wait and take, by the database's clock alone.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::ports::{End, Gauges, Success, Upkeep, Write};
use packtrain_store::PgFigures;

use super::scene::{HOUR, Scene};

fn figures(scene: &Scene) -> PgFigures {
    PgFigures::new(scene.db.pools().operator.clone())
}

/// A measured job that is settled when SQL's clock has gone on by so much since its enqueue.
async fn measured(scene: &Scene, before: TimeDelta, after: TimeDelta) {
    scene.db.shift_clock(before).await;
    let held = scene.running().await;
    scene.db.shift_clock(after).await;
    let end = held.ends(End::Succeeded(Success {
        writes: vec![Write::ServiceLevel],
        ..Success::default()
    }));
    scene.settle(&[end]).await;
}

#[tokio::test]
async fn a_service_level_lasts_from_enqueue_to_settle_whatever_clock_the_worker_has() {
    let scene = Scene::new().await;
    let none = figures(&scene).figures().await.unwrap();
    assert_eq!(none.service_level, None);
    measured(&scene, TimeDelta::zero(), TimeDelta::minutes(2)).await;
    let found = figures(&scene).figures().await.unwrap();
    let level = found.service_level.unwrap();
    let (least, most) = (Duration::from_secs(120), Duration::from_secs(180));
    assert!(level.last >= least && level.last < most, "{level:?}");
    let lately = level.lately.unwrap();
    assert_eq!((lately.count, lately.max), (1, level.last));
}

#[tokio::test]
async fn the_service_level_is_of_the_last_hour_and_the_last_one_is_told_however_old() {
    let scene = Scene::new().await;
    for minutes in [1, 2, 3] {
        measured(&scene, TimeDelta::zero(), TimeDelta::minutes(minutes)).await;
    }
    let found = figures(&scene).figures().await.unwrap();
    let lately = found.service_level.unwrap().lately.unwrap();
    let minutes = [lately.p50, lately.p95, lately.max].map(|took| took.as_secs() / 60);
    assert_eq!((lately.count, minutes), (3, [2, 3, 3]));
    scene.db.shift_clock(TimeDelta::minutes(70)).await;
    let found = figures(&scene).figures().await.unwrap();
    let level = found.service_level.unwrap();
    assert_eq!((level.last.as_secs() / 60, level.lately), (3, None));
}

#[tokio::test]
async fn a_claim_tells_how_long_a_job_stood_ready_and_not_how_long_it_was_for_later() {
    let scene = Scene::new().await;
    scene.queued(1).await;
    scene.db.shift_clock(TimeDelta::hours(1)).await;
    let held = scene.claim(1).await.remove(0);
    assert!(held.job.waited >= HOUR, "{:?}", held.job.waited);
    let mut later = scene.job();
    later.run_at = Some(held.job.created_at + TimeDelta::hours(2));
    scene.enqueue(&[later]).await;
    scene.db.shift_clock(TimeDelta::hours(3)).await;
    scene.upkeep.promote(10).await.unwrap();
    let held = scene.claim(1).await.remove(0);
    assert!(held.job.waited < HOUR, "{:?}", held.job.waited);
}
