//! What is said over a live stream, both ways. Every frame is a JSON object of one line.

use std::collections::BTreeMap;

use axum::extract::ws::Utf8Bytes;
use chrono::{DateTime, Utc};
use packtrain_core::field::{self, Unread};
use packtrain_core::ids::{IncidentId, JobId, RuleId, TenantId};
use packtrain_core::job::State;
use packtrain_core::limits::FRAME_BYTES_MAX;
use packtrain_core::ports::{AlertStep, GasSnapshot, Happening, LiveEvent, LiveStream};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::wallet::{self, WalletData};
use crate::routes::{BlobFeeView, BlockView};

/// What a client asks over a socket.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AskFrame {
    /// Streams that it wants to follow.
    #[serde(default)]
    pub(super) subscribe: Vec<String>,
    /// The last place that it saw of each; without it a stream begins with what happens next, and
    /// that of a job with its beginning.
    #[serde(default)]
    pub(super) after: BTreeMap<String, u64>,
    /// Streams that it follows no longer.
    #[serde(default)]
    pub(super) unsubscribe: Vec<String>,
}

impl AskFrame {
    /// Reads what a client sent, or says what is wrong with it.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        field::read_text(text.as_bytes()).map_err(|unread| {
            let why = match unread {
                Unread::NotJson(why) => why,
                Unread::Misread(misread) => {
                    let wrong = misread.errors().into_iter();
                    wrong.map(|it| it.to_string()).collect::<Vec<_>>().join(" ")
                }
            };
            format!("The frame cannot be read. {why}")
        })
    }

    /// The last place that the client saw of a stream, which it may name in more than one way.
    pub(super) fn after_of(&self, name: &str, tenant: TenantId) -> Option<i64> {
        let stream = LiveStream::named(name, tenant)?;
        let is_of = |known: &str| LiveStream::named(known, tenant) == Some(stream);
        let (_, place) = self.after.iter().find(|(known, _)| is_of(known))?;
        // Nobody was told a place beyond.
        Some(i64::try_from(*place).unwrap_or(i64::MAX))
    }
}

/// Something that happened.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveEvent)]
pub(crate) struct EventFrame<'a> {
    /// `event`.
    r#type: &'static str,
    /// `alerts`, `jobs`, `portfolio`, `gas:<chain id>` or `job:<job>`.
    #[schema(example = "gas:1")]
    stream: String,
    /// Its place in the stream, from 1 without a hole. Who comes back names the last that was seen.
    seq: i64,
    /// When it happened; absent with the end of a job.
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<DateTime<Utc>>,
    /// What happened. Of rules a step such as `fired`, `told`, `held` or `resolved`; of gas
    /// `snapshot`; of a job `stage`, `progress` and at last `done`; of all jobs `ended`; of wallets
    /// `balance`, and of a transfer or an approval `found`, `confirmed` or `retracted`.
    #[schema(example = "snapshot")]
    event: &'a str,
    data: EventData<'a>,
}

/// More of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = LiveEventData)]
enum EventData<'a> {
    Alert(AlertData<'a>),
    Gas(Box<GasData>),
    /// What the job said.
    Job(&'a Value),
    Done(DoneData),
    Ended(EndData<'a>),
    Wallet(Box<WalletData>),
}

/// Of a rule.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveAlert)]
struct AlertData<'a> {
    rule: RuleId,
    incident: IncidentId,
    /// What the rule was called then.
    name: &'a str,
    /// `info`, `warning` or `critical`.
    severity: &'a str,
    /// Its place among everything that happened to the rule.
    step: u32,
    /// Values before and after, and why. Null where they have no room in a frame: the incident has
    /// them.
    facts: Option<&'a Value>,
}

/// Of gas, in the newest block of a chain. Wei are integers as decimal strings.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveGas)]
struct GasData {
    block: BlockView,
    /// What each unit of the next block's gas costs at least.
    next_base_fee_wei: String,
    /// Whether the formula that is known of the chain gives that too.
    is_formula_exact: bool,
    /// Null on a chain without blobs.
    blob_fee: Option<BlobFeeView>,
    /// At the percentiles 10, 25, 50, 75 and 90 of the block's gas; null when it has no
    /// transaction.
    tips_wei: Option<[String; 5]>,
}

/// Of one of the tenant's jobs that ended. One that is dead may be run again, and end again.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveEnd)]
struct EndData<'a> {
    job: JobId,
    /// Its kind, such as `tax.report`.
    kind: &'a str,
    /// How it ended.
    state: State,
}

/// Of the end of a job.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveDone)]
struct DoneData {
    /// The job's final state.
    state: State,
}

/// What else is said to a client.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(super) enum Said<'a> {
    /// A stream is followed: what happens after this place is told.
    Subscribed { stream: &'a str, after: i64 },
    /// A stream is followed no longer.
    Unsubscribed { stream: &'a str },
    /// What happened after one place and before another is not kept any more.
    Gap {
        stream: &'a str,
        after: i64,
        next: i64,
    },
    /// Something that was asked is not done.
    Refused {
        #[serde(skip_serializing_if = "Option::is_none")]
        stream: Option<&'a str>,
        code: &'static str,
        detail: &'a str,
    },
}

impl Said<'_> {
    pub(super) fn text(&self) -> Utf8Bytes {
        text(self)
    }
}

fn text(frame: &impl Serialize) -> Utf8Bytes {
    // Plain JSON values with text keys: writing them cannot fail.
    serde_json::to_string(frame).unwrap_or_default().into()
}

/// Writes an event; facts that would not fit into a frame are left out.
pub(super) fn event(stream: LiveStream, event: &LiveEvent) -> Utf8Bytes {
    let whole = text(&frame(stream, event, true));
    if whole.as_str().len() <= FRAME_BYTES_MAX {
        return whole;
    }
    text(&frame(stream, event, false))
}

fn frame(stream: LiveStream, event: &LiveEvent, is_whole: bool) -> EventFrame<'_> {
    let (at, word, data) = match &event.what {
        Happening::Alert(alert) => {
            let data = EventData::Alert(AlertData::of(alert, is_whole));
            (Some(alert.step.at), &*alert.step.what, data)
        }
        Happening::Gas(gas) => {
            let data = EventData::Gas(Box::new(GasData::of(gas)));
            (Some(gas.at), "snapshot", data)
        }
        Happening::Job(job) => {
            let data = if is_whole { &job.data } else { &Value::Null };
            (Some(job.at), &*job.name, EventData::Job(data))
        }
        Happening::Done(state) => (None, "done", EventData::Done(DoneData { state: *state })),
        Happening::Ended(end) => {
            let data = EndData {
                job: end.job,
                kind: &end.kind,
                state: end.state,
            };
            (Some(end.at), "ended", EventData::Ended(data))
        }
        Happening::Wallet(step) => {
            let data = EventData::Wallet(Box::new(WalletData::of(step)));
            (Some(step.at), wallet::word(step), data)
        }
    };
    EventFrame {
        r#type: "event",
        stream: stream.to_string(),
        seq: event.seq,
        at,
        event: word,
        data,
    }
}

impl<'a> AlertData<'a> {
    fn of(alert: &'a AlertStep, is_whole: bool) -> Self {
        Self {
            rule: alert.rule,
            incident: alert.incident,
            name: &alert.name,
            severity: &alert.severity,
            step: alert.step.seq,
            facts: is_whole.then_some(&alert.step.facts),
        }
    }
}

impl GasData {
    fn of(gas: &GasSnapshot) -> Self {
        let block = &gas.block;
        Self {
            block: BlockView::of(block),
            next_base_fee_wei: block.next_base_fee_wei.to_string(),
            is_formula_exact: block.is_formula_exact,
            blob_fee: block.blob_fee.map(BlobFeeView::of),
            tips_wei: { block.tips_wei }.map(|tips| tips.map(|wei| wei.to_string())),
        }
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::chain::{BlockHash, Chain};
    use packtrain_core::ports::{Step, WalletStep, WalletWhat};
    use packtrain_core::time::Timestamp;
    use serde_json::json;

    use super::*;

    fn fired(facts: Value) -> (LiveStream, LiveEvent) {
        let what = Happening::Alert(AlertStep {
            rule: "rule_00000000000000000000000000000007".parse().unwrap(),
            incident: "inc_00000000000000000000000000000008".parse().unwrap(),
            name: "low".to_owned(),
            severity: "warning".to_owned(),
            step: Step {
                seq: 3,
                what: "fired".to_owned(),
                at: Timestamp::UNIX_EPOCH,
                facts,
            },
        });
        let stream = LiveStream::Alerts(TenantId::SYSTEM);
        (stream, LiveEvent { seq: 9, what })
    }

    #[test]
    fn a_place_that_is_none_is_not_passed_over_and_one_counts_for_every_name_of_its_stream() {
        let asked = AskFrame::read(r#"{"after": {"gas:ethereum": 7}}"#).unwrap();
        assert_eq!(asked.after_of("gas:1", TenantId::SYSTEM), Some(7));
        assert_eq!(asked.after_of("gas:10", TenantId::SYSTEM), None);
        for (place, found) in [
            (r#""banana""#, r#"the text "banana""#),
            ("-1", "the number -1"),
        ] {
            let text = format!(r#"{{"subscribe": ["alerts"], "after": {{"alerts": {place}}}}}"#);
            let said = AskFrame::read(&text).unwrap_err();
            let wanted =
                format!("/after/alerts: This is {found}; it must be a whole number from 0");
            assert!(said.contains(&wanted), "{said}");
        }
    }

    #[test]
    fn an_event_says_where_it_stands_and_what_happened() {
        let (stream, event) = fired(json!({ "after": "3" }));
        let said: Value = serde_json::from_str(&super::event(stream, &event)).unwrap();
        let wanted = json!({
            "type": "event", "stream": "alerts", "seq": 9, "at": "1970-01-01T00:00:00Z",
            "event": "fired", "data": {
                "rule": "rule_00000000000000000000000000000007",
                "incident": "inc_00000000000000000000000000000008",
                "name": "low", "severity": "warning", "step": 3, "facts": { "after": "3" },
            },
        });
        assert_eq!(said, wanted);
    }

    #[test]
    fn an_event_that_is_too_large_for_a_frame_is_told_without_its_facts() {
        let (stream, event) = fired(json!("x".repeat(FRAME_BYTES_MAX)));
        let text = super::event(stream, &event);
        assert!(text.len() <= FRAME_BYTES_MAX);
        let said: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            (&said["seq"], &said["data"]["facts"]),
            (&json!(9), &Value::Null)
        );
    }

    #[test]
    fn a_balance_names_no_transfer_and_the_largest_amount_stays_exact() {
        let most = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
        let step = WalletStep {
            at: Timestamp::UNIX_EPOCH,
            chain: Chain::Base,
            wallet: [1; 20],
            what: WalletWhat::Balance,
            token: None,
            amount: most.to_owned(),
            decimals: Some(18),
            number: 7,
            block: BlockHash([2; 32]),
            block_at: Timestamp::UNIX_EPOCH,
        };
        let what = Happening::Wallet(Box::new(step));
        let stream = LiveStream::Portfolio(TenantId::SYSTEM);
        let text = super::event(stream, &LiveEvent { seq: 1, what });
        let said: Value = serde_json::from_str(&text).unwrap();
        let wanted = json!({
            "type": "event", "stream": "portfolio", "seq": 1, "at": "1970-01-01T00:00:00Z",
            "event": "balance", "data": {
                "chain": 8453, "wallet": format!("0x{}", "01".repeat(20)), "token": null,
                "amount": most, "decimals": 18, "block": {
                    "number": 7, "hash": format!("0x{}", "02".repeat(32)),
                    "at": "1970-01-01T00:00:00Z",
                },
            },
        });
        assert_eq!(said, wanted);
    }
}
