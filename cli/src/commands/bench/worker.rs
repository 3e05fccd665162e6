//! A worker process of its own, as a fleet has them: so that its memory and its processor time are
//! nobody else's, and so that it can be killed. Other parts of a fleet as well.

use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::cost;
use super::ground::Ground;
use crate::failure::{FAILED, Failure};
use crate::process::worker_name;
use crate::usage;

/// How often is looked whether it is there.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How long it may take until it is there, and until it has drained.
const TURN_WITHIN: Duration = Duration::from_secs(60);
/// Connections of each of its pools, at least: as many as the peers get.
const CONNECTIONS_MIN: usize = 20;
/// Those that it needs beside the ones that write ends of jobs.
const CONNECTIONS_BESIDE: usize = 4;

/// How the worker differs from what the bench's own settings say.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    /// Jobs at once.
    pub(crate) slots: usize,
    /// The patience of the lane.
    pub(crate) patience_ms: Option<u64>,
    /// Ends in one transaction, and transactions at once.
    pub(crate) settle: Option<(usize, usize)>,
}

impl Shape {
    /// So many jobs at once, and nothing else.
    pub(crate) const fn slots(slots: usize) -> Self {
        Self {
            slots,
            patience_ms: None,
            settle: None,
        }
    }
}

/// A worker that runs.
pub(crate) struct WorkerProcess {
    child: Child,
    /// Its process.
    pub(crate) pid: u32,
    /// As it presents itself to the database.
    pub(crate) name: String,
}

impl WorkerProcess {
    /// Starts a worker of the lane that benches use.
    pub(crate) fn start(ground: &Ground, shape: &Shape) -> Result<Self, Failure> {
        let mut settings = place(ground)?;
        settings.extend(shaped(ground, shape));
        Self::run(ground, &["worker", "--lanes", "ops"], settings)
    }

    /// Starts a worker that evaluates rules and tells people, with these settings besides.
    pub(crate) fn telling(
        ground: &Ground,
        besides: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let mut settings = place(ground)?;
        settings.extend(besides);
        Self::run(ground, &["worker", "--lanes", "pulse,notify"], settings)
    }

    /// Starts a part of the product with its defaults, as a fleet has it.
    pub(crate) fn usual(ground: &Ground, part: &str) -> Result<Self, Failure> {
        // On a port that nobody has.
        Self::listening(ground, part, "127.0.0.1:0")
    }

    /// The same, at an address.
    pub(crate) fn listening(ground: &Ground, part: &str, address: &str) -> Result<Self, Failure> {
        let mut settings = place(ground)?;
        settings.push(("API_LISTEN", address.to_owned()));
        Self::run(ground, &[part], settings)
    }

    fn run(
        ground: &Ground,
        words: &[&str],
        settings: Vec<(&'static str, String)>,
    ) -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::new(FAILED, format!("a worker cannot start: {error}"));
        let settings = settings.into_iter();
        let settings = settings.map(|(key, value)| (format!("PACKTRAIN_{key}"), value));
        let program = std::env::current_exe().map_err(failed)?;
        let folder = std::path::absolute(&ground.settings.data.dir).map_err(failed)?;
        let mut command = Command::new(program);
        command
            .args(words)
            .args(["--quiet", "--data-dir"])
            .arg(&folder)
            // Neither the environment nor a settings file where the bench was started may lead it
            // to another database.
            .env_clear()
            .current_dir(&folder)
            .envs(settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // Ctrl-C is the bench's, which then ends its worker.
            .process_group(0)
            .kill_on_drop(true);
        let child = command.spawn().map_err(failed)?;
        let pid = child
            .id()
            .ok_or_else(|| Failure::new(FAILED, "a worker ended at once"))?;
        Ok(Self {
            child,
            pid,
            name: worker_name(pid),
        })
    }

    /// Waits until it has presented itself.
    pub(crate) async fn registered(&mut self, ground: &Ground) -> Result<(), Failure> {
        let name = self.name.clone();
        let there = async {
            while ground.gauge.holds(&name).await?.is_none() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        };
        let there = tokio::time::timeout(TURN_WITHIN, self.meanwhile(there)).await;
        there.unwrap_or_else(|_| {
            let what = format!("a worker did not present itself within {TURN_WITHIN:?}");
            Err(Failure::new(FAILED, what))
        })
    }

    /// Waits for what needs this worker: one that ends meanwhile is a failure.
    pub(crate) async fn meanwhile<T>(
        &mut self,
        what: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            done = what => done,
            ended = self.child.wait() => Err(match ended {
                Ok(status) => badly(status),
                Err(error) => lost(&error),
            }),
        }
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Duration {
        cost::cpu_of(self.pid).unwrap_or_default()
    }

    /// The most memory that it held so far, in bytes.
    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        usage::memory_peak_bytes(self.pid)
    }

    /// Kills it, as a machine that fails does.
    pub(crate) async fn kill(mut self) -> Result<(), Failure> {
        let killed = self.child.kill().await;
        killed.map_err(|error| Failure::new(FAILED, format!("a worker cannot be killed: {error}")))
    }

    /// Lets it drain and waits until it has.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        // One that had ended by itself was no good worker: its status is not that of a drain.
        if let Ok(Some(status)) = self.child.try_wait() {
            return Err(badly(status));
        }
        if let Some(pid) = Pid::from_raw(self.pid.cast_signed()) {
            kill_process(pid, Signal::TERM).ok();
        }
        match tokio::time::timeout(TURN_WITHIN, self.child.wait()).await {
            Ok(Ok(status)) if status.success() => Ok(()),
            Ok(Ok(status)) => Err(badly(status)),
            Ok(Err(error)) => Err(lost(&error)),
            Err(_) => {
                let what = format!("a worker did not drain within {TURN_WITHIN:?}");
                Err(Failure::new(FAILED, what))
            }
        }
    }
}

fn badly(status: ExitStatus) -> Failure {
    Failure::new(
        FAILED,
        format!("a worker ended while it was needed: {status}"),
    )
}

fn lost(error: &std::io::Error) -> Failure {
    Failure::new(FAILED, format!("a worker was lost: {error}"))
}

/// All that decides what it works on, as its environment says it.
fn place(ground: &Ground) -> Result<Vec<(&'static str, String)>, Failure> {
    let (urls, redis) = (&ground.database.urls, &ground.settings.redis);
    let authority = match redis.ca_file.as_os_str().is_empty() {
        true => String::new(),
        // It works in another folder than the bench.
        false => std::path::absolute(&redis.ca_file)
            .map_err(|error| Failure::new(FAILED, format!("redis.ca_file: {error}")))?
            .display()
            .to_string(),
    };
    let url = redis.url.get();
    Ok(vec![
        ("DATABASE_OWNER_URL", String::new()),
        ("DATABASE_APP_URL", urls.app.reveal().clone()),
        ("DATABASE_OPERATOR_URL", urls.operator.reveal().clone()),
        ("DATABASE_WORKER_URL", urls.worker.reveal().clone()),
        ("DATABASE_DIRECT_URL", urls.direct.reveal().clone()),
        ("DATABASE_POOLED", false.to_string()),
        (
            "HINTS_TRANSPORT",
            ground.settings.hints.transport.as_str().to_owned(),
        ),
        (
            "REDIS_URL",
            url.map_or_else(String::new, |url| url.reveal().clone()),
        ),
        ("REDIS_CA_FILE", authority),
        ("REDIS_PREFIX", redis.prefix.clone()),
        ("REDIS_EVICTING", redis.evicting.to_string()),
        ("REDIS_CLUSTER", redis.cluster.to_string()),
        ("WARM_ENDPOINT_URLS", String::new()),
        ("METRICS_LISTEN", String::new()),
        ("LOG_FILTER", "error".to_owned()),
    ])
}

/// All that decides how it works, as its environment says it.
fn shaped(ground: &Ground, shape: &Shape) -> [(&'static str, String); 9] {
    let worker = &ground.settings.worker;
    let (batch, at_once) = shape
        .settle
        .unwrap_or((worker.settle_batch, worker.settle_at_once));
    let patience_ms = shape.patience_ms.unwrap_or(worker.ops_patience_ms);
    let connections = CONNECTIONS_MIN.max(at_once + CONNECTIONS_BESIDE);
    [
        ("DATABASE_CONNECTIONS", connections.to_string()),
        ("WORKER_OPS_SLOTS", shape.slots.to_string()),
        ("WORKER_OPS_PATIENCE_MS", patience_ms.to_string()),
        ("WORKER_SETTLE_BATCH", batch.to_string()),
        ("WORKER_SETTLE_AT_ONCE", at_once.to_string()),
        ("WORKER_CPU_THREADS", worker.cpu_threads.to_string()),
        ("WORKER_RENEW_EVERY_MS", worker.renew_every_ms.to_string()),
        (
            "WORKER_LEASE_PATIENCE_MS",
            worker.lease_patience_ms.to_string(),
        ),
        ("WORKER_DRAIN_S", worker.drain_s.to_string()),
    ]
}
