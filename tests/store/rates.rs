//! Rates: how often jobs may begin, whoever asks for them.

use std::time::Duration;

use packtrain_core::ids::JobId;
use packtrain_core::job::{NewJob, Rate, Ties};
use packtrain_core::ports::{Change, Claims, End, Upkeep, WorkerRecord};

use super::scene::{HOUR, LANE, Scene, fault, ids, retry};

/// One a minute, two at once after a rest.
const RATE: Rate = Rate {
    class: "test.service",
    every: Duration::from_secs(60),
    burst: 2,
};

async fn declared() -> Scene {
    let scene = Scene::new().await;
    let worker = WorkerRecord {
        id: scene.worker,
        name: "test".to_owned(),
        version: "1".to_owned(),
        lanes: vec![LANE],
        slots: vec![4],
        kinds: Vec::new(),
        rates: vec![RATE],
        renew_every: Duration::from_secs(1),
    };
    scene.claims.register(&worker).await.unwrap();
    scene
}

fn rated(scene: &Scene) -> NewJob {
    NewJob {
        ties: Ties {
            rate: Some(RATE.class.into()),
            ..Ties::default()
        },
        ..scene.job()
    }
}

/// How many are due, and when the others are, in whole minutes from now.
async fn given(scene: &Scene) -> (u64, Vec<String>) {
    let promoted = scene.upkeep.promote(100).await.unwrap();
    let minutes = scene
        .db
        .texts(
            "select round(extract(epoch from run_at - now_utc()) / 60)::integer::text
               from scheduled order by run_at",
        )
        .await;
    scene.db.assert_whole().await;
    (promoted.count, minutes)
}

#[tokio::test]
async fn a_burst_begins_at_once_and_the_others_a_step_apart() {
    let scene = declared().await;
    let jobs: Vec<NewJob> = (0..5).map(|_| rated(&scene)).collect();
    assert_eq!(scene.enqueue(&jobs).await, 5);
    assert_eq!(scene.claim(10).await.len(), 0, "none before it has a time");
    let minutes = ["1", "2", "3"].map(str::to_owned).to_vec();
    assert_eq!(given(&scene).await, (2, minutes));
    // The times were given once; what comes later comes after them.
    scene.enqueue(&[rated(&scene)]).await;
    let minutes = ["1", "2", "3", "4"].map(str::to_owned).to_vec();
    assert_eq!(given(&scene).await, (0, minutes));
}

#[tokio::test]
async fn a_retry_is_given_a_time_of_its_own() {
    let scene = declared().await;
    scene.enqueue(&[rated(&scene), rated(&scene)]).await;
    assert_eq!(given(&scene).await, (2, Vec::new()));
    let held = scene.claim(1).await.remove(0);
    scene.settle(&[held.ends(retry(Duration::ZERO))]).await;
    assert_eq!(given(&scene).await, (0, vec!["1".to_owned()]));
}

#[tokio::test]
async fn a_rest_gives_back_the_burst_and_no_more() {
    let scene = declared().await;
    let jobs: Vec<NewJob> = (0..2).map(|_| rated(&scene)).collect();
    scene.enqueue(&jobs).await;
    assert_eq!(given(&scene).await.0, 2);
    let hour_ago = format!(
        "update rate set next_at = now_utc() - interval '{} seconds'",
        HOUR.as_secs()
    );
    scene.db.run(&hour_ago).await;
    let jobs: Vec<NewJob> = (0..3).map(|_| rated(&scene)).collect();
    scene.enqueue(&jobs).await;
    assert_eq!(given(&scene).await, (2, vec!["1".to_owned()]));
}

#[tokio::test]
async fn dead_letters_that_are_run_again_keep_to_their_rate() {
    let scene = declared().await;
    let jobs: Vec<NewJob> = (0..2).map(|_| rated(&scene)).collect();
    scene.enqueue(&jobs).await;
    assert_eq!(given(&scene).await, (2, Vec::new()));
    let held = scene.claim(2).await;
    let die = End::Dead { fault: fault() };
    let ends: Vec<_> = held.iter().map(|held| held.ends(die.clone())).collect();
    scene.settle(&ends).await;
    let dead: Vec<JobId> = held.iter().map(|held| held.job.id).collect();
    assert_eq!(scene.change(Change::Retry, &dead).await.done.len(), 2);
    assert!(scene.claim(2).await.is_empty(), "none before it has a time");
    let minutes = ["1", "2"].map(str::to_owned).to_vec();
    assert_eq!(given(&scene).await, (0, minutes));
}

#[tokio::test]
async fn a_job_that_began_and_was_lost_is_given_another_time() {
    let scene = declared().await;
    scene.enqueue(&[rated(&scene), rated(&scene)]).await;
    assert_eq!(given(&scene).await, (2, Vec::new()));
    let held = scene.claim(2).await;
    scene.started(&held[0]).await;
    let reaped = scene.reap(held[0].lease).await;
    assert_eq!(reaped.returned, 2);
    // The other had begun nothing, and comes back with the time that it had.
    assert_eq!(ids(&scene.claim(2).await), [held[1].job.id]);
    assert_eq!(given(&scene).await, (0, vec!["1".to_owned()]));
}
