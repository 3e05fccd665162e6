//! What `packtrain bench` is asked.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::builder::RangedU64ValueParser;
use clap::{Args, Subcommand, value_parser};
use packtrain_core::secret::Secret;

pub(super) const ALL: &str = "\
Examples:
  packtrain bench queue
  packtrain bench rescue
  packtrain bench steady --seconds 60
  packtrain bench history --jobs 1000000 --json
  packtrain bench alerts --alerts 20000
  packtrain bench tax";
pub(super) const QUEUE: &str = "\
Examples:
  packtrain bench queue
  packtrain bench queue --jobs 20000 --slots 256 --json
  PACKTRAIN_HINTS_TRANSPORT=redis PACKTRAIN_REDIS_URL=redis://127.0.0.1:6379 packtrain bench queue
  PACKTRAIN_BENCH_SERVER=postgres://postgres:...@127.0.0.1/postgres packtrain bench queue";
pub(super) const START: &str = "\
Examples:
  packtrain bench start
  packtrain bench start --starts 100 --idle-s 60 --json";
pub(super) const FAIR: &str = "\
Examples:
  packtrain bench fair
  packtrain bench fair --seconds 20";
pub(super) const RESCUE: &str = "\
Examples:
  packtrain bench rescue
  packtrain bench rescue --rounds 20 --patience-ms 1500 --json";
pub(super) const STEADY: &str = "\
Examples:
  packtrain bench steady
  packtrain bench steady --seconds 60 --every 10
  packtrain bench steady --rate 2000 --no-snapshot --json";
pub(super) const FUTURE: &str = "\
Examples:
  packtrain bench future
  packtrain bench future --jobs 100000 --json";
pub(super) const HISTORY: &str = "\
Examples:
  packtrain bench history
  packtrain bench history --jobs 1000000 --rounds 50 --json";
pub(super) const ALERTS: &str = "\
Examples:
  packtrain bench alerts
  packtrain bench alerts --ticks 0 --alerts 20000 --rate 200
  packtrain bench alerts --alerts 0 --rules 1000 --json";
pub(super) const LIVE: &str = "\
Examples:
  packtrain bench live
  packtrain bench live --clients 1000 --rounds 50 --json";
pub(super) const ANALYTICS: &str = "\
Examples:
  packtrain bench analytics
  packtrain bench analytics --series 700 --json";
pub(super) const TAX: &str = "\
Examples:
  packtrain bench tax
  packtrain bench tax --rows 100000 --rounds 5 --json
  packtrain bench tax --write ledgers";

#[derive(Debug, Subcommand)]
pub(crate) enum Bench {
    /// How fast jobs go in and out, and what one costs
    #[command(after_help = QUEUE)]
    Queue(BenchQueue),
    /// How soon a worker that is started has its first job, and what idle parts hold in memory
    #[command(after_help = START)]
    Start(BenchStart),
    /// What a tenant that asks for little notices of one that floods its lane
    #[command(after_help = FAIR)]
    Fair(BenchFair),
    /// How soon the jobs of a killed worker are claimed again
    #[command(after_help = RESCUE)]
    Rescue(BenchRescue),
    /// Depth and claim time under a steady load, beside a snapshot that is held open
    #[command(after_help = STEADY)]
    Steady(BenchSteady),
    /// Claim time with many jobs that are due later, against none
    #[command(after_help = FUTURE)]
    Future(BenchFuture),
    /// How fast operators list, filter and read among many finished jobs: with the default of ten
    /// million some minutes, and 10 GB of disk
    #[command(after_help = HISTORY)]
    History(BenchHistory),
    /// How soon people are told of a price, by leg, and a day of alerts at an even pace: with the
    /// defaults about nine minutes
    #[command(after_help = ALERTS)]
    Alerts(BenchAlerts),
    /// How soon very many clients of live streams hear of a thing, and what they hold in memory
    #[command(after_help = LIVE)]
    Live(BenchLive),
    /// How fast a month of hourly figures is loaded, made into days, weeks and a month, and read
    #[command(after_help = ANALYTICS)]
    Analytics(BenchAnalytics),
    /// How fast tax reports are made of ledgers of all shapes and sizes
    #[command(after_help = TAX)]
    Tax(BenchTax),
}

/// One or more.
fn some() -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(1..)
}

/// An address that holds a password is not shown.
fn secret(text: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

/// Which server is measured.
#[derive(Debug, Clone, Args)]
pub(crate) struct BenchWhere {
    /// Superuser's address of a server to measure on: a database is made there, and dropped with
    /// its roles [default: a private server of its own]. Rather set the variable: others on this
    /// machine can read what a command was given
    #[arg(
        long,
        value_name = "URL",
        env = "PACKTRAIN_BENCH_SERVER",
        hide_env_values = true,
        value_parser = secret
    )]
    pub(crate) server: Option<Secret<String>>,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchQueue {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Jobs to enqueue in bulk and to drain; a fifth of it one a call, and with a commit each
    #[arg(long, default_value_t = 100_000, value_name = "N",
        value_parser = RangedU64ValueParser::<usize>::new().range(5..))]
    pub(crate) jobs: usize,
    /// Producers that enqueue one job a call
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = some())]
    pub(crate) producers: usize,
    /// Jobs that the worker runs at once
    #[arg(long, default_value_t = 2048, value_name = "N", value_parser = some())]
    pub(crate) slots: usize,
    /// Jobs that the worker runs at once where each has a commit of its own
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = some())]
    pub(crate) slots_each: usize,
    /// Commits under way at once where each job has one of its own
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = some())]
    pub(crate) commits: usize,
    /// Jobs of the idle figure
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = some())]
    pub(crate) idle: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchStart {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Workers to start, one after the other
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = some())]
    pub(crate) starts: usize,
    /// How long the parts are idle before their memory is read
    #[arg(long, default_value_t = 30, value_name = "S",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) idle_s: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchFair {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Jobs of the flood
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = some())]
    pub(crate) jobs: usize,
    /// How long each job holds its slot, in milliseconds
    #[arg(long, default_value_t = 5, value_name = "MS",
        value_parser = value_parser!(u32).range(0..=10_000))]
    pub(crate) hold_ms: u32,
    /// Jobs that the worker runs at once
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = some())]
    pub(crate) slots: usize,
    /// How long each of the two is measured
    #[arg(long, default_value_t = 30, value_name = "S",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchRescue {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Workers to kill, with the default patience and again with a lane's own
    #[arg(long, default_value_t = 10, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Jobs that each of them holds
    #[arg(long, default_value_t = 8, value_name = "N",
        value_parser = value_parser!(u32).range(1..=64))]
    pub(crate) jobs: u32,
    /// The patience that the lane asks for, in milliseconds
    #[arg(long, default_value_t = 1_000, value_name = "MS",
        value_parser = value_parser!(u64).range(500..))]
    pub(crate) patience_ms: u64,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchSteady {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// How long
    #[arg(long, default_value_t = 600, value_name = "S",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) seconds: u32,
    /// Jobs a second
    #[arg(long, default_value_t = 1_000, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// A row of the table for so many seconds
    #[arg(long, default_value_t = 60, value_name = "S",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) every: u32,
    /// Jobs that the worker runs at once
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = some())]
    pub(crate) slots: usize,
    /// Hold no snapshot open, to compare
    #[arg(long)]
    pub(crate) no_snapshot: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchFuture {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Jobs that are due later
    #[arg(long, default_value_t = 1_000_000, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) jobs: u32,
    /// Claims to measure, of each kind
    #[arg(long, default_value_t = 400, value_name = "N", value_parser = some())]
    pub(crate) claims: usize,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchHistory {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Finished jobs
    #[arg(long, default_value_t = 10_000_000, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) jobs: u32,
    /// How often each question is asked
    #[arg(long, default_value_t = 20, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchAlerts {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Rules that fire at one tick
    #[arg(long, default_value_t = 1_000, value_name = "N",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=10_000))]
    pub(crate) rules: usize,
    /// Ticks to measure leg by leg; 0: none
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) ticks: u32,
    /// Alerts to replay; 0: none
    #[arg(long, default_value_t = 375_000, value_name = "N")]
    pub(crate) alerts: usize,
    /// Alerts a second in the first half of the replay; in the second half twice as many
    #[arg(long, default_value_t = 625, value_name = "N",
        value_parser = value_parser!(u32).range(5..=10_000))]
    pub(crate) rate: u32,
    /// Tenants whose rules they are
    #[arg(long, default_value_t = 100, value_name = "N",
        value_parser = RangedU64ValueParser::<usize>::new().range(4..))]
    pub(crate) tenants: usize,
    /// Messages that the worker hands over at once
    #[arg(long, default_value_t = 32, value_name = "N", value_parser = some())]
    pub(crate) slots: usize,
    /// A row of the table for so many seconds
    #[arg(long, default_value_t = 30, value_name = "S",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) every: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchLive {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Clients; each takes an open file here and one in the API
    #[arg(long, default_value_t = 10_000, value_name = "N",
        value_parser = RangedU64ValueParser::<usize>::new().range(1..=16_000))]
    pub(crate) clients: usize,
    /// Snapshots of gas that all of them are told
    #[arg(long, default_value_t = 20, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchAnalytics {
    #[command(flatten)]
    pub(crate) at: BenchWhere,
    /// Series, each with 720 hours
    #[arg(long, default_value_t = 7_000, value_name = "N",
        value_parser = value_parser!(u32).range(1..=20_000))]
    pub(crate) series: u32,
    /// How often each question is asked
    #[arg(long, default_value_t = 500, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct BenchTax {
    /// Rows of the largest ledger [default: 1000000]; with --write, of each [default: 10000]
    #[arg(long, value_name = "N", value_parser = value_parser!(u32).range(100..))]
    pub(crate) rows: Option<u32>,
    /// How often each is made; the middle one counts
    #[arg(long, default_value_t = 3, value_name = "N",
        value_parser = value_parser!(u32).range(1..))]
    pub(crate) rounds: u32,
    /// Write ledgers for other programs into this folder, and measure nothing
    #[arg(long, value_name = "DIR")]
    pub(crate) write: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Bench;
    use crate::args::{Cli, Command};

    fn typed(words: &str) -> Result<Cli, clap::Error> {
        Cli::try_parse_from(["packtrain", "bench"].into_iter().chain(words.split(' ')))
    }

    #[test]
    fn a_bench_of_nothing_is_refused() {
        for words in [
            "queue --jobs 0",
            "queue --idle 0",
            "queue --slots 0",
            "start --starts 0",
            "start --idle-s 0",
            "fair --seconds 0",
            "fair --hold-ms 10001",
            "rescue --rounds 0",
            "rescue --patience-ms 499",
            "steady --seconds 0",
            "steady --rate 0",
            "future --claims 0",
            "history --jobs 0",
            "alerts --rules 0",
            "alerts --rate 4",
            "live --clients 0",
            "live --clients 16001",
            "analytics --series 0",
            "tax --rows 99",
            "tax --rounds 0",
        ] {
            assert!(typed(words).is_err(), "{words}");
        }
        assert!(typed("rescue --rounds 100 --patience-ms 500").is_ok());
    }

    #[test]
    fn the_superusers_address_is_not_shown() {
        let cli = typed("queue --server postgres://postgres:hush@127.0.0.1/postgres").unwrap();
        assert!(!format!("{cli:?}").contains("hush"));
        let Command::Bench(Bench::Queue(args)) = cli.command else {
            panic!("queue was typed");
        };
        let server = args.at.server.unwrap();
        assert!(server.reveal().contains("hush"));
    }
}
