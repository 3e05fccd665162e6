//! The last release and today's program: one takes the place of the other under load, and back.
//!
//! `cargo xtask` builds the program of the last release from the history and says where it is.

use std::path::{Path, PathBuf};

use packtrain_tests::{Database, Role, skip};
use tokio::process::Command;

use crate::counts::{Counts, is_short, repeat, turn};
use crate::fleet::Fleet;
use crate::process::{Process, program};
use crate::server::database;
use crate::stage::Stage;

/// Jobs of one run, and in the short form.
const JOBS: u64 = 10_000;
const JOBS_SHORT: u64 = 2_000;
/// Workers and schedulers of the fleet.
const FLEET: [usize; 2] = [2, 1];

/// The program of the last release; without it the row is skipped by name.
fn released(row: &str) -> Option<PathBuf> {
    let found = std::env::var_os("PACKTRAIN_TEST_RELEASED").map(PathBuf::from);
    if found.is_none() {
        skip(
            row,
            "PACKTRAIN_TEST_RELEASED names no program of the last release",
        );
    }
    found
}

/// A database as the last release leaves it.
async fn old_database(released: &Path) -> Database {
    let db = database().await;
    db.unmigrate().await;
    migrate(&db, released).await;
    db
}

/// Runs `packtrain migrate` of this program.
async fn migrate(db: &Database, program: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(program);
    command
        .arg("migrate")
        .current_dir(folder.path())
        .env_clear();
    for (name, role) in [
        ("PACKTRAIN_DATABASE_OWNER_URL", Role::Owner),
        ("PACKTRAIN_DATABASE_APP_URL", Role::App),
        ("PACKTRAIN_DATABASE_OPERATOR_URL", Role::Operator),
        ("PACKTRAIN_DATABASE_WORKER_URL", Role::Worker),
    ] {
        command.env(name, db.url(role).reveal());
    }
    let output = command.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {said}", program.display());
}

/// The schema first, then the programs, then the old ones again on the new schema, then today's.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_release_is_replaced_under_load_and_brought_back() {
    let name = "the_last_release_is_replaced_under_load_and_brought_back";
    let Some(old) = released(name) else { return };
    let _turn = turn().await;
    repeat(name, async |_| replaced(name, &old).await).await;
}

async fn replaced(name: &str, old: &Path) -> Counts {
    let jobs = if is_short() { JOBS_SHORT } else { JOBS };
    let mut stage = Stage::on(old_database(old).await).await.with_usual_leases();
    stage.play(old.to_owned());
    let mut fleet = Fleet::start(&stage, FLEET).await;
    let clients = fleet.clients(&stage, name, jobs).await;
    clients.accepted(&stage, jobs / 8).await;
    migrate(&stage.db, &program()).await;
    for (eighths, next) in [(2, program()), (4, old.to_owned()), (6, program())] {
        clients.accepted(&stage, jobs / 8 * eighths).await;
        stage.play(next);
        fleet.replace(&stage).await;
    }
    let counts = clients.judge(&stage).await;
    fleet.stop().await;
    counts
}

/// Whoever starts today's program before `packtrain migrate` is told so, and the fleet works on.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_newer_than_the_schema_is_refused_under_load() {
    let name = "a_program_that_is_newer_than_the_schema_is_refused_under_load";
    let Some(old) = released(name) else { return };
    let _turn = turn().await;
    repeat(name, async |_| refused(name, &old).await).await;
}

async fn refused(name: &str, old: &Path) -> Counts {
    let jobs = JOBS_SHORT;
    let mut stage = Stage::on(old_database(old).await).await.with_usual_leases();
    stage.play(old.to_owned());
    let fleet = Fleet::start(&stage, FLEET).await;
    let clients = fleet.clients(&stage, name, jobs).await;
    clients.accepted(&stage, jobs / 4).await;
    stage.play(program());
    let part = |words: &[&str]| {
        let mut command = stage.command(words, "");
        stage.log_apart(&mut command, "refused");
        Process::start(&mut command)
    };
    for words in [
        &["api", "--listen", "127.0.0.1:0"][..],
        &["worker", "--lanes", "ops"],
        &["scheduler"],
    ] {
        let status = part(words).ended().await;
        assert_eq!(status.code(), Some(1), "{words:?}");
    }
    let said = stage.said("refused");
    assert_eq!(said.matches("run packtrain migrate").count(), 3, "{said}");
    let counts = clients.judge(&stage).await;
    fleet.stop().await;
    // The oracle reads with the statements of today.
    migrate(&stage.db, &program()).await;
    stage.db.assert_whole().await;
    counts
}
