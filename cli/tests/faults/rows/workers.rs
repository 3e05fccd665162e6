//! Workers that are killed at each step of a job's life.

use std::time::{Duration, Instant};

use packtrain_core::ids::JobId;
use packtrain_core::job::NewJob;
use rustix::process::Signal;

use crate::counts::{Counts, repeat, turn};
use crate::oracle::{Charges, Holder};
use crate::process::Process;
use crate::stage::{GIVE_MORE_EVERY, Stage, now_us};

/// Jobs of one run.
const JOBS: usize = 40;
/// How long a worker that is to die may live in all.
const DIES_WITHIN: Duration = Duration::from_secs(60);
/// What a worker says of an end that came too late.
pub(super) const FENCED: &str = "lease was gone, result thrown away";
/// What a worker says when a renewal tells it the same before a job has ended.
const STOPPED: &str = "leases are gone, their jobs stop";
/// The log of the worker that the row is about.
const LOG: &str = "log-of-the-worker";

/// What a worker of these rows has to do.
#[derive(Clone, Copy)]
struct Work {
    /// How long each job stays.
    hold_ms: u64,
    /// Follow-ups of each job.
    then: u64,
    /// Jobs of a run, at its beginning, that run in the order of one group.
    in_group: usize,
}

impl Work {
    /// Plain jobs.
    const fn of(hold_ms: u64) -> Self {
        Self {
            hold_ms,
            then: 0,
            in_group: 0,
        }
    }

    /// Jobs with a follow-up, some of them in a group.
    const FAMILY: Self = Self {
        hold_ms: 10,
        then: 1,
        in_group: JOBS / 4,
    };

    fn jobs(self, stage: &Stage) -> Vec<NewJob> {
        let job = |at| match at {
            at if at < self.in_group => {
                stage.in_group(stage.parent(self.hold_ms, self.then), "one")
            }
            _ => stage.parent(self.hold_ms, self.then),
        };
        (0..JOBS).map(job).collect()
    }
}

/// A worker that dies at `points` beside one that goes on, again and again on one database.
async fn row(name: &str, points: &str, work: Work) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| killed_at(&stage, points, work).await).await;
}

async fn killed_at(stage: &Stage, points: &str, work: Work) -> Counts {
    let mut victim = stage.worker("io", points).await;
    let mut jobs = stage.enqueue(&work.jobs(stage)).await;
    let began = Instant::now();
    // The other one may have been quicker: the victim gets more to do as long as it lives.
    while !victim.ends_within(GIVE_MORE_EVERY).await {
        assert!(began.elapsed() < DIES_WITHIN, "the worker did not die");
        jobs.extend(stage.enqueue(&work.jobs(stage)).await);
    }
    after_the_kill(stage, &victim, &jobs, work.then).await
}

async fn after_the_kill(stage: &Stage, victim: &Process, jobs: &[JobId], then: u64) -> Counts {
    let broken_at = now_us();
    let held = stage.held_by(victim.id()).await;
    let begun = stage.begun_by(Holder::Process(victim.id())).await;
    let charges = Charges::of(&begun);
    let counts = stage.judge_with_follow_ups(jobs, then, charges).await;
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
        Work::of(10),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_after_beginnings_were_noted() {
    let name = "worker_killed_after_beginnings_were_noted";
    row(name, "after started=return(kill)", Work::of(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_while_it_renews() {
    row(
        "worker_killed_while_it_renews",
        "before renew=return(kill)",
        Work::of(150),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_before_a_settle() {
    row(
        "worker_killed_before_a_settle",
        "before settle=2*off->return(kill)",
        Work::of(10),
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_in_a_settle() {
    let points = "before clearing bits to settle jobs=2*off->return(kill)";
    row("worker_killed_in_a_settle", points, Work::of(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_before_a_settle_commits() {
    let points = "before commit to settle jobs=2*off->return(kill)";
    row(
        "worker_killed_before_a_settle_commits",
        points,
        Work::FAMILY,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_after_a_settle_committed() {
    let points = "after commit to settle jobs=2*off->return(kill)";
    row(
        "worker_killed_after_a_settle_committed",
        points,
        Work::FAMILY,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_in_a_settle_of_many() {
    let points = "before settle of many=return(kill)";
    row("worker_killed_in_a_settle_of_many", points, Work::of(0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn worker_killed_in_a_job() {
    let name = "worker_killed_in_a_job";
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| {
        let mut victim = stage.worker("io", "").await;
        let jobs = stage.steps_that_it_begins(victim.id(), JOBS, 100).await;
        victim.kill().await;
        after_the_kill(&stage, &victim, &jobs, 0).await
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
        let mut command = stage.command(&["worker", "--lanes", "io"], points);
        stage.log_apart(&mut command, LOG);
        let said = || stage.said(LOG).matches("settling again").count();
        let before = said();
        let mut worker = stage.ready_worker(&mut command).await;
        let jobs = stage.steps(JOBS, 10).await;
        let counts = stage.judge(&jobs, Charges::none()).await;
        worker.stop().await;
        assert_eq!(
            said() - before,
            5,
            "five settles were answered with an error"
        );
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
        let began = Instant::now();
        while !victim.has_ended() {
            assert!(began.elapsed() < DIES_WITHIN, "the worker did not die");
            let later = |ms: i64| {
                let mut job = stage.step(0);
                let at = chrono::DateTime::from_timestamp_micros(now_us() + ms * 1_000);
                job.run_at = at;
                job
            };
            let due: Vec<_> = (1..=10).map(|at| later(at * 50)).collect();
            jobs.extend(stage.enqueue(&due).await);
            victim.ends_within(GIVE_MORE_EVERY / 4).await;
        }
        after_the_kill(&stage, &victim, &jobs, 0).await
    })
    .await;
}

/// A worker that stands still for longer than its leases may, and then goes on with what it
/// remembers: others have its jobs by then, and its ends change nothing. Either the end of a job or
/// the next renewal is the first to learn it.
#[tokio::test(flavor = "multi_thread")]
async fn worker_stands_still_past_its_leases() {
    let name = "worker_stands_still_past_its_leases";
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| {
        let mut command = stage.command(&["worker", "--lanes", "io"], "");
        stage.log_apart(&mut command, LOG);
        let learned = || {
            let said = stage.said(LOG);
            said.matches(FENCED).count() + said.matches(STOPPED).count()
        };
        let mut victim = stage.ready_worker(&mut command).await;
        let jobs = stage.steps_that_it_begins(victim.id(), JOBS, 300).await;
        victim.tell(Signal::STOP);
        let broken_at = now_us();
        let held = stage.held_by(victim.id()).await;
        let begun = stage.begun_by(Holder::Process(victim.id())).await;
        stage
            .until("others have what it held", async || {
                stage.held_by(victim.id()).await.is_empty()
            })
            .await;
        let before = learned();
        victim.tell(Signal::CONT);
        stage
            .until("it learns that its leases are gone", async || {
                learned() > before
            })
            .await;
        victim.stop().await;
        let counts = stage.judge(&jobs, Charges::of(&begun)).await;
        stage.forget(victim.id()).await;
        Counts {
            rerun_ms: stage.reruns(&held, broken_at),
            ..counts
        }
    })
    .await;
}
