//! What operators do, through the public door.

use packtrain_core::ids::JobId;
use packtrain_core::job::State;
use packtrain_core::ports::KeyScope;
use packtrain_jobs::catalogue::KINDS;
use packtrain_jobs::ops::canary::Canary;
use packtrain_tests::{Client, Yard, until};
use serde_json::{Value, json};

use super::kinds::{Holds, Panics, TEST_KINDS};
use super::runs::{ended, enqueue, job};

async fn operator(yard: &Yard) -> Client {
    yard.client("ops", &[KeyScope::Operator]).await
}

async fn read(client: &Client, path: &str) -> Value {
    client.get(path).await.expect(200).json()
}

#[tokio::test(flavor = "multi_thread")]
async fn dead_letters_are_found_by_cause_and_run_again_together() {
    let yard = Yard::without_workers().await;
    let worker = yard.worker(TEST_KINDS).await;
    let mut dead = Vec::new();
    for _ in 0..3 {
        let id = enqueue::<Panics>(&yard).await;
        assert_eq!(ended(&yard, id).await.state, State::Dead);
        dead.push(id);
    }
    worker.drain().await;
    let client = operator(&yard).await;
    let causes = read(&client, "/v2/admin/dead-letters").await;
    let cause = &causes["items"][0];
    assert_eq!(
        (cause["count"].as_u64(), &cause["code"]),
        (Some(3), &json!("job.panicked"))
    );
    let members = format!("/v2/admin/jobs?cause={}", cause["cause"].as_str().unwrap());
    assert_eq!(
        read(&client, &members).await["items"]
            .as_array()
            .unwrap()
            .len(),
        3
    );

    let mut bulk = json!({
        "change": "retry", "filter": {"cause": cause["cause"]}, "dry_run": true,
    });
    let preview = client.post("/v2/admin/bulk", &[], &bulk).await.expect(200);
    assert_eq!(preview.json(), json!({"count": 3}));
    bulk["dry_run"] = json!(false);
    bulk["expected_count"] = json!(3);
    let made = client.post("/v2/admin/bulk", &[], &bulk).await.expect(202);
    let id: JobId = made.json()["id"].as_str().unwrap().parse().unwrap();
    // This worker knows the platform's own kinds alone: what it runs again stays for others.
    yard.worker(KINDS).await;
    let record = ended(&yard, id).await;
    assert_eq!(record.result, Some(json!({"changed": 3, "asked": 0})));
    for id in dead {
        assert_eq!(job(&yard, id).await.state, State::Queued);
    }
    let audit = read(&client, "/v2/admin/audit").await;
    let told: Vec<_> = audit["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            let word = |key: &str| entry[key].as_str().unwrap().to_owned();
            (word("action"), word("actor"), word("subject"))
        })
        .collect();
    // What the bulk job did names the job; the job's own entry names the person's key.
    let job_id = id.to_string();
    assert!(
        told[..3]
            .iter()
            .all(|(action, actor, _)| action == "job.retry" && *actor == job_id)
    );
    assert_eq!((told[3].0.as_str(), &told[3].2), ("job.enqueue", &job_id));
    assert!(told[3].1.starts_with("key_"), "{told:?}");
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_that_is_shown_to_an_operator_tells_its_events() {
    let yard = Yard::start().await;
    let client = operator(&yard).await;
    let bulk = json!({"change": "retry", "filter": {"kind": "test.none"}});
    let made = client.post("/v2/admin/bulk", &[], &bulk).await.expect(202);
    let id = made.json()["id"].as_str().unwrap().to_owned();
    ended(&yard, id.parse().unwrap()).await;
    let shown = read(&client, &format!("/v2/admin/jobs/{id}")).await;
    let events = shown["events"].as_array().unwrap();
    assert_eq!(
        (&events[0]["seq"], &events[0]["name"]),
        (&json!(1), &json!("stage"))
    );
    assert!(events[0]["at"].is_string());
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_job_that_is_cancelled_stops_and_is_cancelled() {
    let yard = Yard::without_workers().await;
    yard.worker(TEST_KINDS).await;
    let id = enqueue::<Holds>(&yard).await;
    until("the job runs", async || {
        job(&yard, id).await.state == State::Running
    })
    .await;
    let started = "select count(*) from lease where started <> 0";
    until("it began", async || {
        yard.database.number(started).await == 1
    })
    .await;
    let client = operator(&yard).await;
    let path = format!("/v2/admin/jobs/{id}/cancel");
    client.post(&path, &[], &json!({})).await.expect(200);
    assert_eq!(ended(&yard, id).await.state, State::Cancelled);
    client.post(&path, &[], &json!({})).await.expect(409);
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_lane_rests_until_it_is_resumed_and_a_worker_that_is_drained_ends() {
    let yard = Yard::without_workers().await;
    yard.worker(KINDS).await;
    let client = operator(&yard).await;
    let lane = "/v2/admin/lanes/ops";
    let paused = client
        .patch(lane, &[], &json!({"paused": true}))
        .await
        .expect(200);
    let version = paused.header("etag").to_owned();
    let id = enqueue::<Canary>(&yard).await;
    let lanes = read(&client, "/v2/admin/lanes").await;
    let ops = lanes["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|lane| lane["lane"] == "ops");
    assert_eq!(ops.unwrap()["queued"], 1);
    let headers = [("if-match", version.as_str())];
    client
        .patch(lane, &headers, &json!({"paused": false}))
        .await
        .expect(200);
    client
        .patch(lane, &headers, &json!({"paused": true}))
        .await
        .expect(412);
    assert_eq!(ended(&yard, id).await.state, State::Succeeded);

    let workers = read(&client, "/v2/admin/workers").await;
    let worker = workers["items"][0]["id"].as_str().unwrap().to_owned();
    let path = format!("/v2/admin/workers/{worker}/drain");
    client.post(&path, &[], &json!({})).await.expect(202);
    until("the worker has ended", async || {
        yard.database.number("select count(*) from worker").await == 0
    })
    .await;
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_behind_many_younger_ones_is_found_on_a_page_and_drained() {
    let yard = Yard::without_workers().await;
    let client = operator(&yard).await;
    let oldest = "00000000-0000-7000-8000-000000000001";
    let rows = format!(
        "insert into worker (id, name, version, lanes)
         select '{oldest}', 'oldest', '1', array[]::text[]
          union all
         select gen_random_uuid(), 'w', '1', array[]::text[] from generate_series(1, 200)"
    );
    yard.database.run(&rows).await;
    let first = client.get("/v2/admin/workers?limit=200").await.expect(200);
    let cursor = first.json()["next"].as_str().unwrap().to_owned();
    let link = format!("</v2/admin/workers?limit=200&cursor={cursor}>; rel=\"next\"");
    assert_eq!(first.header("link"), link);
    let path = format!("/v2/admin/workers?limit=200&cursor={cursor}");
    let last = read(&client, &path).await;
    assert_eq!(last["items"].as_array().unwrap().len(), 1);
    assert_eq!(last["next"], json!(null));
    let id = last["items"][0]["id"].as_str().unwrap();
    let drain = format!("/v2/admin/workers/{id}/drain");
    let asked = client.post(&drain, &[], &json!({})).await.expect(202);
    assert_eq!(asked.json(), json!({"asked": 1}));
    for path in ["dead-letters", "audit"] {
        let page = read(&client, &format!("/v2/admin/{path}?limit=1")).await;
        assert!(page["items"].as_array().unwrap().len() <= 1);
        let other = format!("/v2/admin/{path}?cursor={cursor}");
        client.get(&other).await.expect(400);
    }
    yard.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_is_run_now_and_edited() {
    let yard = Yard::without_workers().await;
    yard.ticker().seed().await.unwrap();
    yard.worker(KINDS).await;
    let client = operator(&yard).await;
    let schedules = read(&client, "/v2/admin/schedules").await;
    let prune = schedules["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|schedule| schedule["kind"] == "ops.prune")
        .unwrap();
    let path = format!("/v2/admin/schedules/{}", prune["id"].as_str().unwrap());
    let made = client
        .post(&format!("{path}/run"), &[], &json!({}))
        .await
        .expect(202);
    let id = made.json()["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(ended(&yard, id).await.state, State::Succeeded);
    let edit = json!({"cron": "0 4 * * sun", "zone": "Europe/Berlin", "enabled": false});
    let edited = client.patch(&path, &[], &edit).await.expect(200).json();
    assert_eq!(
        (&edited["cron"], &edited["next"]),
        (&json!("0 4 * * sun"), &json!([]))
    );
    yard.ticker().seed().await.unwrap();
    let schedules = read(&client, "/v2/admin/schedules").await;
    assert!(
        schedules["items"].as_array().unwrap().contains(&edited),
        "it stays as edited"
    );
    yard.stop().await;
}
