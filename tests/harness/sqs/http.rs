//! The protocol: one address, the action in a header, JSON in both directions.

use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Inner;
use super::actions;
use super::refusal::Refusal;

/// What the name of an action begins with.
const TARGET: &str = "AmazonSQS.";
/// The longest that a poll may wait.
const WAIT_S_MAX: i64 = 20;

pub(super) async fn answer(
    State(inner): State<Arc<Inner>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers.get("x-amz-target").and_then(|v| v.to_str().ok());
    let action = target.and_then(|target| target.strip_prefix(TARGET));
    let Some(action) = action.map(str::to_owned) else {
        return refused(&Refusal::new("InvalidAction", "no action is named"));
    };
    let Ok(request) = serde_json::from_slice::<Value>(&body) else {
        return refused(&Refusal::new("MalformedQueryString", "the body is no JSON"));
    };
    let luck = luck(&inner, &action);
    match luck {
        Luck::Broken => return broken(),
        Luck::Silent => return pending().await,
        Luck::Well | Luck::BrokenLate => {}
    }
    let done = match action.as_str() {
        "ReceiveMessage" => receive(&inner, &request).await,
        _ => {
            let now = inner.now_ms();
            actions::perform(&mut inner.state(), &action, &request, now)
        }
    };
    inner.changed.notify_waiters();
    match done {
        Ok(_) if luck == Luck::BrokenLate => broken(),
        Ok(answer) => told(StatusCode::OK, &answer),
        Err(refusal) => refused(&refusal),
    }
}

/// What the weather makes of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Luck {
    Well,
    Broken,
    BrokenLate,
    Silent,
}

fn luck(inner: &Inner, action: &str) -> Luck {
    let mut state = inner.state();
    *state.asked.entry(action.to_owned()).or_default() += 1;
    let weather = state.weather;
    if state.is_one_in(weather.errors) {
        Luck::Broken
    } else if state.is_one_in(weather.silent) {
        Luck::Silent
    } else if state.is_one_in(weather.late_errors) {
        Luck::BrokenLate
    } else {
        Luck::Well
    }
}

/// Waits as long as it is asked to by its own clock, or until something can be seen.
async fn receive(inner: &Inner, request: &Value) -> Result<Value, Refusal> {
    let began = inner.now_ms();
    let wait_s = {
        let mut state = inner.state();
        let usual = state.named(request)?;
        let usual = usual.number("ReceiveMessageWaitTimeSeconds", 0);
        request["WaitTimeSeconds"].as_i64().unwrap_or(usual)
    };
    if !(0..=WAIT_S_MAX).contains(&wait_s) {
        return Err(Refusal::value("WaitTimeSeconds is not between 0 and 20"));
    }
    let until = began + wait_s * 1_000;
    loop {
        let changed = inner.changed.notified();
        let now = inner.now_ms();
        let seen_at = {
            let mut state = inner.state();
            let messages = actions::receive(&mut state, request, now)?;
            if !messages.is_empty() {
                return Ok(json!({ "Messages": messages }));
            }
            state.named(request)?.seen_at(now)
        };
        if now >= until {
            return Ok(json!({}));
        }
        let next = seen_at.map_or(until, |at| at.min(until)) - now;
        let next = Duration::from_millis(next.unsigned_abs());
        tokio::select! {
            () = changed => {}
            () = tokio::time::sleep(next), if inner.runs_since.is_some() => {}
        }
    }
}

fn told(status: StatusCode, body: &Value) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-amz-json-1.0")];
    (status, kind, body.to_string()).into_response()
}

/// With the code of the protocol that was there before, as the SDK reads it.
fn refused(refusal: &Refusal) -> Response {
    let body = json!({
        "__type": format!("com.amazonaws.sqs#{}", refusal.code), "message": refusal.message,
    });
    let before = match refusal.code {
        "QueueDoesNotExist" => "AWS.SimpleQueueService.NonExistentQueue",
        "QueueNameExists" => "QueueAlreadyExists",
        code => code,
    };
    let mut answer = told(StatusCode::BAD_REQUEST, &body);
    if let Ok(before) = format!("{before};Sender").parse() {
        answer.headers_mut().insert("x-amzn-query-error", before);
    }
    answer
}

fn broken() -> Response {
    let body = json!({
        "__type": "com.amazonaws.sqs#InternalFailure", "message": "broken on purpose",
    });
    told(StatusCode::INTERNAL_SERVER_ERROR, &body)
}
