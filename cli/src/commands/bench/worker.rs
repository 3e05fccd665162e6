//! A worker process of its own, as a fleet has them: so that its memory and its processor time are
//! nobody else's, and so that it can be killed.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use super::cost;
use super::ground::Ground;
use crate::failure::{FAILED, Failure};
use crate::wiring::worker_name;

/// How often is looked whether it is there.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// A worker that runs.
pub(crate) struct WorkerProcess {
    child: Child,
    pid: u32,
    /// As it presents itself to the database.
    pub(crate) name: String,
}

impl WorkerProcess {
    /// Starts a worker of the lane that benches use; `settings` are those of `[worker]`.
    pub(crate) fn start(ground: &Ground, settings: &[(&str, String)]) -> Result<Self, Failure> {
        let failed =
            |error: std::io::Error| Failure::new(FAILED, format!("a worker cannot start: {error}"));
        let program = std::env::current_exe().map_err(failed)?;
        let urls = &ground.database.urls;
        let mut command = Command::new(program);
        command
            .args(["worker", "--lanes", "ops", "--quiet", "--data-dir"])
            .arg(&ground.settings.data.dir)
            .env("PACKTRAIN_DATABASE_APP_URL", urls.app.reveal())
            .env("PACKTRAIN_DATABASE_OPERATOR_URL", urls.operator.reveal())
            .env("PACKTRAIN_DATABASE_WORKER_URL", urls.worker.reveal())
            .env("PACKTRAIN_LOG_FILTER", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .kill_on_drop(true);
        if let Some(config) = &ground.config {
            command.arg("--config").arg(config);
        }
        for (key, value) in settings {
            command.env(format!("PACKTRAIN_WORKER_{}", key.to_uppercase()), value);
        }
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
        while ground.gauge.holds(&self.name).await?.is_none() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::new(FAILED, format!("a worker ended: {status}")));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Duration {
        cost::cpu_of(self.pid).unwrap_or_default()
    }

    /// The most memory that it held so far, in bytes.
    pub(crate) fn memory_peak_bytes(&self) -> u64 {
        cost::memory_peak_bytes(self.pid)
    }

    /// Kills it, as a machine that fails does.
    pub(crate) async fn kill(mut self) -> Result<(), Failure> {
        let killed = self.child.kill().await;
        killed.map_err(|error| Failure::new(FAILED, format!("a worker cannot be killed: {error}")))
    }

    /// Lets it drain and waits until it has.
    pub(crate) async fn end(mut self) -> Result<(), Failure> {
        if let Some(pid) = Pid::from_raw(self.pid.cast_signed()) {
            kill_process(pid, Signal::TERM).ok();
        }
        match self.child.wait().await {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Failure::new(
                FAILED,
                format!("a worker ended badly: {status}"),
            )),
            Err(error) => Err(Failure::new(FAILED, format!("a worker was lost: {error}"))),
        }
    }
}
