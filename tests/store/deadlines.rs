//! What becomes of jobs that are not started by their deadline.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::job::{Deadline, NewJob, State};
use packtrain_core::ports::{Due, End, OperatorJobs, Upkeep};
use packtrain_core::time::{Clock, SystemClock};

use super::scene::{HOUR, Scene, retry};

#[tokio::test]
async fn a_job_that_was_not_started_by_its_deadline_expires() {
    let scene = Scene::new().await;
    let mut job = scene.job();
    job.deadline = Some(Deadline::At(SystemClock.now() + TimeDelta::minutes(1)));
    let mut claimed = scene.job();
    claimed.deadline = job.deadline;
    scene.enqueue(&[job.clone()]).await;
    assert_eq!(scene.upkeep.sweep(HOUR).await.unwrap().expired, 0);
    scene.db.shift_clock(TimeDelta::minutes(2)).await;
    assert_eq!(scene.upkeep.sweep(HOUR).await.unwrap().expired, 1);
    assert_eq!(scene.state(job.id).await, (State::Expired, 0));
    // One that the sweeper missed is met by the claim.
    scene.enqueue(&[claimed.clone()]).await;
    let held = scene.claim(1).await.remove(0);
    assert_eq!(held.job.due, Due::Expired);
    scene.settle(&[held.ends(End::Expired)]).await;
    assert_eq!(scene.state(claimed.id).await, (State::Expired, 0));
}

#[tokio::test]
async fn a_deadline_that_is_a_time_counts_from_when_the_job_is_due() {
    let scene = Scene::new().await;
    let within = |job: NewJob| NewJob {
        deadline: Some(Deadline::Within(Duration::from_secs(60))),
        ..job
    };
    let now = within(scene.job());
    let mut later = within(scene.job());
    later.run_at = Some(SystemClock.now() + TimeDelta::hours(3));
    let mut held = within(scene.job());
    held.ties.rate = Some("test".into());
    scene
        .enqueue(&[now.clone(), later.clone(), held.clone()])
        .await;
    for job in [&now, &held] {
        let found = scene.operator.find(job.id).await.unwrap().unwrap();
        let within = found.deadline.unwrap() - found.created_at;
        assert!((within - TimeDelta::seconds(60)).abs() < TimeDelta::seconds(1));
    }
    let found = scene.operator.find(later.id).await.unwrap().unwrap();
    let due = later.run_at.unwrap();
    assert_eq!(found.deadline, Some(due + TimeDelta::seconds(60)));
}

#[tokio::test]
async fn a_job_that_began_before_its_deadline_may_be_tried_again_after_it() {
    let scene = Scene::new().await;
    let mut job = scene.job();
    job.deadline = Some(Deadline::At(SystemClock.now() + TimeDelta::minutes(1)));
    scene.enqueue(&[job.clone()]).await;
    let held = scene.claim(1).await.remove(0);
    assert!(scene.started(&held).await);
    scene.settle(&[held.ends(retry(Duration::ZERO))]).await;
    scene.db.shift_clock(TimeDelta::minutes(2)).await;
    assert_eq!(scene.upkeep.sweep(HOUR).await.unwrap().expired, 0);
    scene.upkeep.promote(10).await.unwrap();
    assert_eq!(scene.claim(1).await.remove(0).job.due, Due::Run);
}
