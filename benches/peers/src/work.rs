//! A worker process of a peer: started, listened to, weighed and killed.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use crate::came::{Lapse, within};
use crate::foreign::Fetched;
use crate::peer::{Language, Peer};
use crate::probe::{self, Telling};
use crate::{awa, graphile, meter, oxana};

/// Who ends when a worker does.
const WORKER: &str = "a worker";
/// How long a worker may take to be there.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// The command line of a worker process.
#[derive(Debug, clap::Args)]
pub(crate) struct Work {
    peer: Peer,
    /// Where the queue is.
    #[arg(long, env = "PEERS_URL")]
    url: String,
    /// With the best setting that was found, instead of the defaults.
    #[arg(long)]
    tuned: bool,
    /// With the best setting for single jobs that was found, instead of the defaults.
    #[arg(long, conflicts_with = "tuned")]
    idle: bool,
    /// With so many jobs at once, and the defaults else.
    #[arg(long, conflicts_with_all = ["tuned", "idle"])]
    slots: Option<u32>,
    /// Say when each job begins.
    #[arg(long)]
    each: bool,
    /// Say when so many have run.
    #[arg(long, default_value_t = 0)]
    all: usize,
}

/// How a worker is set up.
#[derive(Debug, Clone, Copy)]
pub(crate) enum How {
    /// With the defaults.
    Usual,
    /// With the best setting that was found.
    Tuned,
    /// With the best setting for single jobs on an idle worker.
    Idle,
    /// With so many jobs at once, and the defaults else.
    Slots(u32),
}

/// What a worker process is for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum For {
    /// To run so many jobs as fast as it can, and to say when they have all run.
    Drain(usize),
    /// To say when each job begins.
    Idle,
    /// The same, with so many jobs at once.
    Held(u32),
}

/// Works until the process is ended.
pub(crate) async fn run(work: Work) -> Result<()> {
    probe::tell(Telling {
        each: work.each,
        all: work.all,
    });
    let how = match work.slots {
        Some(slots) => How::Slots(slots),
        None if work.tuned => How::Tuned,
        None if work.idle => How::Idle,
        None => How::Usual,
    };
    match work.peer {
        Peer::Graphile => graphile::work(&work.url, how).await,
        Peer::Awa => awa::work(&work.url, how).await,
        Peer::Oxana => oxana::work(&work.url, how).await,
        Peer::GraphileNode | Peer::PgBoss | Peer::Bullmq | Peer::Celery => {
            bail!("{} has a script", work.peer.name())
        }
    }
}

/// A worker process that runs.
pub(crate) struct Worker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Worker {
    /// Starts it.
    pub(crate) fn start(fetched: &Fetched, peer: Peer, url: &str, purpose: For) -> Result<Self> {
        let mut command = match peer.language() {
            Language::Rust => {
                let mut own = Command::new(std::env::current_exe()?);
                own.args(["work", peer.name()]);
                own
            }
            Language::Node | Language::Python => {
                let mut script = fetched.command(peer)?;
                script.arg("work");
                script
            }
        };
        command.env("PEERS_URL", url);
        match purpose {
            For::Drain(all) => {
                command.args(["--tuned", "--all", &all.to_string()]);
                command.env(awa::TUNED.0, awa::TUNED.1);
            }
            For::Idle => {
                command.args(["--idle", "--each"]);
            }
            For::Held(slots) => {
                command.args(["--each", "--slots", &slots.to_string()]);
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

    /// Waits until it looks for jobs.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        let ready = self.said("ready");
        within("a worker was not ready", READY_WITHIN, ready).await?;
        Ok(())
    }

    /// Waits until all have run.
    pub(crate) async fn all(&mut self) -> Result<()> {
        self.said("all").await.map(drop)
    }

    /// Waits for a job to begin; microseconds since 1970.
    pub(crate) async fn began(&mut self) -> Result<i64> {
        Ok(self.said("began ").await?.parse()?)
    }

    /// The rest of the next line that begins so.
    async fn said(&mut self, begin: &str) -> Result<String> {
        while let Some(line) = self.lines.next_line().await? {
            if let Some(rest) = line.strip_prefix(begin) {
                return Ok(rest.to_owned());
            }
        }
        bail!(Lapse::Ended(WORKER, self.child.wait().await?))
    }

    /// Waits for what needs this worker: one that ends meanwhile is a lapse.
    pub(crate) async fn meanwhile<T>(
        &mut self,
        what: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        tokio::select! {
            done = what => done,
            ended = self.child.wait() => bail!(Lapse::Ended(WORKER, ended?)),
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

    /// Kills it, as a machine that fails does; one that has ended before is a lapse.
    pub(crate) async fn kill(mut self) -> Result<()> {
        if let Some(ended) = self.child.try_wait()? {
            bail!(Lapse::Ended(WORKER, ended));
        }
        Ok(self.child.kill().await?)
    }
}
