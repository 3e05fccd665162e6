//! The private Redis of those that keep their jobs there, and of packtrain's hints: without
//! persistence, on a free loopback port, with a password.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::process::{Child, Command};

use crate::came::within;
use crate::meter;

/// Folders that an ordinary user's PATH leaves out.
const SYSTEM_FOLDERS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The server, which ends with this.
pub(crate) struct Redis {
    child: Child,
    url: String,
    folder: PathBuf,
}

impl Redis {
    /// Starts it, empty.
    pub(crate) async fn start() -> Result<Self> {
        let program = program().context(
            "redis-server is not in PATH (Debian: apt-get install redis-server; \
             `cargo xtask test redis` fetches it)",
        )?;
        let folder =
            std::env::temp_dir().join(format!("packtrain-peers-{}-redis", std::process::id()));
        fs::create_dir_all(&folder).context("a folder for Redis")?;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let password = password()?;
        let mut child = Command::new(program)
            // The settings come over standard input: others can read what a command was given.
            .arg("-")
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("redis-server")?;
        let mut settings = child.stdin.take().context("redis-server's input")?;
        let text = settings_of(port, &password);
        tokio::io::AsyncWriteExt::write_all(&mut settings, text.as_bytes()).await?;
        drop(settings);
        let url = format!("redis://:{password}@127.0.0.1:{port}/0");
        let redis = Self { child, url, folder };
        within("Redis did not answer", ANSWERS_WITHIN, async {
            while redis.ask("PING").await.is_err() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(())
        })
        .await?;
        Ok(redis)
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Processor time so far.
    pub(crate) fn cpu(&self) -> Duration {
        let pid = self.child.id().unwrap_or(0);
        meter::cpu_of(pid).unwrap_or_default()
    }

    /// Removes everything.
    pub(crate) async fn empty(&self) -> Result<()> {
        self.ask("FLUSHALL").await
    }

    async fn ask(&self, command: &str) -> Result<()> {
        let client = redis::Client::open(self.url.as_str())?;
        let mut connection = client.get_multiplexed_async_connection().await?;
        redis::cmd(command)
            .query_async::<()>(&mut connection)
            .await?;
        Ok(())
    }

    pub(crate) async fn stop(mut self) -> Result<()> {
        self.child.kill().await?;
        fs::remove_dir_all(&self.folder).context("the folder of Redis")
    }
}

fn settings_of(port: u16, password: &str) -> String {
    format!(
        "port {port}\nbind 127.0.0.1\nrequirepass {password}\nsave \"\"\nappendonly no\n\
         maxmemory-policy noeviction\n"
    )
}

fn password() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn program() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = SYSTEM_FOLDERS.iter().map(PathBuf::from);
    let mut programs = std::env::split_paths(&path)
        .chain(system)
        .map(|folder| folder.join("redis-server"));
    programs.find(|program| Path::is_file(program))
}
