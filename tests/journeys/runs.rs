//! What becomes of jobs that misbehave, and of workers that go.

use std::time::Duration;

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{About, Job, State};
use packtrain_core::ports::{Actor, Control, JobRecord, OperatorJobs};
use packtrain_store::{PgControl, PgOperatorJobs};
use packtrain_tests::{Yard, until};
use serde_json::json;

use super::kinds::{DoneAllTheSame, Forks, Holds, NeverReturns, Panics, Spins, TEST_KINDS};

pub(super) async fn enqueue<J: Job>(yard: &Yard) -> JobId {
    let id = yard.database.ids().job();
    let job = About::of::<J>().job(id, TenantId::SYSTEM, json!({}));
    let pool = yard.database.pools().operator.clone();
    let control = PgControl::new(pool, yard.database.ids());
    let test = Actor("test".to_owned());
    control.enqueue(&test, &job, None).await.unwrap();
    id
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
