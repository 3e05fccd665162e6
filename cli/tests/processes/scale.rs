//! Backlog for scalers, and what a fleet would do with it.

use std::process::Stdio;

use packtrain_tests::Yard;
use serde_json::Value;
use snapbox::str;
use tokio::io::{AsyncBufReadExt, BufReader};

use crate::binary::{addresses, command, folder, process};

#[test]
fn the_replay_of_a_crash_tells_waits_tasks_and_cost_and_that_nothing_flapped() {
    let crash = include_bytes!("../../../examples/arrivals/market-crash.csv");
    let folder = folder(&[("crash.csv", crash)]);
    let words = ["scale", "simulate", "crash.csv", "--slots", "2", "--json"];
    let said = command(folder.path(), &words).assert().success();
    let told: Value = serde_json::from_slice(&said.get_output().stdout).unwrap();
    assert_eq!(
        (&told["jobs"], &told["flaps"]),
        (&375_000.into(), &0.into())
    );
    assert_eq!(told["wait_ms"]["p50"], 0);
    let most = told["tasks"]["most"].as_u64().unwrap();
    assert!((3..=50).contains(&most), "{told}");
    // Two tasks all day are 48 hours of 2 x 0.03238 + 4 x 0.00356 dollars.
    let cost: f64 = told["cost"]["amount"].as_str().unwrap().parse().unwrap();
    assert!((3.79..8.0).contains(&cost), "{told}");
    let again = command(folder.path(), &words).assert().success();
    assert_eq!(again.get_output().stdout, said.get_output().stdout);
}

#[test]
fn an_arrival_file_that_cannot_be_read_is_named_with_its_line() {
    let folder = folder(&[("a.csv", b"time,count\n0,5\nsoon,5\n")]);
    command(folder.path(), &["scale", "simulate", "a.csv"])
        .assert()
        .code(4)
        .stderr_eq(str![[r#"
error: a.csv: line 3: "soon" is neither whole seconds nor a time such as 2026-01-31T18:00:00Z

"#]]);
    command(
        folder.path(),
        &["scale", "simulate", "a.csv", "--min", "5", "--max", "4"],
    )
    .assert()
    .code(2)
    .stderr_eq(str![[r#"
error: --min 5 is more than --max 4

"#]]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_that_is_asked_to_writes_a_line_for_each_lane_to_standard_output() {
    let yard = Yard::without_workers().await;
    // No time of a schedule comes in between: nothing waits.
    yard.ticker().seed().await.unwrap();
    let idle = "update schedule set is_enabled = false";
    yard.database.run(idle).await;
    let mut command = process(yard.folder(), &["scheduler", "--quiet"]);
    command
        .env("PACKTRAIN_DATA_DIR", yard.folder())
        .env("PACKTRAIN_METRICS_EMF", "true")
        .envs(addresses(&yard.database))
        .stdout(Stdio::piped());
    let mut scheduler = command.spawn().unwrap();
    let mut lines = BufReader::new(scheduler.stdout.take().unwrap()).lines();
    let mut lanes = Vec::new();
    for _ in 0..6 {
        let line = lines.next_line().await.unwrap().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["packtrain_backlog_jobs"].as_f64(), Some(0.0));
        lanes.push(line["lane"].as_str().unwrap().to_owned());
    }
    assert_eq!(lanes, ["pulse", "notify", "io", "cpu", "bulk", "ops"]);
    scheduler.kill().await.unwrap();
}
