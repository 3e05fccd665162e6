//! Jobs that panic, end their worker, or take all memory, beside innocent ones; and rows that break
//! the statements of upkeep.

use std::time::{Duration, Instant};

use packtrain_core::ids::JobId;
use packtrain_core::job::NewJob;
use tokio::process::Command;

use crate::counts::{repeat, turn};
use crate::oracle::{Charges, array};
use crate::process::{Process, program};
use crate::stage::{LOOK_EVERY, Stage};

/// Innocent jobs of one run, and how long each stays.
const INNOCENT: usize = 40;
const HOLD_MS: u64 = 30;
/// The longest that all jobs of a run may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(120);
/// Attempts that a poisonous job has.
const ATTEMPTS: u16 = 3;
/// Memory that a worker of the greedy row may take, in KiB of address space.
const MEMORY_KIB: u64 = 2_500_000;

/// One worker, started again whenever it dies, with a poisonous job among innocent ones.
async fn row(name: &str, does: &str, deaths: u32) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    repeat(name, async |_| {
        let mut poison = stage.does(does, 5);
        poison.attempts_max = ATTEMPTS;
        let mut jobs: Vec<NewJob> = (0..INNOCENT).map(|_| stage.step(HOLD_MS)).collect();
        jobs.insert(INNOCENT / 2, poison.clone());
        let ids = stage.enqueue(&jobs).await;
        let innocent: Vec<JobId> = ids.iter().copied().filter(|id| *id != poison.id).collect();
        let mut worker = limited(&stage);
        let mut died = 0;
        let began = Instant::now();
        while stage.unended(&ids).await > 0 {
            assert!(began.elapsed() < ENDED_WITHIN, "not every job ended");
            tokio::time::sleep(LOOK_EVERY).await;
            if worker.has_ended() {
                died += 1;
                assert!(died <= deaths, "a poisonous job dies of its own attempts");
                worker = limited(&stage);
            }
        }
        assert_eq!(died, deaths, "it ends its worker at each of its attempts");
        worker.kill().await;
        stage.db.run("delete from worker").await;
        let one = array(&[poison.id]);
        let dead = stage
            .db
            .number(&format!(
                "select count(*) from dead where id = any({one}) and attempts = {ATTEMPTS}"
            ))
            .await;
        assert_eq!(dead, 1, "the poisonous job is a dead letter");
        // A neighbour that runs at the moment of a death is charged for it, at each death.
        let charges = Charges {
            deaths,
            ..Charges::none()
        };
        stage.judge(&innocent, charges).await
    })
    .await;
}

/// A worker that may take so much memory and no more.
fn limited(stage: &Stage) -> Process {
    let mut command = Command::new("sh");
    stage.dress(&mut command, "");
    let limit =
        format!("ulimit -c 0; ulimit -v {MEMORY_KIB}; exec \"$0\" worker --lanes io --quiet");
    command.args(["-c", &limit]).arg(program());
    Process::start(&mut command)
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_that_panics() {
    row("poison_that_panics", "panic", 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_that_ends_its_worker() {
    row("poison_that_ends_its_worker", "abort", u32::from(ATTEMPTS)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn poison_that_takes_all_memory() {
    row("poison_that_takes_all_memory", "eat", u32::from(ATTEMPTS)).await;
}

/// A worker with many leases dies, and one of its jobs has a row that breaks the reaping.
#[tokio::test(flavor = "multi_thread")]
async fn bad_row_among_500_in_the_reaper() {
    let name = "bad_row_among_500_in_the_reaper";
    let _turn = turn().await;
    let stage = Stage::new().await.with_usual_leases();
    repeat(name, async |_| {
        let mut command = stage.command(&["worker", "--lanes", "io"], "after claim=return(kill)");
        command.env("PACKTRAIN_WORKER_IO_SLOTS", "500");
        let jobs = stage.steps(500, 0).await;
        let mut victim = Process::start(&mut command);
        victim.ended().await;
        // An entry of a job that is held already: giving it back meets its own key.
        let bad = jobs[70];
        stage.db.run(&ready_again(bad, "io")).await;
        stage
            .db
            .run("update lane set paused_at = now_utc() where name = 'io'")
            .await;
        let mut scheduler = stage.scheduler("");
        stage
            .until("every other job is given back", async || {
                stage.db.number("select count(*) from lease").await == 0
                    && stage.db.number("select count(*) from ready").await >= 500
            })
            .await;
        // The bad one was buried beside its entry; a person takes that dead letter away.
        let buried = format!("delete from dead where id = '{}'", bad.as_uuid());
        assert_eq!(stage.db.run(&buried).await, 1);
        stage
            .db
            .run("update lane set paused_at = null where name = 'io'")
            .await;
        let mut worker = stage.worker("io", "").await;
        let counts = stage.judge(&jobs, Charges::none()).await;
        worker.stop().await;
        scheduler.stop().await;
        stage.db.run("delete from worker").await;
        counts
    })
    .await;
}

/// An entry in `ready` beside whatever else the job has.
fn ready_again(job: JobId, lane: &str) -> String {
    format!(
        "insert into ready (id, lane, priority, fair_key, kind, schema, tenant_id, attempts)
         select id, '{lane}', priority, 0, kind, schema, tenant_id, 0 from job
          where id = '{}'",
        job.as_uuid()
    )
}

/// Of 500 jobs that wait and were cancelled, one has an outcome already: ending it meets its key.
#[tokio::test(flavor = "multi_thread")]
async fn bad_row_among_500_in_the_sweeper() {
    let name = "bad_row_among_500_in_the_sweeper";
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _scheduler = stage.scheduler("");
    repeat(name, async |_| {
        let jobs = stage.steps(500, 0).await;
        let bad = jobs[250].as_uuid();
        let all = array(&jobs);
        stage
            .db
            .run(&format!(
                "insert into outcome (id, tenant_id, state, attempts)
             select id, tenant_id, 'discarded', 0 from job where id = '{bad}'"
            ))
            .await;
        stage
            .db
            .run(&format!(
                "insert into cancel_request (job_id, tenant_id)
             select id, tenant_id from job where id = any({all})"
            ))
            .await;
        let left = format!("select count(*) from ready where id = any({all}) and id <> '{bad}'");
        stage
            .until("every other job is cancelled", async || {
                stage.db.number(&left).await == 0
            })
            .await;
        for table in ["ready where id", "cancel_request where job_id"] {
            stage
                .db
                .run(&format!("delete from {table} = '{bad}'"))
                .await;
        }
        // The bad one ended otherwise, before.
        let others: Vec<JobId> = jobs
            .iter()
            .copied()
            .filter(|job| job.as_uuid() != bad)
            .collect();
        stage.judge_cancelled(&others).await
    })
    .await;
}

/// Of 500 jobs that are due, one stands in its lane already: promoting it meets its key.
#[tokio::test(flavor = "multi_thread")]
async fn bad_row_among_500_in_a_promotion() {
    let name = "bad_row_among_500_in_a_promotion";
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _worker = stage.worker("io", "").await;
    repeat(name, async |_| {
        stage
            .db
            .run("update lane set paused_at = now_utc() where name = 'io'")
            .await;
        let due: Vec<NewJob> = (0..500)
            .map(|_| {
                let mut job = stage.step(0);
                // Later than this row lasts: they are due when the bad one is among them.
                let at = crate::stage::now_us() + 3_600_000_000;
                job.run_at = chrono::DateTime::from_timestamp_micros(at);
                job
            })
            .collect();
        let jobs = stage.enqueue(&due).await;
        stage.db.run(&ready_again(jobs[250], "io")).await;
        let due = "update scheduled set run_at = now_utc()";
        assert_eq!(stage.db.run(due).await, 500);
        let others = format!(
            "select count(*) from scheduled where id = any({}) and id <> '{}'",
            array(&jobs),
            jobs[250].as_uuid()
        );
        stage
            .until("every other job is promoted", async || {
                stage.db.number(&others).await == 0
            })
            .await;
        stage
            .db
            .run(&format!(
                "delete from scheduled where id = any({})",
                array(&jobs)
            ))
            .await;
        stage
            .db
            .run("update lane set paused_at = null where name = 'io'")
            .await;
        stage.judge(&jobs, Charges::none()).await
    })
    .await;
}
