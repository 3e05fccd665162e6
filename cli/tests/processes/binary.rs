//! The program under test, in an environment that holds nothing of the tester's own.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use packtrain_tests::{Database, Role, Yard};
use tempfile::TempDir;

/// The program: the one that cargo built for this test, unless another build is to be measured.
pub(crate) fn program() -> PathBuf {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is asked which build to measure"
    )]
    let other = std::env::var("PACKTRAIN_TEST_BINARY");
    other.map_or_else(|_| env!("CARGO_BIN_EXE_packtrain").into(), PathBuf::from)
}

/// A folder to work in, with the given files.
pub(crate) fn folder(files: &[(&str, &[u8])]) -> TempDir {
    // Like a person's own folder: the private PostgreSQL must be able to pass through it.
    let open = Permissions::from_mode(0o755);
    let folder = tempfile::Builder::new()
        .permissions(open)
        .tempdir()
        .unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// A command that ends by itself, run in `folder`.
pub(crate) fn command(folder: &Path, words: &[&str]) -> snapbox::cmd::Command {
    let command = snapbox::cmd::Command::new(program())
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.with_assert(snapbox::Assert::new().action_env("SNAPSHOTS"))
}

/// A process that stays until it is told to end; it is killed with the test.
pub(crate) fn process(folder: &Path, words: &[&str]) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(program());
    command
        .args(words)
        .current_dir(folder)
        .env_clear()
        .env("HOME", folder)
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PACKTRAIN_LOG_FILTER", "error")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// `packtrain worker` on the yard's database and folder.
pub(crate) fn worker(yard: &Yard) -> tokio::process::Command {
    let mut command = process(yard.folder(), &["worker", "--quiet"]);
    command.env("PACKTRAIN_DATA_DIR", yard.folder());
    for (name, value) in addresses(&yard.database) {
        command.env(name, value);
    }
    command
}

/// The settings that lead to a database.
pub(crate) fn addresses(database: &Database) -> [(&'static str, String); 3] {
    let of = |role| database.url(role).reveal().clone();
    [
        ("PACKTRAIN_DATABASE_APP_URL", of(Role::App)),
        ("PACKTRAIN_DATABASE_OPERATOR_URL", of(Role::Operator)),
        ("PACKTRAIN_DATABASE_WORKER_URL", of(Role::Worker)),
    ]
}
