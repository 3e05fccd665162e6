//! An API that is killed around the commit of a request, which the client then repeats.

use std::net::SocketAddr;
use std::time::Duration;

use crate::client::{Connection, canary, free_address};
use crate::counts::{Counts, repeat, turn};
use crate::process::Process;
use crate::stage::Stage;

/// The longest that all canaries may take to end.
const ENDED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// Starts an API and waits until it answers.
pub(crate) async fn api(stage: &Stage, points: &str) -> (Process, SocketAddr) {
    let address = free_address().await;
    let words = ["api", "--listen", &address.to_string()];
    let process = Process::start(&mut stage.command(&words, points));
    stage
        .until("the API listens", async || {
            Connection::open(address).await.is_ok()
        })
        .await;
    (process, address)
}

async fn killed_at(name: &str, points: &str) {
    let _turn = turn().await;
    let stage = Stage::new().await;
    let api_key = stage.operator_key().await;
    let _worker = stage.worker("ops", "").await;
    let (_other, well) = api(&stage, "").await;
    repeat(name, async |round| {
        let (mut victim, address) = api(&stage, points).await;
        let request = canary(&api_key, &format!("{name}-{round}"));
        let mut connection = Connection::open(address).await.unwrap();
        connection.send(&request).await.unwrap_err();
        victim.ended().await;
        let mut connection = Connection::open(well).await.unwrap();
        for _ in 0..2 {
            assert_eq!(connection.send(&request).await.unwrap(), 202);
        }
        judge(&stage, 1, u64::from(round) + 1).await
    })
    .await;
}

/// Every key has one job, and every job ended once.
pub(crate) async fn judge(stage: &Stage, jobs: u64, keys: u64) -> Counts {
    let number = async |sql: &str| stage.db.number(sql).await.unsigned_abs();
    let made = "select count(*) from job where kind = 'ops.canary'";
    let ended = "select count(*) from outcome o join job j on j.id = o.id
                  where j.kind = 'ops.canary' and o.state = 'succeeded'";
    stage
        .until_within(ENDED_WITHIN, "every canary has ended", async || {
            number(ended).await >= number(made).await
        })
        .await;
    let (known, made) = (
        number("select count(*) from idempotency").await,
        number(made).await,
    );
    let effects = number(
        "select count(*) from service_level e join job j on j.id = e.job_id
                           where j.kind = 'ops.canary'",
    )
    .await;
    stage.db.assert_whole().await;
    Counts {
        jobs,
        lost: keys.saturating_sub(known.min(number(ended).await)),
        doubled: made.saturating_sub(keys) + effects.saturating_sub(made),
        above: number(
            "select coalesce(sum(o.attempts - 1), 0)::bigint from outcome o
               join job j on j.id = o.id where j.kind = 'ops.canary'",
        )
        .await,
        ..Counts::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn api_killed_before_it_commits() {
    let points = "before commit to enqueue a job=return(kill)";
    killed_at("api_killed_before_it_commits", points).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn api_killed_after_it_committed() {
    let points = "after commit to enqueue a job=return(kill)";
    killed_at("api_killed_after_it_committed", points).await;
}
