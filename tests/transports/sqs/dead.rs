//! A job that fails at every attempt: to its dead letter, to the dead-letter queue, and back.

use std::collections::HashSet;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use chrono::TimeDelta;
use futures::StreamExt;
use packtrain_core::fault::{Fault, Verdict, backoff_ceiling};
use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::{About, Ctx, Done, Job, Kind, Lane, State};
use packtrain_core::limits::MIRRORED_BYTES_MAX;
use packtrain_core::ports::{Actor, Control, DeadLetters, JobRecord, KeyScope, OperatorJobs};
use packtrain_jobs::catalogue::{Entry, entry};
use packtrain_queue::{SqsHints, SqsMirror};
use packtrain_store::{PgControl, PgOperatorJobs, PgUpkeep};
use packtrain_tests::{FakeSqs, Yard, until};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;
use utoipa::ToSchema;

use super::ground::Ground;

const KINDS: &[Entry] = &[entry::<Poison>()];
/// Attempts of the job.
const ATTEMPTS: u16 = 5;

/// Jobs that fail no more.
static HEALED: LazyLock<Mutex<HashSet<JobId>>> = LazyLock::new(Mutex::default);

/// Fails until the test heals it.
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
        Err(Fault::said(Verdict::Retry(None), "test.poisoned", said))
    }
}

/// The product beside our SQS: dead letters are shown there, and one listens for those that return.
struct Scene {
    yard: Yard,
    ground: Ground,
    fake: FakeSqs,
    passed: Mutex<TimeDelta>,
    showing: DropGuard,
}

impl Scene {
    async fn new() -> Self {
        let (yard, ground) = (Yard::without_workers().await, Ground::fake().await);
        let (sqs, fake) = (ground.queues().await, ground.fake.clone().unwrap());
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
            fake,
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

    /// Lets the job's own times pass, attempt after attempt, until it is dead.
    async fn dies(&self, id: JobId, attempts_before: usize) {
        let mut passed_for = 0;
        until("the job is dead", async || {
            let job = self.job(id).await;
            let failed = job.failures.len() - attempts_before;
            if job.state == State::Scheduled && failed > passed_for {
                passed_for = failed;
                self.pass(backoff_ceiling(u16::try_from(failed).unwrap()))
                    .await;
            }
            job.state == State::Dead && failed > 0
        })
        .await;
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
        until("dead letters are shown", async || {
            self.fake.bodies(&queue).len() == count
        })
        .await;
        let bodies = self.fake.bodies(&queue);
        bodies
            .iter()
            .map(|body| serde_json::from_str(body).unwrap())
            .collect()
    }

    /// As an operator does in the console of the cloud: from the dead letters to the lane's queue.
    fn redrive(&self) -> usize {
        let settings = self.ground.settings();
        let (dead, home) = (
            settings.dead_queue(Lane::Pulse),
            settings.queue(Lane::Pulse),
        );
        self.fake.redrive(&dead, &home)
    }

    async fn home_is_empty(&self) {
        let home = self.ground.settings().queue(Lane::Pulse);
        until("the messages are gone", async || {
            self.fake.bodies(&home).is_empty()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poison_alert_dies_after_all_its_attempts_and_is_redriven_from_sqs_and_from_the_api() {
    let scene = Scene::new().await;
    scene.yard.worker(KINDS).await;
    let id = scene.enqueue(json!({ "note": "abc" })).await;
    scene.dies(id, 0).await;
    let shown = scene.shown(1).await;
    let dead = &shown[0]["dead"];
    assert_eq!(dead["job"], id.to_string());
    assert_eq!(dead["tenant"], TenantId::SYSTEM.to_string());
    assert_eq!(dead["payload"], json!({ "note": "abc" }));
    assert_eq!((&dead["attempts"], &dead["schema"]), (&json!(5), &json!(1)));
    assert_eq!(dead["kind"], "test.poison");
    assert_eq!(
        (&dead["code"], &dead["message"]),
        (&json!("test.poisoned"), &json!("poisoned: 3"))
    );

    // From the queue: it runs again with all its attempts, and dies again.
    assert_eq!(scene.redrive(), 1);
    scene.dies(id, 5).await;
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
    assert_eq!(scene.redrive(), 1);
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
    scene.dies(id, 5).await;
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
        "MessageDeduplicationId": "1", "MessageBody": scene.fake.bodies(&dead)[0],
    });
    scene.ground.wire.ask("SendMessage", &send).await.unwrap();
    scene.home_is_empty().await;
    let audit = "select actor from audit where action = 'job.retry' and actor = 'sqs redrive'";
    assert_eq!(scene.job(id).await.state, State::Dead);
    assert!(scene.yard.database.texts(audit).await.is_empty());
    // Both come back, and the job is revived once, by the second.
    assert_eq!(scene.redrive(), 2);
    scene.home_is_empty().await;
    scene.dies(id, 10).await;
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
