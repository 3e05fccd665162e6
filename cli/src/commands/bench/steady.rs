//! `packtrain bench steady`: depth and claim time under a steady load, beside a snapshot that is
//! held open: nothing that dies meanwhile can be cleaned away.

use std::time::{Duration, Instant};

use packtrain_core::ids::TenantId;
use packtrain_core::job::{Lane, NewJob, Priority};
use packtrain_core::ports::{Floors, JobQueue, StoreError};
use packtrain_store::{Phase, Until, Waits};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::claims::Claimer;
use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use super::worker::{Shape, WorkerProcess};
use super::{canary, cost, hint};
use crate::args::{BenchSteady, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;

/// How often jobs are enqueued.
const TICK: Duration = Duration::from_millis(10);
/// How often depth and claim time are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A row of the table, but for the waits of its jobs, which are known when all have ended.
struct Stretch {
    until_s: u64,
    phase: Phase,
    depth: Spread,
    claim: Spread,
    below: Spread,
    worker_cpu: Duration,
}

/// A row of the table.
struct Row {
    seen: Stretch,
    waits: Waits,
}

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchSteady,
    ground: &Ground,
) -> Result<(), Failure> {
    let before = ground.gauge.outcomes().await?;
    let mut worker = WorkerProcess::start(ground, &Shape::slots(args.slots))?;
    worker.registered(ground).await?;
    let mut snapshot = match args.no_snapshot {
        true => None,
        false => Some(ground.snapshot().await?),
    };
    let (stop, pid) = (CancellationToken::new(), worker.pid);
    let load = async {
        tokio::try_join!(
            produce(ground, args, &stop),
            watch(ground, args, pid, &stop)
        )
    };
    let (produced, seen) = worker.meanwhile(load).await?;
    // A snapshot that had been lost on the way would have proved nothing.
    if let Some(snapshot) = &mut snapshot {
        let seen = snapshot.outcomes().await?;
        if seen != before {
            let what = format!("the old snapshot sees {seen} outcomes, not {before}");
            return Err(Failure::new(FAILED, what));
        }
    }
    let began = Instant::now();
    worker.meanwhile(ground.drained()).await?;
    let drained = began.elapsed();
    let ended = ground.gauge.outcomes().await? - before;
    if u64::try_from(ended).ok() != Some(produced) {
        let what = format!("of {produced} jobs {ended} have an outcome");
        return Err(Failure::new(FAILED, what));
    }
    let memory = worker.memory_peak_bytes();
    worker.end().await?;
    drop(snapshot);
    let rows = rows(ground, seen).await?;
    ground.steps.finish();
    print(global, args, &rows, drained, memory);
    Ok(())
}

/// How long the jobs of each stretch waited: all of them, since all have ended.
async fn rows(ground: &Ground, seen: Vec<Stretch>) -> Result<Vec<Row>, Failure> {
    let mut rows = Vec::with_capacity(seen.len());
    for seen in seen {
        let waits = ground
            .gauge
            .waits(TenantId::SYSTEM, seen.phase, Until::Claimed);
        let waits = waits.await?;
        if waits.came != waits.jobs {
            let what = format!("{} of {} jobs were claimed", waits.came, waits.jobs);
            return Err(Failure::new(FAILED, what));
        }
        rows.push(Row { seen, waits });
    }
    Ok(rows)
}

/// Enqueues at the rate asked for; one that fell behind catches up. Says how many.
async fn produce(
    ground: &Ground,
    args: &BenchSteady,
    stop: &CancellationToken,
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
    }
    Ok(produced)
}

/// Looks at depth and claim time until the time is over, and then stops the load.
async fn watch(
    ground: &Ground,
    args: &BenchSteady,
    worker: u32,
    stop: &CancellationToken,
) -> Result<Vec<Stretch>, Failure> {
    let stop = stop.clone().drop_guard();
    let claimer = Claimer::new(ground);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    let (mut from, began) = (ground.gauge.now().await?, Instant::now());
    let (mut seen, mut depths) = (Vec::new(), Vec::new());
    let (mut claims, mut below) = (Vec::new(), Vec::new());
    let mut floors = floors(ground).await?;
    let mut cpu = cost::cpu_of(worker).unwrap_or_default();
    let (seconds, every) = (u64::from(args.seconds), u64::from(args.every));
    let mut next = every.min(seconds);
    ground.steps.begin("steady", "load");
    loop {
        ticks.tick().await;
        depths.push(depth(ground).await?);
        claims.push(claimer.claim(1, floors).await?.0);
        below.push(claimer.claim(1, Floors::default()).await?.0);
        floors = self::floors(ground).await?;
        let elapsed = began.elapsed().as_secs();
        ground
            .steps
            .at(usize::try_from(elapsed).unwrap_or(0), args.seconds as usize);
        if elapsed < next {
            continue;
        }
        let (until, now) = (
            ground.gauge.now().await?,
            cost::cpu_of(worker).unwrap_or_default(),
        );
        seen.push(Stretch {
            until_s: elapsed,
            phase: Phase { from, until },
            depth: Spread::of_ms(depths.drain(..)),
            claim: Spread::of_ms(claims.drain(..)),
            below: Spread::of_ms(below.drain(..)),
            worker_cpu: now.saturating_sub(cpu),
        });
        if elapsed >= seconds {
            drop(stop);
            return Ok(seen);
        }
        (from, cpu) = (until, now);
        next = (next + every).min(seconds);
    }
}

/// From where a claim looks that is to find what is new.
async fn floors(ground: &Ground) -> Result<Floors, StoreError> {
    let clock = ground.gauge.clock(Lane::Ops).await?;
    Ok(Floors([(Priority::FIRST, (clock, Uuid::nil()))].into()))
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
        let (seen, waits) = (&self.seen, &self.waits);
        json!({
            "until_s": seen.until_s, "enqueued": waits.jobs,
            "depth_p50": seen.depth.p50(), "depth_max": seen.depth.max(),
            "wait_p50_ms": waits.p50_us / 1e3, "wait_p99_ms": waits.p99_us / 1e3,
            "claim": seen.claim.json(), "claim_from_the_beginning": seen.below.json(),
            "worker_cpu_s": seen.worker_cpu.as_secs_f64(),
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
        "BELOW P50 MS ",
        "MAX MS ",
        "WORKER CPU S ",
    ]);
    for row in rows {
        let (seen, waits) = (&row.seen, &row.waits);
        table.row([
            seen.until_s.to_string(),
            waits.jobs.to_string(),
            format!("{:.0}", seen.depth.p50()),
            format!("{:.0}", seen.depth.max()),
            format!("{:.1}", waits.p50_us / 1e3),
            format!("{:.1}", waits.p99_us / 1e3),
            format!("{:.2}", seen.claim.p50()),
            format!("{:.2}", seen.claim.max()),
            format!("{:.2}", seen.below.p50()),
            format!("{:.2}", seen.below.max()),
            format!("{:.1}", seen.worker_cpu.as_secs_f64()),
        ]);
    }
    table.print("Nothing was measured.");
    let beside = match args.no_snapshot {
        true => "without an old snapshot",
        false => "beside a snapshot that was held open all the time",
    };
    anstream::println!(
        "\n{} jobs a second {beside}. Wait is from enqueue to claim; claim is one more claim of \
         one job, behind where claims were half a second ago; below is another, from the \
         beginning of the lane.\nDrained {:.2} s after the last job, each with \
         its outcome. Load averages at the end: {}",
        args.rate,
        drained.as_secs_f64(),
        load()
    );
}
