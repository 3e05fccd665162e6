//! A disk that is full when a report is stored.

use std::path::Path;
use std::process::{Command, Output};

use packtrain_core::ports::KeyScope;
use packtrain_tests::{Yard, skip, until};
use serde_json::json;

use super::kinds::LEDGER;

const NAME: &str =
    "journeys::full_disk::a_report_that_finds_the_disk_full_leaves_nothing_and_succeeds_later";
/// Tells the test that it runs in a mount namespace of its own.
const INSIDE: &str = "PACKTRAIN_TEST_MOUNTS";
/// Room for a report and more.
const DISK_BYTES: u64 = 1024 * 1024;

/// The mount must not be seen by anybody else and must go with the test, so the test runs itself
/// once more in a namespace of its own.
#[test]
fn a_report_that_finds_the_disk_full_leaves_nothing_and_succeeds_later() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    if std::env::var_os(INSIDE).is_some() {
        runtime.unwrap().block_on(journey());
        return;
    }
    let test = std::env::current_exe().unwrap();
    let again = |program: &str, words: &[&str]| {
        let own = [
            "--user",
            "--map-root-user",
            "--mount",
            "--kill-child",
            program,
        ];
        let mut command = Command::new("unshare");
        command.args(own).args(words).env(INSIDE, "1").output()
    };
    let can_mount = |made: &Output| made.status.success();
    if !again("mount", &["-t", "tmpfs", "none", "/mnt"]).is_ok_and(|made| can_mount(&made)) {
        skip(NAME, "a small file system cannot be mounted here");
        return;
    }
    let ran = again(test.to_str().unwrap(), &[NAME, "--exact", "--nocapture"]).unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(
        ran.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&ran.stderr)
    );
}

async fn journey() {
    let folder = tempfile::tempdir().unwrap();
    mount(folder.path());
    let filler = folder.path().join("filler");
    let yard = Yard::in_folder(folder).await;
    let _worker = yard.worker(packtrain_jobs::catalogue::KINDS).await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client.file("ledger.csv", LEDGER).await;
    fill(&filler);
    let body = json!({ "country": "us", "years": [2024], "files": [file] });
    let headers = [("idempotency-key", "key")];
    let report = client.post("/v2/premium/reports", &headers, &body).await;
    let report = report.expect(202).json()["links"]["self"]
        .as_str()
        .unwrap()
        .to_owned();
    let look = async || client.get(&report).await.expect(200).json();
    until("an attempt has failed", async || {
        look().await["failures"][0].is_object()
    })
    .await;
    let failed = look().await;
    assert_eq!(
        failed["failures"][0]["code"], "objects.no_space",
        "{failed}"
    );
    assert_eq!(
        yard.database.number("select count(*) from artefact").await,
        0
    );
    yard.database.assert_whole().await;
    std::fs::remove_file(&filler).unwrap();
    yard.database
        .run("update scheduled set run_at = now_utc()")
        .await;
    until("the report is made", async || {
        look().await["state"] == "succeeded"
    })
    .await;
    for artefact in look().await["artifacts"].as_array().unwrap() {
        client
            .get(artefact["href"].as_str().unwrap())
            .await
            .expect(200);
    }
}

fn mount(folder: &Path) {
    let size = format!("size={DISK_BYTES}");
    let words = ["-t", "tmpfs", "-o", &size, "none", folder.to_str().unwrap()];
    let mounted = Command::new("mount").args(words).status().unwrap();
    assert!(mounted.success());
}

/// Takes all room that is left.
fn fill(filler: &Path) {
    let zeros = vec![0; usize::try_from(DISK_BYTES).unwrap()];
    let full = std::fs::write(filler, zeros).unwrap_err();
    assert_eq!(full.kind(), std::io::ErrorKind::StorageFull);
}
