//! The stage of a row: a database, a folder, processes, and jobs that mark their runs.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{Entrance, Gate, Lane, NewJob, Priority, Ties};
use packtrain_core::ports::{JobQueue, KeyScope};
use packtrain_core::time::{Clock, SystemClock};
use packtrain_store::PgJobs;
use packtrain_tests::{Database, Role};
use serde_json::json;
use tempfile::TempDir;
use tokio::process::Command;

use crate::counts::is_short;
use crate::oracle::Holder;
use crate::process::{Process, program};
use crate::server::database;

/// The longest that a process may take to get somewhere.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long a worker may have nothing to do because others were quicker.
pub(crate) const GIVE_MORE_EVERY: Duration = Duration::from_secs(2);
/// The pause between two looks.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long a lease may stand still where rows are run again and again: shorter than people would
/// set, so that many runs fit into an hour.
const LEASE_PATIENCE: Duration = Duration::from_millis(1_500);
/// The same where each row is run once, beside other tests: a process that gets no time for a
/// second or two has not died.
const LEASE_PATIENCE_ONCE: Duration = Duration::from_secs(5);

/// How long a lease of a stage may stand still.
pub(crate) fn lease_patience() -> Duration {
    if is_short() {
        LEASE_PATIENCE_ONCE
    } else {
        LEASE_PATIENCE
    }
}

/// Leases that are renewed often.
fn leases() -> Vec<(&'static str, String)> {
    let patience_ms = lease_patience().as_millis().to_string();
    vec![
        ("PACKTRAIN_WORKER_RENEW_EVERY_MS", "200".to_owned()),
        ("PACKTRAIN_WORKER_LEASE_PATIENCE_MS", patience_ms),
    ]
}

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
    leases: Vec<(&'static str, String)>,
    /// Settings of this row besides.
    settings: Vec<(&'static str, String)>,
    program: PathBuf,
}

impl Stage {
    /// A stage on the server of the test run.
    pub(crate) async fn new() -> Self {
        Self::on(database().await).await
    }

    /// The same stage with leases as the product sets them.
    pub(crate) fn with_usual_leases(self) -> Self {
        Self {
            leases: Vec::new(),
            ..self
        }
    }

    /// A stage on this database.
    pub(crate) async fn on(db: Database) -> Self {
        Self {
            tenant: db.tenant("a").await,
            db,
            folder: folder(),
            leases: leases(),
            settings: Vec::new(),
            program: program(),
        }
    }

    /// The same stage with these settings in the environment of its processes.
    pub(crate) fn with_settings(self, settings: Vec<(&'static str, String)>) -> Self {
        Self { settings, ..self }
    }

    /// From now on processes are started from this program.
    pub(crate) fn play(&mut self, program: PathBuf) {
        self.program = program;
    }

    /// `packtrain` with these words; `points` says what breaks where.
    pub(crate) fn command(&self, words: &[&str], points: &str) -> Command {
        let mut command = Command::new(&self.program);
        self.dress(&mut command, points);
        command.args(words).arg("--quiet");
        command
    }

    /// Gives a command the settings of this stage.
    pub(crate) fn dress(&self, command: &mut Command, points: &str) {
        let folder = self.folder.path();
        self.log_apart(command, "log");
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
            .envs(self.leases.iter().cloned())
            .envs(self.settings.iter().cloned())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
    }

    /// Gives a command a log of its own, of this name.
    pub(crate) fn log_apart(&self, command: &mut Command, name: &str) {
        let mut log = std::fs::File::options();
        let log = log.append(true).create(true).open(self.path(name));
        command.stderr(log.unwrap());
    }

    /// What the processes that write to this log have said.
    pub(crate) fn said(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    /// What all processes have said, log by log.
    fn all_said(&self) -> String {
        let files = std::fs::read_dir(self.folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let logs = names.filter(|name| name.starts_with("log"));
        logs.map(|name| format!("{name}:\n{}\n", self.said(&name)))
            .collect()
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

    /// Leads a command to its database by way of this address.
    pub(crate) fn lead_through(&self, command: &mut Command, proxy: SocketAddr) {
        for (name, role) in URLS {
            command.env(name, self.db.url_through(role, proxy).reveal());
        }
    }

    /// Leads a command to its database by way of a pooler, and past it for what may not.
    pub(crate) fn lead_through_pooler(&self, command: &mut Command, pooler: SocketAddr) {
        self.lead_through(command, pooler);
        command.env("PACKTRAIN_DATABASE_POOLED", "true").env(
            "PACKTRAIN_DATABASE_DIRECT_URL",
            self.db.url(Role::Worker).reveal(),
        );
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

    /// A job that marks its run and returns so many follow-ups, which do the same.
    pub(crate) fn parent(&self, hold_ms: u64, then: u64) -> NewJob {
        let mut job = self.step(hold_ms);
        job.payload["then"] = then.into();
        job
    }

    /// Lets a job run in the order of a group.
    pub(crate) fn in_group(&self, mut job: NewJob, group: &str) -> NewJob {
        let gate = Gate::Group { holds_dead: false };
        job.ties.gate = Entrance::of(gate, &job.kind, self.tenant, Some(group));
        job
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

    /// Enqueues so many jobs that stay so long, and more when others were quicker, until this
    /// process is in the middle of some.
    pub(crate) async fn steps_that_it_begins(
        &self,
        process: u32,
        count: usize,
        hold_ms: u64,
    ) -> Vec<JobId> {
        let (began, mut jobs) = (Instant::now(), Vec::new());
        loop {
            jobs.extend(self.steps(count, hold_ms).await);
            let given = Instant::now();
            while given.elapsed() < GIVE_MORE_EVERY {
                let has_marked = self.marks().iter().any(|mark| mark.process == process);
                if has_marked && !self.begun_by(Holder::Process(process)).await.is_empty() {
                    return jobs;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            assert!(began.elapsed() < PATIENCE, "the worker began no job");
        }
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
                panic!("waited in vain until {what}\n{}", self.all_said());
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
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
