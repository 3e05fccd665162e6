//! packtrain's own figures, from its own bench.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::Asked;
use crate::meter::Cost;
use crate::server::Private;
use crate::table::{Round, Stretch};

/// Workers that are killed.
const RESCUES: &str = "3";

/// Builds the program of this repository.
pub(crate) async fn build() -> Result<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let status = Command::new("cargo")
        .args(["build", "--release", "--locked", "--package", "packtrain"])
        .current_dir(&root)
        .status()
        .await
        .context("cargo")?;
    ensure!(status.success(), "packtrain does not build");
    Ok(root.join("target/release/packtrain"))
}

async fn bench(program: &Path, server: &Private, words: &[&str]) -> Result<Value> {
    let folder = std::env::temp_dir().join(format!("packtrain-peers-{}-bench", std::process::id()));
    let ran = Command::new(program)
        .args(["bench", "--json", "--quiet", "--data-dir"])
        .arg(&folder)
        .args(words)
        .env("PACKTRAIN_BENCH_SERVER", server.url("postgres"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .await
        .context("packtrain bench")?;
    std::fs::remove_dir_all(&folder).ok();
    ensure!(ran.status.success(), "packtrain bench: {}", ran.status);
    serde_json::from_slice(&ran.stdout).context("what packtrain bench said")
}

/// All stretches of a round.
pub(crate) async fn round(asked: &Asked, program: &Path, server: &Private) -> Result<Round> {
    let (jobs, idle) = (asked.jobs.to_string(), asked.idle.to_string());
    let said = bench(
        program,
        server,
        &["queue", "--jobs", &jobs, "--idle", &idle],
    )
    .await?;
    let waits = |until: &str, what: &str| number(&said["idle"][until][what]);
    let mut round = Round::new(
        "packtrain",
        stretch(&said, "single")?,
        stretch(&said, "bulk")?,
        stretch(&said, "drain")?,
        Vec::new(),
    );
    round.commit_each = Some(stretch(&said, "drain_commit_each")?);
    round.idle_ms = (waits("claimed", "p50_ms")?, waits("claimed", "p99_ms")?);
    round.idle_ended_ms = Some((waits("ended", "p50_ms")?, waits("ended", "p99_ms")?));
    Ok(round)
}

/// Median and maximum of the time to claim again, in seconds, with the defaults.
pub(crate) async fn rescue(program: &Path, server: &Private) -> Result<Option<(f64, f64)>> {
    let said = bench(program, server, &["rescue", "--rounds", RESCUES]).await?;
    let usual = &said["usual"];
    let (p50, max) = (number(&usual["p50_ms"])?, number(&usual["max_ms"])?);
    Ok(Some((p50 / 1e3, max / 1e3)))
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
    let cost = Cost {
        wal_bytes: total("wal_bytes_per_job")? as i64,
        commits: (total("commits_per_1000_jobs")? / 1e3) as i64,
        server_cpu: Duration::from_secs_f64(total("postgres_cpu_us_per_job")? / 1e6),
    };
    let wall = Duration::from_secs_f64(number(&found["seconds"])?);
    let stretch = Stretch::new(jobs as usize, wall, cost);
    let cpu = Duration::from_secs_f64(total("own_cpu_us_per_job")? / 1e6);
    Ok(match found["memory_peak_bytes"].as_u64() {
        Some(memory) => stretch.with_worker(cpu, memory),
        None => stretch,
    })
}
