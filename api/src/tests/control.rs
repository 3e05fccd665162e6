//! What operators do over HTTP: versions, previews, and who is written down.

use http::header::IF_MATCH;
use packtrain_core::ports::JobEvents;

use super::*;

async fn enqueued(client: &Client) -> String {
    let body = json!({"kind": "ops.prune"});
    let made = client.post("/v2/admin/jobs", None, &body).await;
    assert_eq!(made.status, StatusCode::ACCEPTED);
    made.json()["id"].as_str().unwrap().to_owned()
}

async fn patch(client: &Client, path: &str, version: Option<&str>, body: &Value) -> Answer {
    let mut request = client
        .request(Method::PATCH, path)
        .header(CONTENT_TYPE, "application/json");
    if let Some(version) = version {
        request = request.header(IF_MATCH, version);
    }
    client.send(request, body.to_string()).await
}

#[tokio::test]
async fn a_change_that_does_nothing_to_a_job_is_a_conflict_that_names_its_state() {
    let client = Client::operator();
    let id = enqueued(&client).await;
    let refused = client
        .post(&format!("/v2/admin/jobs/{id}/retry"), None, &json!({}))
        .await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (StatusCode::CONFLICT, "job.state")
    );
    assert!(
        refused.json()["detail"]
            .as_str()
            .unwrap()
            .contains("queued")
    );
    let cancelled = client
        .post(&format!("/v2/admin/jobs/{id}/cancel"), None, &json!({}))
        .await;
    assert_eq!(cancelled.json()["state"], "cancelled");
    let unknown = "/v2/admin/jobs/job_00000000000000000000000000000009/cancel";
    let nowhere = client.post(unknown, None, &json!({})).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_write_names_the_key_that_made_it() {
    let client = Client::operator();
    let id = enqueued(&client).await;
    client
        .post(&format!("/v2/admin/jobs/{id}/cancel"), None, &json!({}))
        .await;
    let actors = client.world.actors.lock().unwrap().clone();
    assert_eq!(actors, ["key_00000000000000000000000000000001"; 2]);
}

#[tokio::test]
async fn an_edit_on_an_old_version_is_refused_and_a_new_one_answers_its_version() {
    let client = Client::operator();
    let (path, body) = ("/v2/admin/lanes/io", json!({"paused": true}));
    for old in ["\"6\"", "\"x\""] {
        let stale = patch(&client, path, Some(old), &body).await;
        assert_eq!(stale.status, StatusCode::PRECONDITION_FAILED, "{old}");
        assert_eq!(stale.code(), "edit.stale");
    }
    let edited = patch(&client, path, Some("\"7\""), &body).await;
    assert_eq!(
        (edited.status, edited.header("etag")),
        (StatusCode::OK, "\"8\"")
    );
    assert!(edited.json()["paused_at"].is_string());
    let nowhere = patch(&client, "/v2/admin/lanes/express", None, &body).await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_schedule_shows_when_it_comes_next_and_bad_cron_text_is_refused_with_its_place() {
    let client = Client::operator();
    let list = client.get("/v2/admin/schedules").await.json();
    let schedule = &list["items"][0];
    let next = json!([
        "2026-06-15T12:05:00Z",
        "2026-06-15T12:10:00Z",
        "2026-06-15T12:15:00Z"
    ]);
    assert_eq!(schedule["next"], next);
    let path = format!("/v2/admin/schedules/{}", schedule["id"].as_str().unwrap());
    for (body, pointer) in [
        (json!({"cron": "* * *"}), "/cron"),
        (json!({"zone": "Berlin"}), "/zone"),
        (json!({"jitter_s": 3_601}), "/jitter_s"),
    ] {
        let refused = patch(&client, &path, None, &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["errors"][0]["pointer"], pointer);
    }
    let edited = patch(&client, &path, None, &json!({"cron": "@daily"})).await;
    assert_eq!(edited.status, StatusCode::OK);
    let run = client.post(&format!("{path}/run"), None, &json!({})).await;
    assert_eq!(run.status, StatusCode::ACCEPTED);
    assert_eq!(run.json()["kind"], "ops.keep_warm");
}

#[tokio::test]
async fn a_bulk_change_is_previewed_and_refused_when_the_count_is_another() {
    let client = Client::operator();
    enqueued(&client).await;
    let filter = json!({"kind": "ops.prune"});
    let mut body = json!({"change": "cancel", "filter": filter, "dry_run": true});
    let preview = client.post("/v2/admin/bulk", None, &body).await;
    assert_eq!(preview.json(), json!({"count": 1}));
    body["dry_run"] = json!(false);
    body["expected_count"] = json!(2);
    let refused = client.post("/v2/admin/bulk", None, &body).await;
    assert_eq!(refused.code(), "bulk.count_changed");
    body["expected_count"] = json!(1);
    let made = client.post("/v2/admin/bulk", None, &body).await;
    assert_eq!(made.status, StatusCode::ACCEPTED);
    assert_eq!(made.json()["kind"], "ops.bulk");
    body["filter"] = json!({});
    let all = client.post("/v2/admin/bulk", None, &body).await;
    assert_eq!(all.json()["errors"][0]["pointer"], "/filter");
}

#[tokio::test]
async fn a_job_is_shown_with_its_newest_events_in_order() {
    let client = Client::operator();
    let id = enqueued(&client).await;
    let job = id.parse().unwrap();
    for step in 1..=60 {
        let data = json!({ "step": step });
        let world = &client.world;
        let written = world.append(TenantId::SYSTEM, job, "stage", &data).await;
        written.unwrap();
    }
    let shown = client.get(&format!("/v2/admin/jobs/{id}")).await.json();
    let events = shown["events"].as_array().unwrap();
    assert_eq!((events.len(), &events[0]["seq"]), (50, &json!(11)));
    assert_eq!(
        events[49],
        json!({
            "seq": 60, "at": "2026-06-15T12:00:00Z", "name": "stage", "data": {"step": 60},
        })
    );
}

#[tokio::test]
async fn a_deadline_that_passes_before_the_job_is_due_is_refused() {
    let client = Client::operator();
    for (run_at, deadline) in [
        (json!(null), "2026-06-15T12:00:00Z"),
        (json!("2026-06-16T12:00:00Z"), "2026-06-16T11:00:00Z"),
    ] {
        let body = json!({"kind": "ops.prune", "run_at": run_at, "deadline": deadline});
        let refused = client.post("/v2/admin/jobs", None, &body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(refused.json()["errors"][0]["pointer"], "/deadline");
    }
}

#[tokio::test]
async fn the_operators_routes_are_closed_to_a_users_key() {
    let client = Client::new();
    for path in ["lanes", "dead-letters", "schedules", "workers", "audit"] {
        let answer = client.get(&format!("/v2/admin/{path}")).await;
        assert_eq!(answer.code(), "auth.scope_missing", "{path}");
    }
}

#[tokio::test]
async fn metrics_are_for_operators_and_come_in_the_exposition_format() {
    let client = Client::operator();
    let answer = client.get("/metrics").await;
    let media_type = "text/plain; version=0.0.4; charset=utf-8";
    assert_eq!(answer.header("content-type"), media_type);
    assert_eq!(answer.text(), "counted 7\n");
    let refused = Client::new().get("/metrics").await;
    assert_eq!(refused.code(), "auth.scope_missing");
}
