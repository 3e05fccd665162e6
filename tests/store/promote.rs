//! Promotion: what is due, in slices, in the order in which it became due, and once.

use chrono::TimeDelta;
use packtrain_core::ids::JobId;
use packtrain_core::job::{Lane, NewJob, State};
use packtrain_core::ports::Upkeep;
use packtrain_core::time::{Clock, SystemClock};
use packtrain_tests::{Database, promptly};

use super::scene::{LANE, Scene, ids};

/// Enqueues a job for each delay.
async fn later(scene: &Scene, delays: impl IntoIterator<Item = TimeDelta>) -> Vec<JobId> {
    let now = SystemClock.now();
    let jobs: Vec<NewJob> = delays
        .into_iter()
        .map(|delay| NewJob {
            run_at: Some(now + delay),
            ..scene.job()
        })
        .collect();
    scene.enqueue(&jobs).await;
    jobs.iter().map(|job| job.id).collect()
}

#[tokio::test]
async fn only_what_is_due_is_promoted() {
    let scene = Scene::new().await;
    let jobs = later(&scene, [1, 2, 3].map(TimeDelta::hours)).await;
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 0);
    scene.db.shift_clock(TimeDelta::minutes(121)).await;
    let promoted = scene.upkeep.promote(10).await.unwrap();
    assert_eq!((promoted.count, &promoted.woken[..]), (2, &[LANE][..]));
    let states = [State::Queued, State::Queued, State::Scheduled];
    for (job, state) in jobs.iter().zip(states) {
        assert_eq!(scene.state(*job).await, (state, 0));
    }
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn promotion_goes_in_slices_the_longest_due_first() {
    let scene = Scene::new().await;
    let jobs = later(&scene, (1..=10).rev().map(TimeDelta::minutes)).await;
    scene.db.shift_clock(TimeDelta::hours(1)).await;
    let mut served = Vec::new();
    for count in [4, 4, 2, 0] {
        assert_eq!(scene.upkeep.promote(4).await.unwrap().count, count);
        served.extend(ids(&scene.claim(10).await));
    }
    assert!(served.iter().eq(jobs.iter().rev()), "{served:?}");
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn what_is_promoted_together_is_served_in_the_order_in_which_it_became_due() {
    let scene = Scene::new().await;
    let jobs = later(&scene, (1..=200).rev().map(TimeDelta::seconds)).await;
    scene.db.shift_clock(TimeDelta::hours(1)).await;
    assert_eq!(scene.upkeep.promote(1_000).await.unwrap().count, 200);
    let served = ids(&scene.claim(200).await);
    assert!(served.iter().eq(jobs.iter().rev()));
}

#[tokio::test]
async fn two_promoters_at_once_promote_each_job_once() {
    let scene = Scene::new().await;
    later(&scene, (0..1_000).map(|_| TimeDelta::minutes(1))).await;
    scene.db.shift_clock(TimeDelta::hours(1)).await;
    let drain = async || {
        let mut count = 0;
        loop {
            match scene.upkeep.promote(37).await.unwrap().count {
                0 => return count,
                some => count += some,
            }
        }
    };
    let (one, two) = tokio::join!(drain(), drain());
    assert_eq!(one + two, 1_000);
    assert_eq!(scene.db.number("select count(*) from ready").await, 1_000);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_promoter_passes_over_what_another_one_is_moving_without_waiting() {
    let scene = Scene::new().await;
    let jobs = later(&scene, [1, 2, 3].map(TimeDelta::minutes)).await;
    scene.db.shift_clock(TimeDelta::hours(1)).await;
    let first = jobs[0].as_uuid();
    let hold = scene
        .db
        .hold(&format!(
            "select 1 from scheduled where id = '{first}' for update"
        ))
        .await;
    let promoted = promptly(scene.upkeep.promote(10)).await;
    assert_eq!(promoted.unwrap().count, 2);
    hold.rollback().await;
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 1);
}

#[tokio::test]
async fn every_lane_in_which_something_became_due_is_woken() {
    let scene = Scene::new().await;
    let jobs: Vec<NewJob> = Lane::ALL
        .into_iter()
        .map(|lane| NewJob {
            lane,
            run_at: Some(SystemClock.now() + TimeDelta::minutes(1)),
            ..scene.job()
        })
        .collect();
    scene.enqueue(&jobs).await;
    scene.db.shift_clock(TimeDelta::hours(1)).await;
    let mut woken = scene.upkeep.promote(10).await.unwrap().woken;
    woken.sort_unstable();
    assert_eq!(woken, Lane::ALL);
}

#[tokio::test]
async fn a_promotion_takes_no_more_than_its_slice_when_statistics_are_old() {
    let scene = Scene::new().await;
    later(&scene, [TimeDelta::minutes(1)]).await;
    scene.db.run("analyze scheduled").await;
    later(&scene, (0..39).map(|_| TimeDelta::minutes(1))).await;
    scene.db.shift_clock(TimeDelta::hours(1)).await;
    assert_eq!(scene.upkeep.promote(5).await.unwrap().count, 5);
    assert_eq!(scene.db.number("select count(*) from scheduled").await, 35);
}

#[tokio::test]
async fn a_promotion_reads_nothing_that_is_not_due() {
    // One connection, so that the session that promoted is the one that is asked.
    let scene = Scene::on(Database::with_connections(1).await).await;
    later(&scene, (0..1_000).map(|_| TimeDelta::hours(9))).await;
    scene.db.run("analyze scheduled").await;
    let read = async || -> i64 {
        let worker = &scene.db.pools().worker;
        sqlx::query("select pg_stat_force_next_flush()")
            .execute(worker)
            .await
            .unwrap();
        sqlx::query_scalar(
            "select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)
               from pg_stat_user_tables
              where relname = 'scheduled'",
        )
        .fetch_one(worker)
        .await
        .unwrap()
    };
    let before = read().await;
    assert_eq!(scene.upkeep.promote(100).await.unwrap().count, 0);
    let rows = read().await - before;
    assert!(
        rows < 10,
        "{rows} of 1,000 rows were read, and the planner looks at one"
    );
}
