//! PostgreSQL that is killed, restarted, or stands still under two workers at work.

use std::time::Duration;

use packtrain_core::ids::JobId;
use packtrain_tests::Database;
use rustix::process::Signal;

use crate::counts::{Counts, is_short, repeat, turn};
use crate::oracle::Charges;
use crate::process::{family, tell};
use crate::server::OwnServer;
use crate::stage::{Stage, now_us};

/// Jobs of one run, and how long each stays.
const JOBS: usize = 200;
const HOLD_MS: u64 = 40;
/// How long the outage lasts, and in the short form: longer than leases may stand still.
const OUTAGE: Duration = Duration::from_secs(30);
const OUTAGE_SHORT: Duration = Duration::from_secs(8);

/// Two workers in the middle of many jobs while this is done to PostgreSQL.
async fn row(name: &str, breaking: impl AsyncFn(&OwnServer)) {
    let _turn = turn().await;
    let mut server = OwnServer::start().await;
    server.keep();
    let stage = Stage::on(Database::on(&server.url()).await).await;
    let stage = stage.with_usual_leases();
    let _workers = [stage.worker("io", "").await, stage.worker("io", "").await];
    repeat(name, async |_| broken(&stage, &server, &breaking).await).await;
    drop(stage);
    server.stop().await;
}

async fn broken(stage: &Stage, server: &OwnServer, breaking: impl AsyncFn(&OwnServer)) -> Counts {
    let jobs = begun(stage).await;
    breaking(server).await;
    judged(stage, &jobs, now_us()).await
}

/// Enqueues jobs and waits until work on them is in the middle.
pub(super) async fn begun(stage: &Stage) -> Vec<JobId> {
    let before = stage.marks().len();
    let jobs = stage.steps(JOBS, HOLD_MS).await;
    stage
        .until("work is in the middle", async || {
            stage.marks().len() > before + 20
        })
        .await;
    jobs
}

/// What became of the jobs, and how long after this moment the next one began.
pub(super) async fn judged(stage: &Stage, jobs: &[JobId], moment: i64) -> Counts {
    // An outage is nobody's death: no attempt may be charged.
    let counts = stage.judge(jobs, Charges::none()).await;
    Counts {
        rerun_ms: stage.next_run(moment),
        ..counts
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_killed() {
    row("postgres_killed", async |server| {
        let before = server.id();
        tell(before, Signal::KILL);
        server.restarted(before).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_restarted() {
    row("postgres_restarted", async |server| {
        let before = server.id();
        tell(before, Signal::INT);
        server.restarted(before).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_stands_still() {
    row("postgres_stands_still", async |server| {
        let all = family(server.id());
        for id in &all {
            tell(*id, Signal::STOP);
        }
        let outage = if is_short() { OUTAGE_SHORT } else { OUTAGE };
        tokio::time::sleep(outage).await;
        for id in &all {
            tell(*id, Signal::CONT);
        }
    })
    .await;
}
