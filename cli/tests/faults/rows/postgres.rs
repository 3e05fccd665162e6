//! PostgreSQL that is killed, restarted, or stands still under two workers at work.

use std::time::Duration;

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
    let jobs = stage.steps(JOBS, HOLD_MS).await;
    let before = stage.marks().len();
    stage
        .until("work is in the middle", async || {
            stage.marks().len() > before + 20
        })
        .await;
    breaking(server).await;
    let broken_at = now_us();
    // An outage is nobody's death: no attempt may be charged.
    let counts = stage.judge(&jobs, Charges::none()).await;
    let next = stage
        .marks()
        .iter()
        .map(|mark| mark.at_us)
        .filter(|at| *at > broken_at)
        .min();
    Counts {
        rerun_ms: next
            .map(|at| u64::try_from((at - broken_at) / 1_000).unwrap())
            .into_iter()
            .collect(),
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
