//! Files that are made from code and committed: written anew, or compared.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, bail};
use cargo_metadata::Message;
use tokio::process::Command;

use crate::queries::{self, Files};
use crate::site::Site;

/// The committed description of the API.
const API: &str = "openapi.json";
/// What mends a file that is out of date.
const MEND: &str = "cargo xtask prepare";

/// Brings `.sqlx` and `openapi.json` up to date, or only says whether they are.
pub(crate) async fn run(site: &Site, check: bool) -> anyhow::Result<()> {
    let queries = queries::describe(site).await?;
    let committed = queries::read(&site.root.join(queries::FOLDER))?;
    let mut changes = compare(queries::FOLDER, &committed, queries);
    // The store must compile before the API can be asked, so what it needs is written first.
    if !check {
        write(site, &changes)?;
    }
    let described = Files::from([(API.to_owned(), api(site).await?)]);
    let mut committed = Files::new();
    if let Ok(bytes) = fs::read(site.root.join(API)) {
        committed.insert(API.to_owned(), bytes);
    }
    let of_api = compare("", &committed, described);
    if !check {
        write(site, &of_api)?;
    }
    changes.extend(of_api);
    if changes.is_empty() {
        println!("{} and {API} are up to date", queries::FOLDER);
        return Ok(());
    }
    for change in &changes {
        println!("{} {}", change.what(), change.path);
    }
    if check {
        bail!("committed files are out of date; mend them with `{MEND}` and commit what it writes");
    }
    Ok(())
}

/// A file that is not as the code says.
#[derive(Debug, PartialEq, Eq)]
struct Change {
    /// The file, seen from the workspace.
    path: String,
    is_known: bool,
    /// What it should hold; none when it should not be there.
    wanted: Option<Vec<u8>>,
}

impl Change {
    const fn what(&self) -> &'static str {
        match (&self.wanted, self.is_known) {
            (None, _) => "stale:  ",
            (Some(_), true) => "changed:",
            (Some(_), false) => "missing:",
        }
    }
}

fn compare(folder: &str, committed: &Files, wanted: Files) -> Vec<Change> {
    let path = |name: &str| match folder {
        "" => name.to_owned(),
        folder => format!("{folder}/{name}"),
    };
    let stale = committed.keys().filter(|name| !wanted.contains_key(*name));
    let mut changes: Vec<_> = stale
        .map(|name| Change {
            path: path(name),
            is_known: true,
            wanted: None,
        })
        .collect();
    for (name, bytes) in wanted {
        let known = committed.get(&name);
        if known != Some(&bytes) {
            changes.push(Change {
                path: path(&name),
                is_known: known.is_some(),
                wanted: Some(bytes),
            });
        }
    }
    changes
}

fn write(site: &Site, changes: &[Change]) -> anyhow::Result<()> {
    for change in changes {
        let path = site.root.join(&change.path);
        let done = match &change.wanted {
            Some(bytes) => fs::create_dir_all(path.parent().unwrap_or(&site.root))
                .and_then(|()| fs::write(&path, bytes)),
            None => fs::remove_file(&path),
        };
        done.with_context(|| format!("could not write {}", path.display()))?;
    }
    Ok(())
}

/// Builds the API's example `openapi` and gives what it writes.
async fn api(site: &Site) -> anyhow::Result<Vec<u8>> {
    println!("asking the API for its description");
    let program = build(site).await?;
    let written = site.scratch.join(API);
    site.must(Command::new(program).arg(&written)).await?;
    fs::read(&written).with_context(|| format!("could not read {}", written.display()))
}

async fn build(site: &Site) -> anyhow::Result<PathBuf> {
    let mut command = site.cargo();
    // The whole workspace is named, so that every dependency is built as the tests build it.
    command.args(["build", "--workspace", "--example", "openapi"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    let mut program = None;
    let status = site
        .read(&mut command, |line| {
            let mut messages = Message::parse_stream(line.as_bytes());
            if let Some(Ok(Message::CompilerArtifact(artifact))) = messages.next()
                && artifact.target.name == "openapi"
            {
                program = artifact.executable;
            }
        })
        .await?;
    if !status.success() {
        bail!("the example that writes the API's description could not be built");
    }
    let program = program.context("cargo named no program of the example `openapi`")?;
    Ok(program.into_std_path_buf())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files<const N: usize>(files: [(&str, &str); N]) -> Files {
        let owned = |(name, text): (&str, &str)| (name.to_owned(), text.as_bytes().to_vec());
        files.into_iter().map(owned).collect()
    }

    #[test]
    fn missing_changed_and_stale_files_are_told_apart() {
        let committed = files([("same", "1"), ("old", "2"), ("edited", "3")]);
        let wanted = files([("same", "1"), ("edited", "4"), ("new", "5")]);
        let changes = compare(".sqlx", &committed, wanted);
        let told: Vec<_> = changes
            .iter()
            .map(|change| format!("{} {}", change.what(), change.path))
            .collect();
        assert_eq!(
            told,
            [
                "stale:   .sqlx/old",
                "changed: .sqlx/edited",
                "missing: .sqlx/new"
            ]
        );
    }

    #[test]
    fn equal_folders_need_no_change() {
        let same = files([("a", "1")]);
        assert!(compare("", &same, same.clone()).is_empty());
    }
}
