//! One queue: sending, receiving, hiding, deleting, and what moves by itself.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::refusal::Refusal;

/// Bytes of a message, at most.
pub(super) const BYTES_MAX: usize = 1_048_576;
/// How long a deduplication id is remembered.
const REMEMBERED_MS: i64 = 5 * 60 * 1_000;
/// How long a message may be hidden, at most.
const HIDDEN_S_MAX: i64 = 12 * 60 * 60;

/// A message.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) id: String,
    pub(super) body: String,
    pub(super) group: Option<String>,
    pub(super) dedup: Option<String>,
    pub(super) sequence: u64,
    pub(super) sent_at: i64,
    pub(super) visible_at: i64,
    pub(super) receives: u64,
    pub(super) receipt: Option<String>,
    /// The queue from which SQS itself moved it here.
    pub(super) dead_from: Option<String>,
}

/// What is asked to be sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Incoming {
    pub(super) body: String,
    pub(super) group: Option<String>,
    pub(super) dedup: Option<String>,
    pub(super) delay_s: Option<i64>,
}

/// What was sent, now or within the last five minutes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sent {
    pub(super) id: String,
    pub(super) sequence: u64,
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) attributes: BTreeMap<String, String>,
    pub(super) messages: Vec<Message>,
    /// By scope and id: until when, and what was sent.
    remembered: HashMap<(String, String), (i64, Sent)>,
}

impl Queue {
    pub(super) fn new(name: &str, attributes: BTreeMap<String, String>) -> Self {
        Self {
            name: name.to_owned(),
            attributes,
            ..Self::default()
        }
    }

    pub(super) fn is_fifo(&self) -> bool {
        self.name.ends_with(".fifo")
    }

    fn says(&self, attribute: &str, value: &str) -> bool {
        self.attributes.get(attribute).is_some_and(|is| is == value)
    }

    pub(super) fn number(&self, attribute: &str, otherwise: i64) -> i64 {
        let said = self.attributes.get(attribute);
        said.and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    }

    /// Takes a message; one whose deduplication id is remembered counts as sent and is not taken.
    pub(super) fn send(
        &mut self,
        now: i64,
        incoming: Incoming,
        sent: Sent,
    ) -> Result<Sent, Refusal> {
        check_body(&incoming.body)?;
        if let Some(group) = &incoming.group {
            check_name("MessageGroupId", group)?;
        }
        if self.is_fifo() {
            if incoming.group.is_none() {
                return Err(Refusal::missing("MessageGroupId"));
            }
            if let Some(before) = self.remember(now, &incoming, &sent)? {
                return Ok(before);
            }
        } else if incoming.dedup.is_some() {
            return Err(Refusal::value(
                "a standard queue takes no MessageDeduplicationId",
            ));
        }
        let delay = incoming.delay_s.unwrap_or(self.number("DelaySeconds", 0));
        self.messages.push(Message {
            id: sent.id.clone(),
            body: incoming.body,
            group: incoming.group,
            dedup: incoming.dedup,
            sequence: sent.sequence,
            sent_at: now,
            visible_at: now + delay * 1_000,
            receives: 0,
            receipt: None,
            dead_from: None,
        });
        Ok(sent)
    }

    fn remember(
        &mut self,
        now: i64,
        incoming: &Incoming,
        sent: &Sent,
    ) -> Result<Option<Sent>, Refusal> {
        self.remembered.retain(|_, (until, _)| *until > now);
        let dedup = match &incoming.dedup {
            Some(dedup) => {
                check_name("MessageDeduplicationId", dedup)?;
                dedup.clone()
            }
            // The content stands for itself: nothing here needs its hash.
            None if self.says("ContentBasedDeduplication", "true") => incoming.body.clone(),
            None => {
                return Err(Refusal::value(
                    "The queue should either have ContentBasedDeduplication enabled or \
                     MessageDeduplicationId provided explicitly",
                ));
            }
        };
        let is_by_group = self.says("DeduplicationScope", "messageGroup");
        let scope = incoming.group.clone().filter(|_| is_by_group);
        let key = (scope.unwrap_or_default(), dedup);
        if let Some((_, before)) = self.remembered.get(&key) {
            return Ok(Some(before.clone()));
        }
        self.remembered
            .insert(key, (now + REMEMBERED_MS, sent.clone()));
        Ok(None)
    }

    /// Gives out what can be seen, in order, and takes out what was received too often.
    pub(super) fn receive(
        &mut self,
        now: i64,
        most: usize,
        hidden_s: Option<i64>,
        receives_max: Option<u64>,
        mut receipt: impl FnMut() -> String,
    ) -> (Vec<Message>, Vec<Message>) {
        self.forget_old(now);
        let hidden_s = hidden_s.unwrap_or(self.number("VisibilityTimeout", 30));
        let is_fifo = self.is_fifo();
        // A group of which something is hidden waits, and so do those behind one that waits.
        let hidden = self.messages.iter().filter(|m| m.visible_at > now);
        let mut blocked: HashSet<String> = hidden.filter_map(|m| m.group.clone()).collect();
        if !is_fifo {
            blocked.clear();
        }
        let (mut given, mut dead, mut kept) = (Vec::new(), Vec::new(), Vec::new());
        for mut message in std::mem::take(&mut self.messages) {
            let is_blocked = message.group.as_ref().is_some_and(|g| blocked.contains(g));
            if given.len() == most || message.visible_at > now || is_blocked {
                kept.push(message);
                continue;
            }
            if receives_max.is_some_and(|max| message.receives >= max) {
                dead.push(message);
                continue;
            }
            message.receives += 1;
            message.receipt = Some(receipt());
            message.visible_at = now + hidden_s * 1_000;
            given.push(message.clone());
            kept.push(message);
        }
        self.messages = kept;
        (given, dead)
    }

    fn forget_old(&mut self, now: i64) {
        let kept_ms = self.number("MessageRetentionPeriod", 4 * 24 * 60 * 60) * 1_000;
        self.messages
            .retain(|message| message.sent_at + kept_ms > now);
    }

    /// Deletes a message by its last receipt. An older one deletes nothing, and in a queue that
    /// keeps order neither does one whose message can be seen again.
    pub(super) fn delete(&mut self, now: i64, receipt: &str) -> Result<(), Refusal> {
        if !receipt.starts_with("receipt-") {
            let said = "The input receipt handle is invalid.";
            return Err(Refusal::new("ReceiptHandleIsInvalid", said));
        }
        let is_fifo = self.is_fifo();
        let at = self
            .messages
            .iter()
            .position(|message| message.receipt.as_deref() == Some(receipt));
        match at {
            Some(at) if is_fifo && self.messages[at].visible_at <= now => Err(Refusal::value(
                "The receipt handle has expired. Reason: the message is visible again",
            )),
            Some(at) => {
                self.messages.remove(at);
                Ok(())
            }
            None => Ok(()),
        }
    }

    pub(super) fn hide(&mut self, now: i64, receipt: &str, hidden_s: i64) -> Result<(), Refusal> {
        if !(0..=HIDDEN_S_MAX).contains(&hidden_s) {
            return Err(Refusal::value(
                "VisibilityTimeout is not between 0 and 43200",
            ));
        }
        let mut messages = self.messages.iter_mut();
        let message =
            messages.find(|m| m.receipt.as_deref() == Some(receipt) && m.visible_at > now);
        let Some(message) = message else {
            let said = "The message is not in flight.";
            return Err(Refusal::new("MessageNotInflight", said));
        };
        message.visible_at = now + hidden_s * 1_000;
        Ok(())
    }

    /// When something that is hidden now can be seen.
    pub(super) fn seen_at(&self, now: i64) -> Option<i64> {
        let hidden = self.messages.iter().map(|message| message.visible_at);
        hidden.filter(|at| *at > now).min()
    }
}

/// What a body may hold.
fn check_body(body: &str) -> Result<(), Refusal> {
    if body.is_empty() {
        return Err(Refusal::missing("MessageBody"));
    }
    if body.len() > BYTES_MAX {
        return Err(Refusal::value(format!(
            "One or more parameters are invalid. Reason: Message must be shorter than {BYTES_MAX} \
             bytes."
        )));
    }
    let is_taken = |c: char| {
        let is_odd = ('\u{fffe}'..='\u{ffff}').contains(&c);
        (c >= ' ' && !is_odd) || ['\t', '\n', '\r'].contains(&c)
    };
    if body.chars().all(is_taken) {
        Ok(())
    } else {
        let said = "Invalid characters found in the message.";
        Err(Refusal::new("InvalidMessageContents", said))
    }
}

/// What a group and a deduplication id may be.
fn check_name(parameter: &str, name: &str) -> Result<(), Refusal> {
    let is_taken = |c: char| c.is_ascii_graphic();
    if (1..=128).contains(&name.len()) && name.chars().all(is_taken) {
        Ok(())
    } else {
        Err(Refusal::value(format!(
            "{parameter} can only include alphanumeric and punctuation characters, 1 to 128 in \
             length"
        )))
    }
}
