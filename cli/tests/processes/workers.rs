//! Worker processes that are killed, or told to end, in the middle of a report.

use std::fmt::Write as _;
use std::time::Instant;

use packtrain_core::ports::KeyScope;
use packtrain_tests::{Client, Yard, until};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::process::Child;

use crate::binary::{folder, worker};

/// Rows of the ledger: enough for a report that lasts well beyond a look at its state.
const ROWS: u32 = 6_000;
/// Reports that are asked for, at most, until one is met in the middle.
const REPORTS_MAX: i64 = 5;

/// A purchase and a sale a row pair, hours apart.
fn ledger() -> String {
    let mut text = String::from(
        "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
         fee_amount,fee_asset,value,currency\n",
    );
    for row in 0..ROWS / 2 {
        let (day, hour) = (row / 24 % 28 + 1, row % 24);
        let month = row / 24 / 28 % 12 + 1;
        let at = format!("2024-{month:02}-{day:02}T{hour:02}");
        let _ = writeln!(text, "b{row},{at}:00:00Z,buy,main,{row}.5,USD,2,ETH,,,,USD");
        let _ = writeln!(
            text,
            "s{row},{at}:30:00Z,sell,main,1.5,ETH,{row}.25,USD,,,,USD"
        );
    }
    text
}

/// Rounds to make: one, unless more are to be measured.
fn rounds() -> u32 {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test is asked how often to measure"
    )]
    let asked = std::env::var("PACKTRAIN_TEST_ROUNDS");
    asked.map_or(1, |asked| asked.parse().unwrap())
}

fn pid(child: &Child) -> Pid {
    let id = child.id().expect("the process runs");
    Pid::from_raw(id.cast_signed()).unwrap()
}

/// Whether a process is among these workers, which are named after host and process id.
fn is_named(child: &Child, names: &[String]) -> bool {
    let suffix = format!("-{}", child.id().expect("the process runs"));
    names.iter().any(|name| name.ends_with(&suffix))
}

/// Which process has the report.
async fn holder(yard: &Yard, fleet: &[Child]) -> usize {
    let names = yard
        .database
        .texts("select w.name from lease l join worker w on w.id = l.worker_id")
        .await;
    let found = fleet.iter().position(|child| is_named(child, &names));
    found.expect("a worker of the fleet holds the report")
}

/// How often reports came to this stage.
async fn stages(yard: &Yard, stage: &str) -> i64 {
    let sql = format!(
        "select count(*) from job_event
          where name = 'stage' and data ->> 'name' = '{stage}' and data ->> 'state' = 'running'"
    );
    yard.database.number(&sql).await
}

async fn until_stage(yard: &Yard, stage: &str, count: i64) {
    until("the report comes to the stage", async || {
        stages(yard, stage).await >= count
    })
    .await;
}

/// Asks for a report, without waiting for it.
async fn request(client: &Client, file: &str, key: &str) -> String {
    let body = json!({ "country": "us", "years": [2024], "files": [file] });
    let headers = [("idempotency-key", key)];
    let report = client.post("/v2/premium/reports", &headers, &body).await;
    report.expect(202).json()["links"]["self"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn ended(client: &Client, report: &str) -> Value {
    let state = async || client.get(report).await.expect(200).json();
    until("the report has ended", async || {
        let state = state().await;
        state["finished_at"].is_string() || state["state"] == "dead"
    })
    .await;
    state().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_whose_worker_is_killed_is_finished_by_another() {
    let yard = Yard::door(folder(&[])).await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let mut fleet = vec![worker(&yard).spawn().unwrap()];
    let file = client.file("ledger.csv", ledger()).await;
    for round in 1..=rounds() {
        fleet.push(worker(&yard).spawn().unwrap());
        until("both workers are there", async || {
            let names = yard.database.texts("select name from worker").await;
            fleet.iter().all(|child| is_named(child, &names))
        })
        .await;
        let (read, rendered) = (stages(&yard, "read").await, stages(&yard, "render").await);
        let report = request(&client, &file, &format!("round-{round}")).await;
        until_stage(&yard, "read", read + 1).await;
        // However quick it is, its end is not written before the worker is killed.
        let hold = "lock table outcome in share row exclusive mode";
        let hold = yard.database.hold(hold).await;
        until_stage(&yard, "render", rendered + 1).await;
        let mut holder = fleet.remove(holder(&yard, &fleet).await);
        holder.kill().await.unwrap();
        let killed = Instant::now();
        let waiting = "select pg_terminate_backend(pid, 5000) from pg_stat_activity
                        where datname = current_database() and wait_event_type = 'Lock'";
        yard.database.run(waiting).await;
        hold.rollback().await;
        let state = client.get(&report).await.json()["state"].clone();
        assert_eq!(
            state, "running",
            "the kill came in the middle of the report"
        );
        until_stage(&yard, "read", read + 2).await;
        let seconds = killed.elapsed().as_secs_f64();
        eprintln!("round {round}: run again {seconds:.2} s after the kill");
        let report = ended(&client, &report).await;
        assert_eq!(report["state"], "succeeded", "{report}");
        assert_eq!(report["attempts"], 2);
        assert_eq!(report["failures"][0]["code"], "job.lost");
        assert_eq!(report["artifacts"].as_array().map(Vec::len), Some(3));
        yard.database.assert_whole().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_is_told_to_end_gives_its_report_back_uncharged_and_exits_well() {
    let yard = Yard::door(folder(&[])).await;
    let client = yard.client("ada", &[KeyScope::User]).await;
    let file = client.file("ledger.csv", ledger()).await;
    let (mut report, mut given_back) = (String::new(), Value::Null);
    // A report may have ended before its worker hears that it is to end.
    for number in 1..=REPORTS_MAX {
        let mut holder = worker(&yard)
            .env("PACKTRAIN_WORKER_DRAIN_S", "0")
            .spawn()
            .unwrap();
        report = request(&client, &file, &format!("key-{number}")).await;
        until_stage(&yard, "render", number).await;
        kill_process(pid(&holder), Signal::TERM).unwrap();
        let status = holder.wait().await.unwrap();
        assert_eq!(status.code(), Some(0));
        given_back = client.get(&report).await.json();
        if given_back["state"] != "succeeded" {
            break;
        }
    }
    assert_eq!(
        (&given_back["state"], &given_back["attempts"]),
        (&json!("queued"), &json!(0))
    );
    yard.database.assert_whole().await;
    let _other = worker(&yard).spawn().unwrap();
    let report = ended(&client, &report).await;
    assert_eq!(
        (&report["state"], &report["attempts"]),
        (&json!("succeeded"), &json!(1))
    );
    assert_eq!(report["failures"], json!([]));
}
