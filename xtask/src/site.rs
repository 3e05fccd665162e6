//! Where the work is done: the workspace, its target folder, and the wish to stop.

use std::fmt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::timeout;

/// How long a child that was told to end may take.
const END_WITHIN: Duration = Duration::from_secs(5);

/// The workspace that the commands work on.
pub(crate) struct Site {
    /// The folder of the workspace's manifest.
    pub(crate) root: PathBuf,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
    /// Everything that these commands make lies below.
    pub(crate) scratch: PathBuf,
    interrupted: watch::Receiver<bool>,
}

/// Listens for the signals that ask this process to end.
pub(crate) struct Signals {
    interrupted: watch::Sender<bool>,
}

/// A person, or the system, asked this process to end.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl fmt::Display for Interrupted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

impl Site {
    /// Finds the workspace of the running command.
    pub(crate) fn open() -> anyhow::Result<(Self, Signals)> {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR");
        let manifest = manifest.map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
        let root = manifest.parent().context("xtask lies in a workspace")?;
        let target = std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into());
        let target = root.join(target);
        let scratch = target.join("xtask");
        std::fs::create_dir_all(&scratch)
            .with_context(|| format!("could not create {}", scratch.display()))?;
        let (sender, interrupted) = watch::channel(false);
        let site = Self {
            root: root.to_owned(),
            target,
            scratch,
            interrupted,
        };
        let signals = Signals {
            interrupted: sender,
        };
        Ok((site, signals))
    }

    /// Cargo, to be run in the workspace.
    pub(crate) fn cargo(&self) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        command.current_dir(&self.root);
        // Queries are checked against the committed files unless a step says otherwise.
        command.env("SQLX_OFFLINE", "true");
        command.env_remove("DATABASE_URL");
        command.env_remove("SQLX_OFFLINE_DIR");
        command
    }

    /// Runs a program to its end.
    pub(crate) async fn run(&self, command: &mut Command) -> anyhow::Result<ExitStatus> {
        let mut child = spawn(command)?;
        self.wait(&mut child).await
    }

    /// Runs a program to its end and fails when it does.
    pub(crate) async fn must(&self, command: &mut Command) -> anyhow::Result<()> {
        let status = self.run(command).await?;
        if !status.success() {
            bail!("{} ended with {status}", shown(command));
        }
        Ok(())
    }

    /// Runs a program to its end and hands each line of its output over as it comes.
    pub(crate) async fn read(
        &self,
        command: &mut Command,
        mut line: impl FnMut(&str),
    ) -> anyhow::Result<ExitStatus> {
        let mut child = spawn(command.stdout(Stdio::piped()))?;
        let output = child.stdout.take().context("the output is piped")?;
        let mut output = BufReader::new(output);
        let mut bytes = Vec::new();
        let mut interrupted = self.interrupted.clone();
        loop {
            bytes.clear();
            let read = tokio::select! {
                read = output.read_until(b'\n', &mut bytes) => read.context("no more output")?,
                _ = interrupted.wait_for(|asked| *asked) => break,
            };
            if read == 0 {
                break;
            }
            line(String::from_utf8_lossy(&bytes).trim_end_matches(['\r', '\n']));
        }
        self.wait(&mut child).await
    }

    /// Fails once this process was asked to end.
    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        if *self.interrupted.borrow() {
            bail!(Interrupted);
        }
        Ok(())
    }

    /// Waits for a child, and ends it with all its children when this process was asked to end.
    async fn wait(&self, child: &mut Child) -> anyhow::Result<ExitStatus> {
        let mut interrupted = self.interrupted.clone();
        tokio::select! {
            biased;
            status = child.wait() => return status.context("the child was lost"),
            _ = interrupted.wait_for(|asked| *asked) => {}
        }
        let group = child
            .id()
            .and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        for told in [Signal::INT, Signal::KILL] {
            if let Some(group) = group {
                // It may have ended by itself meanwhile.
                let _ = kill_process_group(group, told);
            }
            if timeout(END_WITHIN, child.wait()).await.is_ok() {
                break;
            }
        }
        bail!(Interrupted)
    }
}

impl Signals {
    /// Listens; ends only when signals cannot be listened to.
    pub(crate) async fn listen<T>(self) -> anyhow::Result<T> {
        let listening = "signals cannot be listened to";
        let mut terminate = signal(SignalKind::terminate()).context(listening)?;
        loop {
            tokio::select! {
                pressed = tokio::signal::ctrl_c() => pressed.context(listening)?,
                _ = terminate.recv() => {}
            }
            self.interrupted.send_replace(true);
        }
    }
}

/// Starts a child in a group of its own, so that its own children end with it.
fn spawn(command: &mut Command) -> anyhow::Result<Child> {
    command
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
        .spawn()
        .with_context(|| format!("{} could not be started", shown(command)))
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let command = command.as_std();
    let program = std::path::Path::new(command.get_program());
    let mut text = program
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    for word in command.get_args() {
        text.push(' ');
        text.push_str(&word.to_string_lossy());
    }
    text
}
