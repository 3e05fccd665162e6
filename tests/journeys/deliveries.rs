//! Messages on their way to endpoints that are away for a while, under simulated time.

use chrono::TimeDelta;
use packtrain_core::ids::{EndpointId, IncidentId, JobId, RuleId};
use packtrain_core::job::{About, Job, NewJob, State};
use packtrain_core::ports::{JobQueue, KeyScope};
use packtrain_jobs::alerts::deliver::Deliver;
use packtrain_jobs::catalogue::KINDS;
use packtrain_store::PgJobs;
use packtrain_tests::{Client, Message, Yard, until};
use serde_json::{Value, json};

use super::alerts::{Scene, below_3000};
use super::runs::{ended, job};

/// Lets SQL's clock stand so many seconds after the beginning.
async fn pass_to(scene: &Scene, seconds: i64) {
    let passed = TimeDelta::seconds(seconds);
    scene.yard.database.shift_clock(passed).await;
}

/// Waits until a message was tried and waits for its next try.
async fn failed(scene: &Scene, message: JobId) {
    until("the attempt has failed", async || {
        let record = job(&scene.yard, message).await;
        !record.failures.is_empty() && record.state == State::Scheduled
    })
    .await;
}

/// Who is told by somebody: the keys of messages, in the order in which they came.
fn keys(got: &[Message]) -> Vec<&str> {
    got.iter()
        .map(|message| message.header("webhook-id"))
        .collect()
}

fn types(got: &[Message]) -> Vec<Value> {
    let bodies = got.iter().map(|message| message.body.as_ref());
    let events = bodies.map(|body| serde_json::from_slice::<Value>(body).unwrap());
    events.map(|event| event["type"].clone()).collect()
}

/// A rule fires and clears three times within an hour in which its endpoint is away, and then the
/// endpoint is back.
async fn an_hour_away(scene: &Scene, back: impl AsyncFnOnce()) {
    let mut told: Vec<JobId> = Vec::new();
    let moves = ["2900", "3200", "2800", "3300", "2700", "3400"];
    for (minute, value) in (0..).step_by(10).zip(moves) {
        pass_to(scene, minute * 60).await;
        let messages = scene.tell(value, 60 + minute * 60).await;
        assert_eq!(messages.len(), 1, "{value}");
        told.extend(messages);
        failed(scene, told[0]).await;
    }
    pass_to(scene, 60 * 60).await;
    back().await;
    // After all pauses that the tries of an hour can have led to.
    pass_to(scene, 8 * 60 * 60).await;
    for message in &told {
        assert_eq!(ended(&scene.yard, *message).await.state, State::Succeeded);
    }
    let got = scene.receiver.got();
    let (before, after) = got.split_at(got.len() - told.len());
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    // While the first of them waits for its next attempt, no later one goes by it.
    assert!(keys(before).iter().all(|key| *key == told[0]), "{before:?}");
    assert_eq!(keys(after), told);
    let (firing, resolved) = (json!("alert.firing"), json!("alert.resolved"));
    let turns = [&firing, &resolved].repeat(3);
    assert_eq!(types(after).iter().collect::<Vec<_>>(), turns);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_refuses_for_an_hour_is_told_everything_once_and_in_order_when_it_is_back()
{
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    scene.receiver.answer_always(Some(503));
    let receiver = &scene.receiver;
    an_hour_away(&scene, async || receiver.answer_always(None)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_not_there_for_an_hour_is_told_everything_once_and_in_order_after_it() {
    let scene = Scene::new().await;
    scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    scene.receiver.leave().await;
    let receiver = &scene.receiver;
    an_hour_away(&scene, async || receiver.come_back().await).await;
}

/// Runs all dead letters of deliveries again, as one command.
async fn redrive(operator: &Client) -> JobId {
    let asked = json!({ "change": "retry", "filter": { "kind": "alerts.deliver" } });
    let made = operator.post("/v2/admin/bulk", &[], &asked).await;
    let made = made.expect(202).json();
    made["id"].as_str().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_died_after_21_hours_are_all_redriven_in_order_by_one_command() {
    let scene = Scene::new().await;
    scene.yard.worker(KINDS).await;
    scene.rule(below_3000()).await;
    assert_eq!(scene.observe("3200", 0).await, 0);
    scene.receiver.answer_always(Some(503));
    let mut told = scene.tell("2900", 60).await;
    let mut passed = 0;
    for (place, pause) in [5, 30, 120, 600, 1_800, 7_200, 21_600, 43_200]
        .into_iter()
        .enumerate()
    {
        until("the attempt has failed", async || {
            job(&scene.yard, told[0]).await.failures.len() > place
        })
        .await;
        // Up to a tenth longer.
        passed += pause * 11 / 10 + 1;
        pass_to(&scene, passed).await;
    }
    assert_eq!(ended(&scene.yard, told[0]).await.state, State::Dead);
    // Later ones that are refused for good: another cause, and the same command.
    scene.receiver.answer_always(Some(400));
    for (value, seconds) in [("3200", 120), ("2800", 180)] {
        let messages = scene.tell(value, seconds).await;
        assert_eq!(ended(&scene.yard, messages[0]).await.state, State::Dead);
        told.extend(messages);
    }
    scene.receiver.answer_always(None);
    let before = scene.receiver.got().len();
    let operator = scene.yard.client("ops", &[KeyScope::Operator]).await;
    let redriven = ended(&scene.yard, redrive(&operator).await).await;
    assert_eq!(redriven.result, Some(json!({ "changed": 3, "asked": 0 })));
    for message in &told {
        until("the message is delivered", async || {
            job(&scene.yard, *message).await.state == State::Succeeded
        })
        .await;
    }
    let got = scene.receiver.got();
    let told: Vec<String> = told.iter().map(ToString::to_string).collect();
    assert_eq!(keys(&got[before..]), told);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_of_more_than_one_slice_keeps_the_order_of_a_group() {
    let yard = Yard::without_workers().await;
    let tenant = yard.database.tenant("ada").await;
    let uuid = || yard.database.ids().job().as_uuid();
    let (rule, endpoint) = (RuleId::from_uuid(uuid()), EndpointId::from_uuid(uuid()));
    let message = |seq| {
        // Nobody is there to be told: each ends at once.
        let deliver = Deliver {
            rule,
            seq,
            version: None,
            incident: IncidentId::from_uuid(rule.as_uuid()),
            endpoint,
        };
        let (group, payload) = (deliver.group(), serde_json::to_value(deliver).unwrap());
        let id = yard.database.ids().job();
        About::of::<Deliver>().grouped(id, tenant, payload, group.as_deref())
    };
    let messages: Vec<NewJob> = (1..=520).map(message).collect();
    let jobs = PgJobs::new(yard.database.pools().app.clone());
    jobs.enqueue(tenant, &messages).await.unwrap();
    for sql in [
        "insert into dead (id, tenant_id, lane, kind, attempts, code, message, fingerprint)
         select id, tenant_id, lane, kind, 1, 'alerts.undelivered', '', 'made' from job",
        "delete from ready",
        "delete from waiting",
        "update gate set in_play = 0",
    ] {
        yard.database.run(sql).await;
    }
    let operator = yard.client("ops", &[KeyScope::Operator]).await;
    let command = redrive(&operator).await;
    yard.worker(KINDS).await;
    let redriven = ended(&yard, command).await;
    assert_eq!(redriven.result, Some(json!({ "changed": 520, "asked": 0 })));
    let left = "select count(*) from outcome where state = 'succeeded'";
    // They end one after the other, which takes long on a machine that has much else to do.
    for ended in (20..521).step_by(20).chain([521]) {
        until("more have ended", async || {
            yard.database.number(left).await >= ended
        })
        .await;
    }
    assert_eq!(yard.database.number(left).await, 521);
    let late = "select count(*)
                  from (select j.gate_seq, lag(j.gate_seq) over (order by o.started_at) as before
                          from job j
                          join outcome o on o.id = j.id
                         where j.kind = 'alerts.deliver') m
                 where m.before > m.gate_seq";
    assert_eq!(yard.database.number(late).await, 0);
}
