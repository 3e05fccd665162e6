//! Queues and what they are set to.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::queue::Queue;
use super::refusal::Refusal;
use super::state::{State, arn_of, whole};

/// Attributes of numbers, with what they may be.
const NUMBERS: [(&str, u64, u64); 6] = [
    ("DelaySeconds", 0, 900),
    ("KmsDataKeyReusePeriodSeconds", 60, 86_400),
    ("MaximumMessageSize", 1_024, 1_048_576),
    ("MessageRetentionPeriod", 60, 1_209_600),
    ("ReceiveMessageWaitTimeSeconds", 0, 20),
    ("VisibilityTimeout", 0, 43_200),
];
/// Attributes that queues of order have and others have not.
const FIFO_ONLY: [&str; 4] = [
    "ContentBasedDeduplication",
    "DeduplicationScope",
    "FifoQueue",
    "FifoThroughputLimit",
];
/// Receipts before a message is moved, at most.
const RECEIVES_MAX: u64 = 1_000;

pub(super) fn create(state: &mut State, request: &Value) -> Result<Value, Refusal> {
    let name = request["QueueName"].as_str().unwrap_or_default();
    let stem = name.strip_suffix(".fifo").unwrap_or(name);
    let is_taken = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if stem.is_empty() || name.len() > 80 || !stem.chars().all(is_taken) {
        return Err(Refusal::value(
            "the name of a queue is 1 to 80 letters, digits, - and _",
        ));
    }
    let attributes = read(request);
    let says_fifo = attributes.get("FifoQueue").is_some_and(|is| is == "true");
    if says_fifo != name.ends_with(".fifo") {
        return Err(Refusal::value(
            "FifoQueue and the end of the name do not agree",
        ));
    }
    check(name, &attributes)?;
    if let Some(queue) = state.queues.get(name) {
        let differs = attributes
            .iter()
            .any(|(key, value)| queue.attributes.get(key) != Some(value));
        if differs {
            let said = "A queue already exists with the same name and a different value";
            return Err(Refusal::new("QueueNameExists", said));
        }
    } else {
        let queue = Queue::new(name, attributes);
        state.queues.insert(name.to_owned(), queue);
    }
    Ok(json!({ "QueueUrl": state.url(name) }))
}

pub(super) fn set(queue: &mut Queue, request: &Value) -> Result<Value, Refusal> {
    let attributes = read(request);
    if attributes.contains_key("FifoQueue") {
        return Err(Refusal::new(
            "InvalidAttributeName",
            "FifoQueue cannot be changed",
        ));
    }
    check(&queue.name, &attributes)?;
    queue.attributes.extend(attributes);
    Ok(json!({}))
}

pub(super) fn get(queue: &Queue, request: &Value, now: i64) -> Result<Value, Refusal> {
    let mut all = queue.attributes.clone();
    let hidden = queue.messages.iter().filter(|m| m.visible_at > now).count();
    all.insert("QueueArn".to_owned(), arn_of(&queue.name));
    let seen = queue.messages.len() - hidden;
    all.insert("ApproximateNumberOfMessages".to_owned(), seen.to_string());
    all.insert(
        "ApproximateNumberOfMessagesNotVisible".to_owned(),
        hidden.to_string(),
    );
    let wanted = request["AttributeNames"].as_array();
    let wanted: Vec<&str> = wanted
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    all.retain(|name, _| wanted.contains(&"All") || wanted.contains(&name.as_str()));
    Ok(json!({ "Attributes": all }))
}

fn read(request: &Value) -> BTreeMap<String, String> {
    let given = request["Attributes"].as_object().into_iter().flatten();
    given
        .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
        .collect()
}

fn check(queue: &str, attributes: &BTreeMap<String, String>) -> Result<(), Refusal> {
    let wrong = |name: &str, value: &str| {
        let said = format!("Invalid value for the parameter {name}: {value}");
        Err(Refusal::new("InvalidAttributeValue", said))
    };
    for (name, value) in attributes {
        if FIFO_ONLY.contains(&name.as_str()) && !queue.ends_with(".fifo") {
            let said = format!("Unknown Attribute {name} for a standard queue");
            return Err(Refusal::new("InvalidAttributeName", said));
        }
        let range = NUMBERS.iter().find(|(known, _, _)| known == name);
        if let Some((_, least, most)) = range
            && !value.parse().is_ok_and(|is| (*least..=*most).contains(&is))
        {
            return wrong(name, value);
        }
        if name == "RedrivePolicy" {
            let policy: Value = serde_json::from_str(value).unwrap_or_default();
            let arn = policy["deadLetterTargetArn"].as_str().unwrap_or_default();
            let receives = whole(&policy["maxReceiveCount"]).unwrap_or(0);
            let is_of_one_type = arn.ends_with(".fifo") == queue.ends_with(".fifo");
            if arn.is_empty() || !is_of_one_type || !(1..=RECEIVES_MAX).contains(&receives) {
                return wrong(name, value);
            }
        }
    }
    // High throughput by group asks for deduplication by group.
    let says = |name: &str| attributes.get(name).map(String::as_str);
    if says("FifoThroughputLimit") == Some("perMessageGroupId")
        && says("DeduplicationScope").is_some_and(|scope| scope != "messageGroup")
    {
        return wrong("FifoThroughputLimit", "perMessageGroupId");
    }
    Ok(())
}
