//! `packtrain scale`: what a fleet that scales itself would do.

use packtrain_core::job::Lane;
use packtrain_core::money::Money;
use serde_json::json;

use crate::args::{Global, Scale, Simulate};
use crate::failure::{FAILED, Failure, INPUT, USAGE};
use crate::scale::Ms;
use crate::scale::arrivals::{self, Arrivals};
use crate::scale::outcome::{Outcome, Price, Sample};
use crate::scale::policy::Policy;
use crate::scale::replay::{Fleet, replay};
use crate::settings::Settings;
use crate::terminal::{QUIET, STRONG};

/// Lines of the chart, at most.
const CHART_LINES: usize = 24;
/// The longest bar of the chart.
const BAR: u64 = 40;
/// Bytes of an arrival file, at most.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Runs the command.
pub(crate) fn run(global: &Global, scale: &Scale, settings: &Settings) -> Result<(), Failure> {
    let Scale::Simulate(args) = scale;
    if args.min > args.max {
        let what = format!("--min {} is more than --max {}", args.min, args.max);
        return Err(Failure::new(USAGE, what));
    }
    let arrivals = read(args)?;
    let fleet = Fleet {
        slots: args.slots.unwrap_or_else(|| slots(args.lane, settings)),
        start: args.start,
        period: args.metric_period,
    };
    let outcome = replay(&arrivals, fleet, policy(args));
    let cost = outcome.cost(Price {
        milli_cores: args.cpu,
        memory_mb: args.memory,
        core_hour: args.price.0,
        gb_hour: args.price.1,
    });
    let cost = cost.map_err(|error| Failure::new(FAILED, format!("the cost: {error}")))?;
    if args.csv {
        print_csv(&outcome);
    } else if global.json {
        print_json(args, fleet, &outcome, cost);
    } else {
        print(args, fleet, &outcome, cost);
    }
    Ok(())
}

fn read(args: &Simulate) -> Result<Arrivals, Failure> {
    let file = args.file.display();
    let refused = |what: String| Failure::new(INPUT, format!("{file}: {what}"));
    let size = std::fs::metadata(&args.file).map_err(|error| refused(error.to_string()))?;
    if size.len() > FILE_BYTES_MAX {
        let help = "sum arrivals up by minute or hour";
        return Err(refused(format!("more than {FILE_BYTES_MAX} bytes")).help(help));
    }
    let text = std::fs::read_to_string(&args.file).map_err(|error| refused(error.to_string()))?;
    arrivals::read(&text, args.service_ms).map_err(|error| refused(error.to_string()))
}

/// What a worker of these settings has; a core for each where it goes by its machine.
fn slots(lane: Lane, settings: &Settings) -> u64 {
    let worker = &settings.worker;
    let slots = match lane {
        Lane::Pulse => worker.pulse_slots,
        Lane::Notify => worker.notify_slots,
        Lane::Io => worker.io_slots,
        Lane::Cpu => worker.cpu_slots,
        Lane::Bulk => worker.bulk_slots,
        Lane::Ops => worker.ops_slots,
    };
    if slots == 0 { 2 } else { slots as u64 }
}

const fn policy(args: &Simulate) -> Policy {
    Policy {
        target: args.target,
        busy_percent: args.busy,
        min: args.min,
        max: args.max,
        out_after: args.out_after,
        in_after: args.in_after,
        out_cooldown: args.scale_out,
        in_cooldown: args.scale_in,
    }
}

/// Task-hours to the hundredth.
fn task_hours(outcome: &Outcome) -> String {
    let hundredths = (outcome.task_ms + 18_000) / 36_000;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn most(outcome: &Outcome) -> u64 {
    let tasks = outcome.samples.iter().map(|sample| sample.desired);
    tasks.max().unwrap_or(0)
}

fn ups(outcome: &Outcome) -> usize {
    let changes = outcome.changes.iter();
    changes.filter(|change| change.is_up()).count()
}

fn print_json(args: &Simulate, fleet: Fleet, outcome: &Outcome, cost: Money) {
    let changes = outcome
        .changes
        .iter()
        .map(|change| json!({ "at_ms": change.at, "from": change.from, "to": change.to }));
    let document = json!({
        "lane": args.lane,
        "jobs": outcome.finished,
        "took_ms": outcome.took,
        "slots": fleet.slots,
        "wait_ms": {
            "p50": outcome.wait(50), "p95": outcome.wait(95), "p99": outcome.wait(99),
            "max": outcome.wait(100),
        },
        "tasks": { "min": args.min, "most": most(outcome), "hours": task_hours(outcome) },
        "cost": { "amount": cost.to_cents(), "currency": cost.currency() },
        "changes": changes.collect::<Vec<_>>(),
        "flaps": outcome.flaps(args.window),
    });
    anstream::println!("{document}");
}

fn print_csv(outcome: &Outcome) {
    anstream::println!("seconds,desired,serving,waiting,backlog_ms,busy_permille");
    for sample in &outcome.samples {
        let Sample {
            at,
            desired,
            serving,
            waiting,
            backlog,
            busy_permille,
        } = sample;
        let seconds = at / 1_000;
        anstream::println!("{seconds},{desired},{serving},{waiting},{backlog},{busy_permille}");
    }
}

fn print(args: &Simulate, fleet: Fleet, outcome: &Outcome, cost: Money) {
    let (jobs, lane, slots) = (outcome.finished, args.lane, fleet.slots);
    let waits = [50, 95, 99, 100].map(|percent| short(outcome.wait(percent)));
    let [p50, p95, p99, max] = waits;
    let (all, up) = (outcome.changes.len(), ups(outcome));
    let flaps = outcome.flaps(args.window);
    let (core, gb) = (args.price.0.to_plain(), args.price.1.to_plain());
    let most = most(outcome);
    anstream::println!("Jobs      {jobs} in {}, lane {lane}", short(outcome.took));
    anstream::println!("Waits     {STRONG}p95 {p95}{STRONG:#}   p50 {p50}   p99 {p99}   max {max}");
    anstream::println!(
        "Tasks     {} to {most}, of {slots} slots; {} task-hours",
        args.min,
        task_hours(outcome)
    );
    anstream::println!(
        "Cost      {} {}   {QUIET}{} millicores and {} MB a task, {core} a core-hour, \
         {gb} a GB-hour{QUIET:#}",
        cost.currency(),
        cost.to_cents(),
        args.cpu,
        args.memory
    );
    anstream::println!(
        "Changes   {up} up, {} down; flapping {flaps}   {QUIET}turns within {}{QUIET:#}\n",
        all - up,
        short(args.window)
    );
    chart(outcome);
}

/// Tasks over time: where something happens if there is too much of it, else everywhere.
fn chart(outcome: &Outcome) {
    let samples = &outcome.samples;
    let most = most(outcome).max(1);
    let each = samples.len().div_ceil(CHART_LINES).max(1);
    anstream::println!(
        "{QUIET}{:>10}  {:>5}  {:>9}{QUIET:#}",
        "AFTER",
        "TASKS",
        "BACKLOG"
    );
    for part in samples.chunks(each) {
        let Some(first) = part.first() else {
            continue;
        };
        let tasks = part.iter().map(|sample| sample.serving).max().unwrap_or(0);
        let backlog = part.iter().map(|sample| sample.backlog).max().unwrap_or(0);
        let bar = usize::try_from((tasks * BAR).div_ceil(most)).unwrap_or(0);
        let (at, backlog) = (short(first.at), short(backlog));
        anstream::println!("{at:>10}  {tasks:>5}  {backlog:>9}  {}", "#".repeat(bar));
    }
}

/// A time as a person reads it.
fn short(ms: Ms) -> String {
    let (seconds, rest) = (ms / 1_000, ms % 1_000);
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", rest / 100),
        60..3_600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{} h {:02} m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}
