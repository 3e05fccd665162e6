//! Programs and libraries from the package managers that are there.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail};
use tokio::process::Command;

use crate::postgres::cache;
use crate::site::{Site, shown};

/// Debian asks this program whether a package may start its service.
const SERVICES: &str = "/usr/sbin/policy-rc.d";
/// Folders that an ordinary user's PATH leaves out.
const SYSTEM_FOLDERS: [&str; 3] = ["/usr/sbin", "/usr/local/sbin", "/sbin"];

/// The version of anvil that was tried.
const ANVIL: &str = "1.7.1";

/// A program by its name; root on Debian gets it with `package`, without its service being started.
pub(crate) async fn program(site: &Site, name: &str, package: &str) -> anyhow::Result<PathBuf> {
    if let Some(found) = find(name) {
        return Ok(found);
    }
    if !rustix::process::geteuid().is_root() || find("apt-get").is_none() {
        bail!("{name} is not in PATH (Debian: apt-get install {package})");
    }
    println!("fetching {name} with apt-get");
    let held = Held::services()?;
    let apt = || {
        let mut apt = Command::new("apt-get");
        apt.env("DEBIAN_FRONTEND", "noninteractive").arg("-qq");
        apt
    };
    quiet(site, apt().arg("update")).await?;
    let words = ["install", "-y", "--no-install-recommends", package];
    quiet(site, apt().args(words)).await?;
    drop(held);
    find(name).with_context(|| format!("{package} brought no {name}"))
}

/// A folder of the product's cache below which node finds this package.
pub(crate) async fn node(site: &Site, package: &str, version: &str) -> anyhow::Result<PathBuf> {
    let folder = tools()?.join(format!("{}-{version}", package.replace('/', "-")));
    let whole = folder.join("whole");
    if !whole.exists() {
        println!("fetching {package} {version} with npm");
        fs::create_dir_all(&folder).context("the cache cannot be written")?;
        let mut npm = Command::new("npm");
        let wanted = format!("{package}@{version}");
        let words = ["install", "--silent", "--no-audit", "--no-fund", "--prefix"];
        npm.args(words).arg(&folder).arg(wanted);
        quiet(site, &mut npm).await?;
        fs::write(&whole, "").context("the cache cannot be written")?;
    }
    Ok(folder)
}

/// anvil, a node of Ethereum.
pub(crate) async fn anvil(site: &Site) -> anyhow::Result<PathBuf> {
    if let Some(found) = find("anvil") {
        return Ok(found);
    }
    let Some(platform) = platform(env::consts::OS, env::consts::ARCH) else {
        bail!("it is not in PATH, and no package has it for this machine");
    };
    let package = format!("anvil-{platform}");
    let folder = node(site, &format!("@foundry-rs/{package}"), ANVIL).await?;
    let program = folder.join(format!("node_modules/@foundry-rs/{package}/bin/anvil"));
    if !is_program(&program) {
        bail!("the package brought no {}", program.display());
    }
    Ok(program)
}

/// A machine as the packages of anvil call it.
fn platform(os: &str, arch: &str) -> Option<&'static str> {
    Some(match (os, arch) {
        ("linux", "x86_64") => "linux-amd64",
        ("linux", "aarch64") => "linux-arm64",
        ("macos", "x86_64") => "darwin-amd64",
        ("macos", "aarch64") => "darwin-arm64",
        _ => return None,
    })
}

fn tools() -> anyhow::Result<PathBuf> {
    let folder = cache()?.join("tools");
    fs::create_dir_all(&folder)
        .with_context(|| format!("could not create {}", folder.display()))?;
    Ok(folder)
}

fn find(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let system = SYSTEM_FOLDERS.iter().map(PathBuf::from);
    let mut folders = env::split_paths(&path).chain(system);
    folders.find_map(|folder| {
        let program = folder.join(name);
        is_program(&program).then_some(program)
    })
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

/// Runs a step and shows what it said only when it fails.
async fn quiet(site: &Site, command: &mut Command) -> anyhow::Result<()> {
    let mut said = Vec::new();
    command.stderr(Stdio::inherit());
    let status = site
        .read(command, |line| said.push(line.to_owned()))
        .await?;
    if !status.success() {
        println!("{}", said.join("\n"));
        bail!("{} ended with {status}", shown(command));
    }
    Ok(())
}

/// While it lives, no package starts a service.
struct Held;

impl Held {
    /// Leaves alone what a person put there.
    fn services() -> anyhow::Result<Option<Self>> {
        if Path::new(SERVICES).exists() {
            return Ok(None);
        }
        let held = "#!/bin/sh\nexit 101\n";
        fs::write(SERVICES, held).with_context(|| format!("could not write {SERVICES}"))?;
        fs::set_permissions(SERVICES, Permissions::from_mode(0o755))
            .with_context(|| format!("could not write {SERVICES}"))?;
        Ok(Some(Self))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // Left behind it would keep every later service of this machine from starting.
        if let Err(error) = fs::remove_file(SERVICES) {
            println!("{SERVICES} could not be removed: {error}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_a_file_that_may_be_run() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("tool");
        fs::write(&file, "").expect("a file");
        fs::set_permissions(&file, Permissions::from_mode(0o644)).expect("its mode");
        assert!(!is_program(&file));
        fs::set_permissions(&file, Permissions::from_mode(0o755)).expect("its mode");
        assert!(is_program(&file));
        assert!(!is_program(folder.path()));
    }
}
