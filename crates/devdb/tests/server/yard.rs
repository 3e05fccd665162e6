//! What the tests stand on: a folder, our own binary as guard and as owner, and `psql` as client.
//!
//! `psql` comes with every installation that has a server, so the probe brings no client library
//! and no second PostgreSQL protocol into the house.

use std::{
    fs,
    io::{BufRead, BufReader, Lines},
    os::unix::{fs::PermissionsExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use packtrain_devdb::{Connection, Guard, Options, Server, start};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use crate::skip;

/// Nothing here takes longer unless it hangs.
const PATIENCE: Duration = Duration::from_secs(60);
/// `nobody`.
pub const NOBODY: u32 = 65534;

/// A folder of one test, at a place that every user can reach.
pub struct Yard {
    root: TempDir,
}

impl Yard {
    pub fn new() -> Self {
        let root = tempfile::Builder::new()
            .prefix("devdb-")
            .tempdir_in("/tmp")
            .expect("a folder");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(root.path(), open).expect("opened to all");
        // `cp`, not a write of our own: a program that a fork of another test holds open for
        // writing could not be run. The build folder may be closed to an ordinary user.
        let copy = Command::new("cp")
            .args([
                env!("CARGO_BIN_EXE_packtrain-devdb").as_ref(),
                root.path().join("guard").as_os_str(),
            ])
            .status();
        assert!(copy.expect("cp runs").success());
        Self { root }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    pub fn options(&self, data_root: &Path) -> Options {
        let guard = Guard {
            program: self.path("guard"),
            leading: vec!["guard".into()],
        };
        let mut options = Options::new(data_root.to_owned(), self.path("cache"), guard);
        options.path = std::env::var_os("PATH");
        options.fetch = false;
        options.sync_setup = false;
        // Several are made at once.
        options.ready_within = Duration::from_secs(180);
        options
    }

    pub async fn start(&self, data_root: &Path) -> Server {
        start(self.options(data_root), ask)
            .await
            .expect("the server starts")
    }

    /// Starts a process of its own that owns (or attaches to) the server.
    pub fn hold(&self, data_root: &Path, uid: Option<u32>) -> Held {
        let mut command = Command::new(self.path("guard"));
        command
            .arg("hold")
            .arg(data_root)
            .arg(self.path("cache"))
            .arg("psql")
            .arg("fetch=no");
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        if let Some(uid) = uid {
            command.uid(uid).gid(uid).current_dir("/");
        }
        let mut child = command.spawn().expect("the holder starts");
        let input = child.stdin.take();
        let output = child.stdout.take().expect("its output is piped");
        Held {
            child,
            input,
            lines: BufReader::new(output).lines(),
        }
    }
}

/// A process that holds a server, and what it says.
pub struct Held {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Held {
    /// Reads on to the line with this beginning, and gives the rest of it.
    pub fn says(&mut self, beginning: &str) -> String {
        let mut seen = Vec::new();
        while let Some(Ok(line)) = self.lines.next() {
            if let Some(rest) = line.strip_prefix(beginning) {
                return rest.to_owned();
            }
            seen.push(line);
        }
        panic!("the holder never said {beginning:?}, but {seen:#?}");
    }

    /// Ends it as a crash does.
    pub fn kill(mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it ends");
    }

    /// Ends it as a person does.
    pub fn stop(mut self) {
        self.input.take();
        self.says("stopped");
        assert!(self.child.wait().expect("it ends").success());
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The probe.
pub async fn ask(connection: Connection) -> Result<(), String> {
    query(&connection.superuser_url("postgres"), "select 1")
        .await
        .map(drop)
}

/// Asks one thing and gives the answer.
pub async fn query(url: &str, sql: &str) -> Result<String, String> {
    let mut command = tokio::process::Command::new("psql");
    command.args([
        "--no-psqlrc",
        "--no-password",
        "--no-align",
        "--tuples-only",
        "--command",
        sql,
    ]);
    command.arg(url).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.map_err(|error| error.to_string())?;
    let said = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        Ok(said(&output.stdout))
    } else {
        Err(said(&output.stderr))
    }
}

/// Waits until the condition holds.
pub async fn until<F: AsyncFnMut() -> bool>(what: &str, mut holds: F) {
    let wait = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(
        timeout(PATIENCE, wait).await.is_ok(),
        "waited in vain until {what}"
    );
}

/// The process of the server of a data folder.
pub fn server_pid(folder: &Path) -> Pid {
    let text = fs::read_to_string(folder.join("postmaster.pid")).expect("a server runs");
    let pid = text
        .lines()
        .next()
        .and_then(|pid| pid.parse().ok())
        .expect("a number");
    Pid::from_raw(pid).expect("a process")
}

pub fn kill(pid: Pid) {
    kill_process(pid, Signal::KILL).expect("it runs");
}

/// Says whether a process is there and no mere zombie.
pub fn is_alive(pid: Pid) -> bool {
    fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

/// The only data folder below a data root.
pub fn data_folder(data_root: &Path) -> PathBuf {
    fs::read_dir(data_root)
        .expect("it is there")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.join("PG_VERSION").exists())
        .expect("a cluster is there")
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says why a test did nothing, and whether it must.
pub fn skips(test: &str) -> bool {
    let missing = match () {
        () if Command::new("psql").arg("--version").output().is_err() => "psql is missing",
        () if test.contains("root") && !is_root() => "needs root",
        () => return false,
    };
    skip::note(test, missing);
    true
}
