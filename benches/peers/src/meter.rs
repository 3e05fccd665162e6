//! What a stretch of work costs the server: processor time, log, commits; as `packtrain bench`
//! counts it, whose `cost.rs` this repeats: a program that measures others must not be built of
//! the one that is measured.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use sqlx::Connection;
use sqlx::postgres::PgConnection;

use crate::server::Private;

/// Counters of PostgreSQL at one moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    wal_bytes: i64,
    commits: i64,
    server_cpu: Duration,
    /// Commits of sessions that handed in for it.
    own: i64,
}

/// What a stretch cost PostgreSQL.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Postgres {
    pub(crate) wal_bytes: i64,
    pub(crate) commits: i64,
    pub(crate) cpu: Duration,
}

/// What a stretch cost the servers that it used.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) postgres: Option<Postgres>,
    pub(crate) redis_cpu: Option<Duration>,
}

/// Has a session hand in what it counted: by itself it would when it ends.
pub(crate) const HAND_IN: &str = "select pg_backend_pid() from pg_stat_force_next_flush()";
/// How long the sessions of a worker that was killed may stay, and how often is looked.
const GONE_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(25);

/// Reads the counters of a database when all but the `own` sessions, which have handed in, are
/// gone. Works in another database, so that it is not counted itself.
pub(crate) async fn now(server: &Private, database: &str, own: &[i32]) -> Result<Moment> {
    let server_cpu = server_cpu(server.data());
    let mut connection = PgConnection::connect(&server.url("postgres")).await?;
    let began = Instant::now();
    loop {
        let others: i64 = sqlx::query_scalar(
            "select count(*) from pg_stat_activity
              where datname = $1 and usename is not null and pid <> all($2)",
        )
        .bind(database)
        .bind(own)
        .fetch_one(&mut connection)
        .await?;
        if others == 0 {
            break;
        }
        ensure!(
            began.elapsed() < GONE_WITHIN,
            "{others} other sessions are on {database}"
        );
        tokio::time::sleep(LOOK_EVERY).await;
    }
    let (wal_bytes, commits) = sqlx::query_as(
        "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint,
                (select xact_commit from pg_stat_database where datname = $1)",
    )
    .bind(database)
    .fetch_one(&mut connection)
    .await?;
    Ok(Moment {
        wal_bytes,
        commits,
        server_cpu,
        own: i64::try_from(own.len())?,
    })
}

impl Moment {
    pub(crate) fn until(&self, later: &Self) -> Postgres {
        Postgres {
            wal_bytes: later.wal_bytes - self.wal_bytes,
            commits: later.commits - self.commits - later.own,
            cpu: later.server_cpu.saturating_sub(self.server_cpu),
        }
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
pub(crate) fn cpu_of(pid: u32) -> Option<Duration> {
    let stat = stat(pid)?;
    let ticks = stat.get(11..15)?.iter().map(|field| field.parse::<u32>());
    let ticks: u32 = ticks.sum::<Result<_, _>>().ok()?;
    Some(Duration::from_millis(10) * ticks)
}

/// The most memory that a process held so far, in bytes.
pub(crate) fn memory_peak_bytes(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}

/// The load averages of one, five and fifteen minutes.
pub(crate) fn load() -> String {
    let all = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    all.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}
