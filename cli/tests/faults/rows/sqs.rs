//! Two workers whose hints go through an SQS that does what the real one may do, or worse.

use packtrain_tests::{FakeSqs, Role, Weather};
use tokio::process::Command;

use crate::counts::{repeat, turn};
use crate::oracle::Charges;
use crate::process::Process;
use crate::stage::Stage;

/// Jobs of one run, how many follow each, and how long each stays.
const JOBS: usize = 20;
const FOLLOW_UPS: u64 = 3;
const HOLD_MS: u64 = 5;

/// Gives a command the settings of SQS.
fn over_sqs(command: &mut Command, sqs: &FakeSqs) {
    command
        .env("PACKTRAIN_HINTS_TRANSPORT", "sqs")
        .env("PACKTRAIN_AWS_ENDPOINT_URL", sqs.url())
        .env("PACKTRAIN_AWS_REGION", "eu-central-1")
        .env("PACKTRAIN_SQS_WAIT_S", "1")
        .env("PACKTRAIN_SQS_VISIBILITY_S", "10")
        .env("AWS_ACCESS_KEY_ID", "test")
        .env("AWS_SECRET_ACCESS_KEY", "test");
}

async fn row(name: &str, weather: Weather) {
    let _turn = turn().await;
    let (stage, sqs) = (Stage::new().await, FakeSqs::with_running_clock().await);
    let mut migrate = stage.command(&["migrate", "--aws"], "");
    over_sqs(&mut migrate, &sqs);
    migrate.env(
        "PACKTRAIN_DATABASE_OWNER_URL",
        stage.db.url(Role::Owner).reveal(),
    );
    let made = Process::start(&mut migrate).ended().await;
    assert_eq!(made.code(), Some(0), "the queues are made");
    let mut workers = Vec::new();
    for _ in 0..2 {
        let mut command = stage.command(&["worker", "--lanes", "io"], "");
        over_sqs(&mut command, &sqs);
        workers.push(stage.ready_worker(&mut command).await);
    }
    sqs.set_weather(weather);
    repeat(name, async |_| {
        let before = sqs.asked("SendMessageBatch");
        let jobs: Vec<_> = (0..JOBS)
            .map(|_| stage.parent(HOLD_MS, FOLLOW_UPS))
            .collect();
        let jobs = stage.enqueue(&jobs).await;
        let counts = stage
            .judge_with_follow_ups(&jobs, FOLLOW_UPS, Charges::none())
            .await;
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
