//! What a caller decides about the private server. The environment is read by the caller alone.

use std::{ffi::OsString, fmt, path::PathBuf, sync::Arc, time::Duration};

use crate::{Guard, SystemFolders};

/// Receives plain lines that say what is being done; they never hold a secret.
pub type Narrate = Arc<dyn Fn(&str) + Send + Sync>;

/// How the private server is found, set up and run.
#[derive(Clone)]
pub struct Options {
    /// Folder that holds one data folder a major version, for example `./.packtrain/pg`.
    pub data_root: PathBuf,
    /// The product's own cache, where fetched binaries go.
    pub cache_root: PathBuf,
    /// Folder of `postgres` and `initdb` that goes before all others (`PACKTRAIN_PG_BIN`).
    pub bin: Option<PathBuf>,
    /// The caller's `PATH`: searched for PostgreSQL, npm and apt-get.
    pub path: Option<OsString>,
    /// Versioned system folders to search; empty hides them (`PACKTRAIN_PG_SYSTEM=0`).
    pub system_folders: SystemFolders,
    /// How our own binary is called to become the server.
    pub guard: Guard,
    /// Whether PostgreSQL may be fetched when none is found.
    pub fetch: bool,
    /// Connections that the server admits.
    pub max_connections: u16,
    /// Whether `initdb` waits for the disk; only tests turn it off. The server itself always syncs.
    pub sync_setup: bool,
    /// How long the server may take to answer the probe.
    pub ready_within: Duration,
    /// Where the plain lines go.
    pub narrate: Narrate,
}

impl Options {
    /// Gives options with the defaults of `dev`: known system folders, fetching allowed, 30 s.
    #[must_use]
    pub fn new(data_root: PathBuf, cache_root: PathBuf, guard: Guard) -> Self {
        Self {
            data_root,
            cache_root,
            bin: None,
            path: None,
            system_folders: SystemFolders::known(),
            guard,
            fetch: true,
            max_connections: 100,
            sync_setup: true,
            ready_within: Duration::from_secs(30),
            narrate: Arc::new(|_| {}),
        }
    }

    pub(crate) fn say(&self, line: &str) {
        (self.narrate)(line);
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("data_root", &self.data_root)
            .field("cache_root", &self.cache_root)
            .field("bin", &self.bin)
            .field("fetch", &self.fetch)
            .finish_non_exhaustive()
    }
}
