//! `packtrain bench future`: what jobs that are due later cost those that are due now.

use packtrain_core::ids::TenantId;
use packtrain_core::job::{About, NewJob};
use packtrain_core::limits::ENQUEUE_MAX;
use packtrain_core::ports::{Floors, JobQueue};
use packtrain_jobs::ops::canary::Canary;
use serde_json::json;

use super::canary;
use super::claims::Claimer;
use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use crate::args::{BenchFuture, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;

/// Jobs of one claim.
const CLAIM: usize = 50;
/// Due jobs that are promoted at once, as workers do.
const PROMOTE: u32 = 500;
/// Rows of one statement.
const SLICE: u32 = 50_000;

/// What was seen.
struct Seen {
    claims: Spread,
    promotes: Spread,
}

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchFuture,
    ground: &Ground,
) -> Result<(), Failure> {
    let without = measure(ground, args).await?;
    let mut stage = ground.stage().await?;
    ground.steps.begin("future", "jobs");
    let about = About::of::<Canary>();
    for first in (0..args.jobs).step_by(SLICE as usize) {
        let count = SLICE.min(args.jobs - first);
        stage
            .future(about.kind.as_str(), about.lane, first, count)
            .await?;
        ground.steps.at(first as usize, args.jobs as usize);
    }
    stage.settle_down().await?;
    let with = measure(ground, args).await?;
    let left = ground.gauge.depth().await?;
    if left != i64::from(args.jobs) {
        let what = format!("{} jobs were to be due later, and {left} are", args.jobs);
        return Err(Failure::new(FAILED, what));
    }
    ground.steps.finish();
    print(global, args, &without, &with);
    Ok(())
}

/// Claims of jobs that are due, and looks for some that have become due.
async fn measure(ground: &Ground, args: &BenchFuture) -> Result<Seen, Failure> {
    let ids = &*ground.parts.ids;
    let mut left = args.claims * CLAIM;
    while left > 0 {
        let now = left.min(ENQUEUE_MAX);
        let jobs = (0..now).map(|_| canary(ids, TenantId::SYSTEM, 0));
        let jobs: Vec<NewJob> = jobs.collect();
        ground.jobs.enqueue(TenantId::SYSTEM, &jobs).await?;
        left -= now;
    }
    let claimer = Claimer::new(ground);
    let (mut claims, mut promotes) = (Vec::new(), Vec::new());
    ground.steps.begin("claim", "due jobs");
    for done in 0..args.claims {
        let (took, found) = claimer.claim(CLAIM, Floors::default()).await?;
        if found != CLAIM {
            return Err(Failure::new(
                FAILED,
                format!("a claim of {CLAIM} found {found}"),
            ));
        }
        claims.push(took);
        promotes.push(claimer.promote(PROMOTE).await?);
        ground.steps.at(done, args.claims);
    }
    Ok(Seen {
        claims: Spread::of_ms(claims),
        promotes: Spread::of_ms(promotes),
    })
}

fn print(global: &Global, args: &BenchFuture, without: &Seen, with: &Seen) {
    let all = [(0, without), (args.jobs, with)];
    if global.json {
        let of = |(jobs, seen): (u32, &Seen)| {
            json!({
                "future_jobs": jobs, "claim": seen.claims.json(),
                "promote": seen.promotes.json(),
            })
        };
        let document = json!({ "seen": all.map(of), "claim_jobs": CLAIM, "load": load() });
        anstream::println!("{document}");
        return;
    }
    let mut table = Table::new(&[
        "FUTURE JOBS ",
        "CLAIMS ",
        "CLAIM P50 MS ",
        "P99 MS ",
        "MAX MS ",
        "PROMOTE P50 MS ",
        "MAX MS ",
    ]);
    for (jobs, seen) in all {
        table.row([
            jobs.to_string(),
            seen.claims.count().to_string(),
            format!("{:.2}", seen.claims.p50()),
            format!("{:.2}", seen.claims.p99()),
            format!("{:.2}", seen.claims.max()),
            format!("{:.2}", seen.promotes.p50()),
            format!("{:.2}", seen.promotes.max()),
        ]);
    }
    table.print("Nothing was measured.");
    anstream::println!(
        "\nClaims of {CLAIM} due jobs, each from the beginning of the lane; promotions that find \
         nothing due. Load averages at the end: {}",
        load()
    );
}
