//! The command line.

use std::ffi::OsString;

use clap::{Parser, Subcommand};

/// The project's own commands.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_help_subcommand = true
)]
#[command(after_help = "Start with `cargo xtask test`; before a pull request, `cargo xtask ci`.")]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Test(Test),
    Model(Model),
    Prepare(Prepare),
    Faults(Faults),
    /// Check licences, banned crates and sources of every dependency
    #[command(after_help = "Example:\n  cargo xtask licences")]
    Licences,
    Ci(Ci),
}

/// Set up and run every test on a private PostgreSQL.
///
/// PostgreSQL 15 or newer is found on the system or fetched, started on a free port of loopback
/// with fresh data, and stopped at the end. The last line sums every test binary.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask test                       every test
  cargo xtask test --strict              a test that was skipped counts as a failure
  cargo xtask test gate                  tests with `gate` in their name
  cargo xtask test -- --test-threads 1   arguments for the test binaries

PACKTRAIN_PG_BIN names the folder of `postgres` and `initdb` to use; PACKTRAIN_PG_SYSTEM=0 hides
the system's own.")]
pub(crate) struct Test {
    /// Fail when a test was skipped
    #[arg(long)]
    pub(crate) strict: bool,
    /// Only tests with this in their name
    pub(crate) filter: Option<String>,
    /// Arguments for the test binaries
    #[arg(last = true)]
    pub(crate) args: Vec<OsString>,
}

/// Walk the model of the life of jobs, and compare it with PostgreSQL step by step.
///
/// The tests do the same in short. A failure names its seed and world, and the fewest steps that
/// were found to lead to it. Broken variants of the model are listed with what caught them.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask model                                    ten million steps, 50,000 of them compared
  cargo xtask model --seed 7                           other worlds
  cargo xtask model --world 12 --steps 1 --compared 0  one world again")]
pub(crate) struct Model {
    /// Seed of all worlds
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// The first world
    #[arg(long, default_value_t = 0)]
    pub(crate) world: u64,
    /// Steps on the model, at least
    #[arg(long, default_value_t = 10_000_000)]
    pub(crate) steps: u64,
    /// Steps compared with PostgreSQL, at least
    #[arg(long, default_value_t = 50_000)]
    pub(crate) compared: u64,
}

/// Write .sqlx and openapi.json anew from the code.
///
/// The queries of packtrain-store are checked against a private PostgreSQL that has every
/// migration; the API description is printed by the API itself. Do it after a change of SQL,
/// of a route or of a payload, and commit what it writes.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask prepare           write what is out of date
  cargo xtask prepare --check   only say what is out of date")]
pub(crate) struct Prepare {
    /// Write nothing; fail when something is out of date
    #[arg(long)]
    pub(crate) check: bool,
}

/// Break processes on purpose, many times, and count what became of every job.
///
/// The binary is built with the feature `failpoints` and run beside a private PostgreSQL. When a
/// row has all its runs, its counts become a line of docs/reliability.md; a row that was broken off
/// goes on where it was.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask faults --list
  cargo xtask faults --row worker_killed_in_a_job --runs 5
  cargo xtask faults --all --at-once 4")]
pub(crate) struct Faults {
    /// Name the rows
    #[arg(long)]
    pub(crate) list: bool,
    /// A row; may be given many times
    #[arg(long)]
    pub(crate) row: Vec<String>,
    /// Every row
    #[arg(long)]
    pub(crate) all: bool,
    /// How often each [default: 200 where a run takes less than 5 s, else 20]
    #[arg(long)]
    pub(crate) runs: Option<usize>,
    /// Rows at a time, each on a server of its own; more than two for each core disturb each other
    #[arg(long, default_value_t = 1)]
    pub(crate) at_once: usize,
    /// Break an optimised build, for rows with very many jobs
    #[arg(long)]
    pub(crate) release: bool,
}

/// Run everything that a pull request must pass.
///
/// In order: formatting, lints, the thin build, licences, freshness of .sqlx and openapi.json,
/// every test and each fault row once, with none skipped.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cargo xtask ci                stop at the first step that fails
  cargo xtask ci --keep-going   run every step, then say which failed")]
pub(crate) struct Ci {
    /// Run the other steps after one has failed
    #[arg(long)]
    pub(crate) keep_going: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn what_follows_two_dashes_is_for_the_test_binaries() {
        let args = Args::parse_from(["xtask", "test", "--strict", "gate", "--", "--nocapture"]);
        let Command::Test(test) = args.command else {
            panic!("it is the command test");
        };
        assert!(test.strict);
        assert_eq!(test.filter.as_deref(), Some("gate"));
        assert_eq!(test.args, ["--nocapture"]);
    }
}
