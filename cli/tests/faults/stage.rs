//! The stage of a row: a database, a folder, processes, jobs that mark their runs, and the oracle.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Lane, NewJob, Priority, Ties};
use packtrain_core::ports::{JobQueue, KeyScope};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::PgJobs;
use packtrain_tests::{Database, Role};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::counts::Counts;
use crate::process::{Process, program};
use crate::server::database;

/// The longest that the jobs of one run may take to end: then they count as lost.
const END_WITHIN: Duration = Duration::from_secs(90);
/// The longest that a process may take to get somewhere.
const PATIENCE: Duration = Duration::from_secs(60);
/// The pause between two looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(10);
/// What leases are renewed by and how long they may stand still, in milliseconds: shorter than
/// people would set, so that a run is short.
const SHORT_LEASES: [(&str, &str); 2] = [
    ("PACKTRAIN_WORKER_RENEW_EVERY_MS", "200"),
    ("PACKTRAIN_WORKER_LEASE_PATIENCE_MS", "1500"),
];

/// The settings that lead to the database.
const URLS: [(&str, Role); 3] = [
    ("PACKTRAIN_DATABASE_APP_URL", Role::App),
    ("PACKTRAIN_DATABASE_OPERATOR_URL", Role::Operator),
    ("PACKTRAIN_DATABASE_WORKER_URL", Role::Worker),
];

/// One run of a job.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) job: String,
    pub(crate) process: u32,
    pub(crate) at_us: i64,
}

/// Where a row plays.
pub(crate) struct Stage {
    pub(crate) db: Database,
    pub(crate) tenant: TenantId,
    folder: TempDir,
    leases: &'static [(&'static str, &'static str)],
}

impl Stage {
    /// A stage on the server of the test run.
    pub(crate) async fn new() -> Self {
        Self::on(database().await).await
    }

    /// The same stage with leases as the product sets them.
    pub(crate) fn with_usual_leases(self) -> Self {
        Self {
            leases: &[],
            ..self
        }
    }

    /// A stage on this database.
    pub(crate) async fn on(db: Database) -> Self {
        Self {
            tenant: db.tenant("a").await,
            db,
            folder: folder(),
            leases: &SHORT_LEASES,
        }
    }

    /// `packtrain` with these words; `points` says what breaks where.
    pub(crate) fn command(&self, words: &[&str], points: &str) -> Command {
        let mut command = Command::new(program());
        self.dress(&mut command, points);
        command.args(words).arg("--quiet");
        command
    }

    /// Gives a command the settings of this stage.
    pub(crate) fn dress(&self, command: &mut Command, points: &str) {
        let folder = self.folder.path();
        let log = std::fs::File::options()
            .append(true)
            .create(true)
            .open(folder.join("log"))
            .unwrap();
        command
            .current_dir(folder)
            .env_clear()
            .env("HOME", folder)
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PACKTRAIN_DATA_DIR", folder)
            .env("PACKTRAIN_LOG_FILTER", "warn")
            .env("PACKTRAIN_WORKER_IO_SLOTS", "8")
            .env("PACKTRAIN_WORKER_DRAIN_S", "5")
            .env("PACKTRAIN_DATABASE_CONNECTIONS", "6")
            .envs(URLS.map(|(name, role)| (name, self.db.url(role).reveal().clone())))
            .env("FAILPOINTS", points)
            .envs(self.leases.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true);
    }

    /// A worker of these lanes that is ready for work.
    pub(crate) async fn worker(&self, lanes: &str, points: &str) -> Process {
        let mut command = self.command(&["worker", "--lanes", lanes], points);
        self.ready_worker(&mut command).await
    }

    /// Starts a worker and waits until it is on the list.
    pub(crate) async fn ready_worker(&self, command: &mut Command) -> Process {
        let known = "select name from worker";
        let process = Process::start(command);
        let suffix = format!("-{}", process.id());
        self.until("the worker is on the list", async || {
            let names = self.db.texts(known).await;
            names.iter().any(|name| name.ends_with(&suffix))
        })
        .await;
        process
    }

    /// Where the server listens.
    pub(crate) fn server_address(&self) -> SocketAddr {
        let url = self.db.url(Role::Worker).reveal().clone();
        let (_, rest) = url.rsplit_once('@').unwrap();
        rest.split('/').next().unwrap().parse().unwrap()
    }

    /// Leads a command to its database by way of this address.
    pub(crate) fn lead_through(&self, command: &mut Command, proxy: SocketAddr) {
        let (server, proxy) = (self.server_address().to_string(), proxy.to_string());
        for (name, role) in URLS {
            command.env(name, self.db.url(role).reveal().replace(&server, &proxy));
        }
    }

    /// Takes a dead worker off the list, so that a later process of its number is not taken for it.
    pub(crate) async fn forget(&self, process: u32) {
        let sql = format!("delete from worker where name like '%-{process}'");
        self.db.run(&sql).await;
    }

    /// A scheduler.
    pub(crate) fn scheduler(&self, points: &str) -> Process {
        Process::start(&mut self.command(&["scheduler"], points))
    }

    /// A key of an operator.
    pub(crate) async fn operator_key(&self) -> String {
        let key = self.db.api_key(self.tenant, &[KeyScope::Operator]).await;
        key.text().reveal().clone()
    }

    /// A job that marks its run and stays so long.
    pub(crate) fn step(&self, hold_ms: u64) -> NewJob {
        self.does("well", hold_ms)
    }

    /// A job that marks its run and then does this.
    pub(crate) fn does(&self, what: &str, hold_ms: u64) -> NewJob {
        let marks = self.marks_path();
        NewJob {
            id: self.db.ids().job(),
            tenant: self.tenant,
            kind: "fault.step".into(),
            schema: 1,
            lane: Lane::Io,
            priority: Priority::NORMAL,
            attempts_max: 5,
            payload: json!({ "marks": marks, "hold_ms": hold_ms, "does": what }),
            run_at: None,
            deadline: None,
            parent: None,
            schedule: None,
            trace_parent: None,
            ties: Ties::default(),
        }
    }

    /// Enqueues jobs and returns their ids.
    pub(crate) async fn enqueue(&self, jobs: &[NewJob]) -> Vec<JobId> {
        let queue = PgJobs::new(self.db.pools().app.clone());
        for slice in jobs.chunks(packtrain_core::limits::ENQUEUE_MAX) {
            let made = queue.enqueue(self.tenant, slice).await.unwrap();
            assert_eq!(made.created, slice.len() as u64);
        }
        jobs.iter().map(|job| job.id).collect()
    }

    /// Enqueues so many jobs that stay so long.
    pub(crate) async fn steps(&self, count: usize, hold_ms: u64) -> Vec<JobId> {
        let jobs: Vec<NewJob> = (0..count).map(|_| self.step(hold_ms)).collect();
        self.enqueue(&jobs).await
    }

    /// The jobs that the leases of this process still have open.
    pub(crate) async fn held_by(&self, process: u32) -> Vec<String> {
        self.db
            .texts(&format!(
                "select p.id::text
                   from lease l
                   join worker w on w.id = l.worker_id and w.name like '%-{process}'
                  cross join lateral unnest(l.ids) with ordinality as p (id, place)
                  where (l.open >> (p.place::integer - 1)) & 1 = 1"
            ))
            .await
    }

    /// Waits until all of these ended, or until it has taken too long.
    pub(crate) async fn ended(&self, jobs: &[JobId]) {
        let unended = format!(
            "select count(*) from unnest({}) as i (id)
              where not exists (select from outcome o where o.id = i.id)
                and not exists (select from dead d where d.id = i.id)",
            array(jobs)
        );
        let began = Instant::now();
        while began.elapsed() < END_WITHIN && self.db.number(&unended).await > 0 {
            tokio::time::sleep(LOOK_EVERY * 3).await;
        }
    }

    /// What became of these jobs, of which each lost at most so many workers.
    pub(crate) async fn judge(&self, jobs: &[JobId], kills: u32) -> Counts {
        self.ended(jobs).await;
        let ids = array(jobs);
        let number = async |sql: String| self.db.number(&sql).await.unsigned_abs();
        let lost = number(format!(
            "select count(*) from unnest({ids}) as i (id)
              where not exists (select from outcome o where o.id = i.id
                                   and (o.state <> 'succeeded'
                                        or exists (select from service_level e
                                                    where e.job_id = o.id)))"
        ))
        .await;
        let doubled = number(format!(
            "select count(*) from (select job_id from service_level where job_id = any({ids})
                                    group by job_id having count(*) > 1) d"
        ))
        .await;
        let above = number(format!(
            "select coalesce(sum(greatest(0, attempts - 1 - {kills})), 0)::bigint
               from outcome where id = any({ids})"
        ))
        .await;
        self.db.assert_whole().await;
        Counts {
            jobs: jobs.len() as u64,
            lost,
            doubled,
            duplicates: self.duplicates(jobs),
            above,
            rerun_ms: Vec::new(),
        }
    }

    /// Runs beyond the first of each of these jobs.
    fn duplicates(&self, jobs: &[JobId]) -> u64 {
        let mut runs: std::collections::HashMap<String, u64> = jobs
            .iter()
            .map(|job| (job.as_uuid().to_string(), 0))
            .collect();
        for mark in self.marks() {
            if let Some(count) = runs.get_mut(&mark.job) {
                *count += 1;
            }
        }
        runs.values().map(|count| count.saturating_sub(1)).sum()
    }

    /// How long after the break each of these ran again, or for the first time.
    pub(crate) fn reruns(&self, held: &[String], broken_at_us: i64) -> Vec<u64> {
        let marks = self.marks();
        let first_after = held.iter().filter_map(|job| {
            let runs = marks.iter().filter(|mark| mark.job == *job);
            runs.map(|mark| mark.at_us)
                .filter(|at| *at > broken_at_us)
                .min()
        });
        first_after
            .map(|at| u64::try_from((at - broken_at_us) / 1_000).unwrap())
            .collect()
    }

    fn marks_path(&self) -> PathBuf {
        self.folder.path().join("marks")
    }

    /// A path in the folder of this stage.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Every run so far.
    pub(crate) fn marks(&self) -> Vec<Mark> {
        let text = std::fs::read_to_string(self.marks_path()).unwrap_or_default();
        let mark = |line: &str| {
            let mut words = line.split(' ');
            Some(Mark {
                job: words.next()?.to_owned(),
                process: words.nth(1)?.parse().ok()?,
                at_us: words.next()?.parse().ok()?,
            })
        };
        text.lines().filter_map(mark).collect()
    }

    /// Waits until a condition holds; says what the processes said when it does not.
    pub(crate) async fn until(&self, what: &str, holds: impl AsyncFnMut() -> bool) {
        self.until_within(PATIENCE, what, holds).await;
    }

    /// Waits so long until a condition holds.
    pub(crate) async fn until_within(
        &self,
        patience: Duration,
        what: &str,
        mut holds: impl AsyncFnMut() -> bool,
    ) {
        let began = Instant::now();
        while !holds().await {
            if began.elapsed() > patience {
                let log = std::fs::read_to_string(self.folder.path().join("log"));
                panic!("waited in vain until {what}\n{}", log.unwrap_or_default());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Ids as an array of SQL.
pub(crate) fn array(jobs: &[JobId]) -> String {
    let ids: Vec<String> = jobs.iter().map(|job| job.as_uuid().to_string()).collect();
    format!("'{{{}}}'::uuid[]", ids.join(","))
}

/// The time, as marks have it.
pub(crate) fn now_us() -> i64 {
    SystemClock.now().timestamp_micros()
}

/// A folder that others may pass through, as the private PostgreSQL must.
fn folder() -> TempDir {
    let open = Permissions::from_mode(0o755);
    let mut builder = tempfile::Builder::new();
    builder.permissions(open).tempdir().unwrap()
}
