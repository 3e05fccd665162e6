//! Everything that can go wrong between looking for PostgreSQL and its first answer.

use std::{io, path::PathBuf, time::Duration};

use crate::PassedOver;

/// Why the private PostgreSQL could not be had, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum DevdbError {
    /// No usable PostgreSQL is there and none could be fetched.
    #[error(
        "no usable PostgreSQL 15 or newer was found{}\ninstall it with:\n    {command}\nor set \
         PACKTRAIN_PG_BIN to the folder of its postgres and initdb",
        crate::binaries::listed(passed_over)
    )]
    NotFound {
        /// What was looked at or tried, each with the reason why it was not taken.
        passed_over: Vec<PassedOver>,
        /// The command that installs PostgreSQL on this system.
        command: String,
    },
    /// A file or folder could not be used.
    #[error("could not {attempt} {}", path.display())]
    File {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The data folder belongs to another user and this process may not act for that user.
    #[error(
        "data folder {} belongs to uid {owner} and this process runs as uid {uid}: run it as that \
         user or as root, or remove the folder",
        folder.display()
    )]
    OtherOwner {
        /// The data folder.
        folder: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who we are.
        uid: u32,
    },
    /// The unprivileged user that root starts the server as cannot reach the data folder.
    #[error(
        "uid {uid} cannot reach data folder {}: allow search on its parents, or run as an \
         ordinary user",
        folder.display()
    )]
    OutOfReach {
        /// The data folder.
        folder: PathBuf,
        /// The unprivileged user.
        uid: u32,
    },
    /// There is data but no password to it.
    #[error(
        "data folder {} has no password file {}: put the file back, or remove the folder to start \
         with empty data",
        folder.display(),
        password.display()
    )]
    NoPassword {
        /// The data folder.
        folder: PathBuf,
        /// Where the password should be.
        password: PathBuf,
    },
    /// `initdb` ended with a failure.
    #[error("initdb could not set up {}; it said:\n{output}", folder.display())]
    Setup {
        /// The folder to set up.
        folder: PathBuf,
        /// The last lines that it wrote.
        output: String,
    },
    /// The guard, that is our own binary, could not be started.
    #[error("could not start the guard {}", program.display())]
    GuardStart {
        /// The program that was to be the guard.
        program: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// Another process holds the data folder but its server does not answer.
    #[error(
        "another process holds {} but its server did not answer within {} s: stop that process \
         and start again",
        lock.display(),
        waited.as_secs()
    )]
    Held {
        /// The lock file.
        lock: PathBuf,
        /// How long it was waited for.
        waited: Duration,
    },
    /// The server did not answer in time.
    #[error(
        "PostgreSQL in {} did not answer within {} s: {reason}; the end of its log {}:\n{tail}",
        folder.display(),
        waited.as_secs(),
        log.display()
    )]
    NotReady {
        /// The data folder.
        folder: PathBuf,
        /// How long it was waited for.
        waited: Duration,
        /// What the last try met.
        reason: String,
        /// The server's log.
        log: PathBuf,
        /// The last lines of it.
        tail: String,
    },
    /// The server did not stop, not even when killed.
    #[error("PostgreSQL in {} with pid {pid} does not stop", folder.display())]
    NotStopped {
        /// The data folder.
        folder: PathBuf,
        /// The server's process.
        pid: i32,
    },
    /// The guard subcommand was called with arguments that only this crate should write.
    #[error("the guard subcommand is not for people: {reason}")]
    GuardArguments {
        /// What is wrong with them.
        reason: String,
    },
    /// The process that asked for the server is gone already.
    #[error("the process {owner} that asked for the server is gone")]
    OwnerGone {
        /// Its process id.
        owner: i32,
    },
    /// The guard could not give up its rights or become the server.
    #[error("the guard could not {attempt}")]
    Guard {
        /// What was attempted, as a verb.
        attempt: &'static str,
        /// The system's answer.
        source: io::Error,
    },
}
