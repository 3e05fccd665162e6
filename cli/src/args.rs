//! The command line.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;

pub(crate) use asked::AskedYear;
pub(crate) use bench::{
    Bench, BenchFair, BenchFuture, BenchHistory, BenchQueue, BenchRescue, BenchSteady, BenchTax,
    BenchWhere,
};
pub(crate) use operate::{
    CausesList, Dead, DeadAction, Jobs, JobsAction, JobsList, Lanes, LanesAction, OfCause,
    ScheduleEditArgs, Schedules, SchedulesAction, Top, Workers, WorkersAction, WorkersList,
};
pub(crate) use scale::{Scale, Simulate};

mod asked;
mod bench;
mod operate;
mod scale;

const EXIT_CODES: &str = "Exit codes: 0 ok; 1 failed; 2 usage; 3 finished with findings under \
--strict; 4 input unreadable; 5 database or server not reachable; 130 interrupted.";

/// Examples at the foot of each command's help.
mod examples {
    pub(super) const DEV: &str = "\
Examples:
  packtrain dev
  packtrain dev --listen 127.0.0.1:9000
  packtrain dev --data-dir try --exit-when-ready
  packtrain dev --stack redis";
    pub(super) const API: &str = "\
Examples:
  packtrain api
  packtrain api --listen 0.0.0.0:7800";
    pub(super) const WORKER: &str = "\
Examples:
  packtrain worker
  packtrain worker --lanes pulse,io";
    pub(super) const SCHEDULER: &str = "\
Example:
  packtrain scheduler";
    pub(super) const HEALTH: &str = "\
Examples:
  packtrain health
  packtrain health --part worker";
    pub(super) const MIGRATE: &str = "\
Examples:
  packtrain migrate
  packtrain migrate --aws
  packtrain migrate --bootstrap-url postgres://postgres:...@db/postgres --database packtrain";
    pub(super) const REPORT: &str = "\
Examples:
  packtrain report trades.csv --country us --year 2025
  packtrain report a.csv b.csv --country us --method hifo --out reports
  packtrain report trades.csv --country us --format json > figures.json
  packtrain report trades.csv --country uk --year 2024-25 --format pdf,forms,xlsx
  packtrain report trades.csv --country de --compare
  packtrain report trades.csv --country us --explain t17
  packtrain report trades.csv --country us --harvest --prices prices.csv
  cat trades.csv | packtrain report - --country us";
    pub(super) const ENQUEUE: &str = "\
Examples:
  packtrain enqueue tax.import --tenant ten_... --payload '{\"file\":\"fil_...\"}'
  packtrain enqueue tax.report --tenant ten_... --payload @request.json --wait
  packtrain enqueue ops.prune --deadline 2027-01-31T18:00:00Z";
    pub(super) const CONFIG: &str = "\
Examples:
  packtrain config show
  packtrain config show --origin";
    pub(super) const COMPLETIONS: &str = "\
Example:
  packtrain completions zsh > _packtrain";
}

/// The job platform behind premium DeFi features: tax reports, alerts, analytics.
#[derive(Debug, Parser)]
#[command(name = "packtrain", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Args)]
pub(crate) struct Global {
    /// Settings file [default: packtrain.toml in this folder, when it is there]
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder for everything kept on this machine [default: .packtrain]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Print JSON: one document, or one line per event for long work
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// No progress on stderr
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// When to use colour; NO_COLOR and CLICOLOR_FORCE are honoured
    #[arg(long, global = true, default_value = "auto")]
    pub(crate) color: Color,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run everything in this process: database, API, workers, upkeep, demo data
    #[command(
        after_help = examples::DEV
    )]
    Dev(Dev),
    /// Serve the API
    #[command(after_help = examples::API)]
    Api(Api),
    /// Run jobs of the given lanes
    #[command(after_help = examples::WORKER)]
    Worker(Worker),
    /// Enqueue what comes by itself; give back what lost workers held; keep the tables in order
    #[command(after_help = examples::SCHEDULER)]
    Scheduler,
    /// Ask a part that runs on this host whether it is well: exit code 0 or not
    #[command(after_help = examples::HEALTH)]
    Health(Health),
    /// Bring the database schema up to date
    #[command(
        after_help = examples::MIGRATE
    )]
    Migrate(Migrate),
    /// Make a tax report straight from files, without a database
    #[command(
        after_help = examples::REPORT
    )]
    Report(Box<Report>),
    /// Enqueue a job of any kind
    #[command(
        after_help = examples::ENQUEUE
    )]
    Enqueue(Enqueue),
    /// List jobs, show one, cancel, retry or discard them
    #[command(after_help = operate::JOBS)]
    Jobs(Jobs),
    /// Show what is in the lanes, pause or resume one
    #[command(after_help = operate::LANES)]
    Lanes(Lanes),
    /// Show dead letters by cause, retry or discard all of one
    #[command(after_help = operate::DEAD)]
    Dead(Dead),
    /// Show the schedules, edit or run one
    #[command(after_help = operate::SCHEDULES)]
    Schedules(Schedules),
    /// Show the workers, ask them to drain
    #[command(after_help = operate::WORKERS)]
    Workers(Workers),
    /// Watch lanes, workers, schedules and dead letters; q ends
    #[command(after_help = operate::TOP)]
    Top(Top),
    /// Measure this machine and this build
    #[command(subcommand, after_help = bench::ALL)]
    Bench(Bench),
    /// Say what a fleet that scales itself would do
    #[command(subcommand, after_help = scale::ALL)]
    Scale(Scale),
    /// Show the settings
    #[command(after_help = examples::CONFIG)]
    Config(Config),
    /// Print a completion script for a shell
    #[command(after_help = examples::COMPLETIONS)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Dev {
    /// Carry hints over this; where the settings name no server, one is started
    #[arg(long, value_delimiter = ',', value_name = "SERVER,...")]
    pub(crate) stack: Vec<Stack>,
    /// Where the API listens [default: 127.0.0.1:7800]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// End as soon as everything is ready and the demo report is there
    #[arg(long)]
    pub(crate) exit_when_ready: bool,
}

/// A server beside PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stack {
    Redis,
}

#[derive(Debug, Args)]
pub(crate) struct Api {
    /// Where the API listens [default: 127.0.0.1:7800]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Worker {
    /// Lanes to serve [default: all]
    #[arg(long, value_delimiter = ',', value_name = "LANE,...")]
    pub(crate) lanes: Vec<packtrain_core::job::Lane>,
}

#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Which part: the API answers where it listens, the others at metrics.listen
    #[arg(long, default_value = "api", value_name = "PART")]
    pub(crate) part: Part,
}

/// A part of the product that runs as a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Part {
    Api,
    Worker,
    Scheduler,
}

#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Superuser's address: makes roles and database first
    #[arg(
        long,
        value_name = "URL",
        env = "PACKTRAIN_BOOTSTRAP_URL",
        hide_env_values = true,
        value_parser = secret
    )]
    pub(crate) bootstrap_url: Option<Secret<String>>,
    /// The database to make with --bootstrap-url
    #[arg(long, default_value = "packtrain", value_name = "NAME")]
    pub(crate) database: String,
    /// Make the queues of the section [sqs] as well, where they are not there yet
    #[arg(long)]
    pub(crate) aws: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Report {
    /// Ledger files; - is standard input
    #[arg(required = true, value_name = "FILES")]
    pub(crate) files: Vec<PathBuf>,
    /// Whose rules hold: us, uk, de, ca, au; second circle, less tested: es, in, jp, it, nl, fr
    #[arg(long)]
    pub(crate) country: packtrain_tax::request::Country,
    /// Tax year to report on, such as 2025 or 2024-25, from that of the first row to that of the
    /// last; may be repeated [default: all]
    #[arg(long = "year", value_name = "YEAR")]
    pub(crate) asked_years: Vec<AskedYear>,
    /// Method: fifo, lifo, hifo, lofo, acb, s104, total_average, portfolio [default: the
    /// country's first]
    #[arg(long)]
    pub(crate) method: Option<packtrain_tax::request::Method>,
    /// Lot scope: wallet, universal [default: the country's rule]
    #[arg(long)]
    pub(crate) scope: Option<packtrain_tax::request::Scope>,
    /// The taxpayer's time zone, such as America/New_York [default: the country's]
    #[arg(long, value_name = "ZONE")]
    pub(crate) timezone: Option<String>,
    /// Option of the country's rules; may be repeated
    #[arg(long = "option", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) options: Vec<(String, String)>,
    /// Folder for the files written
    #[arg(long, default_value = ".", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Only these files [default: pdf,csv,json]; json alone: the figures of all years on standard
    /// output
    #[arg(long = "format", value_delimiter = ',', value_name = "FORMAT,...")]
    pub(crate) formats: Vec<Format>,
    /// Tell the story of one row (its id, or line-N): what it is, what became of it, what is left
    /// of it; and write nothing
    #[arg(long, value_name = "ROW", conflicts_with_all = ["formats", "diff", "compare"])]
    pub(crate) explain: Option<String>,
    /// Tell what changed since an earlier report (its JSON), in the years of both that are asked
    /// for; and write nothing
    #[arg(long, value_name = "OLD.json", conflicts_with_all = ["formats", "compare"])]
    pub(crate) diff: Option<PathBuf>,
    /// Show what each method of the country would give, and write nothing
    #[arg(long, conflicts_with_all = ["formats", "method"])]
    pub(crate) compare: bool,
    /// Show what is open lot by lot, the greatest loss first, valued today or on DAY
    #[arg(long, value_name = "DAY", num_args = 0..=1, require_equals = true,
        default_missing_value = "today", value_parser = day,
        conflicts_with_all = ["formats", "explain", "diff", "compare"])]
    pub(crate) harvest: Option<Day>,
    /// Prices for rows without a value: CSV with the columns date, asset, currency, price
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    /// Which unused lots go to which wallet on 1 January 2025 (us): CSV with the columns asset,
    /// lot, wallet, quantity
    #[arg(long, value_name = "FILE")]
    pub(crate) allocation: Option<PathBuf>,
    /// How files of no known source are read: a small TOML file, kept for next time
    #[arg(long = "map", value_name = "FILE")]
    pub(crate) maps: Vec<PathBuf>,
    /// Answers to findings of earlier reports: a small TOML file
    #[arg(long = "settle", value_name = "FILE")]
    pub(crate) settle: Option<PathBuf>,
    /// Zone of a file's times, where they name none, such as kraken.csv=Europe/Berlin
    #[arg(long = "file-timezone", value_name = "FILE=ZONE", value_parser = key_value)]
    pub(crate) file_timezones: Vec<(String, String)>,
    /// Wallet of a file's rows, where the file names none; its address for a file of a chain
    #[arg(long = "file-wallet", value_name = "FILE=WALLET", value_parser = key_value)]
    pub(crate) file_wallets: Vec<(String, String)>,
    /// Coin in which a chain's fees are paid, where the file does not name it: scan.csv=ETH
    #[arg(long = "file-coin", value_name = "FILE=COIN", value_parser = key_value)]
    pub(crate) file_coins: Vec<(String, String)>,
    /// A currency's code that is the symbol of a coin in these files, such as RON
    #[arg(long = "coin", value_name = "CODE")]
    pub(crate) coins: Vec<String>,
    /// A coin's symbol that is a currency in these files, such as GEL
    #[arg(long = "money", value_name = "CODE")]
    pub(crate) money: Vec<String>,
    /// Leave out rows that cannot be read, and list them
    #[arg(long)]
    pub(crate) skip_bad_rows: bool,
    /// Exit with 3 when anything needs checking
    #[arg(long)]
    pub(crate) strict: bool,
}

impl Report {
    /// Whether a question is answered in place of writing files.
    pub(crate) const fn writes_nothing(&self) -> bool {
        self.explain.is_some() || self.diff.is_some() || self.compare || self.harvest.is_some()
    }

    /// Whether standard output is taken by the figures.
    pub(crate) fn prints_figures(&self) -> bool {
        self.formats == [Format::Json]
    }

    /// Whether such a file is written: without a choice, the report, its lines and its figures.
    pub(crate) fn writes(&self, format: Format) -> bool {
        match self.formats.as_slice() {
            [] => matches!(format, Format::Pdf | Format::Csv | Format::Json),
            chosen => chosen.contains(&format),
        }
    }
}

/// A day in the taxpayer's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Day {
    Today,
    On(chrono::NaiveDate),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// The report to read and print
    Pdf,
    /// A line for each pair of disposal and lot
    Csv,
    /// All figures
    Json,
    /// The files for the return, such as Form 8949, for each year
    Forms,
    /// The audit log, a workbook
    Xlsx,
}

#[derive(Debug, Args)]
pub(crate) struct Enqueue {
    /// The kind, such as tax.import
    pub(crate) kind: String,
    /// The payload: JSON, @FILE, or - for standard input
    #[arg(long, default_value = "{}", value_name = "JSON")]
    pub(crate) payload: String,
    /// Whose job it is [default: the platform's own tenant]
    #[arg(long)]
    pub(crate) tenant: Option<packtrain_core::ids::TenantId>,
    /// How soon within its lane: 0 first, 9 last
    #[arg(long, value_parser = clap::value_parser!(u8).range(0..=9))]
    pub(crate) priority: Option<u8>,
    /// Not before so many seconds from now
    #[arg(long, value_name = "SECONDS")]
    pub(crate) delay: Option<u32>,
    /// Expires when not started by this time, such as 2027-01-31T18:00:00Z
    #[arg(long, value_name = "TIME")]
    pub(crate) deadline: Option<Timestamp>,
    /// Wait for its end, and exit with 1 when it did not succeed
    #[arg(long)]
    pub(crate) wait: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Config {
    #[command(subcommand)]
    pub(crate) command: ConfigCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting; passwords are hidden
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

fn secret(text: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

fn day(text: &str) -> Result<Day, String> {
    match text {
        "today" => Ok(Day::Today),
        date => date
            .parse()
            .map(Day::On)
            .map_err(|_| "expected a day such as 2025-12-31".to_owned()),
    }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("expected KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn every_example_of_the_help_can_be_typed() {
        let all = [
            examples::DEV,
            examples::API,
            examples::WORKER,
            examples::SCHEDULER,
            examples::MIGRATE,
            examples::REPORT,
            examples::CONFIG,
            examples::COMPLETIONS,
            examples::ENQUEUE,
            bench::ALL,
            bench::QUEUE,
            bench::FAIR,
            bench::RESCUE,
            bench::STEADY,
            bench::FUTURE,
            bench::HISTORY,
            bench::TAX,
            operate::JOBS,
            operate::LANES,
            operate::DEAD,
            operate::SCHEDULES,
            operate::WORKERS,
            operate::TOP,
        ];
        // Ids stand shortened in examples.
        let digits = "00000000000070008000000000000000";
        let whole = ["_0190...", "_0191...", "_..."]
            .iter()
            .fold(all.join("\n"), |text, short| {
                text.replace(short, &format!("_{digits}"))
            });
        for line in whole.lines() {
            let Some(typed) = line.trim().split("packtrain ").nth(1) else {
                continue;
            };
            let words = words(typed.split(" > ").next().unwrap());
            let words = ["packtrain".to_owned()].into_iter().chain(words);
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
        }
    }

    /// Words as a shell makes them: what stands in single quotes is one.
    fn words(typed: &str) -> Vec<String> {
        let mut words = vec![];
        for (place, part) in typed.split('\'').enumerate() {
            match place % 2 {
                0 => words.extend(part.split_whitespace().map(str::to_owned)),
                _ => words.push(part.to_owned()),
            }
        }
        words
    }

    #[test]
    fn the_superusers_password_does_not_show_when_the_arguments_are_printed() {
        let url = "postgres://postgres:hunter2@localhost/postgres";
        let words = ["packtrain", "migrate", "--bootstrap-url", url];
        let printed = format!("{:?}", Cli::try_parse_from(words).unwrap());
        assert!(printed.contains("bootstrap_url: Some(***)"), "{printed}");
        assert!(!printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn the_command_line_is_consistent_and_every_command_shows_an_example() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        for command in cli.get_subcommands() {
            let name = command.get_name();
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            assert!(
                name == "help" || help.contains("Example"),
                "{name} shows no example"
            );
        }
    }
}
