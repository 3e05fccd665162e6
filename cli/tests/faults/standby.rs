//! A PostgreSQL with a standby that follows it and takes its place.

use std::net::SocketAddr;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use packtrain_core::secret::Secret;
use packtrain_tests::{free_address, skip};
use rustix::process::Signal;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::process::{family, tell};
use crate::server::{CONNECTIONS, OwnServer, folder};

/// The longest that a copy, a start or a promotion may take.
const WITHIN: Duration = Duration::from_secs(60);
/// What a standby calls itself; its primary waits for it before it says that a commit is done.
const NAME: &str = "standby";
/// The program that copies a server that runs.
const COPIES: &str = "pg_basebackup";

/// A server that was copied from another one and follows it until it is promoted.
pub(crate) struct Standby {
    address: SocketAddr,
    /// User and password of the superuser, as in an address.
    login: String,
    child: Child,
    _folder: TempDir,
}

/// The programs of PostgreSQL, and whose data it has.
pub(crate) struct Programs {
    bin: PathBuf,
    copies: PathBuf,
    owner: (u32, u32),
}

impl Programs {
    /// Those that this server runs; none, with the test noted as skipped, without the one that
    /// copies.
    pub(crate) fn of(server: &OwnServer, test: &str) -> Option<Self> {
        let program = std::fs::read_link(format!("/proc/{}/exe", server.id())).unwrap();
        let bin = program.parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let folders = std::iter::once(bin.clone()).chain(std::env::split_paths(&path));
        let mut found = folders.map(|folder| folder.join(COPIES));
        let Some(copies) = found.find(|program| program.is_file()) else {
            skip(test, &format!("{COPIES} is not at hand"));
            return None;
        };
        let data = std::fs::metadata(server.data_folder()).unwrap();
        Some(Self {
            bin,
            copies,
            owner: (data.uid(), data.gid()),
        })
    }

    /// A command under the account that has the data.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        if rustix::process::geteuid().is_root() {
            command.uid(self.owner.0).gid(self.owner.1);
        }
        // The folder of the test may be one that the account may not see.
        command.current_dir("/");
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(Stdio::null()).kill_on_drop(true);
        command
    }
}

impl Standby {
    /// Copies the server at this superuser's address (`postgres://login@host:port`) and follows it.
    /// When this returns, that server waits with each commit until the standby has it on disk.
    pub(crate) async fn of(programs: &Programs, primary: &str) -> Self {
        let (folder, address) = (folder(), free_address());
        chown(
            folder.path(),
            Some(programs.owner.0),
            Some(programs.owner.1),
        )
        .ok();
        let data = folder.path().join("data");
        let from = format!("{primary}/?application_name={NAME}");
        let mut copying = programs.command(&programs.copies);
        copying.args(["--write-recovery-conf", "--checkpoint=fast", "--no-sync"]);
        copying.arg("--pgdata").arg(&data).args(["--dbname", &from]);
        let copied = tokio::time::timeout(WITHIN, copying.status()).await;
        assert!(copied.expect("it copies in time").unwrap().success());
        // The copy has the primary's settings: by itself it waits for nobody.
        let settings = data.join("postgresql.auto.conf");
        let mut text = std::fs::read_to_string(&settings).unwrap();
        text.push_str("synchronous_standby_names = ''\n");
        std::fs::write(&settings, text).unwrap();
        let mut serving = programs.command(&programs.bin.join("postgres"));
        serving.arg("-D").arg(&data);
        for setting in [
            format!("port={}", address.port()),
            format!("max_connections={CONNECTIONS}"),
            "listen_addresses=127.0.0.1".to_owned(),
            "unix_socket_directories=".to_owned(),
            "shared_buffers=64MB".to_owned(),
            "jit=off".to_owned(),
            "timezone=UTC".to_owned(),
        ] {
            serving.args(["-c", &setting]);
        }
        let login = primary.rsplit_once('@').unwrap().0.to_owned();
        let standby = Self {
            address,
            login,
            child: serving.spawn().unwrap(),
            _folder: folder,
        };
        let streams = "select count(*) from pg_stat_replication where state = 'streaming'";
        until_one(primary, streams).await;
        run(
            primary,
            &format!("alter system set synchronous_standby_names = '{NAME}'"),
        )
        .await;
        run(primary, "select pg_reload_conf()").await;
        let is_waited_for = "select count(*) from pg_stat_replication where sync_state = 'sync'";
        until_one(primary, is_waited_for).await;
        standby
    }

    /// Where it takes connections.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The superuser's address, without a database.
    pub(crate) fn url(&self) -> String {
        format!("{}@{}", self.login, self.address)
    }

    /// Lets it take the place of the server that it followed.
    pub(crate) async fn promote(&self) {
        let seconds = WITHIN.as_secs();
        run(&self.url(), &format!("select pg_promote(true, {seconds})")).await;
        until_one(&self.url(), "select (not pg_is_in_recovery())::int::bigint").await;
    }

    /// Ends it with everything that it runs, at once.
    pub(crate) async fn kill(&mut self) {
        if let Some(id) = self.child.id() {
            kill_all(id);
            self.child.wait().await.unwrap();
        }
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        if let Some(id) = self.child.id() {
            kill_all(id);
        }
    }
}

/// Ends a server as the loss of its machine does: no process of it does anything more.
pub(crate) fn kill_all(postmaster: u32) {
    let all = family(postmaster);
    all.iter().for_each(|id| tell(*id, Signal::STOP));
    all.iter().for_each(|id| tell(*id, Signal::KILL));
}

async fn run(server: &str, sql: &str) {
    packtrain_tests::run_on(&Secret::new(format!("{server}/postgres")), sql).await;
}

async fn until_one(server: &str, sql: &str) {
    let url = Secret::new(format!("{server}/postgres"));
    let began = Instant::now();
    while packtrain_tests::number_on(&url, sql).await != Some(1) {
        assert!(began.elapsed() < WITHIN, "in vain: {sql}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
