//! Two workers whose hints go through an SQS that does what the real one may do, or worse.

use packtrain_core::ids::JobId;
use packtrain_tests::{FakeSqs, Role, Weather};
use tokio::process::Command;

use crate::counts::{Counts, repeat, turn};
use crate::oracle::Charges;
use crate::process::Process;
use crate::stage::Stage;

/// Jobs of one run, how many follow each, and how long each stays.
const JOBS: usize = 20;
const FOLLOW_UPS: u64 = 3;
const HOLD_MS: u64 = 5;

/// Gives a command the settings of SQS.
pub(super) fn over_sqs(command: &mut Command, url: &str) {
    command
        .env("PACKTRAIN_HINTS_TRANSPORT", "sqs")
        .env("PACKTRAIN_AWS_ENDPOINT_URL", url)
        .env("PACKTRAIN_AWS_REGION", "eu-central-1")
        .env("PACKTRAIN_SQS_WAIT_S", "1")
        .env("PACKTRAIN_SQS_VISIBILITY_S", "10")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
}

/// A stage with leases as the product sets them: nobody dies here, so that nobody may be charged.
pub(super) async fn stage() -> Stage {
    Stage::new().await.with_usual_leases()
}

/// Makes the queues that hints go through.
pub(super) async fn queues(stage: &Stage, url: &str) {
    let mut migrate = stage.command(&["migrate", "--aws"], "");
    over_sqs(&mut migrate, url);
    migrate.env(
        "PACKTRAIN_DATABASE_OWNER_URL",
        stage.db.url(Role::Owner).reveal(),
    );
    let made = Process::start(&mut migrate).ended().await;
    assert_eq!(made.code(), Some(0), "the queues are made");
}

/// A worker whose hints go through SQS at this address, where the queues are.
pub(super) async fn worker(stage: &Stage, url: &str, lanes: &str) -> Process {
    let mut command = stage.command(&["worker", "--lanes", lanes], "");
    over_sqs(&mut command, url);
    stage.ready_worker(&mut command).await
}

/// Two of them, with the queues that they need.
pub(super) async fn workers(stage: &Stage, url: &str) -> [Process; 2] {
    queues(stage, url).await;
    [
        worker(stage, url, "io").await,
        worker(stage, url, "io").await,
    ]
}

/// Enqueues the jobs of one run, each of which has follow-ups.
pub(super) async fn parents(stage: &Stage) -> Vec<JobId> {
    let jobs: Vec<_> = (0..JOBS)
        .map(|_| stage.parent(HOLD_MS, FOLLOW_UPS))
        .collect();
    stage.enqueue(&jobs).await
}

/// What became of the jobs of one run.
pub(super) async fn judged(stage: &Stage, jobs: &[JobId]) -> Counts {
    stage
        .judge_with_follow_ups(jobs, FOLLOW_UPS, Charges::none())
        .await
}

async fn row(name: &str, weather: Weather) {
    let _turn = turn().await;
    let (stage, sqs) = (stage().await, FakeSqs::with_running_clock().await);
    let mut workers = workers(&stage, sqs.url()).await;
    sqs.set_weather(weather);
    repeat(name, async |_| {
        let before = sqs.asked("SendMessageBatch");
        let jobs = parents(&stage).await;
        let counts = judged(&stage, &jobs).await;
        stage
            .until("hints went through SQS", async || {
                sqs.asked("SendMessageBatch") > before
            })
            .await;
        counts
    })
    .await;
    sqs.set_weather(Weather::default());
    for worker in &mut workers {
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_gives_messages_twice() {
    let weather = Weather {
        doubled: 1,
        ..Weather::default()
    };
    row("sqs_gives_messages_twice", weather).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_gives_the_last_message_first() {
    let weather = Weather {
        reordered: 1,
        ..Weather::default()
    };
    row("sqs_gives_the_last_message_first", weather).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_loses_every_deletion() {
    let weather = Weather {
        lost_deletes: 1,
        ..Weather::default()
    };
    row("sqs_loses_every_deletion", weather).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_loses_every_message() {
    let weather = Weather {
        lost_messages: 1,
        ..Weather::default()
    };
    row("sqs_loses_every_message", weather).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_fails_or_does_it_and_fails_every_other_time() {
    let weather = Weather {
        errors: 2,
        late_errors: 2,
        ..Weather::default()
    };
    row("sqs_fails_or_does_it_and_fails_every_other_time", weather).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sqs_answers_nothing() {
    let weather = Weather {
        silent: 1,
        ..Weather::default()
    };
    row("sqs_answers_nothing", weather).await;
}
