//! Enqueueing: once, whole, and never again what has ended.

use chrono::TimeDelta;
use futures::FutureExt;
use packtrain_core::job::State;
use packtrain_core::ports::{
    End, Files, JobFilter, JobQueue, NewFile, ObjectKey, OperatorJobs, ReadOptions, StoreError,
    Success, Upkeep,
};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::PgFiles;
use packtrain_tests::until;
use serde_json::json;

use super::scene::{Scene, ids, job_row, succeeded};

#[tokio::test]
async fn the_same_id_twice_makes_one_job_and_one_entry() {
    let scene = Scene::new().await;
    let job = scene.job();
    assert_eq!(scene.enqueue(std::slice::from_ref(&job)).await, 1);
    assert_eq!(scene.enqueue(std::slice::from_ref(&job)).await, 0);
    assert_eq!(scene.enqueue(&[job.clone(), scene.job()]).await, 1);
    assert_eq!(scene.claim(10).await.len(), 2);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_list_that_names_an_id_twice_makes_one_job() {
    let scene = Scene::new().await;
    let job = scene.job();
    assert_eq!(scene.enqueue(&[job.clone(), job]).await, 1);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn what_was_asked_is_what_a_worker_gets() {
    let scene = Scene::new().await;
    let mut job = scene.job();
    job.payload = json!({ "text": "Zürich ∑ 🚂", "deep": [1, { "x": null }] });
    job.attempts_max = 7;
    job.trace_parent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned());
    scene.enqueue(std::slice::from_ref(&job)).await;
    let got = scene.claim(1).await.remove(0).job;
    assert_eq!((got.id, got.tenant), (job.id, job.tenant));
    assert_eq!((&got.kind, got.schema), (&job.kind, job.schema));
    assert_eq!(got.payload, job.payload);
    assert_eq!((got.attempts, got.attempts_max), (0, 7));
    assert_eq!(got.trace_parent, job.trace_parent);
}

#[tokio::test]
async fn a_finished_job_is_not_queued_again_by_a_repeated_enqueue() {
    let scene = Scene::new().await;
    let job = scene.job();
    scene.enqueue(std::slice::from_ref(&job)).await;
    let held = scene.claim(1).await.remove(0);
    scene.settle(&[held.ends(succeeded())]).await;
    assert_eq!(scene.enqueue(&[job]).await, 0);
    assert!(scene.claim(1).await.is_empty());
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_finished_child_is_not_queued_again_when_its_parent_settles_twice() {
    let scene = Scene::new().await;
    let parent = scene.running().await;
    let mut child = scene.job();
    child.id = parent.job.id.derive("then:0");
    let end = End::Succeeded(Success {
        then: vec![child.clone()],
        ..Success::default()
    });
    // The worker is lost after the child was written and before it learned so.
    scene.enqueue(std::slice::from_ref(&child)).await;
    let first = scene.claim(1).await.remove(0);
    scene.settle(&[first.ends(succeeded())]).await;
    assert_eq!(scene.settle(&[parent.ends(end)]).await.written, 1);
    assert_eq!(scene.state(child.id).await, (State::Succeeded, 1));
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_thousand_jobs_are_enqueued_in_one_call_and_served_in_their_order() {
    let scene = Scene::new().await;
    let ids = scene.queued(1_000).await;
    let held = scene.claim(1_000).await;
    assert_eq!(super::scene::ids(&held), ids);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn a_job_that_names_a_time_is_scheduled_and_due_at_once_if_that_is_past() {
    let scene = Scene::new().await;
    let (mut later, mut past) = (scene.job(), scene.job());
    later.run_at = Some(SystemClock.now() + TimeDelta::hours(1));
    past.run_at = Some(SystemClock.now() - TimeDelta::hours(1));
    scene.enqueue(&[later.clone(), past.clone()]).await;
    let found = scene.operator.find(later.id).await.unwrap().unwrap();
    assert_eq!(
        (found.state, found.run_at),
        (State::Scheduled, later.run_at)
    );
    assert_eq!(scene.state(past.id).await, (State::Scheduled, 0));
    assert_eq!(scene.upkeep.promote(10).await.unwrap().count, 1);
    assert_eq!(ids(&scene.claim(10).await), [past.id]);
}

#[tokio::test]
async fn one_job_of_another_tenant_in_the_list_leaves_nothing_of_the_list() {
    let scene = Scene::new().await;
    let mut foreign = scene.job();
    foreign.tenant = scene.db.tenant("b").await;
    let refused = scene
        .jobs
        .enqueue(scene.tenant, &[scene.job(), foreign])
        .await;
    assert!(matches!(refused, Err(StoreError::Refused { .. })));
    let filter = JobFilter {
        limit: 10,
        ..JobFilter::default()
    };
    assert_eq!(scene.operator.list(&filter).await.unwrap(), []);
    scene.db.assert_whole().await;
}

#[tokio::test]
async fn an_enqueue_that_is_given_up_midway_leaves_nothing() {
    let scene = Scene::new().await;
    let (first, second) = (scene.job(), scene.job());
    // Another transaction is about to write the second job: the enqueue has to wait for it.
    let hold = scene.db.hold(&job_row(&second)).await;
    {
        let jobs = [first.clone(), second];
        let enqueue = scene.jobs.enqueue(scene.tenant, &jobs).fuse();
        futures::pin_mut!(enqueue);
        futures::select_biased! {
            ended = enqueue => panic!("the enqueue did not wait: {ended:?}"),
            () = scene.db.blocked(1).fuse() => {}
        }
    }
    hold.rollback().await;
    until("the given-up session is at rest", async || {
        let busy = "select count(*) from pg_stat_activity
                     where datname = current_database() and usename = 'packtrain_app'
                       and state <> 'idle'";
        scene.db.number(busy).await == 0
    })
    .await;
    assert!(!scene.exists(first.id).await);
    assert_eq!(scene.db.number("select count(*) from ready").await, 0);
}

#[tokio::test]
async fn a_file_whose_import_is_refused_is_not_recorded() {
    let scene = Scene::new().await;
    let files = PgFiles::new(scene.db.pools().app.clone());
    let file = NewFile {
        id: scene.ids.file(),
        name: "trades.csv".to_owned(),
        object: ObjectKey::from_stored("a/b"),
        sha256: "00".repeat(32),
        size_bytes: 1,
        read_options: ReadOptions::default(),
    };
    let mut import = scene.job();
    import.tenant = scene.db.tenant("b").await;
    assert!(files.create(scene.tenant, &file, &import).await.is_err());
    assert_eq!(files.find(scene.tenant, file.id).await.unwrap(), None);
    import.tenant = scene.tenant;
    files.create(scene.tenant, &file, &import).await.unwrap();
    assert!(files.find(scene.tenant, file.id).await.unwrap().is_some());
    assert_eq!(scene.state(import.id).await, (State::Queued, 0));
}
