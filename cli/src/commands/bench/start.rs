//! `packtrain bench start`: how long a worker takes from nothing to its first job, which is what a
//! fleet that grows waits for, and what parts of a fleet hold in memory while they have no work.

use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::ports::JobQueue;
use packtrain_store::{Phase, Until, Waits};
use serde_json::{Value, json};

use super::cost::load;
use super::ground::Ground;
use super::measured_canary;
use super::worker::WorkerProcess;
use crate::args::{BenchStart, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;
use crate::usage::{self, Memory};

/// The parts of a fleet.
const PARTS: [&str; 3] = ["api", "worker", "scheduler"];

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchStart,
    ground: &Ground,
) -> Result<(), Failure> {
    let tenant = ground.tenant("starts").await?;
    // The first one finds a program that nobody has read from the disk of late.
    start(ground, tenant).await?;
    let from = ground.gauge.now().await?;
    ground.steps.begin("start", "workers");
    for done in 0..args.starts {
        start(ground, tenant).await?;
        ground.steps.at(done, args.starts);
    }
    let until = ground.gauge.now().await?;
    let phase = Phase { from, until };
    let claimed = waits(ground, args, tenant, phase, Until::Claimed).await?;
    let began = waits(ground, args, tenant, phase, Until::Began).await?;
    let what = format!("p50 {:.0} ms", claimed.p50_us / 1e3);
    ground.steps.end("measured", "start to claim", &what);
    let idle = idle(ground, args).await?;
    ground.steps.finish();
    match global.json {
        true => print_json(args, &claimed, &began, &idle),
        false => print(args, &claimed, &began, &idle),
    }
    Ok(())
}

/// A worker process that finds a job in its lane, from its start to the end of the job.
async fn start(ground: &Ground, tenant: TenantId) -> Result<(), Failure> {
    let job = [measured_canary(&*ground.parts.ids, tenant)];
    ground.jobs.enqueue(tenant, &job).await?;
    let mut worker = WorkerProcess::usual(ground, "worker")?;
    worker.meanwhile(ground.ended(job[0].id)).await?;
    worker.end().await
}

async fn waits(
    ground: &Ground,
    args: &BenchStart,
    tenant: TenantId,
    phase: Phase,
    until: Until,
) -> Result<Waits, Failure> {
    let waits = ground.gauge.waits(tenant, phase, until).await?;
    if usize::try_from(waits.came).ok() != Some(args.starts) || waits.came != waits.jobs {
        let (came, jobs) = (waits.came, waits.jobs);
        let what = format!("{came} of {jobs} jobs ran in {} starts", args.starts);
        return Err(Failure::new(FAILED, what));
    }
    Ok(waits)
}

/// What each part holds when all have been idle for a while, one process of each.
async fn idle(ground: &Ground, args: &BenchStart) -> Result<Vec<(&'static str, Memory)>, Failure> {
    ground.steps.begin("idle", "one process of each part");
    let mut parts = Vec::new();
    for part in PARTS {
        parts.push((part, WorkerProcess::usual(ground, part)?));
    }
    let rest = tokio::time::sleep(Duration::from_secs(u64::from(args.idle_s)));
    rest.await;
    let mut held = Vec::new();
    for (part, process) in &parts {
        let memory = usage::memory(process.pid).ok_or_else(|| {
            let what = format!("the {part} did not stay for {} s", args.idle_s);
            Failure::new(FAILED, what)
        })?;
        held.push((*part, memory));
    }
    for (_, process) in parts {
        process.end().await?;
    }
    Ok(held)
}

fn print_json(args: &BenchStart, claimed: &Waits, began: &Waits, idle: &[(&'static str, Memory)]) {
    let ms = |waits: &Waits| {
        json!({
            "p50_ms": waits.p50_us / 1e3, "p99_ms": waits.p99_us / 1e3,
            "max_ms": waits.max_us / 1e3,
        })
    };
    let idle: serde_json::Map<String, Value> = idle
        .iter()
        .map(|(part, memory)| {
            let memory = json!({ "rss_bytes": memory.rss_bytes, "pss_bytes": memory.pss_bytes });
            ((*part).to_owned(), memory)
        })
        .collect();
    let document = json!({
        "starts": args.starts, "claimed": ms(claimed), "began": ms(began),
        "idle_s": args.idle_s, "idle": idle, "load": load(),
    });
    anstream::println!("{document}");
}

#[expect(
    clippy::cast_precision_loss,
    reason = "figures for a reader, of three digits or so"
)]
fn print(args: &BenchStart, claimed: &Waits, began: &Waits, idle: &[(&'static str, Memory)]) {
    let mut table = Table::new(&[
        "FROM ENQUEUE AND START TO",
        "STARTS ",
        "P50 MS ",
        "P99 MS ",
        "MAX MS ",
    ]);
    for (what, waits) in [("claim", claimed), ("begin", began)] {
        table.row([
            what.to_owned(),
            args.starts.to_string(),
            format!("{:.0}", waits.p50_us / 1e3),
            format!("{:.0}", waits.p99_us / 1e3),
            format!("{:.0}", waits.max_us / 1e3),
        ]);
    }
    table.print("Nothing was measured.");
    anstream::println!();
    let mut table = Table::new(&["IDLE", "RSS MB ", "PSS MB "]);
    for (part, memory) in idle {
        table.row([
            (*part).to_owned(),
            format!("{:.1}", memory.rss_bytes as f64 / 1e6),
            format!("{:.1}", memory.pss_bytes as f64 / 1e6),
        ]);
    }
    table.print("Nothing was measured.");
    anstream::println!(
        "\nA worker is started when its job has just been enqueued. Memory is that of one process \
         of each part, all with the defaults and on one machine, {} s after their start. Load \
         averages at the end: {}",
        args.idle_s,
        load()
    );
}
