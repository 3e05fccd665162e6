//! Search order and version, with programs that only tell a version.

use std::{os::unix::fs::PermissionsExt, process::Command as Run};

use super::*;
use crate::Guard;

#[path = "../../tests/server/skip.rs"]
mod skip;

/// A machine of folders with fake installations.
struct Machine {
    root: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a folder");
        let open = fs::Permissions::from_mode(0o755);
        fs::set_permissions(root.path(), open).expect("opened to all");
        Self { root }
    }

    fn path(&self, folder: &str) -> PathBuf {
        self.root.path().join(folder)
    }

    /// Installs fakes. A shell writes them: a program that this process has open for writing, or
    /// has passed on so by a fork of another test, could not be run.
    fn install(&self, folder: &str, says: &str) -> PathBuf {
        let folder = self.path(folder);
        fs::create_dir_all(&folder).expect("made");
        for name in ["postgres", "initdb"] {
            let program = folder.join(name);
            let text = format!("#!/bin/sh\necho '{name} {says}'\n");
            let script = "printf %s \"$1\" > \"$2\" && chmod 755 \"$2\"";
            let status = Run::new("sh")
                .args(["-c", script, "sh", &text])
                .arg(&program)
                .status();
            assert!(status.expect("sh runs").success());
        }
        folder
    }

    fn options(&self) -> Options {
        let guard = Guard {
            program: "/bin/false".into(),
            leading: Vec::new(),
        };
        let mut options = Options::new(self.path("data"), self.path("cache"), guard);
        options.fetch = false;
        options.system_folders =
            SystemFolders::of([format!("{}/lib/{{major}}/bin", self.root.path().display())]);
        options
    }
}

async fn found(options: &Options) -> (PathBuf, u32) {
    let binaries = Binaries::find(options, Account::unprivileged())
        .await
        .expect("one is found");
    (binaries.folder, binaries.major)
}

#[test]
fn the_major_version_is_read_from_every_way_it_is_told() {
    for (text, wanted) in [
        (
            "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)",
            Some(15),
        ),
        ("postgres (PostgreSQL) 18.4", Some(18)),
        ("postgres (PostgreSQL) 19devel", Some(19)),
        ("postgres (PostgreSQL) 17beta1", Some(17)),
        ("postgres (PostgreSQL) 9.6.24", Some(9)),
        ("initdb: command failed", None),
        ("", None),
    ] {
        assert_eq!(major(text), wanted, "{text}");
    }
}

#[tokio::test]
async fn the_setting_goes_before_path_then_the_newest_system_folder_then_the_cache() {
    let machine = Machine::new();
    let mut options = machine.options();

    let cached = machine.install("cache/postgresql/18.4.0/bin", "(PostgreSQL) 18.4");
    assert_eq!(found(&options).await, (cached, 18));

    machine.install("lib/9/bin", "(PostgreSQL) 9.6");
    machine.install("lib/16/bin", "(PostgreSQL) 16.1");
    let newest = machine.install("lib/17/bin", "(PostgreSQL) 17.2");
    assert_eq!(found(&options).await, (newest, 17));

    let on_path = machine.install("path", "(PostgreSQL) 15.3");
    options.path = Some(on_path.clone().into());
    assert_eq!(found(&options).await, (on_path, 15));

    let set = machine.install("set", "(PostgreSQL) 16.9");
    options.bin = Some(set.clone());
    assert_eq!(found(&options).await, (set.clone(), 16));
    options.bin = Some(set.join("postgres"));
    assert_eq!(found(&options).await, (set, 16));
}

#[tokio::test]
async fn an_empty_list_hides_the_system_folders() {
    let machine = Machine::new();
    machine.install("lib/17/bin", "(PostgreSQL) 17.2");
    let mut options = machine.options();
    options.system_folders = SystemFolders::none();
    let passed_over = Binaries::find(&options, Account::unprivileged()).await;
    assert_eq!(passed_over, Err(Vec::new()));
}

#[tokio::test]
async fn a_version_that_is_too_old_is_passed_over_and_named() {
    let machine = Machine::new();
    let mut options = machine.options();
    let old = machine.install("set", "(PostgreSQL) 14.11 (Ubuntu 14.11-0)");
    options.bin = Some(old.clone());
    let passed_over = Binaries::find(&options, Account::unprivileged()).await;
    let reason = "is PostgreSQL 14, and 15 or newer is needed";
    assert_eq!(
        passed_over,
        Err(vec![PassedOver::new(old.display(), reason)])
    );

    let newer = machine.install("lib/16/bin", "(PostgreSQL) 16.1");
    assert_eq!(found(&options).await, (newer, 16));
}

#[tokio::test]
async fn a_link_on_path_leads_to_the_installation_that_it_points_to() {
    let machine = Machine::new();
    let real = machine.install("lib/16/bin", "(PostgreSQL) 16.1");
    fs::create_dir(machine.path("links")).expect("made");
    let link = machine.path("links").join("postgres");
    std::os::unix::fs::symlink(real.join("postgres"), link).expect("linked");
    let mut options = machine.options();
    options.system_folders = SystemFolders::none();
    options.path = Some(machine.path("links").into());
    let real = real.canonicalize().expect("it is there");
    assert_eq!(found(&options).await, (real, 16));
}

#[tokio::test]
async fn programs_that_the_server_s_user_cannot_reach_are_passed_over() {
    let Some(account) = Account::unprivileged() else {
        skip::note(
            "programs_that_the_server_s_user_cannot_reach_are_passed_over",
            "needs root",
        );
        return;
    };
    let machine = Machine::new();
    let mut options = machine.options();
    let hidden = machine.install("home/bin", "(PostgreSQL) 17.2");
    let private = fs::Permissions::from_mode(0o700);
    fs::set_permissions(machine.path("home"), private).expect("closed to others");
    options.bin = Some(hidden);
    let passed_over = Binaries::find(&options, Some(account))
        .await
        .expect_err("out of reach");
    assert!(
        passed_over[0]
            .reason
            .contains(&format!("uid {}", account.uid)),
        "{passed_over:?}"
    );
}

#[tokio::test]
async fn when_nothing_is_found_and_fetching_is_off_the_error_has_the_command() {
    let machine = Machine::new();
    let mut options = machine.options();
    options.bin = Some(machine.install("set", "(PostgreSQL) 13.4"));
    let refused = crate::start(options, |_| async { Ok(()) })
        .await
        .expect_err("none is there");
    let text = refused.to_string();
    assert!(text.contains("is PostgreSQL 13"), "{text}");
    assert!(
        text.contains(&format!(
            "install it with:\n    {}",
            crate::advice::command()
        )),
        "{text}"
    );
    assert!(text.contains("PACKTRAIN_PG_BIN"), "{text}");
}
