//! A client of the API, in the same process.

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use packtrain_core::secret::Secret;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::wait::promptly;

/// How often a report is waited for once more.
const WAITS_MORE_MAX: u32 = 2;

/// Sends requests with a key.
#[derive(Clone)]
pub struct Client {
    router: Router,
    key: Option<Secret<String>>,
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// The body as JSON; fails the test when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error} in {:?}", self.text()))
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty when it is absent.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Fails the test unless the status is this; gives the answer on.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text());
        self
    }
}

/// Server-sent events as they come.
pub struct Events {
    body: BodyDataStream,
    text: String,
}

impl Events {
    /// The next event that has data: its id and its data, as JSON. None at the end.
    pub async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field = |name: &str| event.lines().find_map(|line| line.strip_prefix(name));
                if let Some(data) = field("data: ") {
                    let data = serde_json::from_str(data).expect("data is JSON");
                    return Some((field("id: ").unwrap_or_default().to_owned(), data));
                }
            }
            let more = promptly(self.body.next()).await?;
            let more = more.expect("an answer does not break off");
            self.text.push_str(&String::from_utf8_lossy(&more));
        }
    }
}

impl Client {
    /// The key with which requests are sent.
    pub fn key(&self) -> &str {
        self.key.as_ref().map_or("", |key| key.reveal())
    }

    pub(crate) const fn new(router: Router, key: Secret<String>) -> Self {
        Self {
            router,
            key: Some(key),
        }
    }

    pub(crate) const fn without_key(router: Router) -> Self {
        Self { router, key: None }
    }

    /// Sends a request with these headers and reads the answer to its end.
    pub async fn send(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Answer {
        let (parts, body) = self.ask(method, uri, headers, body).await.into_parts();
        let body = to_bytes(body, usize::MAX)
            .await
            .expect("an answer has an end");
        Answer {
            status: parts.status,
            headers: parts.headers,
            body,
        }
    }

    async fn ask(
        &self,
        method: &str,
        uri: &str,
        headers: &[(&str, &str)],
        body: impl Into<Body>,
    ) -> Response {
        let mut request = Request::builder().method(method).uri(uri);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {}", key.reveal()));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request
            .body(body.into())
            .expect("a test's request is well formed");
        { self.router.clone() }
            .oneshot(request)
            .await
            .expect("a router always answers")
    }

    /// Follows an answer of server-sent events as they come.
    pub async fn follow(&self, uri: &str, headers: &[(&str, &str)]) -> Events {
        let answer = self.ask("GET", uri, headers, Body::empty()).await;
        let status = answer.status();
        let body = answer.into_body().into_data_stream();
        assert_eq!(status, StatusCode::OK, "{uri}");
        Events {
            body,
            text: String::new(),
        }
    }

    /// GET.
    pub async fn get(&self, uri: &str) -> Answer {
        self.send("GET", uri, &[], Body::empty()).await
    }

    /// POST of JSON.
    pub async fn post(&self, uri: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("POST", uri, &all, body.to_string()).await
    }

    /// PATCH of JSON.
    pub async fn patch(&self, uri: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend_from_slice(headers);
        self.send("PATCH", uri, &all, body.to_string()).await
    }

    /// Uploads a ledger and waits until it was read.
    pub async fn upload(&self, name: &str, bytes: impl Into<Body>) -> Answer {
        let headers = [("content-type", "text/csv"), ("prefer", "wait=20")];
        self.send(
            "POST",
            &format!("/v2/premium/files?name={name}"),
            &headers,
            bytes,
        )
        .await
    }

    /// Asks for a report under an idempotency key, and waits until it is there.
    pub async fn report(&self, key: &str, body: &Value) -> Answer {
        let headers = [("idempotency-key", key), ("prefer", "wait=20")];
        let mut answer = self.post("/v2/premium/reports", &headers, body).await;
        // It was not there within one wait: the same request waits for the same report.
        for _ in 0..WAITS_MORE_MAX {
            if answer.status != StatusCode::ACCEPTED {
                break;
            }
            answer = self.post("/v2/premium/reports", &headers, body).await;
        }
        answer
    }

    /// Uploads a ledger and returns its id.
    pub async fn file(&self, name: &str, bytes: impl Into<Body>) -> String {
        let file = self.upload(name, bytes).await.expect(201).json();
        file["id"].as_str().expect("a file has an id").to_owned()
    }

    /// A report of one year on a ledger: the whole way, to the finished report.
    pub async fn finished_report(&self, ledger: &str, year: i32) -> Value {
        let file = self.file("ledger.csv", ledger.to_owned()).await;
        let body = json!({ "country": "us", "years": [year], "files": [file] });
        self.report(&format!("report-{file}-{year}"), &body)
            .await
            .expect(200)
            .json()
    }
}
