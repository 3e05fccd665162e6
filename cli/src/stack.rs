//! Servers beside PostgreSQL that `packtrain dev --stack` starts for itself.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use packtrain_devdb::{Moto, Narrate};
use rustix::process::{Pid, getpid, getppid};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout};

use crate::args::Stack;
use crate::failure::{FAILED, Failure, USAGE};
use crate::settings::{Address, Machine, Settings, Transport};
use crate::wiring::sqs;

mod aws;
pub(crate) mod replay;

/// The hidden subcommand that becomes a server which ends with its owner.
pub(crate) const GUARD: &str = "stack-guard";
/// What is said of a server that is private.
const ENDS_WITH_US: &str = "private, ends with this process";
/// The longest that a server may take to answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
/// The pause between two looks whether it does.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// What was started; it ends with this.
#[derive(Default)]
pub(crate) struct Running {
    /// What a person is told of it.
    pub(crate) shown: Vec<Shown>,
    children: Vec<Child>,
    moto: Option<Moto>,
}

/// A line of what is shown: in JSON its name is small.
pub(crate) struct Shown {
    pub(crate) name: &'static str,
    pub(crate) value: String,
    pub(crate) note: &'static str,
}

impl Running {
    /// Starts what is asked for and not given by the settings, and lets the settings lead there.
    pub(crate) async fn start(
        stack: &[Stack],
        settings: &mut Settings,
        narrate: &Narrate,
    ) -> Result<Self, Failure> {
        let mut running = Self::default();
        let has_redis = stack.contains(&Stack::Redis);
        if has_redis && settings.redis.url.get().is_none() {
            let (child, url) = redis(&settings.data.dir).await?;
            settings.redis.url = Address::from(url.clone());
            if settings.cache.url.get().is_none() {
                settings.cache.url = Address::from(url.clone());
            }
            running.show("Redis", url, ENDS_WITH_US);
            running.children.push(child);
        }
        if stack.contains(&Stack::Aws) {
            let moto = aws::start(settings, !has_redis, narrate).await?;
            if let Some(moto) = &moto {
                running.show("Moto", moto.url().to_owned(), aws::KEEPS_NOTHING);
            }
            running.moto = moto;
        }
        let carrier = match settings.hints.transport {
            Transport::Pg => return Ok(running),
            Transport::Redis => "Redis".to_owned(),
            Transport::Sqs => sqs::names(settings).join(", "),
        };
        running.show("Hints", carrier, "");
        Ok(running)
    }

    fn show(&mut self, name: &'static str, value: String, note: &'static str) {
        self.shown.push(Shown { name, value, note });
    }

    /// Ends all of it.
    pub(crate) async fn close(mut self) {
        for child in &mut self.children {
            child.kill().await.ok();
        }
        if let Some(moto) = self.moto {
            moto.stop().await;
        }
    }
}

/// A Redis of this process's own: it keeps nothing on disk and never evicts.
async fn redis(data: &Path) -> Result<(Child, String), Failure> {
    let failed = |what: String| Failure::new(FAILED, format!("private Redis: {what}"));
    let Some(program) = in_path("redis-server") else {
        let what = "--stack redis: redis-server is not in PATH, and redis.url is empty";
        return Err(Failure::new(USAGE, what).help(
            "install it (Debian: apt-get install redis-server; macOS: brew install redis), or set \
             redis.url to a Redis that runs",
        ));
    };
    let folder = data.join("redis");
    std::fs::create_dir_all(&folder)
        .map_err(|error| failed(format!("folder {}: {error}", folder.display())))?;
    let port = free_port()
        .await
        .map_err(|error| failed(error.to_string()))?;
    let words = [
        ("--port", port.to_string()),
        ("--bind", "127.0.0.1".to_owned()),
        ("--save", String::new()),
        ("--appendonly", "no".to_owned()),
        ("--maxmemory-policy", "noeviction".to_owned()),
        ("--daemonize", "no".to_owned()),
        ("--loglevel", "warning".to_owned()),
        ("--logfile", "redis.log".to_owned()),
    ];
    let words = words.iter().flat_map(|(name, value)| [*name, value]);
    let mut command = guarded(&program).map_err(|error| failed(error.to_string()))?;
    let child = command.args(words).current_dir(&folder).spawn();
    let mut child = child.map_err(|error| failed(format!("{}: {error}", program.display())))?;
    let began = Instant::now();
    while !answers(port).await {
        if child.try_wait().is_ok_and(|ended| ended.is_some()) || began.elapsed() > ANSWERS_WITHIN {
            let log = folder.join("redis.log");
            return Err(failed(format!("it does not answer, see {}", log.display())));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok((child, format!("redis://127.0.0.1:{port}")))
}

/// A command that becomes this program and ends with us, however we end. A process group of its
/// own: Ctrl-C is for us, and we end it after our drain.
fn guarded(program: &Path) -> std::io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command
        .arg(GUARD)
        .arg(getpid().as_raw_nonzero().to_string())
        .arg(program)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    Ok(command)
}

/// Becomes the program that the words name, or says why not.
pub(crate) fn guard_main(mut words: impl Iterator<Item = OsString>) -> ExitCode {
    let owner = words.next().and_then(|word| word.to_str()?.parse().ok());
    let (Some(owner), Some(program)) = (owner.and_then(Pid::from_raw), words.next()) else {
        anstream::eprintln!("error: {GUARD} is for packtrain itself");
        return ExitCode::from(USAGE);
    };
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::TERM)).ok();
    }
    if getppid() != Some(owner) {
        // It ended before the kernel was asked to tell us.
        return ExitCode::from(FAILED);
    }
    let error = std::process::Command::new(program).args(words).exec();
    anstream::eprintln!("error: {error}");
    ExitCode::from(FAILED)
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = Machine::read().path?;
    let mut places = std::env::split_paths(&path).map(|folder| folder.join(name));
    places.find(|place| place.is_file())
}

async fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    Ok(listener.local_addr()?.port())
}

/// Whether a Redis answers here.
async fn answers(port: u16) -> bool {
    let asking = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
        stream.write_all(b"PING\r\n").await?;
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await?;
        std::io::Result::Ok(answer == *b"+PONG")
    };
    matches!(timeout(ANSWERS_WITHIN, asking).await, Ok(Ok(true)))
}
