//! PostgreSQL of the fault rows: one for all rows that leave it alone, and one of its own for each
//! row that kills it, stops it, or tells it the wrong time.

use std::ffi::OsString;
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::mpsc;

use packtrain_core::secret::Secret;
use packtrain_devdb::{Connection, Guard, Options, Server};
use packtrain_tests::Database;
use tempfile::TempDir;
use tokio::sync::OnceCell;

/// Connections of all rows together.
const CONNECTIONS: u16 = 300;

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
            let own = OwnServer::start(&[]).await;
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
    folder: TempDir,
}

impl OwnServer {
    /// Starts it, with this in its environment.
    pub(crate) async fn start(environment: &[(&str, &str)]) -> Self {
        let open = Permissions::from_mode(0o755);
        let folder = tempfile::Builder::new()
            .permissions(open)
            .tempdir()
            .unwrap();
        let mut leading: Vec<OsString> = environment
            .iter()
            .map(|(name, value)| format!("{name}={value}").into())
            .collect();
        leading.extend([env!("CARGO_BIN_EXE_packtrain").into(), "pg-guard".into()]);
        let guard = Guard {
            program: "/usr/bin/env".into(),
            leading,
        };
        let mut options =
            Options::new(folder.path().join("pg"), folder.path().join("cache"), guard);
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
            folder,
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
        self.server
            .superuser_url("")
            .trim_end_matches('/')
            .to_owned()
    }

    /// The number of the postmaster.
    pub(crate) fn id(&self) -> u32 {
        let file = self.server.data_folder().join("postmaster.pid");
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.lines()
            .next()
            .and_then(|line| line.parse().ok())
            .unwrap_or(0)
    }

    /// A folder beside the data.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it.
    pub(crate) async fn stop(self) {
        self.server.stop().await.unwrap();
        if let Some(keeping) = self.keeping {
            keeping.await.unwrap();
        }
    }
}
