//! PostgreSQL from Debian's own archive, as root, without the cluster that the package would start.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tokio::process::Command;

use super::step;
use crate::{
    Options, SystemFolders,
    account::Account,
    binaries::{Binaries, on_path},
};

/// What Debian asks before it makes and starts a cluster on port 5432.
const CREATE_CLUSTER: &str = "/etc/postgresql-common/createcluster.conf";

/// Installs the package, if this process is root on Debian or its like.
pub(super) async fn fetch(options: &Options, account: Option<Account>) -> Result<(), String> {
    let apt = on_path(options, "apt-get").ok_or("apt-get is not in PATH")?;
    if account.is_none() {
        return Err("apt-get installs only as root".to_owned());
    }
    options.say("fetching PostgreSQL with apt-get: postgresql, without a cluster of its own");
    if let Err(reason) = step(command(options, &apt, &["update"])).await {
        // The lists that are there may do.
        options.say(&format!("apt-get update failed, going on: {reason}"));
    }
    // Its own step: the setting below belongs to this package, which must not find it changed.
    let install = ["install", "--yes", "--no-install-recommends"];
    step(command(
        options,
        &apt,
        &[&install[..], &["postgresql-common"]].concat(),
    ))
    .await?;
    forbid_cluster(Path::new(CREATE_CLUSTER))
        .map_err(|error| format!("could not write {CREATE_CLUSTER} ({error})"))?;
    step(command(
        options,
        &apt,
        &[&install[..], &["postgresql"]].concat(),
    ))
    .await
}

/// Looks where Debian's package goes, also when the caller hides the system folders.
pub(super) async fn find(account: Option<Account>) -> Result<Binaries, String> {
    let mut reason = "the package brought no programs".to_owned();
    for folder in SystemFolders::of(["/usr/lib/postgresql/{major}/bin"]).present() {
        match Binaries::check(&folder, account).await {
            Ok(binaries) => return Ok(binaries),
            Err(why) => reason = format!("{} {why}", folder.display()),
        }
    }
    Err(reason)
}

fn command(options: &Options, apt: &PathBuf, args: &[&str]) -> Command {
    let mut command = Command::new(apt);
    command
        .args(args)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("LC_ALL", "C");
    if let Some(path) = &options.path {
        command.env("PATH", path);
    }
    command
}

/// Adds the setting, unless an administrator has decided already.
fn forbid_cluster(path: &Path) -> io::Result<()> {
    let present = match fs::read_to_string(path) {
        Ok(present) => present,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if present
        .lines()
        .any(|line| line.trim_start().starts_with("create_main_cluster"))
    {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let gap = if present.is_empty() || present.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    fs::write(path, format!("{present}{gap}create_main_cluster = false\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_package_is_told_to_start_no_cluster_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("postgresql-common/createcluster.conf");
        forbid_cluster(&path).expect("written");
        forbid_cluster(&path).expect("left alone");
        let text = fs::read_to_string(&path).expect("there");
        assert_eq!(text, "create_main_cluster = false\n");
    }

    #[test]
    fn a_commented_setting_is_no_decision_but_a_written_one_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("createcluster.conf");
        fs::write(&path, "#create_main_cluster = true").expect("written");
        forbid_cluster(&path).expect("written");
        let text = fs::read_to_string(&path).expect("there");
        assert_eq!(
            text,
            "#create_main_cluster = true\ncreate_main_cluster = false\n"
        );

        fs::write(&path, "create_main_cluster = true\n").expect("written");
        forbid_cluster(&path).expect("left alone");
        let text = fs::read_to_string(&path).expect("there");
        assert_eq!(text, "create_main_cluster = true\n");
    }
}
