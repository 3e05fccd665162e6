//! A PgBouncer in transaction mode that dies, or loses its server, under two workers at work. What
//! listens and renews goes past it, so no lease stands still and no attempt may be charged.

use std::time::Duration;

use packtrain_tests::{Bouncer, Network, Program, Proxy};

use super::postgres::{begun, judged};
use crate::counts::{is_short, repeat, turn};
use crate::process::Process;
use crate::stage::{Stage, now_us};

/// How long there is no pooler: long enough for a claim and an end to meet its absence.
const AWAY: Duration = Duration::from_millis(500);
/// How long the network swallows everything, and in the short form.
const CUT: Duration = Duration::from_secs(30);
const CUT_SHORT: Duration = Duration::from_secs(8);
/// Connections that the pooler lends each role.
const SHARE: u32 = 10;

/// A worker whose statements go through the pooler.
async fn worker(stage: &Stage, bouncer: &Bouncer) -> Process {
    let mut command = stage.command(&["worker", "--lanes", "io"], "");
    stage.lead_through_pooler(&mut command, bouncer.address);
    stage.ready_worker(&mut command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn pgbouncer_killed_and_started_again() {
    let name = "pgbouncer_killed_and_started_again";
    let Some(program) = Program::PgBouncer.find(name) else {
        return;
    };
    let _turn = turn().await;
    let stage = Stage::new().await.with_usual_leases();
    let mut bouncer = Bouncer::before(&program, &stage.db).await;
    let _workers = [
        worker(&stage, &bouncer).await,
        worker(&stage, &bouncer).await,
    ];
    repeat(name, async |_| {
        let jobs = begun(&stage).await;
        bouncer.kill();
        tokio::time::sleep(AWAY).await;
        let well_at = now_us();
        bouncer.restart(&stage.db).await;
        judged(&stage, &jobs, well_at).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn network_behind_pgbouncer_swallows_everything() {
    let name = "network_behind_pgbouncer_swallows_everything";
    let Some(program) = Program::PgBouncer.find(name) else {
        return;
    };
    let _turn = turn().await;
    let stage = Stage::new().await.with_usual_leases();
    let network = Proxy::to(stage.db.server_address()).await;
    let bouncer = Bouncer::leading(&program, &stage.db, network.address, SHARE).await;
    let _workers = [
        worker(&stage, &bouncer).await,
        worker(&stage, &bouncer).await,
    ];
    repeat(name, async |_| {
        let jobs = begun(&stage).await;
        // The shipped file lets TCP give up after 15 s.
        network.set(Network::Outlasted);
        tokio::time::sleep(if is_short() { CUT_SHORT } else { CUT }).await;
        let well_at = now_us();
        network.set(Network::Well);
        judged(&stage, &jobs, well_at).await
    })
    .await;
}
