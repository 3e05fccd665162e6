//! What `packtrain scale` is asked.

use std::path::PathBuf;

use clap::{Args, Subcommand, value_parser};
use packtrain_core::job::Lane;
use packtrain_core::money::{Currency, Money};

use crate::scale::Ms;

pub(super) const ALL: &str = "\
Example:
  packtrain scale simulate examples/arrivals/market-crash.csv --slots 2";
pub(super) const SIMULATE: &str = "\
Examples:
  packtrain scale simulate examples/arrivals/market-crash.csv --lane pulse --slots 2
  packtrain scale simulate examples/arrivals/tax-season.csv --lane cpu --slots 2 \\
      --service-ms 20000 --target 5m
  packtrain scale simulate arrivals.csv --min 4 --max 20 --csv > tasks.csv

The file has the columns time (whole seconds, or times such as 2026-01-31T18:00:00Z), count, and
perhaps service_ms. Jobs of a line arrive evenly until the next time.";

#[derive(Debug, Subcommand)]
pub(crate) enum Scale {
    /// Replay arrivals through a fleet that scales itself: waits, tasks, cost
    #[command(after_help = SIMULATE)]
    Simulate(Box<Simulate>),
}

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// The arrivals
    #[arg(value_name = "ARRIVALS.csv")]
    pub(crate) file: PathBuf,
    /// Whose slots a task has, unless --slots says how many
    #[arg(long, default_value = "notify")]
    pub(crate) lane: Lane,
    /// The backlog that is aimed at
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) target: Ms,
    /// The share of busy slots that is aimed at, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 70,
        value_parser = value_parser!(u64).range(1..=100))]
    pub(crate) busy: u64,
    /// Tasks, at least
    #[arg(long, value_name = "TASKS", default_value_t = 2,
        value_parser = value_parser!(u64).range(..=1_000))]
    pub(crate) min: u64,
    /// Tasks, at most
    #[arg(long, value_name = "TASKS", default_value_t = 50,
        value_parser = value_parser!(u64).range(1..=1_000))]
    pub(crate) max: u64,
    /// Jobs that a task runs at once [default: the lane's setting]
    #[arg(long, value_parser = value_parser!(u64).range(1..=100_000))]
    pub(crate) slots: Option<u64>,
    /// How long a job holds its slot, where the file does not say
    #[arg(long, value_name = "MS", default_value_t = 25,
        value_parser = value_parser!(u64).range(..=86_400_000))]
    pub(crate) service_ms: u64,
    /// From the decision for a task to its first job
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = time)]
    pub(crate) start: Ms,
    /// How often the figures are read
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub(crate) metric_period: Ms,
    /// Periods above a target before tasks are added
    #[arg(long, value_name = "PERIODS", default_value_t = 3)]
    pub(crate) out_after: u32,
    /// Periods below both targets before tasks are taken away
    #[arg(long, value_name = "PERIODS", default_value_t = 15,
        value_parser = value_parser!(u32).range(1..=1_000))]
    pub(crate) in_after: u32,
    /// How long tasks that were added count as on their way
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = time)]
    pub(crate) scale_out: Ms,
    /// How long after a change no task is taken away
    #[arg(long, value_name = "TIME", default_value = "300s", value_parser = time)]
    pub(crate) scale_in: Ms,
    /// Within how long two turns of direction count as flapping
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time)]
    pub(crate) window: Ms,
    /// Thousandths of a core of a task
    #[arg(long, value_name = "MILLICORES", default_value_t = 2_000)]
    pub(crate) cpu: u32,
    /// Memory of a task, in MB
    #[arg(long, value_name = "MB", default_value_t = 4_096)]
    pub(crate) memory: u32,
    /// Dollars for an hour of a core and of a GB; the default is Fargate's list price for Linux on
    /// ARM in us-east-1, as read in November 2026
    #[arg(long, value_name = "CORE,GB", default_value = "0.03238,0.00356", value_parser = prices)]
    pub(crate) price: (Money, Money),
    /// Print every period as a line of CSV
    #[arg(long, conflicts_with = "json")]
    pub(crate) csv: bool,
}

/// A time such as `250ms`, `30s`, `5m` or `1h`; a day at most.
fn time(text: &str) -> Result<Ms, String> {
    let end = text.find(|letter: char| !letter.is_ascii_digit());
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let each = match unit {
        "ms" => 1,
        "" | "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => 0,
    };
    let ms = number.parse::<Ms>().ok().and_then(|n| n.checked_mul(each));
    ms.filter(|ms| (1..=86_400_000).contains(ms))
        .ok_or_else(|| format!("{text:?} is no time such as 250ms, 30s, 5m or 1h"))
}

fn prices(text: &str) -> Result<(Money, Money), String> {
    let refused = || format!("{text:?} is not two amounts such as 0.03238,0.00356");
    let (core, gb) = text.split_once(',').ok_or_else(refused)?;
    let usd = |text: &str| {
        let price = Money::parse(text.trim(), Currency::USD).map_err(|_| refused())?;
        (!price.is_negative()).then_some(price).ok_or_else(refused)
    };
    Ok((usd(core)?, usd(gb)?))
}
