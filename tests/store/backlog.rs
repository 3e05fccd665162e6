//! How much work waits in a lane, as time: by the measured times of its kinds, over its slots.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::ids::WorkerId;
use packtrain_core::job::{Lane, NewJob};
use packtrain_core::ports::{
    Actor, Backlogs, Claims, Control, KindTime, LaneBacklog, NO_WORKER_BACKLOG, Times, WorkerRecord,
};
use packtrain_store::{PgBacklog, PgControl};

use super::scene::{KIND, LANE, SERVED, Scene};

const OTHER: &str = "test.other";
const UNMEASURED: &str = "test.unmeasured";

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

async fn measured(scene: &Scene, kind: &str, count: u64, each: Duration) {
    let time = KindTime {
        lane: LANE,
        kind: kind.into(),
        count,
        total: each * u32::try_from(count).unwrap(),
    };
    let times = PgBacklog::new(scene.db.pools().worker.clone());
    times.note(&[time]).await.unwrap();
}

/// What operators see of the lane; workers see the same.
async fn seen(scene: &Scene) -> LaneBacklog {
    let pools = scene.db.pools();
    let mut found = Vec::new();
    for pool in [&pools.operator, &pools.worker] {
        let backlog = PgBacklog::new(pool.clone()).backlog().await.unwrap();
        assert_eq!(backlog.lanes.len(), Lane::ALL.len());
        found.extend(backlog.lanes.into_iter().find(|lane| lane.lane == LANE));
    }
    assert_eq!(
        (found[0].jobs, found[0].waiting(), found[0].slots),
        (found[1].jobs, found[1].waiting(), found[1].slots)
    );
    found[0]
}

async fn works(scene: &Scene, id: WorkerId, slots: Vec<u32>) {
    let record = WorkerRecord {
        id,
        name: "host:1".to_owned(),
        version: "0.1.0".to_owned(),
        lanes: vec![Lane::Ops, LANE],
        slots,
        kinds: vec![SERVED],
        rates: Vec::new(),
        renew_every: Duration::from_secs(1),
    };
    scene.claims.register(&record).await.unwrap();
}

async fn enqueue(scene: &Scene, kind: &str, count: usize) {
    let jobs: Vec<NewJob> = (0..count)
        .map(|_| NewJob {
            kind: kind.into(),
            ..scene.job()
        })
        .collect();
    assert_eq!(scene.enqueue(&jobs).await, count as u64);
}

#[tokio::test]
async fn the_backlog_of_a_lane_is_the_measured_time_of_its_due_jobs_over_its_slots() {
    let scene = Scene::new().await;
    measured(&scene, KIND.as_str(), 5, ms(200)).await;
    measured(&scene, OTHER, 1, ms(1_500)).await;
    enqueue(&scene, KIND.as_str(), 10).await;
    enqueue(&scene, OTHER, 4).await;
    // A second each, since nobody measured them.
    enqueue(&scene, UNMEASURED, 3).await;
    let later = NewJob {
        run_at: Some("2099-01-01T00:00:00Z".parse().unwrap()),
        ..scene.job()
    };
    scene.enqueue(&[later]).await;
    works(&scene, scene.ids.worker(), vec![1, 4]).await;
    works(&scene, scene.ids.worker(), vec![1, 6]).await;
    let draining = scene.ids.worker();
    works(&scene, draining, vec![1, 50]).await;
    let id = draining.as_uuid();
    let drain = format!("update worker set drain_at = now_utc() where id = '{id}'");
    assert_eq!(scene.db.run(&drain).await, 1);
    let lane = seen(&scene).await;
    assert_eq!((lane.jobs, lane.workers, lane.slots), (17, 2, 10));
    // 10 x 0.2 + 4 x 1.5 + 3 x 1 = 11 seconds of work.
    assert_eq!(lane.work, ms(11_000));
    assert_eq!(lane.waiting(), ms(1_100));
}

#[tokio::test]
async fn what_attempts_take_is_a_mean_that_forgets_and_outlives_every_process() {
    let scene = Scene::new().await;
    enqueue(&scene, KIND.as_str(), 1).await;
    measured(&scene, KIND.as_str(), 10, ms(100)).await;
    measured(&scene, KIND.as_str(), 30, ms(300)).await;
    assert_eq!(seen(&scene).await.work, ms(250), "the plain mean of few");
    measured(&scene, KIND.as_str(), 10_000, ms(250)).await;
    measured(&scene, KIND.as_str(), 64, ms(450)).await;
    assert_eq!(seen(&scene).await.work, ms(350), "thousands weigh like 64");
}

#[tokio::test]
async fn a_paused_lane_has_no_backlog_and_shows_its_jobs() {
    let scene = Scene::new().await;
    enqueue(&scene, UNMEASURED, 5).await;
    works(&scene, scene.ids.worker(), vec![1, 2]).await;
    assert_eq!(seen(&scene).await.waiting(), ms(2_500));
    let control = PgControl::new(scene.db.pools().operator.clone(), scene.db.ids());
    let actor = Actor("key_1".to_owned());
    control.pause(&actor, LANE, true, None).await.unwrap();
    let lane = seen(&scene).await;
    assert_eq!((lane.waiting(), lane.jobs), (Duration::ZERO, 5));
}

#[tokio::test]
async fn a_lane_whose_last_worker_fell_silent_has_a_large_backlog_as_soon_as_a_job_is_due() {
    let scene = Scene::new().await;
    works(&scene, scene.ids.worker(), vec![1, 2]).await;
    scene.db.shift_clock(TimeDelta::seconds(60)).await;
    assert_eq!(seen(&scene).await.waiting(), Duration::ZERO);
    enqueue(&scene, UNMEASURED, 1).await;
    let lane = seen(&scene).await;
    assert_eq!((lane.slots, lane.waiting()), (0, NO_WORKER_BACKLOG));
}

#[tokio::test]
async fn a_worker_of_an_older_program_counts_with_the_slots_of_a_small_one() {
    let scene = Scene::new().await;
    works(&scene, scene.ids.worker(), Vec::new()).await;
    assert_eq!(seen(&scene).await.slots, 8);
}

#[tokio::test]
async fn what_is_in_flight_counts_apart_with_what_it_has_still_to_do() {
    let scene = Scene::new().await;
    works(&scene, scene.worker, vec![1, 4]).await;
    measured(&scene, KIND.as_str(), 1, ms(10_000)).await;
    enqueue(&scene, KIND.as_str(), 3).await;
    let held = scene.claim(3).await;
    assert!(scene.started(&held[0]).await);
    // Longer than the mean, and far from the half minute after which a worker counts no more.
    scene.db.shift_clock(TimeDelta::seconds(11)).await;
    let lane = seen(&scene).await;
    assert_eq!((lane.jobs, lane.in_flight, lane.began), (0, 3, 1));
    assert_eq!(lane.busy_percent(), 25);
    // Two have all before them; one is past the mean, and a tenth of it is taken to be left.
    assert_eq!(lane.remaining, ms(21_000));
    assert_eq!(lane.finishing(), ms(5_250));
}
