//! `packtrain bench rescue`: how soon the jobs of a killed worker are claimed again.

use std::time::Duration;

use packtrain_core::ids::TenantId;
use packtrain_core::job::NewJob;
use packtrain_core::ports::JobQueue;
use serde_json::json;

use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use super::worker::WorkerProcess;
use super::{canary, hint};
use crate::args::{BenchRescue, Global};
use crate::failure::{FAILED, Failure};
use crate::settings::Settings;
use crate::table::Table;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a job holds its slot: until its worker is killed, and its next one has been seen.
const HOLD_MS: u32 = 10_000;
/// Kills fall at different moments between two beats.
const STAGGER: Duration = Duration::from_millis(137);
/// How long the others have for it.
const RESCUED_WITHIN: Duration = Duration::from_secs(60);

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchRescue,
    settings: &Settings,
) -> Result<(), Failure> {
    let ground = Ground::open(global, settings, &args.at).await?;
    let usual = rescues(&ground, args, &[]).await?;
    let asked = [("ops_patience_ms", args.patience_ms.to_string())];
    let impatient = rescues(&ground, args, &asked).await?;
    ground.close().await?;
    let usual_ms = settings.worker.lease_patience_ms;
    print(global, args, usual_ms, &usual, &impatient);
    Ok(())
}

/// Kills workers, one after the other.
async fn rescues(
    ground: &Ground,
    args: &BenchRescue,
    settings: &[(&str, String)],
) -> Result<Spread, Failure> {
    let mut all = Vec::new();
    let total = usize::try_from(args.rounds).unwrap_or(usize::MAX);
    ground.steps.begin("kill", "workers");
    for round in 0..args.rounds {
        all.extend(rescue(ground, args, settings, round).await?);
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
    settings: &[(&str, String)],
    round: u32,
) -> Result<Vec<f64>, Failure> {
    let slots = ("ops_slots", args.jobs.to_string());
    let settings: Vec<(&str, String)> = settings.iter().cloned().chain([slots]).collect();
    let mut victim = WorkerProcess::start(ground, &settings)?;
    victim.registered(ground).await?;
    let ids = &*ground.parts.ids;
    let jobs = (0..args.jobs).map(|_| canary(ids, TenantId::SYSTEM, HOLD_MS));
    let jobs: Vec<NewJob> = jobs.collect();
    ground.jobs.enqueue(TenantId::SYSTEM, &jobs).await?;
    ground.parts.hints.send(hint());
    let wanted = i64::from(args.jobs);
    let runs = async || {
        let holds = ground.gauge.holds(&victim.name).await?;
        Ok::<bool, Failure>(holds.is_some_and(|holds| holds.started == wanted))
    };
    while !runs().await? {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let mut other = WorkerProcess::start(ground, &settings)?;
    other.registered(ground).await?;
    tokio::time::sleep(STAGGER * round).await;
    victim.kill().await?;
    let killed = ground.gauge.now().await?;
    let again = async {
        loop {
            let claimed = ground.gauge.claimed_after(&other.name, killed).await?;
            if claimed.len() == jobs.len() {
                return Ok::<_, Failure>(claimed);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    let again = tokio::time::timeout(RESCUED_WITHIN, again).await;
    let again = again.map_err(|_| {
        let what = format!("the jobs were not claimed again within {RESCUED_WITHIN:?}");
        Failure::new(FAILED, what)
    })??;
    // What the next round needs is an empty lane, not the end of these jobs.
    ground.drained().await?;
    other.end().await?;
    Ok(again)
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
