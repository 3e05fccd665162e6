//! What becomes of jobs that misbehave, and of workers that go.

use std::sync::LazyLock;
use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{About, Job, NewJob, State};
use packtrain_core::ports::{Actor, Control, JobQueue, JobRecord, OperatorJobs, Upkeep};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_jobs::catalogue::Entry;
use packtrain_store::{PgControl, PgJobs, PgOperatorJobs, PgUpkeep};
use packtrain_tests::{Yard, until};
use serde_json::json;

use super::kinds::{DoneAllTheSame, Forks, Holds, NeverReturns, Panics, Spins, TEST_KINDS};

pub(super) async fn enqueue<J: Job>(yard: &Yard) -> JobId {
    enqueue_as(yard, &About::of::<J>()).await
}

/// Enqueues a job with what it is asked to do, behind the gate of its kind.
pub(super) async fn ask<J: Job>(yard: &Yard, job: &J) -> JobId {
    let payload = serde_json::to_value(job).unwrap();
    let id = yard.database.ids().job();
    let group = job.group();
    let job = About::of::<J>().grouped(id, TenantId::SYSTEM, payload, group.as_deref());
    enqueued(yard, job).await
}

async fn enqueue_as(yard: &Yard, about: &About) -> JobId {
    let id = yard.database.ids().job();
    enqueued(yard, about.job(id, TenantId::SYSTEM, json!({}))).await
}

async fn enqueued(yard: &Yard, job: NewJob) -> JobId {
    let pool = yard.database.pools().operator.clone();
    let control = PgControl::new(pool, yard.database.ids());
    let test = Actor("test".to_owned());
    control.enqueue(&test, &job, None).await.unwrap();
    job.id
}

fn jobs(yard: &Yard) -> PgOperatorJobs {
    PgOperatorJobs::new(yard.database.pools().operator.clone())
}

pub(super) async fn job(yard: &Yard, id: JobId) -> JobRecord {
    jobs(yard)
        .find(id)
        .await
        .unwrap()
        .expect("a job that was enqueued exists")
}

pub(super) async fn ended(yard: &Yard, id: JobId) -> JobRecord {
    until("the job has ended", async || {
        job(yard, id).await.state.is_final()
    })
    .await;
    yard.database.assert_whole().await;
    job(yard, id).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_panics_is_tried_again_and_then_dead_and_its_worker_goes_on() {
    let yard = Yard::without_workers().await;
    yard.worker(TEST_KINDS).await;
    let id = enqueue::<Panics>(&yard).await;
    let panicked = ended(&yard, id).await;
    assert_eq!(panicked.state, State::Dead);
    assert_eq!(panicked.failures.len(), 2);
    assert_eq!(panicked.failures[1].code, "job.panicked");
    assert!(panicked.failures[0].message.contains("this job panics"));
    let next = enqueue::<NeverReturns>(&yard).await;
    ended(&yard, next).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_never_returns_ends_at_its_time_limit() {
    let yard = Yard::without_workers().await;
    yard.worker(TEST_KINDS).await;
    for id in [
        enqueue::<NeverReturns>(&yard).await,
        enqueue::<Spins>(&yard).await,
    ] {
        let late = ended(&yard, id).await;
        assert_eq!(late.state, State::Dead);
        assert_eq!(late.failures[0].code, "job.time_limit");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_follows_from_a_job_is_enqueued_once_under_derived_ids() {
    let yard = Yard::without_workers().await;
    yard.worker(TEST_KINDS).await;
    let id = enqueue::<Forks>(&yard).await;
    assert_eq!(ended(&yard, id).await.state, State::Succeeded);
    for child in [id.derive("then:0"), id.derive("then:1")] {
        assert_eq!(ended(&yard, child).await.state, State::Dead);
    }
    assert_eq!(yard.database.number("select count(*) from job").await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_whose_worker_is_gone_is_charged_and_finished_by_another() {
    let yard = Yard::without_workers().await;
    let gone = yard.worker(TEST_KINDS).await;
    let id = enqueue::<Holds>(&yard).await;
    let started = "select count(*) from lease where started <> 0";
    until("the job runs", async || {
        yard.database.number(started).await == 1
    })
    .await;
    // Its renewals stop as a killed process's would: the lease is another's to break.
    yard.database
        .run("update lease set worker_id = gen_random_uuid()")
        .await;
    yard.worker(TEST_KINDS).await;
    let record = ended(&yard, id).await;
    assert_eq!(record.state, State::Succeeded);
    assert_eq!(record.attempts, 2);
    assert_eq!(record.failures[0].code, "job.lost");
    gone.cut_off().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_drains_gives_unfinished_jobs_back_uncharged() {
    let yard = Yard::without_workers().await;
    let worker = yard.worker_that_drains(TEST_KINDS, Duration::ZERO).await;
    let id = enqueue::<Holds>(&yard).await;
    let started = "select count(*) from lease where started <> 0";
    until("the job runs", async || {
        yard.database.number(started).await == 1
    })
    .await;
    worker.drain().await;
    let record = job(&yard, id).await;
    assert_eq!((record.state, record.attempts), (State::Queued, 0));
    assert_eq!(yard.database.number("select count(*) from worker").await, 0);
    yard.database.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_done_when_it_is_told_to_stop_is_done() {
    let yard = Yard::without_workers().await;
    let worker = yard.worker_that_drains(TEST_KINDS, Duration::ZERO).await;
    let id = enqueue::<DoneAllTheSame>(&yard).await;
    let started = "select count(*) from lease where started <> 0";
    until("the job runs", async || {
        yard.database.number(started).await == 1
    })
    .await;
    worker.drain().await;
    let record = job(&yard, id).await;
    assert_eq!((record.state, record.attempts), (State::Succeeded, 1));
}

/// The test kinds as a later program knows them.
static NEWER_KINDS: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    let newer = |entry: &Entry| Entry {
        about: About {
            schema: 2,
            ..entry.about
        },
        ..*entry
    };
    TEST_KINDS.iter().map(newer).collect()
});

/// A job that old workers do not know is set aside beside them, and runs when the new one comes.
async fn waits_for_the_new_worker(old: &'static [Entry], schema: u16) {
    // Without upkeep: the test itself looks at what nobody serves.
    let yard = Yard::door(tempfile::tempdir().unwrap()).await;
    let upkeep = PgUpkeep::new(yard.database.pools().worker.clone());
    let old = yard.worker(old).await;
    let about = About {
        schema,
        ..About::of::<Forks>()
    };
    let id = enqueue_as(&yard, &about).await;
    let seen = upkeep.set_aside(Duration::ZERO).await.unwrap();
    assert_eq!(seen.aside.len(), 1);
    let waits = job(&yard, id).await;
    assert_eq!((waits.state, waits.attempts), (State::Scheduled, 0));
    let said = format!("unserved: test.forks v{schema}");
    assert_eq!(waits.reason, Some(said));
    yard.worker(&NEWER_KINDS).await;
    until("what was set aside is due", async || {
        upkeep.promote(1).await.unwrap().count == 1
    })
    .await;
    let ran = ended(&yard, id).await;
    assert_eq!((ran.state, ran.attempts), (State::Succeeded, 1));
    assert!(ran.failures.is_empty());
    old.drain().await;
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_due_enters_its_lane_although_no_worker_runs() {
    let yard = Yard::without_workers().await;
    let id = yard.database.ids().job();
    let later = NewJob {
        run_at: Some(SystemClock.now() + TimeDelta::hours(1)),
        ..About::of::<NeverReturns>().job(id, TenantId::SYSTEM, json!({}))
    };
    let jobs = PgJobs::new(yard.database.pools().app.clone());
    jobs.enqueue(TenantId::SYSTEM, &[later]).await.unwrap();
    assert_eq!(job(&yard, id).await.state, State::Scheduled);
    yard.database.shift_clock(TimeDelta::hours(2)).await;
    let depth = "select count(*) from ready";
    until("the lane has depth", async || {
        yard.database.number(depth).await == 1
    })
    .await;
    assert_eq!(job(&yard, id).await.state, State::Queued);
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_old_workers_do_not_know_loses_nothing_and_runs_when_a_new_one_comes() {
    waits_for_the_new_worker(packtrain_jobs::catalogue::KINDS, 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_version_that_old_workers_do_not_know_runs_when_a_new_one_comes() {
    waits_for_the_new_worker(TEST_KINDS, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kind_that_no_worker_knows_waits_and_loses_nothing() {
    let yard = Yard::without_workers().await;
    let old = yard.worker(packtrain_jobs::catalogue::KINDS).await;
    let id = enqueue::<NeverReturns>(&yard).await;
    old.drain().await;
    assert_eq!(job(&yard, id).await.state, State::Queued);
    yard.worker(TEST_KINDS).await;
    assert_eq!(ended(&yard, id).await.state, State::Dead);
}
