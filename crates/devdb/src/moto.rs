//! moto, a stand-in for SQS and S3 that other people wrote: fetched with pip, private, in memory.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::Narrate;

/// The version that the product was tried with.
const VERSION: &str = "5.2.5";
/// Says its address in its first line, and ends with the pipe to this process, so that it is not
/// left behind however this process ends.
const SERVE: &str = include_str!("moto.py");
/// How long one step of fetching may take.
const STEP_WITHIN: Duration = Duration::from_mins(10);
/// How long it may take to listen.
const LISTENS_WITHIN: Duration = Duration::from_secs(60);
/// How much of what a step said is shown when it fails.
const SAID_BYTES_MAX: usize = 600;

/// Why there is no moto.
#[derive(Debug, thiserror::Error)]
pub enum MotoError {
    /// Nothing to run it with.
    #[error("python3 is not in PATH, and moto {} runs on it", VERSION)]
    NoPython,
    /// It could not be fetched.
    #[error("could not {attempt}: {said}")]
    Fetch {
        /// What was tried.
        attempt: String,
        /// The end of what was said.
        said: String,
    },
    /// A file of ours.
    #[error("could not {attempt} {}", .path.display())]
    File {
        /// What was tried.
        attempt: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It was started and did not listen.
    #[error("moto said no address within {} s, see {}", LISTENS_WITHIN.as_secs(), .log.display())]
    Silent {
        /// Where it wrote why.
        log: PathBuf,
    },
}

/// A server of this process's own on a free port of the loopback address. It keeps everything in
/// memory, checks nobody's rights, and ends with this.
#[derive(Debug)]
pub struct Moto {
    child: Child,
    url: String,
}

impl Moto {
    /// The version of every server that is started here.
    pub const VERSION: &str = VERSION;

    /// Starts one; where `cache` has none yet, it is fetched there with pip. What it writes goes
    /// to the file `log`.
    ///
    /// # Errors
    /// When there is no python3, it cannot be fetched, or does not listen.
    pub async fn start(cache: &Path, log: &Path, narrate: &Narrate) -> Result<Self, MotoError> {
        let python = python(cache, narrate).await?;
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder).map_err(file("make the folder", folder))?;
        }
        let written = File::create(log).map_err(file("write to", log))?;
        let mut command = Command::new(&python);
        command
            .args(["-c", SERVE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(written)
            // Ctrl-C is for the owner, who ends it after its own drain.
            .process_group(0)
            .kill_on_drop(true);
        let spawned = command.spawn();
        let mut child = spawned.map_err(file("start moto with", &python))?;
        let silent = || MotoError::Silent {
            log: log.to_owned(),
        };
        let output = child.stdout.take().ok_or_else(silent)?;
        let mut lines = BufReader::new(output).lines();
        match timeout(LISTENS_WITHIN, lines.next_line()).await {
            Ok(Ok(Some(url))) if url.starts_with("http://127.0.0.1:") => Ok(Self { child, url }),
            _ => Err(silent()),
        }
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Ends it.
    pub async fn stop(mut self) {
        self.child.kill().await.ok();
    }
}

/// A Python that has moto, in a folder of the cache.
async fn python(cache: &Path, narrate: &Narrate) -> Result<PathBuf, MotoError> {
    let tools = cache.join("tools");
    fs::create_dir_all(&tools).map_err(file("make the folder", &tools))?;
    let folder = tools.join(format!("moto-{VERSION}"));
    let (python, whole) = (folder.join("bin/python"), folder.join("whole"));
    if whole.exists() && python.exists() {
        return Ok(python);
    }
    let _turn = turn(&tools.join(format!("moto-{VERSION}.turn"))).await?;
    if whole.exists() && python.exists() {
        return Ok(python);
    }
    narrate(&format!(
        "fetching moto {VERSION} with pip to {}",
        folder.display()
    ));
    let mut venv = Command::new("python3");
    step("make a Python environment", {
        venv.args(["-m", "venv", "--clear"]).arg(&folder)
    })
    .await?;
    let mut pip = Command::new(&python);
    let wanted = format!("moto[server]=={VERSION}");
    step("fetch moto", {
        pip.args(["-m", "pip", "install", "--quiet", &wanted])
    })
    .await?;
    fs::write(&whole, "").map_err(file("write", &whole))?;
    Ok(python)
}

/// Waits until nobody else fetches; the answer holds the turn.
async fn turn(path: &Path) -> Result<File, MotoError> {
    let lock = File::options().create(true).append(true).open(path);
    let lock = lock.map_err(file("open", path))?;
    let waiting = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock));
    let held = waiting.await.map_err(io::Error::other);
    held.and_then(|held| held).map_err(file("lock", path))
}

async fn step(attempt: &str, command: &mut Command) -> Result<(), MotoError> {
    let failed = |said: String| MotoError::Fetch {
        attempt: attempt.to_owned(),
        said,
    };
    command.stdin(Stdio::null()).kill_on_drop(true);
    let done = match timeout(STEP_WITHIN, command.output()).await {
        Ok(Ok(done)) => done,
        Ok(Err(error)) if error.kind() == io::ErrorKind::NotFound => {
            return Err(MotoError::NoPython);
        }
        Ok(Err(error)) => return Err(failed(error.to_string())),
        Err(_) => return Err(failed("it took too long".to_owned())),
    };
    if done.status.success() {
        return Ok(());
    }
    let said = [done.stdout, done.stderr].concat();
    let from = said.len().saturating_sub(SAID_BYTES_MAX);
    let said = String::from_utf8_lossy(said.get(from..).unwrap_or_default());
    Err(failed(said.trim().to_owned()))
}

fn file(attempt: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MotoError {
    let path = path.to_owned();
    move |source| MotoError::File {
        attempt,
        path,
        source,
    }
}
