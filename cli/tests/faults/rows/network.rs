//! A worker whose network to PostgreSQL is cut, beside one whose network is well; and a scheduler,
//! alone.

use std::time::Duration;

use packtrain_core::ids::JobId;
use packtrain_tests::{Network, Proxy};

use super::schedulers::{self, TIMES, every_second, times};
use super::workers::FENCED;
use crate::counts::{Counts, repeat, turn};
use crate::oracle::{Charges, Holder};
use crate::process::Process;
use crate::stage::{Stage, lease_patience, now_us};

/// Jobs of one run, and how long each stays: so long that the cut falls into it on a machine that
/// has much else to do.
const JOBS: usize = 60;
const HOLD_MS: u64 = 900;
/// How long what passed before a cut may take to be written: much less than a lease stands still.
const WRITTEN_WITHIN: Duration = Duration::from_millis(300);
/// The log of the worker that is cut off.
const LOG: &str = "log-of-the-worker";

/// A worker whose network was cut in the middle of its jobs.
struct CutOff {
    worker: Process,
    network: Proxy,
    jobs: Vec<JobId>,
    held: Vec<String>,
    begun: Vec<String>,
    broken_at: i64,
}

impl CutOff {
    async fn new(stage: &Stage, cut: Network) -> Self {
        let network = Proxy::to(stage.db.server_address()).await;
        let mut command = stage.command(&["worker", "--lanes", "io"], "");
        stage.lead_through(&mut command, network.address);
        stage.log_apart(&mut command, LOG);
        let worker = stage.ready_worker(&mut command).await;
        let jobs = stage.steps_that_it_begins(worker.id(), JOBS, HOLD_MS).await;
        let held = stage.held_by(worker.id()).await;
        let broken_at = now_us();
        network.set(cut);
        // What had passed before the cut is written by now, and no lease is taken yet.
        tokio::time::sleep(WRITTEN_WITHIN).await;
        let begun = stage.begun_by(Holder::Process(worker.id())).await;
        assert!(!begun.is_empty(), "it was cut off in the middle of a job");
        Self {
            worker,
            network,
            jobs,
            held,
            begun,
            broken_at,
        }
    }

    /// What became of the jobs, now that the worker has ended.
    async fn judge(&self, stage: &Stage) -> Counts {
        let counts = stage.judge(&self.jobs, Charges::of(&self.begun)).await;
        stage.forget(self.worker.id()).await;
        Counts {
            rerun_ms: stage.reruns(&self.held, self.broken_at),
            ..counts
        }
    }
}

async fn row(name: &str, cut: Network) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| {
        let fenced = || stage.said(LOG).matches(FENCED).count();
        let before = fenced();
        let mut off = CutOff::new(&stage, cut).await;
        let victim = off.worker.id();
        stage
            .until("others have what it held", async || {
                stage.held_by(victim).await.is_empty()
            })
            .await;
        off.network.set(Network::Well);
        stage
            .until("its late ends are thrown away", async || fenced() > before)
            .await;
        off.worker.stop().await;
        off.judge(&stage).await
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

/// The network does not come back before the worker has to be gone: what it could not settle runs
/// again.
#[tokio::test(flavor = "multi_thread")]
async fn network_swallows_everything_while_a_worker_drains() {
    let name = "network_swallows_everything_while_a_worker_drains";
    let _turn = turn().await;
    let stage = Stage::new().await;
    let _other = stage.worker("io", "").await;
    repeat(name, async |_| {
        let mut off = CutOff::new(&stage, Network::Hole).await;
        off.worker.stop().await;
        off.judge(&stage).await
    })
    .await;
}

/// The scheduler is the only one that decides and reaps: the worker whose leases are lost is dead,
/// and the next one begins when they are taken.
#[tokio::test(flavor = "multi_thread")]
async fn network_of_a_scheduler_swallows_everything() {
    let name = "network_of_a_scheduler_swallows_everything";
    let _turn = turn().await;
    let stage = Stage::new().await;
    every_second(&stage).await;
    repeat(name, async |_| {
        let counted = schedulers::judge(&stage).await;
        let proxy = Proxy::to(stage.db.server_address()).await;
        let mut command = stage.command(&["scheduler"], "");
        stage.lead_through(&mut command, proxy.address);
        let (mut scheduler, before) = (Process::start(&mut command), times(&stage).await);
        stage
            .until("it decides", async || times(&stage).await > before)
            .await;
        let mut victim = stage.worker("io", "").await;
        let jobs = stage.steps_that_it_begins(victim.id(), JOBS, HOLD_MS).await;
        proxy.set(Network::Hole);
        victim.kill().await;
        let (broken_at, held) = (now_us(), stage.held_by(victim.id()).await);
        let begun = stage.begun_by(Holder::Process(victim.id())).await;
        // Much longer than a lease stands still.
        tokio::time::sleep(lease_patience() * 2).await;
        let (decided, still_held) = (times(&stage).await, stage.held_by(victim.id()).await);
        assert_eq!(still_held, held, "nobody else reaps");
        proxy.set(Network::Well);
        stage
            .until("it decides and reaps again", async || {
                times(&stage).await >= decided + TIMES
                    && stage.held_by(victim.id()).await.is_empty()
            })
            .await;
        let mut other = stage.worker("io", "").await;
        let mut counts = stage.judge(&jobs, Charges::of(&begun)).await;
        counts.rerun_ms = stage.reruns(&held, broken_at);
        stage.forget(victim.id()).await;
        other.stop().await;
        scheduler.stop().await;
        counts.add(&schedulers::judge(&stage).await.since(&counted));
        counts
    })
    .await;
}
