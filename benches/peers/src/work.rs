//! A worker process of a peer: started, listened to, weighed and killed.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::measure::Peer;
use crate::probe::{self, Telling};
use crate::{awa, graphile, meter};

/// The command line of a worker process.
#[derive(Debug, clap::Args)]
pub(crate) struct Work {
    peer: Peer,
    /// The database.
    #[arg(long, env = "PEERS_DATABASE")]
    url: String,
    /// With the best setting that was found, instead of the defaults.
    #[arg(long)]
    tuned: bool,
    /// Say when each job begins.
    #[arg(long)]
    each: bool,
    /// Say when so many have run.
    #[arg(long, default_value_t = 0)]
    all: usize,
}

/// Works until the process is ended.
pub(crate) async fn run(work: Work) -> Result<()> {
    probe::tell(Telling {
        each: work.each,
        all: work.all,
    });
    match work.peer {
        Peer::Graphile => graphile::work(&work.url, work.tuned).await,
        Peer::Awa => awa::work(&work.url, work.tuned).await,
    }
}

/// A worker process that runs.
pub(crate) struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// One with the best setting, that says when `all` have run; or one with the defaults, that
    /// says when each begins.
    pub(crate) fn start(peer: Peer, url: &str, all: Option<usize>) -> Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command
            .args(["work", peer.name()])
            .env("PEERS_DATABASE", url);
        match all {
            Some(all) => {
                command.args(["--tuned", "--all", &all.to_string()]);
                command.env(awa::TUNED.0, awa::TUNED.1);
            }
            None => {
                command.arg("--each");
            }
        }
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("a worker process")?;
        let out = child.stdout.take().context("a worker's standard output")?;
        Ok(Self {
            child,
            lines: BufReader::new(out).lines(),
        })
    }

    /// Waits until all have run.
    pub(crate) async fn all(&mut self) -> Result<()> {
        match self.lines.next_line().await? {
            Some(line) if line == "all" => Ok(()),
            other => bail!("a worker said {other:?}"),
        }
    }

    /// Waits for a job to begin; microseconds since 1970.
    pub(crate) async fn began(&mut self) -> Result<i64> {
        loop {
            let line = self.lines.next_line().await?.context("a worker ended")?;
            if let Some(us) = line.strip_prefix("began ") {
                return Ok(us.parse()?);
            }
        }
    }

    /// Processor time and the most memory so far.
    pub(crate) fn weight(&self) -> (Duration, u64) {
        let pid = self.child.id().unwrap_or(0);
        (
            meter::cpu_of(pid).unwrap_or_default(),
            meter::memory_peak_bytes(pid),
        )
    }

    /// Kills it, as a machine that fails does.
    pub(crate) async fn kill(mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }
}
