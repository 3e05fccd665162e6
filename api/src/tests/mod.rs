//! The router over ports in memory: header rules, forms of refusals, who is asked for what.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::{Body, to_bytes};
use http::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION};
use http::{HeaderMap, Method, Request, StatusCode};
use packtrain_core::ids::{FileId, JobId, TenantId};
use packtrain_core::ports::KeyScope;
use serde_json::{Value, json};
use tower::ServiceExt;

use fake::World;

mod backtests;
mod comparisons;
mod control;
mod desk;
mod direct;
mod fake;
mod live;
mod mistakes;
mod refusals;
mod reports;
mod streams;
mod uploads;

/// An answer, read whole.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    /// The code of a problem, once its form is checked.
    fn code(&self) -> String {
        let body = self.json();
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["status"], self.status.as_u16());
        assert_eq!(body["request_id"], self.header("x-request-id"));
        let code = body["code"].as_str().unwrap();
        assert_eq!(body["type"], format!("/docs/problems/{code}"));
        code.to_owned()
    }
}

/// A client of one tenant.
struct Client {
    world: Arc<World>,
    router: Router,
    key: String,
    tenant: TenantId,
}

impl Client {
    fn new() -> Self {
        Self::of(&Arc::new(World::default()), 1, KeyScope::User)
    }

    fn operator() -> Self {
        Self::of(&Arc::new(World::default()), 1, KeyScope::Operator)
    }

    fn of(world: &Arc<World>, number: u8, scope: KeyScope) -> Self {
        let tenant: TenantId = format!("ten_{number:032x}").parse().unwrap();
        Self {
            router: world.router(),
            key: world.key(tenant, scope),
            world: Arc::clone(world),
            tenant,
        }
    }

    async fn send(&self, request: http::request::Builder, body: impl Into<Body>) -> Answer {
        let request = request.body(body.into()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap().to_vec();
        let (status, headers) = (head.status, head.headers);
        Answer {
            status,
            headers,
            body,
        }
    }

    fn request(&self, method: Method, path: &str) -> http::request::Builder {
        let key = format!("Bearer {}", self.key);
        Request::builder()
            .method(method)
            .uri(path)
            .header(AUTHORIZATION, key)
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path), Body::empty())
            .await
    }

    async fn post(&self, path: &str, key: Option<&str>, body: &Value) -> Answer {
        let mut request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "application/json");
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        self.send(request, body.to_string()).await
    }

    async fn upload(&self, path: &str, bytes: impl Into<Body>) -> Answer {
        let request = self
            .request(Method::POST, path)
            .header(CONTENT_TYPE, "text/csv");
        self.send(request, bytes).await
    }

    async fn file(&self) -> FileId {
        let answer = self.upload("/v2/premium/files?name=a.csv", "a,b\n").await;
        assert_eq!(answer.status, StatusCode::CREATED, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().parse().unwrap()
    }

    /// A report that was asked for, by its path and its job.
    async fn report(&self) -> (String, JobId) {
        let body = json!({"country": "us", "files": [self.file().await]});
        let answer = self.post("/v2/premium/reports", Some("k"), &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        let job = answer.json()["id"]
            .as_str()
            .unwrap()
            .replace("rep_", "job_");
        (answer.header("location").to_owned(), job.parse().unwrap())
    }
}

#[tokio::test]
async fn a_process_is_ready_until_its_database_is_away_or_it_drains() {
    let client = Client::new();
    assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(client.get("/readyz").await.status, StatusCode::OK);
    client.world.is_away.store(true, Ordering::Relaxed);
    assert_eq!(client.get("/healthz").await.status, StatusCode::OK);
    assert_eq!(client.get("/readyz").await.code(), "unavailable");

    let mut client = Client::new();
    let drain = tokio_util::sync::CancellationToken::new();
    client.router = crate::draining(client.router, drain.clone());
    assert_eq!(client.get("/readyz").await.status, StatusCode::OK);
    drain.cancel();
    let answer = client.get("/readyz").await;
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (StatusCode::SERVICE_UNAVAILABLE, "draining")
    );
}

#[tokio::test]
async fn the_description_is_served_without_a_key() {
    let client = Client::new();
    let request = Request::builder().uri("/v2/openapi.json");
    let answer = client.send(request, Body::empty()).await;
    assert_eq!(answer.text(), crate::openapi_json());
}

#[tokio::test]
async fn operators_page_through_jobs_by_the_link_to_the_next_page() {
    let client = Client::operator();
    let payload = json!({"file": FileId::from_uuid(uuid::Uuid::from_u128(7))});
    let body = json!({"kind": "tax.import", "payload": payload});
    for _ in 0..5 {
        let answer = client.post("/v2/admin/jobs", None, &body).await;
        assert_eq!(answer.status, StatusCode::ACCEPTED, "{}", answer.text());
        let shown = client.get(answer.header("location")).await;
        assert_eq!(shown.json()["payload"], payload);
    }
    let (mut path, mut seen) = ("/v2/admin/jobs?lane=io&limit=2".to_owned(), Vec::new());
    loop {
        let answer = client.get(&path).await;
        let page = answer.json();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|job| job["id"].clone()),
        );
        if page["next"].is_null() {
            assert!(!answer.headers.contains_key("link"));
            break;
        }
        let link = answer.header("link");
        path = link
            .trim_start_matches('<')
            .split('>')
            .next()
            .unwrap()
            .to_owned();
        assert!(
            path.starts_with("/v2/admin/jobs?lane=io&limit=2&cursor="),
            "{link}"
        );
    }
    let newest_first: Vec<_> = {
        let jobs = client.world.jobs.lock().unwrap();
        jobs.keys().rev().map(|id| json!(id)).collect()
    };
    assert_eq!(seen, newest_first);
}

#[tokio::test]
async fn an_operators_job_is_checked_scheduled_and_made_once_per_key() {
    let client = Client::operator();
    let file = FileId::from_uuid(uuid::Uuid::from_u128(7));
    let mut body = json!({
        "kind": "tax.import", "payload": {"file": file}, "priority": 0,
        "tenant": client.tenant, "run_at": "2026-07-01T00:00:00Z",
    });
    let first = client.post("/v2/admin/jobs", Some("k"), &body).await;
    let again = client.post("/v2/admin/jobs", Some("k"), &body).await;
    assert_eq!(first.status, StatusCode::ACCEPTED);
    assert_eq!(first.json()["id"], again.json()["id"]);
    assert!(
        client.world.hints.lock().unwrap().is_empty(),
        "it is not due yet"
    );
    body["priority"] = json!(1);
    let other = client.post("/v2/admin/jobs", Some("k"), &body).await;
    assert_eq!(other.code(), "idempotency.key_reused");
    {
        let asked = client.world.asked.lock().unwrap();
        assert_eq!(asked.len(), 1);
        assert_eq!(
            (asked[0].tenant, asked[0].priority.get()),
            (client.tenant, 0)
        );
        assert!(asked[0].run_at.is_some());
    }
    body["run_at"] = json!("2036-01-01T00:00:00Z");
    let late = body.clone();
    body["run_at"] = Value::Null;
    body["tenant"] = json!(TenantId::from_uuid(uuid::Uuid::from_u128(9)));
    let stranger = body;
    for (wrong, pointer) in [
        (json!({"kind": "tax.guess"}), "/kind"),
        (
            json!({"kind": "tax.import", "payload": {"file": 7}}),
            "/payload/file",
        ),
        (stranger, "/tenant"),
        (json!({"kind": "tax.import", "priority": 10}), "/priority"),
        (late, "/run_at"),
    ] {
        let answer = client.post("/v2/admin/jobs", None, &wrong).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(answer.json()["errors"][0]["pointer"], pointer);
    }
}
