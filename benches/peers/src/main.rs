//! The figures of `packtrain bench` beside those of other queues on PostgreSQL: on one private
//! server, one after the other, each in a database of its own, medians of several rounds.

mod awa;
mod came;
mod graphile;
mod measure;
mod meter;
mod packtrain;
mod probe;
mod server;
mod table;
mod work;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand, ValueEnum};

use crate::measure::Peer;

/// The hidden subcommand that becomes the private server.
const GUARD: &str = "pg-guard";

/// Measures packtrain and its peers on one private PostgreSQL with fsync on.
#[derive(Debug, Parser)]
#[command(name = "packtrain-peers")]
struct Cli {
    #[command(flatten)]
    asked: Asked,
    #[command(subcommand)]
    part: Option<Part>,
}

/// What is measured.
#[derive(Debug, Clone, clap::Args)]
struct Asked {
    /// Jobs to enqueue in bulk and to drain; a fifth of it one a call
    #[arg(long, default_value_t = 100_000,
        value_parser = RangedU64ValueParser::<usize>::new().range(5..))]
    jobs: usize,
    /// Rounds; the table shows medians
    #[arg(long, default_value_t = 3,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    rounds: usize,
    /// Jobs of the idle figure
    #[arg(long, default_value_t = 300,
        value_parser = RangedU64ValueParser::<usize>::new().range(1..))]
    idle: usize,
    /// How long a part of a round may take, in seconds: the table says what was left then
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    limit: u64,
    /// How long a peer may take to run the jobs of a killed worker again, in seconds
    #[arg(long, default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    rescue_limit: u64,
    /// Only these
    #[arg(long, value_delimiter = ',')]
    only: Vec<Which>,
    /// The packtrain program [default: built from this repository]
    #[arg(long)]
    packtrain: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl Asked {
    fn wants(&self, which: Which) -> bool {
        self.only.is_empty() || self.only.contains(&which)
    }

    fn peers(&self) -> Vec<Peer> {
        let all = [(Which::Graphile, Peer::Graphile), (Which::Awa, Peer::Awa)];
        let wanted = all.into_iter().filter(|(which, _)| self.wants(*which));
        wanted.map(|(_, peer)| peer).collect()
    }
}

/// A queue that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    Packtrain,
    Graphile,
    Awa,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// A worker process of a peer
    #[command(hide = true)]
    Work(work::Work),
}

fn main() -> ExitCode {
    let mut words = std::env::args_os();
    // The server's guard must drop its rights before any thread exists.
    if words.nth(1).is_some_and(|word| word == GUARD) {
        let Err(error) = packtrain_devdb::guard_main(words);
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    let cli = Cli::parse();
    match run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[tokio::main]
async fn run(cli: Cli) -> Result<()> {
    if let Some(Part::Work(work)) = cli.part {
        return work::run(work).await;
    }
    let asked = cli.asked;
    let program = match (&asked.packtrain, asked.wants(Which::Packtrain)) {
        (Some(program), _) => program.clone(),
        (None, true) => packtrain::build().await?,
        (None, false) => PathBuf::new(),
    };
    let server = server::Private::start().await?;
    let measured = tokio::select! {
        measured = all(&asked, &program, &server) => measured,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted: nothing was measured")),
    };
    server.stop().await?;
    let figures = measured?;
    match asked.json {
        true => println!("{}", serde_json::to_string(&figures)?),
        false => table::print(&figures),
    }
    Ok(())
}

/// Round by round, so that a noisy minute falls on all of them.
async fn all(
    asked: &Asked,
    program: &std::path::Path,
    server: &server::Private,
) -> Result<Vec<table::Figures>> {
    let peers = asked.peers();
    let mut rounds: Vec<Vec<table::Round>> = Vec::new();
    for round in 1..=asked.rounds {
        let mut seen = Vec::new();
        if asked.wants(Which::Packtrain) {
            eprintln!("round {round}: packtrain");
            seen.push(packtrain::round(asked, program, server).await?);
        }
        for peer in &peers {
            eprintln!("round {round}: {}", peer.name());
            seen.push(measure::round(asked, *peer, server).await?);
        }
        rounds.push(seen);
    }
    let mut figures = table::medians(&rounds);
    for figure in &mut figures {
        eprintln!("rescue: {}", figure.name);
        let rescue = match peers.iter().find(|peer| peer.name() == figure.name) {
            Some(peer) => measure::rescue(asked, *peer, server).await?,
            None => packtrain::rescue(program, server).await?,
        };
        figure.rescue = Some(rescue);
    }
    Ok(figures)
}
