//! A collector of spans: takes OTLP over HTTP, as protobuf, and keeps what it was told.

use std::collections::BTreeMap;
use std::future::pending;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value};
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

/// How it takes what comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Keeps it.
    Takes,
    /// Refuses it with this status.
    Refuses(u16),
    /// Never answers.
    Silent,
}

/// A span as it came.
#[derive(Debug, Clone)]
pub struct Told {
    /// The service that sent it.
    pub service: String,
    /// 32 digits.
    pub trace: String,
    /// 16 digits.
    pub span: String,
    /// 16 digits; empty when it is the first of its trace.
    pub parent: String,
    /// Its name.
    pub name: String,
    /// 1 internal, 2 server, 4 producer, 5 consumer.
    pub kind: i32,
    /// In nanoseconds since 1970.
    pub start: u64,
    /// In nanoseconds since 1970.
    pub end: u64,
    /// Whether it shows a failure.
    pub is_error: bool,
    /// Numbers and truths are written out.
    pub attributes: BTreeMap<String, String>,
}

#[derive(Default)]
struct Kept {
    spans: Vec<Told>,
    requests: Vec<(String, HeaderMap, Bytes)>,
}

/// A collector that runs until the test's runtime ends.
pub struct Collector {
    address: SocketAddr,
    kept: Arc<Mutex<Kept>>,
}

impl Collector {
    /// Begins to listen.
    pub async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port of this machine is free");
        let address = listener.local_addr().expect("it has an address");
        let kept = Arc::<Mutex<Kept>>::default();
        let router = Router::new()
            .fallback(take)
            .with_state((manner, Arc::clone(&kept)));
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        Self { address, kept }
    }

    /// Where spans are sent.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was kept, in the order in which it came.
    pub fn spans(&self) -> Vec<Told> {
        self.kept.lock().expect("nobody panicked").spans.clone()
    }

    /// What was kept of a trace.
    pub fn of_trace(&self, trace: &str) -> Vec<Told> {
        let mut spans = self.spans();
        spans.retain(|span| span.trace == trace);
        spans
    }

    /// Every request: its path, its headers, its body.
    pub fn requests(&self) -> Vec<(String, HeaderMap, Bytes)> {
        self.kept.lock().expect("nobody panicked").requests.clone()
    }
}

async fn take(
    State((manner, kept)): State<(Manner, Arc<Mutex<Kept>>)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    {
        let mut kept = kept.lock().expect("nobody panicked");
        let request = (uri.path().to_owned(), headers, body.clone());
        kept.requests.push(request);
    }
    match manner {
        Manner::Silent => pending().await,
        Manner::Refuses(status) => StatusCode::from_u16(status)
            .expect("a status")
            .into_response(),
        Manner::Takes => {
            let request = ExportTraceServiceRequest::decode(body).expect("OTLP came");
            kept.lock()
                .expect("nobody panicked")
                .spans
                .extend(told(request));
            let answer = ExportTraceServiceResponse::default().encode_to_vec();
            ([("content-type", "application/x-protobuf")], answer).into_response()
        }
    }
}

fn told(request: ExportTraceServiceRequest) -> Vec<Told> {
    let mut all = Vec::new();
    for of_process in request.resource_spans {
        let resource = of_process.resource.unwrap_or_default();
        let attributes = written(&resource.attributes);
        let service = attributes.get("service.name").cloned().unwrap_or_default();
        let spans = of_process.scope_spans.into_iter();
        let spans = spans.flat_map(|scope| scope.spans);
        all.extend(spans.map(|span| of_span(&service, &span)));
    }
    all
}

fn of_span(service: &str, span: &Span) -> Told {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Told {
        service: service.to_owned(),
        trace: hex(&span.trace_id),
        span: hex(&span.span_id),
        parent: hex(&span.parent_span_id),
        name: span.name.clone(),
        kind: span.kind,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        is_error: span.status.as_ref().is_some_and(|status| status.code == 2),
        attributes: written(&span.attributes),
    }
}

fn written(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        Value::BoolValue(truth) => truth.to_string(),
        other => format!("{other:?}"),
    };
    let pairs = attributes.iter().map(|pair| {
        let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
        (pair.key.clone(), value.map(text).unwrap_or_default())
    });
    pairs.collect()
}
