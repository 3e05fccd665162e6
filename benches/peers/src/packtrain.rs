//! packtrain's own figures, from its own bench, with hints over PostgreSQL or over Redis.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::io::AsyncReadExt;
use tokio::process::{Child, Command};

use crate::Asked;
use crate::came::{Came, Lapse, within};
use crate::measure::HELD;
use crate::meter::{Cost, Postgres};
use crate::server::Servers;
use crate::table::{Rescue, Round, Stretch};

/// What carries its hints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Postgres,
    Redis,
}

impl Transport {
    /// The name of its column.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "packtrain",
            Self::Redis => "packtrain-redis",
        }
    }
}

/// packtrain, and what it is measured on.
pub(crate) struct Own<'a> {
    pub(crate) program: &'a Path,
    pub(crate) servers: &'a Servers,
    pub(crate) transport: Transport,
}

/// Workers that are killed.
const RESCUES: u32 = 3;
/// Parts of its bench that are under the limit of a part each.
const PARTS: u32 = 8;
/// How long a bench that is interrupted may take to leave nothing behind.
const CLEARED_WITHIN: Duration = Duration::from_secs(30);
/// How long its bench waits for their jobs.
const RESCUED_WITHIN_S: u64 = 60;

/// Builds the program of this repository.
pub(crate) async fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().context("this repository")?;
    let target = root.join("target");
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--package", "packtrain"])
        // Where the program is looked for, whatever the environment says.
        .arg("--target-dir")
        .arg(&target)
        .current_dir(&root)
        .status()
        .await
        .context("cargo")?;
    ensure!(status.success(), "packtrain does not build");
    Ok(target.join("release/packtrain"))
}

async fn bench(own: &Own<'_>, words: &[&str], limit: Duration) -> Result<Value> {
    let folder = std::env::temp_dir().join(format!("packtrain-peers-{}-bench", std::process::id()));
    std::fs::create_dir_all(&folder).context("a folder for packtrain bench")?;
    let program = own
        .program
        .canonicalize()
        .context("the packtrain program")?;
    let mut command = Command::new(program);
    command
        .args(["bench", "--json", "--quiet", "--data-dir"])
        .arg(&folder)
        .args(words)
        // With its defaults: no settings of this shell, and no file of this folder.
        .env_clear()
        .current_dir(&folder)
        .env(
            "PACKTRAIN_BENCH_SERVER",
            own.servers.postgres.url("postgres"),
        )
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    if own.transport == Transport::Redis {
        own.servers.redis.empty().await?;
        command
            .env("PACKTRAIN_HINTS_TRANSPORT", "redis")
            .env("PACKTRAIN_REDIS_URL", own.servers.redis.url());
    }
    let mut running = command.spawn().context("packtrain bench")?;
    let ran = within("packtrain bench did not end", limit, ended(&mut running)).await;
    if ran.is_err() {
        interrupt(&mut running).await;
    }
    std::fs::remove_dir_all(&folder).ok();
    let (said, status) = ran?;
    if !status.success() {
        bail!(Lapse::Ended("packtrain bench", status));
    }
    serde_json::from_slice(&said).context("what packtrain bench said")
}

/// What it says until its end.
async fn ended(running: &mut Child) -> Result<(Vec<u8>, ExitStatus)> {
    let mut said = Vec::new();
    if let Some(out) = &mut running.stdout {
        let read = out.read_to_end(&mut said).await;
        read.context("packtrain bench")?;
    }
    Ok((said, running.wait().await.context("packtrain bench")?))
}

/// Ends a bench as Ctrl-C does, so that it ends its worker and drops its database.
async fn interrupt(running: &mut Child) {
    let pid = running.id().and_then(|pid| i32::try_from(pid).ok());
    let Some(pid) = pid.and_then(Pid::from_raw) else {
        return;
    };
    // One that is gone needs no signal; one that does not heed it is killed when it is dropped.
    kill_process(pid, Signal::INT).ok();
    tokio::time::timeout(CLEARED_WITHIN, running.wait())
        .await
        .ok();
}

/// All stretches of a round.
pub(crate) async fn round(asked: &Asked, own: &Own<'_>) -> Result<Round> {
    let name = own.transport.name();
    let (jobs, idle) = (asked.jobs.to_string(), asked.idle.to_string());
    let words = ["queue", "--jobs", &jobs, "--idle", &idle];
    let limit = Duration::from_secs(asked.limit) * PARTS;
    let before = own.servers.redis.cpu();
    let said = bench(own, &words, limit).await;
    let redis = own.servers.redis.cpu().saturating_sub(before);
    let said = match Came::or_short(said, None, asked.jobs)? {
        Came::Whole(said) => said,
        Came::Short { short } => return Ok(Round::short(name, &short)),
    };
    let waits = |until: &str, what: &str| number(&said["idle"][until][what]);
    let stretch = |key: &str| Ok::<_, anyhow::Error>(Came::Whole(stretch(&said, key)?));
    let mut drain = self::stretch(&said, "drain")?;
    if own.transport == Transport::Redis {
        // All that its hints cost in the whole of its bench, over the jobs of one drain: where a
        // stretch of it begins and ends is not known here.
        drain.redis_cpu_us_per_job = Some(redis.as_secs_f64() * 1e6 / drain.jobs.max(1) as f64);
    }
    let mut round = Round::new(
        name,
        stretch("single")?,
        Some(stretch("bulk")?),
        Came::Whole(drain),
        Came::Whole((waits("began", "p50_ms")?, waits("began", "p99_ms")?)),
    );
    round.commit_each = Some(stretch("drain_commit_each")?);
    round.idle_claimed_ms = Some((waits("claimed", "p50_ms")?, waits("claimed", "p99_ms")?));
    round.idle_ended_ms = Some((waits("ended", "p50_ms")?, waits("ended", "p99_ms")?));
    Ok(round)
}

/// What came of the jobs of killed workers, with the defaults.
pub(crate) async fn rescue(own: &Own<'_>) -> Result<Came<Rescue>> {
    let words = ["rescue", "--rounds", &RESCUES.to_string()];
    // Its wait for the jobs, and as long again for its workers to be there.
    let limit = Duration::from_secs(2 * RESCUED_WITHIN_S) * RESCUES;
    // Its bench fails when one job is missing.
    let said = bench(own, &words, limit).await;
    let held = (HELD * RESCUES) as usize;
    Came::or_short(said.and_then(|said| rescued(&said)), None, held)
}

fn rescued(said: &Value) -> Result<Rescue> {
    let usual = &said["usual"];
    let jobs = number(&usual["count"])? as usize;
    Ok(Rescue {
        held: jobs,
        lost: 0,
        again: jobs,
        p50_s: number(&usual["p50_ms"])? / 1e3,
        max_s: number(&usual["max_ms"])? / 1e3,
        limit_s: RESCUED_WITHIN_S,
    })
}

fn number(value: &Value) -> Result<f64> {
    value.as_f64().context("packtrain bench left a figure out")
}

fn stretch(said: &Value, key: &str) -> Result<Stretch> {
    let all = said["stretches"]
        .as_array()
        .context("packtrain bench measured nothing")?;
    let found = all.iter().find(|stretch| stretch["key"] == key);
    let found = found.with_context(|| format!("packtrain bench has no {key}"))?;
    let jobs = number(&found["jobs"])?;
    let total = |what: &str| Ok::<f64, anyhow::Error>(number(&found[what])? * jobs);
    let postgres = Postgres {
        wal_bytes: total("wal_bytes_per_job")? as i64,
        commits: (total("commits_per_1000_jobs")? / 1e3) as i64,
        cpu: Duration::from_secs_f64(total("postgres_cpu_us_per_job")? / 1e6),
    };
    let cost = Cost {
        postgres: Some(postgres),
        redis_cpu: None,
    };
    let wall = Duration::from_secs_f64(number(&found["seconds"])?);
    let stretch = Stretch::new(jobs as usize, wall, cost);
    let cpu = Duration::from_secs_f64(total("own_cpu_us_per_job")? / 1e6);
    Ok(match found["memory_peak_bytes"].as_u64() {
        Some(memory) => stretch.with_worker(cpu, memory),
        None => stretch,
    })
}
