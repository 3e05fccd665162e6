//! Finds `postgres` and `initdb` that the server's user can run and that are new enough.

use std::{
    env,
    ffi::OsStr,
    fmt, fs,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use crate::{
    Options,
    account::{Account, run_as},
    fetch,
};

/// Our SQL needs this major version.
pub(crate) const MAJOR_MIN: u32 = 15;
/// A program that does not tell its version by then is not taken.
const VERSION_WITHIN: Duration = Duration::from_secs(10);

/// Where distributions put PostgreSQL, as paths in which `{major}` stands for the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemFolders(Vec<String>);

impl SystemFolders {
    /// The folders of Debian, Red Hat, Homebrew and Postgres.app.
    #[must_use]
    pub fn known() -> Self {
        Self::of([
            "/usr/lib/postgresql/{major}/bin",
            "/usr/pgsql-{major}/bin",
            "/opt/homebrew/opt/postgresql@{major}/bin",
            "/usr/local/opt/postgresql@{major}/bin",
            "/home/linuxbrew/.linuxbrew/opt/postgresql@{major}/bin",
            "/Applications/Postgres.app/Contents/Versions/{major}/bin",
        ])
    }

    /// No folders at all.
    #[must_use]
    pub fn none() -> Self {
        Self(Vec::new())
    }

    /// The given patterns, each with `{major}` in one of its parts.
    #[must_use]
    pub fn of<I: IntoIterator<Item = S>, S: Into<String>>(patterns: I) -> Self {
        Self(patterns.into_iter().map(Into::into).collect())
    }

    /// Gives the folders that exist, highest version first.
    pub(crate) fn present(&self) -> Vec<PathBuf> {
        let mut found: Vec<_> = self.0.iter().flat_map(|pattern| matches(pattern)).collect();
        found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
        found.into_iter().map(|(_, folder)| folder).collect()
    }
}

/// A folder or a way that was considered and not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PassedOver {
    /// The folder, or the package manager.
    pub what: String,
    /// Why it was not taken.
    pub reason: String,
}

impl PassedOver {
    pub(crate) fn new(what: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self {
            what: what.to_string(),
            reason: reason.to_string(),
        }
    }
}

impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.what, self.reason)
    }
}

/// Writes what was passed over as lines of an error message.
pub(crate) fn listed(passed_over: &[PassedOver]) -> String {
    passed_over
        .iter()
        .map(|passed| format!("\n  {passed}"))
        .collect()
}

/// The programs of one installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binaries {
    pub(crate) folder: PathBuf,
    pub(crate) major: u32,
}

impl Binaries {
    /// Takes the first folder that passes, or says of each why it does not.
    pub(crate) async fn find(
        options: &Options,
        account: Option<Account>,
    ) -> Result<Self, Vec<PassedOver>> {
        let mut passed_over = Vec::new();
        for folder in folders(options, account) {
            match Self::check(&folder, account).await {
                Ok(binaries) => return Ok(binaries),
                Err(reason) => {
                    let passed = PassedOver::new(folder.display(), reason);
                    options.say(&format!("not used: {passed}"));
                    passed_over.push(passed);
                }
            }
        }
        Err(passed_over)
    }

    /// Runs both programs as the user that will run them later, which proves more than modes do.
    pub(crate) async fn check(folder: &Path, account: Option<Account>) -> Result<Self, String> {
        let text = version_text(&folder.join("postgres"), account).await?;
        let major = major(&text).ok_or_else(|| format!("says its version is {text:?}"))?;
        if major < MAJOR_MIN {
            return Err(format!(
                "is PostgreSQL {major}, and {MAJOR_MIN} or newer is needed"
            ));
        }
        version_text(&folder.join("initdb"), account).await?;
        Ok(Self {
            folder: folder.to_owned(),
            major,
        })
    }

    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

/// Finds a program in the caller's `PATH`.
pub(crate) fn on_path(options: &Options, name: &str) -> Option<PathBuf> {
    let path = options.path.as_deref()?;
    env::split_paths(path)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}

fn folders(options: &Options, account: Option<Account>) -> Vec<PathBuf> {
    let path = options.path.as_deref().unwrap_or_default();
    let mut folders: Vec<PathBuf> = Vec::new();
    let candidates = (options.bin.iter().map(|bin| folder_of_setting(bin)))
        .chain(env::split_paths(path).filter_map(|folder| folder_on_path(&folder)))
        .chain(options.system_folders.present())
        .chain(fetch::filled_folders(options, account));
    for folder in candidates {
        if !folders.contains(&folder) {
            folders.push(folder);
        }
    }
    folders
}

/// The setting may name the folder or the server program in it.
fn folder_of_setting(bin: &Path) -> PathBuf {
    match bin.parent() {
        Some(parent) if bin.is_file() => parent.to_owned(),
        _ => bin.to_owned(),
    }
}

/// `PATH` often holds links: the installation is where they point, and `initdb` is there too.
fn folder_on_path(folder: &Path) -> Option<PathBuf> {
    let program = fs::canonicalize(folder.join("postgres")).ok()?;
    let installation = program.parent()?;
    let is_whole = installation.join("initdb").is_file();
    Some(if is_whole { installation } else { folder }.to_owned())
}

fn matches(pattern: &str) -> Vec<(u32, PathBuf)> {
    let Some((before, after)) = pattern.split_once("{major}") else {
        return Vec::new();
    };
    let (parent, prefix) = before.rsplit_once('/').unwrap_or((".", before));
    let (suffix, rest) = after.split_once('/').unwrap_or((after, ""));
    let Ok(entries) = fs::read_dir(parent) else {
        return Vec::new();
    };
    let version = |name: &OsStr| -> Option<u32> {
        let name = name.as_bytes().strip_prefix(prefix.as_bytes())?;
        std::str::from_utf8(name.strip_suffix(suffix.as_bytes())?)
            .ok()?
            .parse()
            .ok()
    };
    entries
        .flatten()
        .filter_map(|entry| Some((version(&entry.file_name())?, entry.path().join(rest))))
        .filter(|(_, folder)| folder.join("postgres").exists())
        .collect()
}

async fn version_text(program: &Path, account: Option<Account>) -> Result<String, String> {
    let name = program.file_name().unwrap_or_default().display();
    let mut command = Command::new(program);
    command.arg("--version").env("LC_ALL", "C").current_dir("/");
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(VERSION_WITHIN, run_as(account, &mut command).output())
        .await
        .map_err(|_| format!("{name} does not tell its version"))?
        .map_err(|error| match account {
            Some(Account { uid, .. }) => format!("{name} cannot be run as uid {uid} ({error})"),
            None => format!("{name} cannot be run ({error})"),
        })?;
    let said = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() {
        return Ok(said(&output.stdout));
    }
    Err(format!("{name} does not run: {}", said(&output.stderr)))
}

/// Reads `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` and the like.
fn major(text: &str) -> Option<u32> {
    let number = text
        .split_whitespace()
        .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = number.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests;
