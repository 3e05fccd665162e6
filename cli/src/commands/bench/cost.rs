//! What a stretch of work costs: time, processor time of this process and of PostgreSQL, log.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use packtrain_store::{Gauge, PgGauge};

use crate::failure::Failure;

/// A moment, with all counters.
pub(crate) struct Moment {
    at: Instant,
    gauge: Gauge,
    own_cpu: Duration,
    server_cpu: Duration,
}

/// What happened between two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    pub(crate) own_cpu: Duration,
    pub(crate) server_cpu: Duration,
    pub(crate) wal_bytes: i64,
    pub(crate) commits: i64,
    pub(crate) dead_rows: i64,
}

impl Moment {
    /// Reads the counters; `server` is the data folder of the PostgreSQL that is measured.
    pub(crate) async fn now(gauge: &PgGauge, server: &Path) -> Result<Self, Failure> {
        Ok(Self {
            gauge: gauge.read().await?,
            own_cpu: cpu_of(std::process::id()).unwrap_or_default(),
            server_cpu: server_cpu(server),
            at: Instant::now(),
        })
    }

    /// What happened since; `wall` is the time that is to count, where that is not all of it.
    pub(crate) async fn cost(
        &self,
        gauge: &PgGauge,
        server: &Path,
        wall: Option<Duration>,
    ) -> Result<Cost, Failure> {
        let wall = wall.unwrap_or_else(|| self.at.elapsed());
        let now = Self::now(gauge, server).await?;
        Ok(Cost {
            wall,
            own_cpu: now.own_cpu.saturating_sub(self.own_cpu),
            server_cpu: now.server_cpu.saturating_sub(self.server_cpu),
            wal_bytes: now.gauge.wal_bytes - self.gauge.wal_bytes,
            commits: now.gauge.commits - self.gauge.commits,
            dead_rows: now.gauge.dead_rows - self.gauge.dead_rows,
        })
    }
}

/// Processor time of the postmaster, of its children that are gone, and of those that run.
fn server_cpu(data: &Path) -> Duration {
    let pid = fs::read_to_string(data.join("postmaster.pid")).ok();
    let pid = pid.as_deref().and_then(|text| text.lines().next());
    let Some(pid) = pid.and_then(|line| line.trim().parse::<u32>().ok()) else {
        return Duration::ZERO;
    };
    let own = cpu_of(pid).unwrap_or_default();
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let children = pids.filter(|child| parent_of(*child) == Some(pid));
    own + children.filter_map(cpu_of).sum::<Duration>()
}

/// Fields of `/proc/PID/stat` behind the name, which may hold anything.
fn stat(pid: u32) -> Option<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    Some(rest.split_whitespace().map(str::to_owned).collect())
}

fn parent_of(pid: u32) -> Option<u32> {
    stat(pid)?.get(1)?.parse().ok()
}

/// User and system time, own and of children that were waited for; in ticks of 10 ms.
fn cpu_of(pid: u32) -> Option<Duration> {
    const TICK: Duration = Duration::from_millis(10);
    let stat = stat(pid)?;
    let ticks = stat.get(11..15)?.iter().map(|field| field.parse::<u32>());
    let ticks: u32 = ticks.sum::<Result<_, _>>().ok()?;
    Some(TICK * ticks)
}

/// The most memory that this process held so far, in bytes.
pub(crate) fn memory_peak_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
