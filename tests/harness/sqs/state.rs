//! All queues of the fake, and how it breaks.

use std::collections::BTreeMap;

use serde_json::Value;

use super::queue::{Incoming, Message, Queue, Sent};
use super::refusal::Refusal;

/// The account of everything here.
const ACCOUNT: &str = "000000000000";
/// What ARNs of queues begin with.
const ARN: &str = "arn:aws:sqs:eu-central-1:000000000000:";

/// How the fake breaks. Each is one time in so many, and 0 is never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Weather {
    /// Messages that are acknowledged and lost.
    pub lost_messages: u64,
    /// Deletions that are acknowledged and lost.
    pub lost_deletes: u64,
    /// Messages of standard queues that are given out twice.
    pub doubled: u64,
    /// Polls of standard queues that give out the last first.
    pub reordered: u64,
    /// Requests that fail with 500 before anything is done.
    pub errors: u64,
    /// Requests that are done and fail with 500 all the same.
    pub late_errors: u64,
    /// Requests that nobody answers.
    pub silent: u64,
    /// Bytes of a body that is taken, at most, where it is not 0: a queue with a limit of its own.
    pub body_bytes_max: usize,
}

pub(super) struct State {
    address: String,
    pub(super) queues: BTreeMap<String, Queue>,
    pub(super) weather: Weather,
    pub(super) asked: BTreeMap<String, usize>,
    dice: u64,
    counted: u64,
}

impl State {
    pub(super) fn new(address: &str) -> Self {
        Self {
            address: address.to_owned(),
            queues: BTreeMap::new(),
            weather: Weather::default(),
            asked: BTreeMap::new(),
            dice: 0x2545_f491_4f6c_dd1d,
            counted: 0,
        }
    }

    /// One time in so many, the same in every run.
    pub(super) fn is_one_in(&mut self, many: u64) -> bool {
        if many == 0 {
            return false;
        }
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        self.dice.is_multiple_of(many)
    }

    pub(super) fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    pub(super) fn url(&self, queue: &str) -> String {
        format!("{}/{ACCOUNT}/{queue}", self.address)
    }

    /// The queue that a request names by its address.
    pub(super) fn named(&mut self, request: &Value) -> Result<&mut Queue, Refusal> {
        let url = request["QueueUrl"].as_str();
        let url = url.ok_or_else(|| Refusal::missing("QueueUrl"))?;
        let name = url.rsplit('/').next().unwrap_or_default();
        self.queues.get_mut(name).ok_or_else(Refusal::no_queue)
    }

    pub(super) fn sent(&mut self) -> Sent {
        let count = self.count();
        Sent {
            id: format!("message-{count}"),
            sequence: count,
        }
    }

    /// Gives out messages, and moves those that were received too often.
    pub(super) fn receive(
        &mut self,
        request: &Value,
        now: i64,
        most: usize,
        hidden_s: Option<i64>,
    ) -> Result<Vec<Message>, Refusal> {
        let weather = self.weather;
        let queue = self.named(request)?;
        let (name, is_fifo) = (queue.name.clone(), queue.is_fifo());
        let policy = queue.attributes.get("RedrivePolicy").cloned();
        let policy = policy.and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let receives_max = policy
            .as_ref()
            .and_then(|policy| whole(&policy["maxReceiveCount"]));
        let reorders = !is_fifo && self.is_one_in(weather.reordered);
        let first = self.counted;
        let queue = self.named(request)?;
        if reorders {
            queue.messages.reverse();
        }
        let mut receipts = first;
        let (mut given, dead) = queue.receive(now, most, hidden_s, receives_max, || {
            receipts += 1;
            format!("receipt-{receipts}")
        });
        if reorders {
            queue.messages.reverse();
        }
        self.counted = receipts;
        if let Some(arn) = policy
            .as_ref()
            .and_then(|p| p["deadLetterTargetArn"].as_str())
        {
            self.bury(now, &name, arn, dead);
        }
        if !is_fifo && !given.is_empty() && self.is_one_in(weather.doubled) {
            given.push(given[0].clone());
        }
        Ok(given)
    }

    fn bury(&mut self, now: i64, from: &str, arn: &str, dead: Vec<Message>) {
        let name = arn.rsplit(':').next().unwrap_or_default();
        let Some(queue) = self.queues.get_mut(name) else {
            return;
        };
        for message in dead {
            queue.messages.push(Message {
                // Two messages that happened to share an id must both fit in here.
                dedup: message.dedup.is_some().then(|| message.id.clone()),
                visible_at: now,
                receives: 0,
                receipt: None,
                dead_from: Some(arn_of(from)),
                ..message
            });
        }
    }

    /// Moves what can be seen in a dead-letter queue: to `to`, or back to where SQS itself took it
    /// from; what never was elsewhere stays then.
    pub(super) fn redrive(
        &mut self,
        dead: &str,
        to: Option<&str>,
        now: i64,
    ) -> Result<usize, Refusal> {
        let not_found = || Refusal::new("ResourceNotFoundException", "no such queue");
        let is_target = self.queues.values().any(|queue| {
            let policy = queue.attributes.get("RedrivePolicy");
            policy.is_some_and(|policy| policy.contains(&format!("{}\"", arn_of(dead))))
        });
        let source = self.queues.get_mut(dead).ok_or_else(not_found)?;
        if !is_target {
            return Err(Refusal::new(
                "ResourceNotFoundException",
                "the source queue is no dead-letter queue of any queue",
            ));
        }
        let (moving, staying): (Vec<_>, Vec<_>) = std::mem::take(&mut source.messages)
            .into_iter()
            .partition(|m| m.visible_at <= now && (to.is_some() || m.dead_from.is_some()));
        source.messages = staying;
        let (is_fifo, mut moved) = (source.is_fifo(), 0);
        for message in moving {
            let from = message.dead_from.as_deref().unwrap_or_default();
            let home = to.unwrap_or_else(|| from.rsplit(':').next().unwrap_or_default());
            let sent = self.sent();
            let queue = self.queues.get_mut(home).ok_or_else(not_found)?;
            if queue.is_fifo() != is_fifo {
                return Err(Refusal::value("both queues must be of one type"));
            }
            let incoming = Incoming {
                body: message.body,
                group: message.group,
                dedup: is_fifo.then(|| sent.id.clone()),
                delay_s: None,
            };
            queue.send(now, incoming, sent)?;
            moved += 1;
        }
        Ok(moved)
    }
}

/// The ARN of a queue.
pub(super) fn arn_of(queue: &str) -> String {
    format!("{ARN}{queue}")
}

/// A number, also one that stands as text.
pub(super) fn whole(value: &Value) -> Option<u64> {
    value
        .as_u64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}
