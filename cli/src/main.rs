//! The `packtrain` binary: settings and wiring. Every part of the product is a command of it.

mod args;
mod budget;
mod commands;
mod database;
mod demo;
mod failure;
#[cfg(feature = "failpoints")]
mod faulty;
mod log;
mod metrics;
mod process;
mod scale;
mod secrecy;
mod settings;
mod stack;
mod table;
#[cfg(feature = "otel")]
mod telemetry;
#[cfg(not(feature = "otel"))]
#[path = "no_telemetry.rs"]
mod telemetry;
mod terminal;
mod usage;
mod warm;
mod wiring;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::args::{Cli, Command};
use crate::commands::operate;
use crate::failure::{FAILED, Failure};
use crate::settings::Loaded;

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    // The private database's guard must drop its rights before any thread exists.
    match words.nth(1) {
        Some(word) if word == database::GUARD => return guard(words),
        Some(word) if word == stack::GUARD => return stack::guard_main(words),
        _ => {}
    }
    #[cfg(feature = "failpoints")]
    faulty::arm();
    let cli = Cli::parse();
    terminal::choose_colors(cli.global.color);
    match run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.print(cli.global.json),
    }
}

fn guard(words: std::env::ArgsOs) -> ExitCode {
    let Err(error) = packtrain_devdb::guard_main(words);
    anstream::eprintln!("error: {}", packtrain_core::fault::chain(&error));
    ExitCode::from(FAILED)
}

fn run(cli: &Cli) -> Result<(), Failure> {
    let global = &cli.global;
    if let Command::Completions { shell } = &cli.command {
        let mut command = Cli::command();
        clap_complete::generate(*shell, &mut command, "packtrain", &mut std::io::stdout());
        return Ok(());
    }
    let loaded = settings::load(global.config.as_deref(), &flags(cli))?;
    match &cli.command {
        Command::Config(args) => return commands::config::run(global, args, &loaded),
        Command::Report(args) => return commands::report::run(global, args, &loaded.settings),
        Command::Scale(args) => return commands::scale::run(global, args, &loaded.settings),
        _ => {}
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(FAILED, format!("the runtime cannot start: {error}")))?;
    let served = runtime.block_on(serve(cli, &loaded));
    process::leave_threads(runtime);
    served
}

async fn serve(cli: &Cli, loaded: &Loaded) -> Result<(), Failure> {
    let (global, settings) = (&cli.global, &loaded.settings);
    match &cli.command {
        Command::Dev(args) => commands::dev::run(global, args, settings).await,
        Command::Api(args) => commands::api::run(global, args, settings).await,
        Command::Worker(args) => commands::worker::run(global, args, settings).await,
        Command::Scheduler => commands::scheduler::run(global, settings).await,
        Command::Health(args) => commands::health::run(global, args, settings).await,
        Command::Keys(args) => commands::keys::run(global, args, settings).await,
        Command::Migrate(args) => commands::migrate::run(global, args, settings).await,
        Command::Enqueue(args) => commands::enqueue::run(global, args, settings).await,
        Command::Jobs(args) => operate::jobs::run(global, args, settings).await,
        Command::Lanes(args) => operate::lanes::run(global, args, settings).await,
        Command::Dead(args) => operate::dead::run(global, args, settings).await,
        Command::Schedules(args) => operate::schedules::run(global, args, settings).await,
        Command::Workers(args) => operate::workers::run(global, args, settings).await,
        Command::Top(args) => operate::top::run(global, args, settings).await,
        // It holds settings of its own beside these.
        Command::Bench(bench) => Box::pin(commands::bench::run(global, bench, settings)).await,
        Command::Report(_)
        | Command::Scale(_)
        | Command::Config(_)
        | Command::Completions { .. } => Ok(()),
    }
}

/// Flags that stand for settings.
fn flags(cli: &Cli) -> Vec<(&'static str, String)> {
    let mut flags = Vec::new();
    if let Some(dir) = &cli.global.data_dir {
        flags.push(("data.dir", dir.to_string_lossy().into_owned()));
    }
    let listen = match &cli.command {
        Command::Dev(args) => args.listen.clone(),
        Command::Api(args) => args.listen.clone(),
        _ => None,
    };
    flags.extend(listen.map(|address| ("api.listen", address)));
    if let Command::Dev(args) = &cli.command
        && args.stack.contains(&args::Stack::Redis)
    {
        flags.push(("hints.transport", "redis".to_owned()));
    }
    flags
}
