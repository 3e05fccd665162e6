//! PostgreSQL of the fault rows: one for all rows that leave it alone, and one of its own for each
//! row that kills it, stops it, or tells it the wrong time.

use std::fs::Permissions;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use packtrain_core::secret::Secret;
use packtrain_devdb::{Connection, Guard, Options, Server};
use packtrain_tests::Database;
use tempfile::TempDir;
use tokio::sync::OnceCell;

use crate::process::program;

/// Connections of all rows together.
pub(crate) const CONNECTIONS: u16 = 300;
/// The longest that a server may be away after it was killed.
const RESTART_WITHIN: Duration = Duration::from_secs(60);

/// A fresh database on the server that the rows share.
pub(crate) async fn database() -> Database {
    static SHARED: OnceCell<String> = OnceCell::const_new();
    if std::env::var_os("PACKTRAIN_TEST_PG").is_some() {
        return Database::new().await;
    }
    Database::on(SHARED.get_or_init(async || own_runtime()).await).await
}

/// Starts a server that lives as long as this process, whichever test asked for it first.
fn own_runtime() -> String {
    let (sender, url) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let own = OwnServer::start().await;
            sender.send(own.url()).unwrap();
            own.server.keep().await.unwrap();
        });
    });
    url.recv().unwrap()
}

/// A server of a row's own. It is started again when it dies.
pub(crate) struct OwnServer {
    server: Server,
    keeping: Option<tokio::task::JoinHandle<()>>,
    _folder: TempDir,
}

impl OwnServer {
    /// Starts it.
    pub(crate) async fn start() -> Self {
        Self::in_folder(folder(), None).await
    }

    /// Starts it with this in its environment.
    pub(crate) async fn with_environment(environment: &[(&str, String)]) -> Self {
        // A plain one is found or fetched as usual, and says which programs it runs.
        let plain = Self::start().await;
        let program = std::fs::read_link(format!("/proc/{}/exe", plain.id())).unwrap();
        plain.stop().await;
        let folder = folder();
        let bin = folder.path().join("bin");
        wrap(program.parent().unwrap(), &bin, environment);
        Self::in_folder(folder, Some(bin)).await
    }

    async fn in_folder(folder: TempDir, bin: Option<PathBuf>) -> Self {
        let guard = Guard {
            program: program(),
            leading: vec!["pg-guard".into()],
        };
        let below = |name| folder.path().join(name);
        let mut options = Options::new(below("pg"), cache(&folder), guard);
        let named = || std::env::var_os("PACKTRAIN_PG_BIN").map(PathBuf::from);
        options.bin = bin.or_else(named);
        options.path = std::env::var_os("PATH");
        options.max_connections = CONNECTIONS;
        options.sync_setup = false;
        let server = packtrain_devdb::start(options, async |connection: Connection| {
            let url = Secret::new(connection.superuser_url("postgres"));
            packtrain_store::probe(&url)
                .await
                .map_err(|error| error.to_string())
        });
        Self {
            server: server.await.unwrap(),
            keeping: None,
            _folder: folder,
        }
    }

    /// Starts it again whenever it dies, as `packtrain dev` does with its own.
    pub(crate) fn keep(&mut self) {
        let server = self.server.clone();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        let keeping = tokio::spawn(async move { server.keep().await.unwrap() });
        self.keeping = Some(keeping);
    }

    /// The superuser's address, without a database.
    pub(crate) fn url(&self) -> String {
        let url = self.server.superuser_url("");
        url.trim_end_matches('/').to_owned()
    }

    /// Where it takes connections.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.server.connection().port()))
    }

    /// The folder that its data lies in.
    pub(crate) fn data_folder(&self) -> &Path {
        self.server.data_folder()
    }

    /// The number of the postmaster; 0 while there is none.
    pub(crate) fn id(&self) -> u32 {
        let file = self.server.data_folder().join("postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        let first = text.lines().next().and_then(|line| line.parse().ok());
        first.unwrap_or(0)
    }

    /// Waits until another postmaster than this one answers.
    pub(crate) async fn restarted(&self, before: u32) {
        let began = Instant::now();
        let url = || Secret::new(self.server.superuser_url("postgres"));
        while [0, before].contains(&self.id()) || packtrain_store::probe(&url()).await.is_err() {
            assert!(
                began.elapsed() < RESTART_WITHIN,
                "PostgreSQL was not started again"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        self.server.stop().await.unwrap();
        if let Some(keeping) = self.keeping {
            keeping.await.unwrap();
        }
    }
}

/// A folder that the server's account may pass through.
pub(crate) fn folder() -> TempDir {
    let open = Permissions::from_mode(0o755);
    let mut builder = tempfile::Builder::new();
    builder.permissions(open).tempdir().unwrap()
}

/// Where a fetched PostgreSQL stays: the product's own cache, as for every test run.
fn cache(folder: &TempDir) -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").filter(|named| !named.is_empty());
    let home = || std::env::home_dir().map(|home| home.join(".cache"));
    let base = named.map(PathBuf::from).or_else(home);
    base.map_or_else(
        || folder.path().join("cache"),
        |base| base.join("packtrain"),
    )
}

/// Programs of PostgreSQL that get this environment: whoever starts them clears it.
fn wrap(real: &Path, bin: &Path, environment: &[(&str, String)]) {
    std::fs::create_dir(bin).unwrap();
    let words: Vec<String> = environment
        .iter()
        .map(|(name, value)| format!("{name}='{value}'"))
        .collect();
    for name in ["postgres", "initdb"] {
        let (file, real) = (bin.join(name), real.join(name));
        // Data is set up by the real clock.
        let words = match name {
            "postgres" => words.join(" "),
            _ => String::new(),
        };
        let script = format!("#!/bin/sh\nexec env {words} {} \"$@\"\n", real.display());
        std::fs::write(&file, script).unwrap();
        std::fs::set_permissions(&file, Permissions::from_mode(0o755)).unwrap();
    }
}
