//! The command line.

use std::convert::Infallible;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;

pub(crate) use asked::AskedYear;
pub(crate) use bench::{
    Bench, BenchAlerts, BenchAnalytics, BenchFair, BenchFuture, BenchHistory, BenchLive,
    BenchQueue, BenchRescue, BenchStart, BenchSteady, BenchTax, BenchWhere,
};
pub(crate) use keys::{Keys, KeysAction, NewKey};
pub(crate) use operate::{
    CausesList, Dead, DeadAction, Jobs, JobsAction, JobsList, Lanes, LanesAction, OfDead,
    ScheduleEditArgs, Schedules, SchedulesAction, Top, Workers, WorkersAction, WorkersList,
};
pub(crate) use report::{Day, Format, Report};
pub(crate) use scale::{Scale, Simulate};

mod asked;
mod bench;
mod examples;
mod keys;
mod operate;
mod report;
mod scale;

const EXIT_CODES: &str = "Exit codes: 0 ok; 1 failed; 2 usage; 3 finished with findings under \
--strict; 4 input unreadable; 5 database or server not reachable; 130 interrupted.";

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
#[command(next_help_heading = "Global options")]
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
    #[command(after_help = examples::DEV)]
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
    #[command(after_help = examples::MIGRATE)]
    Migrate(Migrate),
    /// Make, list and revoke keys of the API
    #[command(after_help = examples::KEYS)]
    Keys(Keys),
    /// Make a tax report straight from files, without a database
    #[command(after_help = report::REPORT)]
    Report(Box<Report>),
    /// Enqueue a job of any kind
    #[command(after_help = examples::ENQUEUE)]
    Enqueue(Enqueue),
    /// List jobs, show one, cancel, retry or discard them
    #[command(after_help = examples::JOBS)]
    Jobs(Jobs),
    /// Show what is in the lanes, pause or resume one
    #[command(after_help = examples::LANES)]
    Lanes(Lanes),
    /// Show dead letters by cause, retry or discard all of one
    #[command(after_help = examples::DEAD)]
    Dead(Dead),
    /// Show the schedules, edit or run one
    #[command(after_help = examples::SCHEDULES)]
    Schedules(Schedules),
    /// Show the workers, ask them to drain
    #[command(after_help = examples::WORKERS)]
    Workers(Workers),
    /// Watch lanes, workers, schedules and dead letters; q ends
    #[command(after_help = examples::TOP)]
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
    /// Stand on these as a fleet does; where the settings name no server, one is started.
    /// With both, Redis carries the hints, and only files lie with AWS
    #[arg(long, value_delimiter = ',', value_name = "SERVER,...")]
    pub(crate) stack: Vec<Stack>,
    /// Where the API listens [default: 127.0.0.1:7800]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<String>,
    /// End as soon as everything is ready and the demo report is there
    #[arg(long)]
    pub(crate) exit_when_ready: bool,
    /// Run no jobs and make no demo report: jobs wait, and hints lie, until `packtrain worker`
    /// beside it takes them
    #[arg(long, conflicts_with = "exit_when_ready")]
    pub(crate) no_worker: bool,
    /// Read chains from the nodes that the settings name, and prices from DefiLlama, and not from
    /// records
    #[arg(long)]
    pub(crate) live: bool,
    /// Write down what those nodes and DefiLlama answer, in an empty folder, without the keys in
    /// their addresses
    #[arg(long, value_name = "FOLDER", requires = "live")]
    pub(crate) record: Option<PathBuf>,
    /// Read what was recorded into a folder, and not the records that packtrain brings along
    #[arg(long, value_name = "FOLDER", conflicts_with = "live")]
    pub(crate) replay: Option<PathBuf>,
    /// Let the recorded hosts fail, to see how the rest bears it: late, busy, bad-gateway,
    /// truncated or nulls
    #[arg(long, value_name = "FAULT", conflicts_with = "live")]
    pub(crate) feed_fault: Option<packtrain_feeds::Fault>,
}

/// A server beside PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stack {
    /// Hints over Redis; one of its own unless redis.url names one
    Redis,
    /// Hints over SQS and files in S3; moto unless the settings name a server, queues or a bucket
    Aws,
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
    /// Which part: the API answers where it listens, the others at metrics.listen; without it,
    /// whichever of them answers
    #[arg(long, value_name = "PART")]
    pub(crate) part: Option<Part>,
    /// Ask whether it is ready, and not only whether it lives: that needs the database
    #[arg(long)]
    pub(crate) ready: bool,
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
    /// Make the queues of the section [sqs] and the bucket of [s3] as well, where the settings use
    /// them and they are not there yet
    #[arg(long)]
    pub(crate) aws: bool,
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
    #[command(after_help = examples::CONFIG)]
    Show {
        /// Say where each value comes from
        #[arg(long)]
        origin: bool,
    },
}

fn secret(text: &str) -> Result<Secret<String>, Infallible> {
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use clap::{Command, CommandFactory};

    use super::{Cli, Parser};

    /// Every command, with the words by which it is called, from `packtrain` itself on.
    fn tree() -> Vec<(String, Command)> {
        let mut cli = Cli::command();
        cli.build();
        let mut found = vec![("packtrain".to_owned(), cli)];
        let mut at = 0;
        while let Some((words, command)) = found.get(at) {
            let below: Vec<_> = command
                .get_subcommands()
                .filter(|below| below.get_name() != "help")
                .map(|below| (format!("{words} {}", below.get_name()), below.clone()))
                .collect();
            found.extend(below);
            at += 1;
        }
        found
    }

    /// What a command's help says at its foot.
    fn foot(command: &Command) -> String {
        let foot = command.get_after_help();
        foot.map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn every_example_of_the_help_can_be_typed() {
        let feet: Vec<String> = tree().iter().map(|(_, command)| foot(command)).collect();
        // Ids stand shortened in examples, and a command may go on in the next line.
        let digits = "00000000000070008000000000000000";
        let whole = ["_0190...", "_0191...", "_..."]
            .iter()
            .fold(feet.join("\n"), |text, short| {
                text.replace(short, &format!("_{digits}"))
            })
            .replace("\\\n", " ");
        let mut count = 0;
        for line in whole.lines().filter(|line| line.starts_with("  ")) {
            let Some(typed) = line.trim().split("packtrain ").nth(1) else {
                continue;
            };
            let words = words(typed.split(" > ").next().unwrap());
            let words = ["packtrain".to_owned()].into_iter().chain(words);
            assert!(Cli::try_parse_from(words).is_ok(), "{line}");
            count += 1;
        }
        assert!(count > 100, "only {count} examples were found");
    }

    #[test]
    fn every_command_shows_an_example_and_one_that_has_no_others_below_it_one_of_itself() {
        Cli::command().debug_assert();
        for (words, command) in tree().iter().skip(1) {
            let foot = foot(command);
            let Some((_, examples)) = foot.split_once("Example") else {
                panic!("{words} shows no example");
            };
            let is_leaf = command.get_subcommands().next().is_none();
            assert!(!is_leaf || examples.contains(words), "{words}: {examples}");
        }
    }

    #[test]
    fn what_every_command_understands_stands_under_a_heading_of_its_own() {
        for (words, mut command) in tree() {
            let help = command.render_help().to_string();
            let Some((own, of_all)) = help.split_once("\nGlobal options:\n") else {
                panic!("{words} has no such heading");
            };
            let is_own = |option: &str| {
                let mut lines = own.lines().map(str::trim_start);
                lines.any(|line| line.trim_start_matches("-q, ").starts_with(option))
            };
            for option in ["--config", "--data-dir", "--json", "--quiet", "--color"] {
                let is_there = of_all.contains(option);
                assert!(is_there && !is_own(option), "{words}: {option}");
            }
        }
    }

    /// Words as a shell makes them: what stands in quotes is one.
    fn words(typed: &str) -> Vec<String> {
        let (mut words, mut word, mut quote) = (vec![], String::new(), None);
        for letter in typed.chars() {
            match (letter, quote) {
                (letter, Some(open)) if letter == open => quote = None,
                ('\'' | '"', None) => quote = Some(letter),
                (' ', None) => words.push(std::mem::take(&mut word)),
                _ => word.push(letter),
            }
        }
        words.push(word);
        words.retain(|word| !word.is_empty());
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
}
