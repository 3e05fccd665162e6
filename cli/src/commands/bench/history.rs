//! `packtrain bench history`: how fast operators list, filter and read among many finished jobs.

use std::time::{Duration, Instant};

use packtrain_core::ids::{JobId, ScheduleId, TenantId};
use packtrain_core::job::{Lane, State};
use packtrain_core::limits::PAGE_DEFAULT;
use packtrain_core::ports::{JobFilter, OperatorJobs};
use packtrain_jobs::catalogue;
use packtrain_store::{Past, PgOperatorJobs};
use serde_json::json;

use super::cost::load;
use super::ground::Ground;
use super::spread::Spread;
use crate::args::{BenchHistory, Global};
use crate::failure::{FAILED, Failure};
use crate::table::Table;

/// How long the past is.
const PAST: Duration = Duration::from_secs(21 * 24 * 60 * 60);
/// Tenants of the past.
const TENANTS: usize = 100;
/// Rows of one statement.
const SLICE: u32 = 100_000;

/// What an answer may take.
const GOAL_MS: f64 = 50.0;

/// One question, and how long its answers took.
struct Asked {
    what: &'static str,
    found: usize,
    took: Spread,
}

/// Runs the command.
pub(crate) async fn run(
    global: &Global,
    args: &BenchHistory,
    ground: &Ground,
) -> Result<(), Failure> {
    let past = past(ground, args).await?;
    make(ground, &past).await?;
    let operator = PgOperatorJobs::new(ground.parts.pools.operator.clone());
    let mut asked = Vec::new();
    for (what, filter, some) in questions(&past) {
        asked.push(ask(ground, &operator, args, what, &filter, some).await?);
    }
    let (before, shown) = pages(ground, &operator, args).await?;
    asked.extend([before, shown]);
    ground.steps.finish();
    print(global, args, &asked);
    Ok(())
}

/// Kinds of the catalogue and new tenants.
async fn past(ground: &Ground, args: &BenchHistory) -> Result<Past, Failure> {
    let until = ground.gauge.now().await?;
    let mut tenants = Vec::with_capacity(TENANTS);
    for place in 0..TENANTS {
        tenants.push(ground.tenant(&format!("tenant {place}")).await?);
    }
    let kinds = catalogue::KINDS.iter();
    Ok(Past {
        from: until - PAST,
        until,
        jobs: args.jobs,
        kinds: kinds
            .map(|entry| (entry.about.kind.as_str(), entry.about.lane))
            .collect(),
        tenants,
    })
}

async fn make(ground: &Ground, past: &Past) -> Result<(), Failure> {
    let mut stage = ground.stage().await?;
    stage.prepare(past).await?;
    ground.steps.begin("past", "jobs");
    for first in (0..past.jobs).step_by(SLICE as usize) {
        stage
            .past(past, first, SLICE.min(past.jobs - first))
            .await?;
        ground.steps.at(first as usize, past.jobs as usize);
    }
    ground.steps.begin("vacuum", "all tables");
    stage.settle_down().await?;
    ground
        .steps
        .end("made", "a past", &format!("{} jobs", past.jobs));
    Ok(())
}

/// What operators ask for, and whether there is something to be found.
type Question = (&'static str, JobFilter, bool);

fn questions(past: &Past) -> Vec<Question> {
    [of_kinds(past), of_states(past), of_tenants(past)].concat()
}

fn page() -> JobFilter {
    JobFilter {
        limit: PAGE_DEFAULT,
        ..JobFilter::default()
    }
}

fn of_kind(kind: impl Into<String>) -> JobFilter {
    JobFilter {
        kind: Some(kind.into()),
        ..page()
    }
}

fn in_state(state: State) -> JobFilter {
    JobFilter {
        state: Some(state),
        ..page()
    }
}

fn of_tenant(tenant: TenantId) -> JobFilter {
    JobFilter {
        tenant: Some(tenant),
        ..page()
    }
}

fn of_lane(lane: Lane) -> JobFilter {
    JobFilter {
        lane: Some(lane),
        ..page()
    }
}

fn of_kinds(past: &Past) -> Vec<Question> {
    let ((many, lane), (few, _)) = ends(&past.kinds);
    vec![
        ("the newest", page(), true),
        ("of the most frequent kind", of_kind(many), true),
        ("of a kind of the past alone", of_kind(few), true),
        ("of a kind that is none", of_kind("none.such"), false),
        ("of a lane", of_lane(lane), true),
        ("of a lane without jobs", of_lane(Lane::Pulse), false),
    ]
}

fn of_states(past: &Past) -> Vec<Question> {
    let ((many, _), (few, _)) = ends(&past.kinds);
    let both = |state, kind: &str| JobFilter {
        state: Some(state),
        ..of_kind(kind)
    };
    vec![
        ("succeeded", in_state(State::Succeeded), true),
        ("cancelled, 3 of 1,000", in_state(State::Cancelled), true),
        (
            "discarded, of the past alone",
            in_state(State::Discarded),
            true,
        ),
        ("dead, 1 of 1,000", in_state(State::Dead), true),
        ("queued, none", in_state(State::Queued), false),
        ("running, none", in_state(State::Running), false),
        (
            "of a kind of the past, succeeded",
            both(State::Succeeded, few),
            false,
        ),
        (
            "of the most frequent kind, dead",
            both(State::Dead, many),
            true,
        ),
    ]
}

fn of_tenants(past: &Past) -> Vec<Question> {
    let (_, (few_kind, _)) = ends(&past.kinds);
    let (most, few) = ends(&past.tenants);
    let one = past.tenants.get(1).copied().unwrap_or(most);
    let cancelled = JobFilter {
        state: Some(State::Cancelled),
        ..of_tenant(one)
    };
    let of_the_past = JobFilter {
        tenant: Some(one),
        ..of_kind(few_kind)
    };
    vec![
        ("of the tenant with most", of_tenant(most), true),
        ("of one tenant in 200", of_tenant(one), true),
        ("of a tenant of the past alone", of_tenant(few), true),
        ("of one tenant in 200, cancelled", cancelled, true),
        (
            "of one tenant in 200, of a kind of the past",
            of_the_past,
            false,
        ),
    ]
}

/// The first and the last of a past, which has tenants and kinds.
fn ends<T: Copy>(all: &[T]) -> (T, T) {
    let (Some(first), Some(last)) = (all.first(), all.last()) else {
        unreachable!("a past has tenants and kinds");
    };
    (*first, *last)
}

/// Asks for a page, as the API does, and looks whether the answer is one.
async fn ask(
    ground: &Ground,
    operator: &PgOperatorJobs,
    args: &BenchHistory,
    what: &'static str,
    filter: &JobFilter,
    is_some: bool,
) -> Result<Asked, Failure> {
    let (mut took, mut found) = (Vec::new(), 0);
    for _ in 0..args.rounds {
        let began = Instant::now();
        let page = operator.list(filter).await?;
        took.push(began.elapsed().as_secs_f64() * 1e3);
        found = page.len();
        if (found > 0) != is_some {
            return Err(Failure::new(FAILED, format!("{what}: {found} were found")));
        }
    }
    let took = Spread::of_ms(took);
    let said = format!(
        "{found} found, p50 {:.1} ms, max {:.1} ms",
        took.p50(),
        took.max()
    );
    ground.steps.end("measured", what, &said);
    Ok(Asked { what, found, took })
}

/// Pages one after the other, and the jobs on them one by one.
async fn pages(
    ground: &Ground,
    operator: &PgOperatorJobs,
    args: &BenchHistory,
) -> Result<(Asked, Asked), Failure> {
    let (mut turned, mut shown) = (Vec::new(), Vec::new());
    let mut before: Option<JobId> = None;
    for round in 0..args.rounds {
        let filter = JobFilter {
            before,
            limit: PAGE_DEFAULT,
            ..JobFilter::default()
        };
        let began = Instant::now();
        let page = operator.list(&filter).await?;
        turned.push(began.elapsed().as_secs_f64() * 1e3);
        for job in &page {
            let began = Instant::now();
            if operator.find(job.id).await?.is_none() {
                return Err(Failure::new(
                    FAILED,
                    format!("{} is listed and not there", job.id),
                ));
            }
            shown.push(began.elapsed().as_secs_f64() * 1e3);
        }
        // Each next page begins somewhere else in the past.
        let at = ground.gauge.now().await? - PAST / args.rounds * round;
        before = Some(ScheduleId::of_kind("bench").job_at(at));
    }
    let asked = |what, found, took| Asked {
        what,
        found,
        took: Spread::of_ms(took),
    };
    Ok((
        asked(
            "a page from somewhere in the past",
            PAGE_DEFAULT as usize,
            turned,
        ),
        asked("one job", 1, shown),
    ))
}

fn print(global: &Global, args: &BenchHistory, asked: &[Asked]) {
    if global.json {
        let of = |asked: &Asked| {
            let took = asked.took.json();
            json!({ "what": asked.what, "found": asked.found, "took": took })
        };
        let document = json!({
            "jobs": args.jobs, "asked": asked.iter().map(of).collect::<Vec<_>>(), "load": load(),
        });
        anstream::println!("{document}");
        return;
    }
    let mut table = Table::new(&["ASKED FOR", "FOUND ", "ASKED ", "P50 MS ", "MAX MS ", ""]);
    for asked in asked {
        let verdict = match asked.took.max() > GOAL_MS {
            true => "over 50 ms",
            false => "",
        };
        table.row([
            asked.what.to_owned(),
            asked.found.to_string(),
            asked.took.count().to_string(),
            format!("{:.1}", asked.took.p50()),
            format!("{:.1}", asked.took.max()),
            verdict.to_owned(),
        ]);
    }
    table.print("Nothing was measured.");
    anstream::println!(
        "\n{} finished jobs of three weeks, 100 tenants and {} kinds; pages of {PAGE_DEFAULT}. \
         Load averages at the end: {}",
        args.jobs,
        catalogue::KINDS.len(),
        load()
    );
}
