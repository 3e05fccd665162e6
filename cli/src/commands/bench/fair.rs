//! `packtrain bench fair`: what a tenant that asks for little notices of one that floods the lane.

use std::time::{Duration, Instant};

use packtrain_core::ids::TenantId;
use packtrain_core::job::NewJob;
use packtrain_core::limits::ENQUEUE_MAX;
use packtrain_core::ports::JobQueue;
use packtrain_store::{Phase, Until, Waits};
use serde_json::json;

use super::ground::Ground;
use super::worker::{Shape, WorkerProcess};
use super::{canary, hint};
use crate::args::{BenchFair, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;

/// How far apart the small tenant's jobs are.
const EVERY: Duration = Duration::from_secs(1);
/// How often is looked whether they have all ended, once they are all enqueued.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the last of them may take; one that does not end by then was starved.
const LAST_WITHIN: Duration = Duration::from_secs(30);

/// Runs the command.
pub(crate) async fn run(global: &Global, args: &BenchFair, ground: &Ground) -> Result<(), Failure> {
    let (small, flood) = (ground.tenant("small").await?, ground.tenant("flood").await?);
    let mut worker = WorkerProcess::start(ground, &Shape::slots(args.slots))?;
    worker.registered(ground).await?;
    ground.steps.begin("idle", "one job a second");
    let idle = worker.meanwhile(waits(ground, args, small)).await?;
    worker
        .meanwhile(enqueue(ground, args, flood, args.jobs))
        .await?;
    ground.steps.begin("flooded", "one job a second");
    let flooded = worker.meanwhile(waits(ground, args, small)).await?;
    // What was not there any more cannot have been in the way.
    let left = ground.gauge.depth().await?;
    if left == 0 {
        let what = format!(
            "the flood of {} jobs was over before the {} s were",
            args.jobs, args.seconds
        );
        return Err(Failure::new(FAILED, what).help("take more --jobs or fewer --seconds"));
    }
    // The rest of the flood is of no further use, and would only be waited for.
    worker.kill().await?;
    ground.steps.finish();
    print(global, args, &idle, &flooded, left);
    Ok(())
}

/// One job every second, and how long they waited: all of them, or it is a failure.
async fn waits(ground: &Ground, args: &BenchFair, tenant: TenantId) -> Result<Waits, Failure> {
    let from = ground.gauge.now().await?;
    let mut ticks = tokio::time::interval(EVERY);
    for done in 0..args.seconds {
        ticks.tick().await;
        enqueue(ground, args, tenant, 1).await?;
        ground.steps.at(done as usize, args.seconds as usize);
    }
    let phase = Phase {
        from,
        until: ground.gauge.now().await?,
    };
    let enqueued = Instant::now();
    loop {
        let waits = ground.gauge.waits(tenant, phase, Until::Claimed).await?;
        if waits.jobs != i64::from(args.seconds) {
            let what = format!("{} jobs were enqueued, not {}", waits.jobs, args.seconds);
            return Err(Failure::new(FAILED, what));
        }
        if waits.came == waits.jobs {
            return Ok(waits);
        }
        if enqueued.elapsed() >= LAST_WITHIN {
            let starved = waits.jobs - waits.came;
            let what = format!(
                "{starved} of the small tenant's {} jobs did not end within {LAST_WITHIN:?}",
                waits.jobs
            );
            return Err(Failure::new(FAILED, what));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
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
                "jobs": waits.jobs, "p50_ms": waits.p50_us / 1e3, "p95_ms": waits.p95_us / 1e3,
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
    let mut table = Table::new(&["LANE IS", "JOBS ", "P50 MS ", "P95 MS ", "MAX MS "]);
    for (what, waits) in [("idle", idle), ("flooded", flooded)] {
        table.row([
            what.to_owned(),
            waits.came.to_string(),
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
