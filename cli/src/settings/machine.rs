//! The machine that this process runs on, as the environment tells of it.

use std::path::PathBuf;

/// What the environment says of the machine, for the search of PostgreSQL and for colours.
pub(crate) struct Machine {
    /// Where programs are looked for.
    pub(crate) path: Option<std::ffi::OsString>,
    /// Where this user's caches go.
    pub(crate) cache: PathBuf,
    /// Where the container service is asked to leave this task alone, if it runs under one.
    pub(crate) agent_uri: Option<String>,
}

impl Machine {
    /// Reads the environment.
    pub(crate) fn read() -> Self {
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or_else(|| home.map(|home| home.join(".cache")))
            .unwrap_or_else(std::env::temp_dir);
        Self {
            path: std::env::var_os("PATH"),
            cache: cache.join("packtrain"),
            agent_uri: std::env::var_os("ECS_AGENT_URI").and_then(|uri| uri.into_string().ok()),
        }
    }
}
