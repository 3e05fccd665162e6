//! Queues of other languages: their libraries, fetched at the versions that are pinned here, and
//! the scripts that fill and run them. A script hears and says what `node/protocol.mjs` describes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::Mutex;

use crate::came::{Lapse, within};
use crate::peer::{Language, Peer};

/// Who ends when a producer does.
const PRODUCER: &str = "a producer";
/// How long a producer may take to be there.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Beside what is fetched: that it is there, and from which list.
const WHOLE: &str = "whole";

const PACKAGES: &str = include_str!("../node/package.json");
const LOCK: &str = include_str!("../node/package-lock.json");
const REQUIREMENTS: &str = include_str!("../python/requirements.txt");
const SCRIPTS: [(&str, &str); 4] = [
    ("protocol.mjs", include_str!("../node/protocol.mjs")),
    ("bullmq.mjs", include_str!("../node/bullmq.mjs")),
    ("pg-boss.mjs", include_str!("../node/pg-boss.mjs")),
    (
        "graphile-worker.mjs",
        include_str!("../node/graphile-worker.mjs"),
    ),
];
const CELERY: (&str, &str) = ("celery_peer.py", include_str!("../python/celery_peer.py"));

/// Where libraries and scripts lie.
#[derive(Debug, Clone)]
pub(crate) struct Fetched(PathBuf);

impl Fetched {
    /// Fetches what these peers need and is not there yet; writes the scripts anew.
    pub(crate) async fn of(peers: &[Peer]) -> Result<Self> {
        let fetched = Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/fetched"));
        let speaks = |language| peers.iter().any(|peer| peer.language() == language);
        if speaks(Language::Node) {
            fetched.node().await.context("libraries from npm")?;
        }
        if speaks(Language::Python) {
            fetched.python().await.context("libraries from pip")?;
        }
        Ok(fetched)
    }

    async fn node(&self) -> Result<()> {
        let folder = self.0.join("node");
        fs::create_dir_all(&folder)?;
        if !is_whole(&folder, LOCK) {
            eprintln!("fetching libraries with npm");
            fs::write(folder.join("package.json"), PACKAGES)?;
            fs::write(folder.join("package-lock.json"), LOCK)?;
            let mut npm = Command::new("npm");
            npm.args([
                "ci",
                "--silent",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
            ]);
            ran(npm.current_dir(&folder)).await?;
            fs::write(folder.join(WHOLE), LOCK)?;
        }
        for (name, text) in SCRIPTS {
            fs::write(folder.join(name), text)?;
        }
        Ok(())
    }

    async fn python(&self) -> Result<()> {
        let folder = self.0.join("python");
        if !is_whole(&folder, REQUIREMENTS) {
            eprintln!("fetching libraries with pip");
            let mut venv = Command::new("python3");
            ran(venv.args(["-m", "venv", "--clear"]).arg(&folder)).await?;
            fs::write(folder.join("requirements.txt"), REQUIREMENTS)?;
            let mut pip = Command::new(folder.join("bin/python"));
            pip.args(["-m", "pip", "install", "--quiet", "--no-deps"]);
            pip.args(["--requirement", "requirements.txt"]);
            ran(pip.current_dir(&folder)).await?;
            fs::write(folder.join(WHOLE), REQUIREMENTS)?;
        }
        Ok(fs::write(folder.join(CELERY.0), CELERY.1)?)
    }

    /// What starts a process of this peer, up to its part; its queue's address is not said.
    pub(crate) fn command(&self, peer: Peer) -> Result<Command> {
        let (program, script) = match peer {
            Peer::Bullmq => (PathBuf::from("node"), "node/bullmq.mjs"),
            Peer::PgBoss => (PathBuf::from("node"), "node/pg-boss.mjs"),
            Peer::GraphileNode => (PathBuf::from("node"), "node/graphile-worker.mjs"),
            Peer::Celery => (self.0.join("python/bin/python"), "python/celery_peer.py"),
            Peer::Graphile | Peer::Awa | Peer::Oxana => bail!("{} is no script", peer.name()),
        };
        let mut command = Command::new(program);
        command.arg(self.0.join(script));
        Ok(command)
    }
}

/// Whether all of this list is there already.
fn is_whole(folder: &Path, list: &str) -> bool {
    fs::read_to_string(folder.join(WHOLE)).is_ok_and(|found| found == list)
}

async fn ran(command: &mut Command) -> Result<()> {
    let program = command.as_std().get_program().display().to_string();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).status();
    let status = status.await.with_context(|| program.clone())?;
    ensure!(status.success(), "{program} ended with {status}");
    Ok(())
}

/// A producer's access: a process that does what it is told.
#[derive(Clone)]
pub(crate) struct Foreign(Arc<Mutex<Producer>>);

struct Producer {
    child: Child,
    commands: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Foreign {
    /// Starts it, and waits until its queue is there.
    pub(crate) async fn open(fetched: &Fetched, peer: Peer, url: &str) -> Result<Self> {
        let mut child = fetched
            .command(peer)?
            .arg("produce")
            .env("PEERS_URL", url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("a producer of {}", peer.name()))?;
        let commands = child.stdin.take().context("a producer's input")?;
        let out = child.stdout.take().context("a producer's output")?;
        let mut producer = Producer {
            child,
            commands,
            answers: BufReader::new(out).lines(),
        };
        let ready = producer.answer("ready");
        within("a producer was not ready", READY_WITHIN, ready).await?;
        Ok(Self(Arc::new(Mutex::new(producer))))
    }

    /// So many jobs by so many producers, so many a call.
    pub(crate) async fn make(&self, jobs: usize, producers: usize, a_call: usize) -> Result<()> {
        let command = format!("make {jobs} {producers} {a_call}");
        self.told(&command, "made").await.map(drop)
    }

    /// Enqueues one job; microseconds since 1970 just before.
    pub(crate) async fn one(&self, hold_ms: u64) -> Result<i64> {
        Ok(self
            .told(&format!("one {hold_ms}"), "one ")
            .await?
            .parse()?)
    }

    /// Jobs that are not over.
    pub(crate) async fn unfinished(&self) -> Result<i64> {
        Ok(self.told("left", "left ").await?.parse()?)
    }

    /// Prepares for jobs on an idle worker.
    pub(crate) async fn idle(&self) -> Result<()> {
        self.told("idle", "idle").await.map(drop)
    }

    /// Has each session hand in what it counted, as it would when it ends; says which they are.
    pub(crate) async fn hand_in(&self) -> Result<Vec<i32>> {
        pids(&self.told("hand-in", "pids ").await?)
    }

    async fn told(&self, command: &str, begin: &str) -> Result<String> {
        let mut producer = self.0.lock().await;
        let line = format!("{command}\n");
        producer.commands.write_all(line.as_bytes()).await?;
        producer.answer(begin).await
    }
}

impl Producer {
    /// The rest of the next line that begins so; what else a library says is nobody's answer.
    async fn answer(&mut self, begin: &str) -> Result<String> {
        while let Some(line) = self.answers.next_line().await? {
            if let Some(rest) = line.strip_prefix(begin) {
                return Ok(rest.to_owned());
            }
        }
        bail!(Lapse::Ended(PRODUCER, self.child.wait().await?))
    }
}

/// Numbers with commas between them, or none at all.
fn pids(text: &str) -> Result<Vec<i32>> {
    let all = text.split(',').filter(|pid| !pid.is_empty());
    let pids: Result<Vec<i32>, _> = all.map(str::parse).collect();
    pids.with_context(|| format!("{text:?} are no sessions"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_read_and_none_are_none() {
        assert_eq!(pids("12,7").expect("two"), [12, 7]);
        assert_eq!(pids("").expect("none"), [] as [i32; 0]);
        assert!(pids("12;7").is_err());
    }

    #[test]
    fn what_was_fetched_from_another_list_is_fetched_again() {
        let folder = std::env::temp_dir().join(format!("peers-whole-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        assert!(!is_whole(&folder, "a==1"));
        fs::write(folder.join(WHOLE), "a==1").expect("a file");
        assert!(is_whole(&folder, "a==1"));
        assert!(!is_whole(&folder, "a==2"));
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn the_lists_pin_every_library_and_name_no_address() {
        for line in REQUIREMENTS.lines() {
            assert!(line.contains("=="), "{line}");
        }
        assert!(!LOCK.contains("http") || !LOCK.contains("\"resolved\""));
        let packages: serde_json::Value = serde_json::from_str(PACKAGES).expect("JSON");
        let all = packages["dependencies"].as_object().expect("an object");
        for (name, version) in all {
            let version = version.as_str().expect("a version");
            let plain = |letter: char| letter.is_ascii_digit() || letter == '.';
            assert!(version.chars().all(plain), "{name} {version}");
        }
    }
}
