//! Workers that are killed at each step of a job's life.

use std::time::Duration;

use packtrain_core::ids::JobId;

use crate::counts::{Counts, repeat, turn};
use crate::process::Process;
use crate::stage::{Stage, now_us};

/// Jobs of one run.
const JOBS: usize = 40;
/// How long a worker that is to die may have nothing to die of.
const GIVE_MORE_EVERY: Duration = Duration::from_secs(2);

/// A worker that dies at `points` beside one that goes on, again and again on one database.
async fn row(name: &str, points: &str, hold_ms: u64) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| killed_at(&stage, points, hold_ms).await).await;
}

async fn killed_at(stage: &Stage, points: &str, hold_ms: u64) -> Counts {
    let mut victim = stage.worker("io", points).await;
    let mut jobs = stage.steps(JOBS, hold_ms).await;
    dies(stage, &mut victim, &mut jobs, hold_ms).await;
    after_the_kill(stage, &victim, &jobs).await
}

/// Waits until the process has died, giving it more to do as long as it lives.
async fn dies(stage: &Stage, victim: &mut Process, jobs: &mut Vec<JobId>, hold_ms: u64) {
    let died = async |victim: &mut Process| {
        let ended = tokio::time::timeout(GIVE_MORE_EVERY, victim.ended()).await;
        ended.is_ok()
    };
    while !died(victim).await {
        jobs.extend(stage.steps(JOBS, hold_ms).await);
    }
}

async fn after_the_kill(stage: &Stage, victim: &Process, jobs: &[JobId]) -> Counts {
    let broken_at = now_us();
    let held = stage.held_by(victim.id()).await;
    let counts = stage.judge(jobs, 1).await;
    stage.forget(victim.id()).await;
    Counts {
        rerun_ms: stage.reruns(&held, broken_at),
        ..counts
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_after_a_claim() {
    row(
        "worker_killed_after_a_claim",
        "after claim=return(kill)",
        10,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_after_beginnings_were_noted() {
    let name = "worker_killed_after_beginnings_were_noted";
    row(name, "after started=return(kill)", 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_while_it_renews() {
    row(
        "worker_killed_while_it_renews",
        "before renew=return(kill)",
        150,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_before_a_settle() {
    row(
        "worker_killed_before_a_settle",
        "before settle=2*off->return(kill)",
        10,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_in_a_settle() {
    let points = "before clearing bits to settle jobs=2*off->return(kill)";
    row("worker_killed_in_a_settle", points, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_before_a_settle_commits() {
    let points = "before commit to settle jobs=2*off->return(kill)";
    row("worker_killed_before_a_settle_commits", points, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_after_a_settle_committed() {
    let points = "after commit to settle jobs=2*off->return(kill)";
    row("worker_killed_after_a_settle_committed", points, 10).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_in_a_settle_of_many() {
    let points = "before settle of many=return(kill)";
    row("worker_killed_in_a_settle_of_many", points, 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_in_a_job() {
    let name = "worker_killed_in_a_job";
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| {
        let mut victim = stage.worker("io", "").await;
        let jobs = stage.steps(JOBS, 100).await;
        stage
            .until("the victim has begun a job", async || {
                stage.marks().iter().any(|mark| mark.process == victim.id())
            })
            .await;
        victim.kill().await;
        after_the_kill(&stage, &victim, &jobs).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_whose_settle_is_answered_with_an_error_after_it_committed() {
    let name = "worker_whose_settle_is_answered_with_an_error_after_it_committed";
    let _turn = turn().await;
    let stage = Stage::new().await;
    repeat(name, async |_| {
        let points = "after commit to settle jobs=5*return(lost)->off";
        let mut worker = stage.worker("io", points).await;
        let jobs = stage.steps(JOBS, 10).await;
        let counts = stage.judge(&jobs, 0).await;
        worker.stop().await;
        counts
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_after_it_promoted() {
    let name = "worker_killed_after_it_promoted";
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| {
        let mut victim = stage.worker("io", "after promote=return(kill)").await;
        let mut jobs = Vec::new();
        // Due one after the other, so that each promotion finds some.
        while !victim.has_ended() {
            let later = |ms: i64| {
                let mut job = stage.step(0);
                let at = chrono::DateTime::from_timestamp_micros(now_us() + ms * 1_000);
                job.run_at = at;
                job
            };
            let due: Vec<_> = (1..=10).map(|at| later(at * 50)).collect();
            jobs.extend(stage.enqueue(&due).await);
            tokio::time::timeout(GIVE_MORE_EVERY / 4, victim.ended())
                .await
                .ok();
        }
        after_the_kill(&stage, &victim, &jobs).await
    })
    .await;
}
