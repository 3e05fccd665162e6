//! `packtrain bench steady`: depth and claim time under a steady load, beside a snapshot that is
//! held open: nothing that dies meanwhile can be cleaned away.

use std::time::{Duration, Instant};

use packtrain_core::ids::TenantId;
use packtrain_core::job::NewJob;
use packtrain_core::ports::{JobQueue, StoreError};
use packtrain_store::Until;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::claims::Claimer;
use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use super::worker::WorkerProcess;
use super::{canary, hint};
use crate::args::{BenchSteady, Global};
use crate::failure::{FAILED, Failure};
use crate::settings::Settings;
use crate::table::Table;

/// How often jobs are enqueued.
const TICK: Duration = Duration::from_millis(10);
/// How often depth and claim time are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A row of the table.
struct Row {
    until_s: u64,
    enqueued: u64,
    depth: Spread,
    claim: Spread,
    wait_p50_ms: f64,
    wait_p99_ms: f64,
    worker_cpu: Duration,
}

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchSteady,
    settings: &Settings,
) -> Result<(), Failure> {
    let ground = Ground::open(global, settings, &args.at).await?;
    let before = ground.gauge.read().await?;
    let slots = [("ops_slots", args.slots.to_string())];
    let mut worker = WorkerProcess::start(&ground, &slots)?;
    worker.registered(&ground).await?;
    let mut snapshot = match args.no_snapshot {
        true => None,
        false => Some(ground.snapshot().await?),
    };
    let stop = CancellationToken::new();
    let counted = std::sync::atomic::AtomicU64::new(0);
    let (produced, rows) = tokio::join!(
        produce(&ground, args, &stop, &counted),
        watch(&ground, args, &worker, &counted, &stop),
    );
    let (produced, rows) = (produced?, rows?);
    // A snapshot that had been lost on the way would have proved nothing.
    if let Some(snapshot) = &mut snapshot {
        let seen = snapshot.outcomes().await?;
        if seen != before.outcomes {
            let what = format!(
                "the old snapshot sees {seen} outcomes, not {}",
                before.outcomes
            );
            return Err(Failure::new(FAILED, what));
        }
    }
    let began = Instant::now();
    ground.drained().await?;
    let drained = began.elapsed();
    let ended = ground.gauge.read().await?.outcomes - before.outcomes;
    if u64::try_from(ended).ok() != Some(produced) {
        let what = format!("of {produced} jobs {ended} have an outcome");
        return Err(Failure::new(FAILED, what));
    }
    let memory = worker.memory_peak_bytes();
    worker.end().await?;
    drop(snapshot);
    ground.close().await?;
    print(global, args, &rows, drained, memory);
    Ok(())
}

/// Enqueues at the rate asked for; one that fell behind catches up. Says how many.
async fn produce(
    ground: &Ground,
    args: &BenchSteady,
    stop: &CancellationToken,
    counted: &std::sync::atomic::AtomicU64,
) -> Result<u64, Failure> {
    let ids = &*ground.parts.ids;
    let began = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    let mut produced = 0;
    while !stop.is_cancelled() {
        ticks.tick().await;
        let due = began.elapsed().as_millis() * u128::from(args.rate) / 1_000;
        let due = u64::try_from(due).unwrap_or(u64::MAX);
        let now = (due - produced).min(packtrain_core::limits::ENQUEUE_MAX as u64);
        if now == 0 {
            continue;
        }
        let jobs = (0..now).map(|_| canary(ids, TenantId::SYSTEM, 0));
        let jobs: Vec<NewJob> = jobs.collect();
        ground.jobs.enqueue(TenantId::SYSTEM, &jobs).await?;
        ground.parts.hints.send(hint());
        produced += now;
        counted.store(produced, std::sync::atomic::Ordering::Relaxed);
    }
    Ok(produced)
}

/// Looks at depth and claim time until the time is over, and then stops the load.
async fn watch(
    ground: &Ground,
    args: &BenchSteady,
    worker: &WorkerProcess,
    counted: &std::sync::atomic::AtomicU64,
    stop: &CancellationToken,
) -> Result<Vec<Row>, Failure> {
    let stop = stop.clone().drop_guard();
    let claimer = Claimer::new(ground);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let began = Instant::now();
    let (mut rows, mut depths, mut claims) = (Vec::new(), Vec::new(), Vec::new());
    let (mut before, mut cpu) = (0, worker.cpu());
    ground.steps.begin("steady", "load");
    while rows.len() * (args.every as usize) < args.seconds as usize {
        ticks.tick().await;
        depths.push(depth(ground).await?);
        claims.push(claimer.claim(1).await?.0);
        let elapsed = began.elapsed().as_secs();
        ground
            .steps
            .at(usize::try_from(elapsed).unwrap_or(0), args.seconds as usize);
        let every = u64::from(args.every);
        if elapsed < every * (rows.len() as u64 + 1) {
            continue;
        }
        let enqueued = counted.load(std::sync::atomic::Ordering::Relaxed) - before;
        before += enqueued;
        let last = i64::try_from(enqueued.max(1)).unwrap_or(i64::MAX);
        let waits = ground
            .gauge
            .waits(TenantId::SYSTEM, last, Until::Claimed)
            .await?;
        let now = worker.cpu();
        rows.push(Row {
            until_s: elapsed,
            enqueued,
            depth: Spread::of_ms(depths.drain(..)),
            claim: Spread::of_ms(claims.drain(..)),
            wait_p50_ms: waits.p50_us / 1e3,
            wait_p99_ms: waits.p99_us / 1e3,
            worker_cpu: now.saturating_sub(cpu),
        });
        cpu = now;
    }
    drop(stop);
    Ok(rows)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a depth of so many jobs would not be looked at to the last one"
)]
async fn depth(ground: &Ground) -> Result<f64, StoreError> {
    Ok(ground.gauge.depth().await? as f64)
}

impl Row {
    fn json(&self) -> Value {
        json!({
            "until_s": self.until_s, "enqueued": self.enqueued,
            "depth_p50": self.depth.p50(), "depth_max": self.depth.max(),
            "wait_p50_ms": self.wait_p50_ms, "wait_p99_ms": self.wait_p99_ms,
            "claim": self.claim.json(), "worker_cpu_s": self.worker_cpu.as_secs_f64(),
        })
    }
}

fn print(global: &Global, args: &BenchSteady, rows: &[Row], drained: Duration, memory: u64) {
    if global.json {
        let document = json!({
            "rows": rows.iter().map(Row::json).collect::<Vec<_>>(),
            "snapshot": !args.no_snapshot, "rate": args.rate,
            "drained_after_s": drained.as_secs_f64(), "memory_peak_bytes": memory,
            "load": load(),
        });
        anstream::println!("{document}");
        return;
    }
    let mut table = Table::new(&[
        "UNTIL S ",
        "ENQUEUED ",
        "DEPTH P50 ",
        "MAX ",
        "WAIT P50 MS ",
        "P99 MS ",
        "CLAIM P50 MS ",
        "MAX MS ",
        "WORKER CPU S ",
    ]);
    for row in rows {
        table.row([
            row.until_s.to_string(),
            row.enqueued.to_string(),
            format!("{:.0}", row.depth.p50()),
            format!("{:.0}", row.depth.max()),
            format!("{:.1}", row.wait_p50_ms),
            format!("{:.1}", row.wait_p99_ms),
            format!("{:.2}", row.claim.p50()),
            format!("{:.2}", row.claim.max()),
            format!("{:.1}", row.worker_cpu.as_secs_f64()),
        ]);
    }
    table.print("Nothing was measured.");
    let beside = match args.no_snapshot {
        true => "without an old snapshot",
        false => "beside a snapshot that was held open all the time",
    };
    anstream::println!(
        "\n{} jobs a second {beside}. Wait is from enqueue to claim; claim is one more claim of \
         one job, from the beginning of the lane.\nDrained {:.2} s after the last job, each with \
         its outcome. Load averages at the end: {}",
        args.rate,
        drained.as_secs_f64(),
        load()
    );
}
