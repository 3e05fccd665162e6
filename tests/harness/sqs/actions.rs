//! What can be asked for.

use serde_json::{Value, json};

use super::attributes;
use super::batch;
use super::queue::{Incoming, Message, Sent};
use super::refusal::Refusal;
use super::state::State;

/// Messages of one poll, at most.
const RECEIVE_MAX: i64 = 10;

/// Everything but polls, which wait.
pub(super) fn perform(
    state: &mut State,
    action: &str,
    request: &Value,
    now: i64,
) -> Result<Value, Refusal> {
    match action {
        "CreateQueue" => attributes::create(state, request),
        "GetQueueUrl" => {
            let name = request["QueueName"].as_str().unwrap_or_default();
            let queue = state.queues.get(name).ok_or_else(Refusal::no_queue)?;
            Ok(json!({ "QueueUrl": state.url(&queue.name) }))
        }
        "ListQueues" => {
            let prefix = request["QueueNamePrefix"].as_str().unwrap_or_default();
            let names = state.queues.keys().filter(|name| name.starts_with(prefix));
            let urls: Vec<String> = names.map(|name| state.url(name)).collect();
            Ok(json!({ "QueueUrls": urls }))
        }
        "GetQueueAttributes" => attributes::get(state.named(request)?, request, now),
        "SetQueueAttributes" => attributes::set(state.named(request)?, request),
        "SendMessage" => {
            let sent = send(state, request, request, now)?;
            Ok(sent_as_json(&sent))
        }
        "SendMessageBatch" => batch::run(state, request, |state, entry| {
            send(state, request, entry, now).map(|sent| sent_as_json(&sent))
        }),
        "DeleteMessage" => delete(state, request, request, now),
        "DeleteMessageBatch" => batch::run(state, request, |state, entry| {
            delete(state, request, entry, now)
        }),
        "ChangeMessageVisibility" => {
            let hidden_s = request["VisibilityTimeout"].as_i64();
            let hidden_s = hidden_s.ok_or_else(|| Refusal::missing("VisibilityTimeout"))?;
            state
                .named(request)?
                .hide(now, receipt(request)?, hidden_s)?;
            Ok(json!({}))
        }
        "PurgeQueue" => {
            state.named(request)?.messages.clear();
            Ok(json!({}))
        }
        "StartMessageMoveTask" => {
            let name = |arn: &Value| arn.as_str()?.rsplit(':').next().map(str::to_owned);
            let source =
                name(&request["SourceArn"]).ok_or_else(|| Refusal::missing("SourceArn"))?;
            let to = name(&request["DestinationArn"]);
            state.redrive(&source, to.as_deref(), now)?;
            Ok(json!({ "TaskHandle": format!("task-{}", state.count()) }))
        }
        _ => Err(Refusal::new(
            "UnsupportedOperation",
            format!("{action} is not known here"),
        )),
    }
}

/// One poll that does not wait.
pub(super) fn receive(state: &mut State, request: &Value, now: i64) -> Result<Vec<Value>, Refusal> {
    let most = request["MaxNumberOfMessages"].as_i64().unwrap_or(1);
    if !(1..=RECEIVE_MAX).contains(&most) {
        return Err(Refusal::value(
            "MaxNumberOfMessages is not between 1 and 10",
        ));
    }
    let most = usize::try_from(most).unwrap_or(1);
    let hidden_s = request["VisibilityTimeout"].as_i64();
    let given = state.receive(request, now, most, hidden_s)?;
    Ok(given.iter().map(message_as_json).collect())
}

fn send(state: &mut State, request: &Value, entry: &Value, now: i64) -> Result<Sent, Refusal> {
    let text = |name: &str| entry[name].as_str().map(str::to_owned);
    let incoming = Incoming {
        body: text("MessageBody").ok_or_else(|| Refusal::missing("MessageBody"))?,
        group: text("MessageGroupId"),
        dedup: text("MessageDeduplicationId"),
        delay_s: entry["DelaySeconds"].as_i64(),
    };
    let (sent, weather) = (state.sent(), state.weather);
    if weather.body_bytes_max > 0 && incoming.body.len() > weather.body_bytes_max {
        return Err(Refusal::value("Reason: Message must be shorter."));
    }
    let is_lost = state.is_one_in(weather.lost_messages);
    let queue = state.named(request)?;
    let before = queue.messages.len();
    let sent = queue.send(now, incoming, sent)?;
    if is_lost {
        queue.messages.truncate(before);
    }
    Ok(sent)
}

fn delete(state: &mut State, request: &Value, entry: &Value, now: i64) -> Result<Value, Refusal> {
    let receipt = receipt(entry)?;
    let weather = state.weather;
    if state.is_one_in(weather.lost_deletes) {
        return Ok(json!({}));
    }
    state.named(request)?.delete(now, receipt)?;
    Ok(json!({}))
}

fn receipt(entry: &Value) -> Result<&str, Refusal> {
    let receipt = entry["ReceiptHandle"].as_str();
    receipt.ok_or_else(|| Refusal::missing("ReceiptHandle"))
}

fn sent_as_json(sent: &Sent) -> Value {
    json!({ "MessageId": sent.id, "SequenceNumber": format!("{:020}", sent.sequence) })
}

fn message_as_json(message: &Message) -> Value {
    let mut attributes = json!({
        "ApproximateReceiveCount": message.receives.to_string(),
        "SentTimestamp": message.sent_at.to_string(),
        "SequenceNumber": format!("{:020}", message.sequence),
    });
    let more = [
        ("MessageGroupId", &message.group),
        ("MessageDeduplicationId", &message.dedup),
        ("DeadLetterQueueSourceArn", &message.dead_from),
    ];
    for (name, value) in more {
        if let Some(value) = value {
            attributes[name] = value.as_str().into();
        }
    }
    json!({
        "MessageId": message.id, "ReceiptHandle": message.receipt, "Body": message.body,
        "Attributes": attributes,
    })
}
