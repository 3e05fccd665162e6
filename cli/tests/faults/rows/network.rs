//! A worker whose network to PostgreSQL is cut, beside one whose network is well.

use std::time::Duration;

use packtrain_tests::{Network, Proxy};

use super::workers::FENCED;
use crate::counts::{Counts, repeat, turn};
use crate::oracle::{Charges, Holder};
use crate::stage::{Stage, now_us};

/// Jobs of one run, and how long each stays: so long that the cut falls into it on a machine that
/// has much else to do.
const JOBS: usize = 60;
const HOLD_MS: u64 = 900;
/// How long the network is cut: much longer than a lease stands still.
const CUT: Duration = Duration::from_secs(3);
/// The log of the worker that is cut off.
const LOG: &str = "log-of-the-worker";

async fn row(name: &str, cut: Network) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| {
        let proxy = Proxy::to(stage.db.server_address()).await;
        let mut command = stage.command(&["worker", "--lanes", "io"], "");
        stage.lead_through(&mut command, proxy.address);
        stage.log_apart(&mut command, LOG);
        let fenced = || stage.said(LOG).matches(FENCED).count();
        let before = fenced();
        let mut worker = stage.ready_worker(&mut command).await;
        let jobs = stage.steps_that_it_begins(worker.id(), JOBS, HOLD_MS).await;
        let held = stage.held_by(worker.id()).await;
        let broken_at = now_us();
        proxy.set(cut);
        // What had passed before the cut is written by now, and no lease is taken yet.
        tokio::time::sleep(CUT / 10).await;
        let begun = stage.begun_by(Holder::Process(worker.id())).await;
        assert!(!begun.is_empty(), "it was cut off in the middle of a job");
        tokio::time::sleep(CUT).await;
        proxy.set(Network::Well);
        stage
            .until("its late ends are thrown away", async || fenced() > before)
            .await;
        worker.stop().await;
        let counts = stage.judge(&jobs, Charges::of(&begun)).await;
        stage.forget(worker.id()).await;
        Counts {
            rerun_ms: stage.reruns(&held, broken_at),
            ..counts
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn network_swallows_everything() {
    row("network_swallows_everything", Network::Hole).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn network_is_half_open() {
    row("network_is_half_open", Network::HalfOpen).await;
}
