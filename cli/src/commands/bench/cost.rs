//! What a stretch of work costs: processor time of this process and of PostgreSQL, log, commits.

use std::fs;
use std::path::Path;
use std::time::Duration;

use packtrain_store::Gauge;

use super::ground::Ground;
use crate::failure::Failure;

/// A moment, with all counters.
pub(crate) struct Moment {
    gauge: Gauge,
    own_cpu: Duration,
    server_cpu: Duration,
}

/// What happened between two moments.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    /// Processor time of this process.
    pub(crate) own_cpu: Duration,
    pub(crate) server_cpu: Duration,
    pub(crate) wal_bytes: i64,
    pub(crate) commits: i64,
    pub(crate) dead_rows: i64,
    /// Jobs that ended.
    pub(crate) outcomes: i64,
    /// Jobs that are still on their way at the end.
    pub(crate) left: i64,
}

impl Moment {
    /// Reads the counters, when nothing is under way.
    pub(crate) async fn now(ground: &Ground) -> Result<Self, Failure> {
        ground.alone().await?;
        Ok(Self {
            gauge: ground.gauge.read().await?,
            own_cpu: cpu_of(std::process::id()).unwrap_or_default(),
            server_cpu: server_cpu(&ground.server),
        })
    }

    /// Jobs that were on their way.
    pub(crate) const fn on_their_way(&self) -> i64 {
        self.gauge.on_their_way
    }

    /// What happened since.
    pub(crate) async fn cost(&self, ground: &Ground) -> Result<Cost, Failure> {
        // Processor time first: reading the counters takes some, and it is nobody's cost.
        let (own_cpu, server_cpu) = (
            cpu_of(std::process::id()).unwrap_or_default(),
            server_cpu(&ground.server),
        );
        ground.alone().await?;
        let now = ground.gauge.read().await?;
        Ok(Cost {
            own_cpu: own_cpu.saturating_sub(self.own_cpu),
            server_cpu: server_cpu.saturating_sub(self.server_cpu),
            wal_bytes: now.wal_bytes - self.gauge.wal_bytes,
            commits: now.commits - self.gauge.commits,
            dead_rows: now.dead_rows - self.gauge.dead_rows,
            outcomes: now.outcomes - self.gauge.outcomes,
            left: now.on_their_way,
        })
    }
}

/// Readings of the processor time, at most, until no child ended in between.
const READINGS_MAX: u32 = 100;

/// Processor time of the postmaster, of its children that are gone, and of those that run.
fn server_cpu(data: &Path) -> Duration {
    let pid = fs::read_to_string(data.join("postmaster.pid")).ok();
    let pid = pid.as_deref().and_then(|text| text.lines().next());
    let Some(pid) = pid.and_then(|line| line.trim().parse::<u32>().ok()) else {
        return Duration::ZERO;
    };
    // A child that is waited for between the two readings would be in neither of them.
    let mut read = Duration::ZERO;
    for _ in 0..READINGS_MAX {
        let own = cpu_of(pid).unwrap_or_default();
        let all = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pids = all.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        let children = pids.filter(|child| parent_of(*child) == Some(pid));
        let children: Duration = children.filter_map(cpu_of).sum();
        read = own + children;
        if cpu_of(pid).unwrap_or_default() == own {
            break;
        }
    }
    read
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
pub(super) fn cpu_of(pid: u32) -> Option<Duration> {
    const TICK: Duration = Duration::from_millis(10);
    let stat = stat(pid)?;
    let ticks = stat.get(11..15)?.iter().map(|field| field.parse::<u32>());
    let ticks: u32 = ticks.sum::<Result<_, _>>().ok()?;
    Some(TICK * ticks)
}

/// How busy the machine is: the load averages of one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let all = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
