//! Spans as OTLP has them, named as the conventions of OpenTelemetry name them where they do.

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;

use super::layer::{Traced, Value};
use crate::process::worker_name;

const NAME: &str = "packtrain";
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The flag of a span that is recorded.
const SAMPLED: u32 = 1;
/// From here on the status of an answer is a failure of ours.
const FAILURES_FROM: i64 = 500;

/// Who sends spans.
pub(super) fn resource(service_name: &str) -> Resource {
    let text = |key: &str, value: &str| pair(key, any_value::Value::StringValue(value.to_owned()));
    Resource {
        attributes: vec![
            text("service.name", service_name),
            text("service.version", VERSION),
            text("service.instance.id", &worker_name(std::process::id())),
        ],
        ..Resource::default()
    }
}

/// The body of a request to a collector.
pub(super) fn encode(resource: &Resource, spans: &[Traced]) -> Vec<u8> {
    let scope = InstrumentationScope {
        name: NAME.to_owned(),
        version: VERSION.to_owned(),
        ..InstrumentationScope::default()
    };
    let request = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(resource.clone()),
            scope_spans: vec![ScopeSpans {
                scope: Some(scope),
                spans: spans.iter().map(span).collect(),
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    request.encode_to_vec()
}

/// How many spans a collector refused of those that it was sent, and why.
pub(super) fn rejected(answer: &[u8]) -> Option<(u64, String)> {
    let answer = ExportTraceServiceResponse::decode(answer).ok()?;
    let partial = answer.partial_success?;
    let count = u64::try_from(partial.rejected_spans).unwrap_or_default();
    (count > 0).then_some((count, partial.error_message))
}

fn span(traced: &Traced) -> Span {
    let (kind, operation) = match traced.name {
        "http.request" => (SpanKind::Server, None),
        "job.enqueue" => (SpanKind::Producer, Some("send")),
        "job.run" => (SpanKind::Consumer, Some("process")),
        _ => (SpanKind::Internal, None),
    };
    let mut attributes: Vec<KeyValue> = traced.values.iter().flat_map(attribute).collect();
    if let Some(operation) = operation {
        for (key, value) in [
            ("messaging.system", NAME),
            ("messaging.operation.type", operation),
        ] {
            attributes.push(pair(key, any_value::Value::StringValue(value.to_owned())));
        }
    }
    let nanoseconds = |us: i64| u64::try_from(us).unwrap_or_default().saturating_mul(1_000);
    let parent = traced.parent.filter(|parent| *parent != 0);
    Span {
        trace_id: traced.trace.to_be_bytes().to_vec(),
        span_id: traced.span.to_be_bytes().to_vec(),
        parent_span_id: parent.map_or_else(Vec::new, |parent| parent.to_be_bytes().to_vec()),
        flags: SAMPLED,
        name: name(traced),
        kind: kind.into(),
        start_time_unix_nano: nanoseconds(traced.start_us),
        end_time_unix_nano: nanoseconds(traced.end_us),
        attributes,
        status: is_failure(traced).then(|| Status {
            code: StatusCode::Error.into(),
            ..Status::default()
        }),
        ..Span::default()
    }
}

fn value<'a>(traced: &'a Traced, key: &str) -> Option<&'a Value> {
    let mut values = traced.values.iter();
    values
        .find(|(name, _)| *name == key)
        .map(|(_, value)| value)
}

/// What is done and to what: of few different names, as collectors group by them.
fn name(traced: &Traced) -> String {
    let text = |key| match value(traced, key) {
        Some(Value::Text(text)) => text.as_str(),
        _ => "",
    };
    match traced.name {
        "http.request" => format!("{} {}", text("http.method"), text("http.route")),
        "job.enqueue" => format!("enqueue {}", text("job.kind")),
        "job.wait" => format!("wait {}", text("job.kind")),
        "job.run" => format!("run {}", text("job.kind")),
        other => other.to_owned(),
    }
}

/// Whether the span shows a failure: of an attempt, or of an answer that says so.
fn is_failure(traced: &Traced) -> bool {
    let is_failed = match value(traced, "job.outcome") {
        Some(Value::Text(outcome)) => matches!(outcome.as_str(), "retry" | "dead" | "expired"),
        _ => false,
    };
    let status = value(traced, "http.status");
    is_failed || matches!(status, Some(Value::Number(status)) if *status >= FAILURES_FROM)
}

/// A value under the names that it has.
fn attribute((key, value): &(&'static str, Value)) -> Vec<KeyValue> {
    let names: &[&str] = match *key {
        "http.method" => &["http.request.method"],
        "http.status" => &["http.response.status_code"],
        "job.id" => &["job.id", "messaging.message.id"],
        "job.lane" => &["job.lane", "messaging.destination.name"],
        "job.fault" => &["job.fault", "error.type"],
        ref other => std::slice::from_ref(other),
    };
    let value = match value {
        Value::Text(text) => any_value::Value::StringValue(text.clone()),
        Value::Number(number) => any_value::Value::IntValue(*number),
        Value::Truth(truth) => any_value::Value::BoolValue(*truth),
    };
    names.iter().map(|name| pair(name, value.clone())).collect()
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}
