//! A job that fails at every attempt: to its dead letter, to the dead-letter queue, and back.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt;
use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{About, Ctx, Done, Job, Kind, Lane, State};
use packtrain_core::limits::MIRRORED_BYTES_MAX;
use packtrain_core::ports::{Actor, Control, DeadLetters, JobRecord, KeyScope, OperatorJobs};
use packtrain_jobs::catalogue::{Entry, entry};
use packtrain_queue::{SqsHints, SqsMirror};
use packtrain_store::{PgControl, PgOperatorJobs, PgUpkeep};
use packtrain_tests::{Yard, until};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;

use super::ground::Ground;

const KINDS: &[Entry] = &[entry::<Poison>()];
/// How long a delivery waits after each attempt that failed, in seconds: the first attempt comes
/// at once, the ninth some 21 hours later, and then it is dead.
const DELIVERY_S: [u64; 8] = [
    5,
    30,
    2 * 60,
    10 * 60,
    30 * 60,
    2 * 60 * 60,
    6 * 60 * 60,
    12 * 60 * 60,
];
const ATTEMPTS: u16 = 9;

/// How far a waiting time may be from what was asked for: an end is noted a moment after it was.
const SLACK: TimeDelta = TimeDelta::seconds(3);

/// Jobs that fail no more.
static HEALED: LazyLock<Mutex<HashSet<JobId>>> = LazyLock::new(Mutex::default);

/// Fails until the test heals it, and is tried again as deliveries are.
#[derive(Serialize, Deserialize, ToSchema)]
struct Poison {
    #[serde(default)]
    note: String,
}

impl Job for Poison {
    const KIND: Kind = Kind::new("test.poison");
    const LANE: Lane = Lane::Pulse;
    const ATTEMPTS_MAX: u16 = ATTEMPTS;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        if HEALED.lock().unwrap().contains(&ctx.job) {
            return Ok(Done::quietly());
        }
        let said = format!("poisoned: {}", self.note.len());
        let waits = DELIVERY_S.get(usize::from(ctx.attempt) - 1);
        let verdict = Verdict::Retry(waits.copied().map(Duration::from_secs));
        Err(Fault::said(verdict, "test.poisoned", said))
    }
}

/// The product beside an SQS: dead letters are shown there, and one listens for those that return.
struct Scene {
    yard: Yard,
    ground: Ground,
    passed: Mutex<TimeDelta>,
    showing: DropGuard,
}

impl Scene {
    async fn new() -> Self {
        Self::on(Ground::fake().await).await
    }

    async fn on(ground: Ground) -> Self {
        let yard = Yard::without_workers().await;
        let sqs = ground.queues().await;
        let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
        let pool = yard.database.pools().worker.clone();
        let showing = packtrain_scheduler::mirror(
            Arc::new(PgUpkeep::new(pool.clone())),
            Arc::new(SqsMirror::new(Arc::clone(&sqs))),
            stop.clone(),
        );
        tasks.spawn(showing);
        let revive = Arc::new(PgControl::new(pool, yard.database.ids()));
        let hints = SqsHints::start(sqs, revive, yard.database.ids(), &tasks, stop.clone());
        tasks.spawn(async move {
            let mut heard = packtrain_core::ports::Hints::subscribe(&hints, &[Lane::Pulse]).await;
            while let Some(heard) = heard.next().await {
                heard.looked();
            }
        });
        Self {
            yard,
            ground,
            passed: Mutex::default(),
            showing: stop.drop_guard(),
        }
    }

    async fn enqueue(&self, payload: Value) -> JobId {
        let id = self.yard.database.ids().job();
        let job = About::of::<Poison>().job(id, TenantId::SYSTEM, payload);
        let control = PgControl::new(
            self.yard.database.pools().operator.clone(),
            self.yard.database.ids(),
        );
        let test = Actor("test".to_owned());
        control.enqueue(&test, &job, None).await.unwrap();
        id
    }

    async fn job(&self, id: JobId) -> JobRecord {
        let jobs = PgOperatorJobs::new(self.yard.database.pools().operator.clone());
        jobs.find(id).await.unwrap().expect("it was enqueued")
    }

    /// Lets the times of deliveries pass, attempt after attempt, until the job is dead.
    async fn dies(&self, id: JobId, attempts_before: usize) {
        for (failed, wait_s) in (1_usize..).zip(DELIVERY_S) {
            until("the attempt has failed", async || {
                let job = self.job(id).await;
                job.failures.len() == attempts_before + failed && job.state == State::Scheduled
            })
            .await;
            let job = self.job(id).await;
            let ended_at = job.failures[attempts_before + failed - 1].ended_at;
            let wait = TimeDelta::try_seconds(i64::try_from(wait_s).unwrap()).unwrap();
            let waits = job.run_at.unwrap() - ended_at;
            assert!(
                (waits - wait).abs() < SLACK,
                "{waits} after attempt {failed}"
            );
            self.pass(Duration::from_secs(wait_s)).await;
        }
        self.ended(id, State::Dead).await;
        let job = self.job(id).await;
        assert_eq!(job.failures.len(), attempts_before + usize::from(ATTEMPTS));
    }

    async fn pass(&self, time: Duration) {
        let passed = {
            let mut passed = self.passed.lock().unwrap();
            *passed += TimeDelta::from_std(time).unwrap();
            *passed
        };
        self.yard.database.shift_clock(passed).await;
    }

    async fn ended(&self, id: JobId, state: State) {
        until("the job has ended", async || {
            self.job(id).await.state == state
        })
        .await;
    }

    /// What lies in the dead-letter queue once it is so much.
    async fn shown(&self, count: usize) -> Vec<Value> {
        let queue = self.ground.settings().dead_queue(Lane::Pulse);
        let url = self.ground.url_of(&queue).await;
        until("dead letters are shown", async || {
            self.ground.lying(&url).await == count as u64
        })
        .await;
        let bodies = self.ground.bodies(&queue).await;
        bodies
            .iter()
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// As an operator does in the console of the cloud: from the dead letters to the lane's queue.
    async fn redrive(&self) -> usize {
        let settings = self.ground.settings();
        let (dead, home) = (
            settings.dead_queue(Lane::Pulse),
            settings.queue(Lane::Pulse),
        );
        self.ground.move_all(&dead, &home).await
    }

    async fn home_is_empty(&self) {
        let home = self.ground.settings().queue(Lane::Pulse);
        let url = self.ground.url_of(&home).await;
        until("the messages are gone", async || {
            self.ground.lying(&url).await == 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_alert_dies_after_21_hours_of_retries_and_is_redriven_from_sqs_and_from_our_api() {
    let test =
        "a_poison_alert_dies_after_21_hours_of_retries_and_is_redriven_from_sqs_and_from_our_api";
    for ground in Ground::with_dead_queues(test).await {
        poisoned(Scene::on(ground).await).await;
    }
}

/// One alert from its first attempt to its dead letter, back from the queue, dead again, and back
/// from the API.
async fn poisoned(scene: Scene) {
    scene.yard.worker(KINDS).await;
    let id = scene.enqueue(json!({ "note": "abc" })).await;
    scene.dies(id, 0).await;
    let shown = scene.shown(1).await;
    let dead = &shown[0]["dead"];
    assert_eq!(dead["job"], id.to_string());
    assert_eq!(dead["tenant"], TenantId::SYSTEM.to_string());
    assert_eq!(dead["payload"], json!({ "note": "abc" }));
    assert_eq!(
        (&dead["attempts"], &dead["schema"]),
        (&json!(ATTEMPTS), &json!(1))
    );
    assert_eq!(dead["kind"], "test.poison");
    assert_eq!(
        (&dead["code"], &dead["message"]),
        (&json!("test.poisoned"), &json!("poisoned: 3"))
    );

    // From the queue: it runs again with all its attempts, and dies again.
    assert_eq!(scene.redrive().await, 1);
    scene.dies(id, usize::from(ATTEMPTS)).await;
    scene.home_is_empty().await;
    scene.shown(1).await;
    let audit = "select actor from audit where action = 'job.retry'";
    assert_eq!(scene.yard.database.texts(audit).await, ["sqs redrive"]);

    // From our own API: this time it succeeds. Its message stays in the queue.
    HEALED.lock().unwrap().insert(id);
    let client = scene.yard.client("ops", &[KeyScope::Operator]).await;
    let retry = format!("/v2/admin/jobs/{id}/retry");
    let answer = client.post(&retry, &[], &json!({})).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    scene.ended(id, State::Succeeded).await;
    scene.shown(1).await;

    // Who redrives the message now changes nothing.
    let before = scene.job(id).await;
    assert_eq!(scene.redrive().await, 1);
    scene.home_is_empty().await;
    assert_eq!(scene.job(id).await, before);
    assert_eq!(scene.yard.database.texts(audit).await.len(), 2);
    scene.yard.database.assert_whole().await;
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_an_earlier_death_revives_nobody() {
    let scene = Scene::new().await;
    scene.yard.worker(KINDS).await;
    let id = scene.enqueue(json!({})).await;
    scene.dies(id, 0).await;
    scene.shown(1).await;
    let client = scene.yard.client("ops", &[KeyScope::Operator]).await;
    client
        .post(&format!("/v2/admin/jobs/{id}/retry"), &[], &json!({}))
        .await;
    scene.dies(id, usize::from(ATTEMPTS)).await;
    let shown = scene.shown(2).await;
    assert_ne!(shown[0]["dead"]["died_at"], shown[1]["dead"]["died_at"]);
    // The first comes back alone, and nothing happens.
    let settings = scene.ground.settings();
    let (dead, home) = (
        settings.dead_queue(Lane::Pulse),
        settings.queue(Lane::Pulse),
    );
    let send = json!({
        "QueueUrl": scene.ground.url_of(&home).await, "MessageGroupId": "g",
        "MessageDeduplicationId": "1", "MessageBody": scene.ground.bodies(&dead).await[0],
    });
    scene.ground.wire.ask("SendMessage", &send).await.unwrap();
    scene.home_is_empty().await;
    let audit = "select actor from audit where action = 'job.retry' and actor = 'sqs redrive'";
    assert_eq!(scene.job(id).await.state, State::Dead);
    assert!(scene.yard.database.texts(audit).await.is_empty());
    // Both come back, and the job is revived once, by the second.
    assert_eq!(scene.redrive().await, 2);
    scene.home_is_empty().await;
    scene.dies(id, 2 * usize::from(ATTEMPTS)).await;
    assert_eq!(scene.yard.database.texts(audit).await.len(), 1);
    scene.yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_given_to_one_at_a_time_and_a_large_payload_stays_behind() {
    let scene = Scene::new().await;
    scene.yard.worker(KINDS).await;
    let large = "x".repeat(usize::try_from(MIRRORED_BYTES_MAX).unwrap());
    let id = scene.enqueue(json!({ "note": large })).await;
    scene.dies(id, 0).await;
    let shown = scene.shown(1).await;
    assert_eq!(shown[0]["dead"]["payload"], Value::Null);
    let note = shown[0]["dead"]["note"].as_str().unwrap();
    assert!(note.contains("the payload is left out"), "{note}");
    let Scene { yard, showing, .. } = scene;
    let database = &yard.database;
    let upkeep = PgUpkeep::new(database.pools().worker.clone());
    until("it is noted", async || {
        let noted = "select count(*) from dead where mirrored_at is not null";
        database.number(noted).await == 1
    })
    .await;
    drop(showing);
    assert!(upkeep.unmirrored(10).await.unwrap().is_empty());
    // As it was while somebody was at it, and when that one had been silent for a minute.
    let again = "update dead set mirrored_at = null, mirror_from = now_utc()";
    database
        .run(&format!("{again} + interval '1 minute'"))
        .await;
    assert!(upkeep.unmirrored(10).await.unwrap().is_empty());
    database.run(again).await;
    // Two ask at once: one of them has it.
    let both = tokio::join!(upkeep.unmirrored(10), upkeep.unmirrored(10));
    assert_eq!(both.0.unwrap().len() + both.1.unwrap().len(), 1);
    yard.stop().await;
}
