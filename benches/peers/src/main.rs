//! The figures of `packtrain bench` beside those of other queues on PostgreSQL and on Redis: on one
//! private server of each, one after the other, medians of several rounds.

mod awa;
mod came;
mod foreign;
mod graphile;
mod measure;
mod meter;
mod oxana;
mod packtrain;
mod peer;
mod probe;
mod queue;
mod redis_server;
mod server;
mod table;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::builder::RangedU64ValueParser;
use clap::{Parser, Subcommand, ValueEnum};

use crate::packtrain::{Own, Transport};
use crate::peer::Peer;

/// The hidden subcommand that becomes the private server.
const GUARD: &str = "pg-guard";

/// Measures packtrain and its peers on one private PostgreSQL with fsync on, and one private Redis.
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

    /// In the order of the table's columns.
    fn entrants(&self) -> Vec<Which> {
        let all = Which::value_variants().iter().copied();
        all.filter(|which| self.wants(*which)).collect()
    }
}

/// A queue that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Which {
    /// With hints over PostgreSQL
    Packtrain,
    /// With hints over Redis
    PacktrainRedis,
    /// graphile_worker, the Rust crate
    Graphile,
    /// Graphile Worker, from npm
    GraphileNode,
    PgBoss,
    Awa,
    Oxana,
    Bullmq,
    Celery,
}

/// packtrain with one of its transports, or a peer.
enum Entrant {
    Own(Transport),
    Peer(Peer),
}

impl Entrant {
    const fn name(&self) -> &'static str {
        match self {
            Self::Own(transport) => transport.name(),
            Self::Peer(peer) => peer.name(),
        }
    }
}

impl Which {
    const fn entrant(self) -> Entrant {
        match self {
            Self::Packtrain => Entrant::Own(Transport::Postgres),
            Self::PacktrainRedis => Entrant::Own(Transport::Redis),
            Self::Graphile => Entrant::Peer(Peer::Graphile),
            Self::GraphileNode => Entrant::Peer(Peer::GraphileNode),
            Self::PgBoss => Entrant::Peer(Peer::PgBoss),
            Self::Awa => Entrant::Peer(Peer::Awa),
            Self::Oxana => Entrant::Peer(Peer::Oxana),
            Self::Bullmq => Entrant::Peer(Peer::Bullmq),
            Self::Celery => Entrant::Peer(Peer::Celery),
        }
    }
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
    let entrants: Vec<Entrant> = asked.entrants().into_iter().map(Which::entrant).collect();
    let is_own = |entrant: &Entrant| matches!(entrant, Entrant::Own(_));
    let program = match (&asked.packtrain, entrants.iter().any(is_own)) {
        (Some(program), _) => program.clone(),
        (None, true) => packtrain::build().await?,
        (None, false) => PathBuf::new(),
    };
    let peers = entrants.iter().filter_map(|entrant| match entrant {
        Entrant::Peer(peer) => Some(*peer),
        Entrant::Own(_) => None,
    });
    let servers = server::Servers::start(&peers.collect::<Vec<_>>()).await?;
    let measured = tokio::select! {
        measured = all(&asked, &entrants, &program, &servers) => measured,
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted: nothing was measured")),
    };
    servers.stop().await?;
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
    entrants: &[Entrant],
    program: &Path,
    servers: &server::Servers,
) -> Result<Vec<table::Figures>> {
    let own = |transport| Own {
        program,
        servers,
        transport,
    };
    let mut rounds: Vec<Vec<table::Round>> = Vec::new();
    for round in 1..=asked.rounds {
        let mut seen = Vec::new();
        for entrant in entrants {
            eprintln!("round {round}: {}", entrant.name());
            seen.push(match entrant {
                Entrant::Own(transport) => packtrain::round(asked, &own(*transport)).await?,
                Entrant::Peer(peer) => measure::round(asked, *peer, servers).await?,
            });
        }
        rounds.push(seen);
    }
    let mut figures = table::medians(&rounds);
    for (figure, entrant) in figures.iter_mut().zip(entrants) {
        eprintln!("rescue: {}", entrant.name());
        figure.rescue = Some(match entrant {
            Entrant::Own(transport) => packtrain::rescue(&own(*transport)).await?,
            Entrant::Peer(peer) => measure::rescue(asked, *peer, servers).await?,
        });
    }
    Ok(figures)
}
