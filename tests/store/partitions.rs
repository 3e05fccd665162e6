//! Partitions: made ahead, made once, and every row finds one.

use chrono::TimeDelta;
use packtrain_core::ids::{IdSource, JobId};
use packtrain_core::job::State;
use packtrain_core::ports::{OperatorJobs, Upkeep};
use packtrain_tests::{CountingIds, ManualClock};

use super::scene::Scene;

const PARTITIONS: &str = "select count(*) from pg_class where relispartition and relkind = 'r'";

async fn partition_of(scene: &Scene, job: JobId) -> String {
    let id = job.as_uuid();
    let sql = format!("select tableoid::regclass::text from job where id = '{id}'");
    scene.db.texts(&sql).await.remove(0)
}

#[tokio::test]
async fn making_partitions_twice_is_harmless() {
    let scene = Scene::new().await;
    scene.db.within_a_day().await;
    // The copied template may be of an earlier week.
    scene.upkeep.ensure_partitions().await.unwrap();
    let before = scene.db.number(PARTITIONS).await;
    for _ in 0..2 {
        scene.upkeep.ensure_partitions().await.unwrap();
        assert_eq!(scene.db.number(PARTITIONS).await, before);
    }
    let (one, two) = tokio::join!(
        scene.upkeep.ensure_partitions(),
        scene.upkeep.ensure_partitions()
    );
    one.and(two).unwrap();
    assert_eq!(scene.db.number(PARTITIONS).await, before);
}

#[tokio::test]
async fn partitions_are_made_ahead_as_time_goes_by() {
    let scene = Scene::new().await;
    let ahead = scene.db.within_a_day().await;
    // The copied template may be of an earlier week.
    scene.upkeep.ensure_partitions().await.unwrap();
    let before = scene.db.number(PARTITIONS).await;
    scene.db.shift_clock(ahead + TimeDelta::weeks(2)).await;
    let (one, two) = tokio::join!(
        scene.upkeep.ensure_partitions(),
        scene.upkeep.ensure_partitions()
    );
    one.and(two).unwrap();
    let tables = 5;
    assert_eq!(scene.db.number(PARTITIONS).await, before + 2 * tables);
}

#[tokio::test]
async fn a_job_of_today_and_what_it_causes_lie_in_one_partition() {
    let scene = Scene::new().await;
    let cause = scene.job();
    let mut caused = scene.job();
    caused.id = cause.id.derive("then:0");
    scene.enqueue(&[cause.clone(), caused.clone()]).await;
    let partition = partition_of(&scene, cause.id).await;
    assert_eq!(partition_of(&scene, caused.id).await, partition);
    assert_ne!(partition, "job_default");
}

#[tokio::test]
async fn neighbours_across_midnight_before_monday_lie_in_two_partitions() {
    let scene = Scene::new().await;
    let week = "select to_char(date_trunc('week', now_utc() + interval '7 days', 'UTC')
                               at time zone 'UTC', 'YYYY-MM-DD')";
    let monday = scene.db.texts(week).await.remove(0);
    let clock = ManualClock::at(&format!("{monday}T00:00:00Z"));
    let ids = CountingIds::new(clock);
    let (mut last, mut first) = (scene.job(), scene.job());
    first.id = JobId::from_uuid(ids.uuid());
    last.id = {
        let ms = first.id.as_uuid().as_u128() >> 80;
        let before = ((ms - 1) << 80) | 0x7000_8000_0000_0000_0001;
        JobId::from_uuid(uuid::Uuid::from_u128(before))
    };
    scene.enqueue(&[last.clone(), first.clone()]).await;
    let name = format!("job_{}", monday.replace('-', ""));
    assert_eq!(partition_of(&scene, first.id).await, name);
    let earlier = partition_of(&scene, last.id).await;
    assert!(earlier.starts_with("job_2") && earlier < name, "{earlier}");
}

#[tokio::test]
async fn ids_of_long_ago_and_of_far_ahead_live_in_the_default_partition() {
    let scene = Scene::new().await;
    for moment in ["1999-12-31T00:00:00Z", "2999-12-31T00:00:00Z"] {
        let ids = CountingIds::new(ManualClock::at(moment));
        let mut job = scene.job();
        job.id = JobId::from_uuid(ids.uuid());
        scene.enqueue(std::slice::from_ref(&job)).await;
        assert_eq!(partition_of(&scene, job.id).await, "job_default");
        assert_eq!(scene.state(job.id).await, (State::Queued, 0));
        let held = scene.claim(1).await.remove(0);
        scene.settle(&[held.ends(super::scene::succeeded())]).await;
        assert_eq!(scene.state(job.id).await, (State::Succeeded, 1));
    }
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_week_whose_jobs_came_before_its_partition_stays_in_the_default_one() {
    let scene = Scene::new().await;
    let ahead = scene.db.within_a_day().await;
    let week = "select to_char(now_utc() + interval '8 weeks', 'YYYY-MM-DD')";
    let day = scene.db.texts(week).await.remove(0);
    let ids = CountingIds::new(ManualClock::at(&format!("{day}T00:00:00Z")));
    let mut job = scene.job();
    job.id = JobId::from_uuid(ids.uuid());
    scene.enqueue(std::slice::from_ref(&job)).await;
    let before = scene.db.number(PARTITIONS).await;
    scene.db.shift_clock(ahead + TimeDelta::weeks(8)).await;
    scene.upkeep.ensure_partitions().await.unwrap();
    // Five weeks of five tables, but for the one week of the one table.
    assert_eq!(scene.db.number(PARTITIONS).await, before + 5 * 5 - 1);
    assert_eq!(partition_of(&scene, job.id).await, "job_default");
    assert!(scene.operator.find(job.id).await.unwrap().is_some());
}
