//! The program of the last release, built from the history, for rehearsals of an upgrade.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::site::Site;
use crate::tally::Tally;

/// The rows that need it have this in their path.
pub(crate) const ROWS: &str = "upgrade";
/// What tells them where it is.
const VARIABLE: &str = "PACKTRAIN_TEST_RELEASED";
/// As the fault rows build today's program, so that both are built on the same dependencies.
const BUILD: [&str; 9] = [
    "test",
    "--locked",
    "--no-run",
    "-p",
    "packtrain",
    "--features",
    "failpoints",
    "--test",
    "faults",
];

/// Whether and where the program of the last release is.
pub(crate) enum Released {
    /// Built, and told to the rows by this variable.
    Built(&'static str, PathBuf),
    /// This clone does not have the release's commit: why it could not be had, and how to get it.
    Unknown(String),
}

impl Released {
    /// An upgrade that is not rehearsed is a skip like any other: nobody reads a line of a run that
    /// is green.
    pub(crate) fn note(&self, sum: &mut Tally) {
        if let Self::Unknown(why) = self {
            sum.skip("the rehearsal of an upgrade", why);
            println!("skipped the rehearsal of an upgrade: {why}");
        }
    }
}

/// Finds it, or builds it; the commit stands in the workspace's manifest.
pub(crate) async fn program(site: &Site) -> anyhow::Result<Released> {
    let commit = commit(site)?;
    let folder = site.scratch.join("released").join(&commit);
    let program = folder.join("packtrain");
    if program.exists() {
        return Ok(Released::Built(VARIABLE, program));
    }
    if let Err(why) = fetched(site, &commit).await {
        return Ok(Released::Unknown(unknown(&commit, &format!("{why:#}"))));
    }
    println!("building the program of the last release, {commit}");
    let source = folder.join("source");
    fs::create_dir_all(&source).context("the target folder cannot be written")?;
    let archive = folder.join("source.tar");
    let mut pack = git(site);
    pack.args(["archive", "--output"])
        .arg(&archive)
        .arg(&commit);
    site.must(&mut pack).await?;
    let mut unpack = Command::new("tar");
    unpack.arg("-xf").arg(&archive).arg("-C").arg(&source);
    site.must(&mut unpack).await?;
    let mut build = site.cargo();
    build.current_dir(&source).args(BUILD);
    build.arg("--target-dir").arg(&site.target);
    site.must(&mut build).await?;
    // Under its name at last, and in one step: half a program is none.
    let (built, half) = (site.target.join("debug/packtrain"), folder.join("half"));
    fs::copy(&built, &half).context("the program of the last release was not built")?;
    fs::rename(&half, &program).context("the target folder cannot be written")?;
    fs::remove_dir_all(&source).context("the target folder cannot be written")?;
    fs::remove_file(&archive).context("the target folder cannot be written")?;
    Ok(Released::Built(VARIABLE, program))
}

/// What to do where the commit is not there and cannot be fetched: clones of a CI often end at the
/// last commit, and may not fetch another.
fn unknown(commit: &str, why: &str) -> String {
    let why = why.trim_end().replace('\n', "; ");
    format!(
        "the last release, {commit}, is not in this clone and cannot be fetched ({why}); fetch the \
         whole history (git fetch --unshallow, or fetch-depth: 0 in the checkout of the CI), or \
         that commit alone (git fetch origin {commit})"
    )
}

/// The commit of the last release.
fn commit(site: &Site) -> anyhow::Result<String> {
    let metadata = cargo_metadata::MetadataCommand::new()
        .current_dir(&site.root)
        .no_deps()
        .exec()
        .context("the workspace's manifest could not be read")?;
    let named = metadata.workspace_metadata.pointer("/packtrain/released");
    let Some(commit) = named.and_then(|commit| commit.as_str()) else {
        bail!("Cargo.toml does not say of which commit the last release was made");
    };
    if commit.len() != 40 || !commit.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        bail!("{commit}, which Cargo.toml names, is no commit");
    }
    Ok(commit.to_owned())
}

/// Makes sure that the history holds the commit.
async fn fetched(site: &Site, commit: &str) -> anyhow::Result<()> {
    let has = async || {
        let mut look = git(site);
        look.args(["cat-file", "-e", &format!("{commit}^{{commit}}")]);
        site.must(&mut look).await
    };
    if has().await.is_ok() {
        return Ok(());
    }
    let mut fetch = git(site);
    fetch.args(["fetch", "--quiet", "origin", commit]);
    site.must(&mut fetch).await?;
    has().await
}

fn git(site: &Site) -> Command {
    let mut command = Command::new("git");
    command.current_dir(&site.root);
    command
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::test::judge;

    fn passed() -> Tally {
        let mut sum = Tally::default();
        sum.read("test result: ok. 40 passed; 0 failed; 0 ignored");
        sum
    }

    #[test]
    fn an_upgrade_that_is_not_rehearsed_fails_a_strict_run_and_says_what_to_fetch() {
        let commit = "f43b698b1b5ec56a28b5f244ad834baad06ee8c5";
        let why = unknown(commit, "git fetch failed\nno remote\n");
        let mut sum = passed();
        Released::Unknown(why).note(&mut sum);
        assert_eq!(sum.to_string(), "40 passed, 0 failed, 1 skipped");
        assert!(judge(&sum, true).is_err());
        let (_, why) = sum.skipped.first().unwrap();
        for words in [
            "git fetch --unshallow",
            &format!("git fetch origin {commit}"),
        ] {
            assert!(why.contains(words), "{why}");
        }
        let mut sum = passed();
        Released::Built(VARIABLE, PathBuf::new()).note(&mut sum);
        assert!(judge(&sum, true).is_ok());
    }
}
