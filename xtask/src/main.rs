//! The project's own commands: `cargo xtask test`, `model`, `faults`, `prepare`, `licences`, `ci`.

#![expect(
    clippy::print_stdout,
    reason = "a command line tool: what it finds goes to standard output"
)]

mod args;
mod ci;
mod faults;
mod licences;
mod model;
mod postgres;
mod prepare;
mod programs;
mod queries;
mod released;
mod site;
mod tally;
mod test;

use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;

use crate::args::{Args, Command};
use crate::site::{Interrupted, Site};

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    // Before any thread starts: the process is about to become the private PostgreSQL.
    if words.nth(1).is_some_and(|word| word == postgres::GUARD) {
        let Err(error) = packtrain_devdb::guard_main(words);
        eprintln!("error: {:#}", anyhow::Error::from(error));
        return ExitCode::FAILURE;
    }
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("interrupted");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not be started")?;
    runtime.block_on(async {
        let (site, signals) = Site::open()?;
        let work = async {
            match args.command {
                Command::Test(wanted) => test::command(&site, &wanted).await,
                Command::Model(wanted) => model::run(&site, &wanted).await,
                Command::Prepare(wanted) => prepare::run(&site, wanted.check).await,
                Command::Faults(wanted) => faults::run(&site, &wanted).await,
                Command::Licences => licences::run(&site).await,
                Command::Ci(wanted) => ci::run(&site, wanted.keep_going).await,
            }
        };
        tokio::select! {
            done = work => done,
            lost = signals.listen() => lost,
        }
    })
}
