//! `packtrain bench fair`: what a tenant that asks for little notices of one that floods the lane.

use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::job::NewJob;
use packtrain_core::limits::ENQUEUE_MAX;
use packtrain_core::ports::JobQueue;
use packtrain_store::{Until, Waits};
use serde_json::json;

use super::ground::Ground;
use super::worker::WorkerProcess;
use super::{canary, hint};
use crate::args::{BenchFair, Global};
use crate::failure::Failure;
use crate::settings::Settings;
use crate::table::Table;

/// How far apart the small tenant's jobs are.
const EVERY: Duration = Duration::from_secs(1);

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchFair,
    settings: &Settings,
) -> Result<(), Failure> {
    let ground = Ground::open(global, settings, &args.at).await?;
    let (small, flood) = (ground.tenant("small").await?, ground.tenant("flood").await?);
    let mut worker = WorkerProcess::start(&ground, &[("ops_slots", args.slots.to_string())])?;
    worker.registered(&ground).await?;
    let idle = waits(&ground, args, small).await?;
    enqueue(&ground, args, flood, args.jobs).await?;
    let flooded = waits(&ground, args, small).await?;
    let left = ground.gauge.read().await?.on_their_way;
    worker.end().await?;
    ground.close().await?;
    print(global, args, &idle, &flooded, left);
    Ok(())
}

/// One job every second, and how long they waited.
async fn waits(ground: &Ground, args: &BenchFair, tenant: TenantId) -> Result<Waits, Failure> {
    let mut ticks = tokio::time::interval(EVERY);
    for _ in 0..args.seconds {
        ticks.tick().await;
        enqueue(ground, args, tenant, 1).await?;
    }
    // The last one has this long to be claimed.
    ticks.tick().await;
    let last = i64::from(args.seconds);
    Ok(ground.gauge.waits(tenant, last, Until::Claimed).await?)
}

async fn enqueue(
    ground: &Ground,
    args: &BenchFair,
    tenant: TenantId,
    jobs: usize,
) -> Result<(), Failure> {
    let ids = &*ground.parts.ids;
    let all: Vec<NewJob> = (0..jobs)
        .map(|_| canary(ids, tenant, args.hold_ms))
        .collect();
    for slice in all.chunks(ENQUEUE_MAX) {
        ground.jobs.enqueue(tenant, slice).await?;
        ground.parts.hints.send(hint());
    }
    Ok(())
}

fn print(global: &Global, args: &BenchFair, idle: &Waits, flooded: &Waits, left: i64) {
    let ratio = flooded.p95_us / idle.p95_us.max(1.0);
    if global.json {
        let of = |waits: &Waits| {
            json!({
                "p50_ms": waits.p50_us / 1e3, "p95_ms": waits.p95_us / 1e3,
                "max_ms": waits.max_us / 1e3,
            })
        };
        let document = json!({
            "idle": of(idle), "flooded": of(flooded), "p95_ratio": ratio,
            "flood_left": left, "seconds": args.seconds,
        });
        anstream::println!("{document}");
        return;
    }
    let mut table = Table::new(&["LANE IS", "P50 MS ", "P95 MS ", "MAX MS "]);
    for (what, waits) in [("idle", idle), ("flooded", flooded)] {
        table.row([
            what.to_owned(),
            format!("{:.1}", waits.p50_us / 1e3),
            format!("{:.1}", waits.p95_us / 1e3),
            format!("{:.1}", waits.max_us / 1e3),
        ]);
    }
    table.print("Nothing was measured.");
    let (jobs, slots, hold) = (args.jobs, args.slots, args.hold_ms);
    anstream::println!(
        "\nA tenant with one job a second, for {} s each, on {slots} slots; the flood is {jobs} \
         jobs of {hold} ms of another tenant, {left} of which were left at the end.",
        args.seconds
    );
    anstream::println!("p95, flooded over idle: {ratio:.1}");
}
