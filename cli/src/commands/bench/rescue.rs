//! `packtrain bench rescue`: how soon the jobs of a killed worker are claimed again.

use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::job::NewJob;
use packtrain_core::ports::JobQueue;
use serde_json::json;

use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use super::worker::{Shape, WorkerProcess};
use super::{canary, hint};
use crate::args::{BenchRescue, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a job holds its slot: until its worker is killed, and its next one has been seen.
const HOLD_MS: u32 = 10_000;
/// Kills fall at different moments between two beats.
const STAGGER: Duration = Duration::from_millis(137);
/// So many moments: together less than a second, which is what the default has between two beats.
const STAGGERS: u32 = 8;
/// How long a worker has to begin its jobs.
const BEGUN_WITHIN: Duration = Duration::from_secs(30);
/// How long the others have to claim them again.
const RESCUED_WITHIN: Duration = Duration::from_secs(60);

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchRescue,
    ground: &Ground,
) -> Result<(), Failure> {
    let worker = &ground.settings.worker;
    // What the lane asks for, and where it asks for nothing what all leases have.
    let usual_ms = match worker.ops_patience_ms {
        0 => worker.lease_patience_ms,
        asked => asked,
    };
    let usual = rescues(ground, args, None).await?;
    let impatient = rescues(ground, args, Some(args.patience_ms)).await?;
    ground.steps.finish();
    print(global, args, usual_ms, &usual, &impatient);
    Ok(())
}

/// Kills workers, one after the other.
async fn rescues(
    ground: &Ground,
    args: &BenchRescue,
    patience_ms: Option<u64>,
) -> Result<Spread, Failure> {
    let shape = Shape {
        patience_ms,
        ..Shape::slots(args.jobs as usize)
    };
    let mut all = Vec::new();
    let total = usize::try_from(args.rounds).unwrap_or(usize::MAX);
    ground.steps.begin("kill", "workers");
    for round in 0..args.rounds {
        all.extend(rescue(ground, args, &shape, round).await?);
        ground.steps.at(all.len() / args.jobs as usize, total);
    }
    let spread = Spread::of_ms(all.into_iter().map(|us| us / 1e3));
    let what = format!("p50 {:.0} ms, max {:.0} ms", spread.p50(), spread.max());
    ground.steps.end("measured", "rescue", &what);
    Ok(spread)
}

/// A worker that is killed while it runs jobs, beside one that is idle; microseconds from the kill
/// to each claim by the other.
async fn rescue(
    ground: &Ground,
    args: &BenchRescue,
    shape: &Shape,
    round: u32,
) -> Result<Vec<f64>, Failure> {
    let mut victim = WorkerProcess::start(ground, shape)?;
    victim.registered(ground).await?;
    let ids = &*ground.parts.ids;
    let jobs = (0..args.jobs).map(|_| canary(ids, TenantId::SYSTEM, HOLD_MS));
    let jobs: Vec<NewJob> = jobs.collect();
    ground.jobs.enqueue(TenantId::SYSTEM, &jobs).await?;
    ground.parts.hints.send(hint());
    let name = victim.name.clone();
    let runs = async {
        while !holds_all(ground, &name, args.jobs).await? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    };
    within(BEGUN_WITHIN, "begun", victim.meanwhile(runs)).await?;
    let mut other = WorkerProcess::start(ground, shape)?;
    other.registered(ground).await?;
    tokio::time::sleep(STAGGER * (round % STAGGERS)).await;
    if !holds_all(ground, &name, args.jobs).await? {
        let what = format!(
            "{name} did not hold {} jobs any more when it was to be killed",
            args.jobs
        );
        return Err(Failure::new(FAILED, what));
    }
    victim.kill().await?;
    let killed = ground.gauge.now().await?;
    let name = other.name.clone();
    let again = async {
        loop {
            let claimed = ground.gauge.claimed_after(&name, killed).await?;
            if claimed.len() == jobs.len() {
                return Ok(claimed);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let again = within(RESCUED_WITHIN, "claimed again", other.meanwhile(again)).await?;
    // What the next round needs is an empty lane, not the end of these jobs.
    other.meanwhile(ground.drained()).await?;
    other.end().await?;
    Ok(again)
}

/// Whether the worker of this name runs so many jobs, none of which is over.
async fn holds_all(ground: &Ground, name: &str, jobs: u32) -> Result<bool, Failure> {
    let holds = ground.gauge.holds(name).await?;
    Ok(holds.is_some_and(|holds| holds.started == i64::from(jobs)))
}

/// What must come about within a time.
async fn within<T>(
    limit: Duration,
    what: &str,
    coming: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let come = tokio::time::timeout(limit, coming).await;
    come.unwrap_or_else(|_| {
        let what = format!("the jobs were not {what} within {limit:?}");
        Err(Failure::new(FAILED, what))
    })
}

fn print(global: &Global, args: &BenchRescue, usual_ms: u64, usual: &Spread, asked: &Spread) {
    if global.json {
        let document = json!({
            "usual": usual.json(), "usual_patience_ms": usual_ms,
            "asked": asked.json(), "asked_patience_ms": args.patience_ms,
            "rounds": args.rounds, "jobs": args.jobs, "load": load(),
        });
        anstream::println!("{document}");
        return;
    }
    let mut table = Table::new(&["PATIENCE MS ", "KILLED ", "JOBS ", "P50 MS ", "MAX MS "]);
    for (patience, spread) in [(usual_ms, usual), (args.patience_ms, asked)] {
        table.row([
            patience.to_string(),
            args.rounds.to_string(),
            spread.count().to_string(),
            format!("{:.0}", spread.p50()),
            format!("{:.0}", spread.max()),
        ]);
    }
    table.print("Nothing was measured.");
    anstream::println!(
        "\nFrom the kill -9 of a worker in the middle of its jobs to their claim by another that \
         was idle. Load averages at the end: {}",
        load()
    );
}
