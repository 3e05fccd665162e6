//! What lies in the queues: hints, and dead letters on their way there and back.

use packtrain_core::ids::{JobId, TenantId};
use packtrain_core::job::Lane;
use packtrain_core::limits::MIRRORED_BYTES_MAX;
use packtrain_core::ports::{DeadLetter, Death, Hint};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A hint, as a person reads it in the queue. Who receives one needs none of it.
#[derive(Serialize)]
struct Hinted<'a> {
    lane: Lane,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    job: Option<JobId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace: Option<&'a str>,
}

/// The body of a hint.
pub(super) fn hint(hint: &Hint) -> String {
    let about = hint.about.as_ref();
    text(&Hinted {
        lane: hint.lane,
        kind: about.map(|about| about.kind.as_str()),
        job: about.and_then(|about| about.job),
        trace: about.and_then(|about| about.trace_parent.as_deref()),
    })
}

/// A dead letter, as a person reads it in the dead-letter queue.
#[derive(Serialize)]
struct Enveloped<'a> {
    dead: Dead<'a>,
}

#[derive(Serialize)]
struct Dead<'a> {
    job: JobId,
    died_at: Timestamp,
    tenant: TenantId,
    lane: Lane,
    kind: &'a str,
    schema: u16,
    attempts: u16,
    code: &'a str,
    message: &'a str,
    payload: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The body of a dead letter.
pub(super) fn envelope(dead: &DeadLetter) -> String {
    let left_out = || {
        let bytes = dead.payload_bytes;
        let why = match u64::try_from(MIRRORED_BYTES_MAX) {
            Ok(most) if bytes > most => format!("it has {bytes} bytes, more than {most}"),
            _ => "this queue refused it".to_owned(),
        };
        format!("the payload is left out: {why}; the database has it")
    };
    text(&Enveloped {
        dead: Dead {
            job: dead.death.job,
            died_at: dead.death.at,
            tenant: dead.tenant,
            lane: dead.lane,
            kind: &dead.kind,
            schema: dead.schema,
            attempts: dead.attempts,
            code: &dead.code,
            message: &dead.message,
            payload: dead.payload.as_ref(),
            note: dead.payload.is_none().then(left_out),
        },
    })
}

/// What is read of a message: whether it is a dead letter, and whose.
#[derive(Deserialize)]
struct Received {
    dead: Option<Returned>,
}

#[derive(Deserialize)]
struct Returned {
    job: JobId,
    died_at: Timestamp,
}

/// The death that a message tells of. Anything else is a hint, whoever wrote it.
pub(super) fn death(body: &str) -> Option<Death> {
    let received: Received = serde_json::from_str(body).ok()?;
    received.dead.map(|dead| Death {
        job: dead.job,
        at: dead.died_at,
    })
}

/// JSON without the two characters that SQS refuses and JSON does not: they can stand in texts
/// alone, where their number is as good.
fn text(value: &impl Serialize) -> String {
    let json = serde_json::to_string(value).unwrap_or_default();
    json.replace('\u{fffe}', "\\ufffe")
        .replace('\u{ffff}', "\\uffff")
}

#[cfg(test)]
mod tests {
    use packtrain_core::ports::Subject;
    use serde_json::json;

    use super::*;

    fn letter(payload: Option<Value>) -> DeadLetter {
        DeadLetter {
            death: Death {
                job: JobId::from_uuid(TenantId::SYSTEM.as_uuid()),
                at: Timestamp::from_timestamp_micros(1_796_000_000_123_456).unwrap(),
            },
            tenant: TenantId::SYSTEM,
            lane: Lane::Pulse,
            kind: "alerts.evaluate".to_owned(),
            schema: 2,
            payload_bytes: 300_000,
            payload,
            attempts: 5,
            code: "rule.broken".to_owned(),
            message: "odd: \u{0} \u{ffff} \u{1f642}".to_owned(),
        }
    }

    #[test]
    fn a_dead_letter_is_recognised_by_what_was_written_to_the_microsecond() {
        let dead = letter(Some(json!({ "n": 1 })));
        let body = envelope(&dead);
        assert_eq!(death(&body), Some(dead.death));
        let read: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(read["dead"]["payload"]["n"], 1);
        assert_eq!(read["dead"]["message"], dead.message);
        assert!(
            body.chars()
                .all(|c| (' '..'\u{fffe}').contains(&c) || c > '\u{ffff}'),
            "{body}"
        );
    }

    #[test]
    fn a_dead_letter_whose_payload_is_left_out_says_so() {
        let read: Value = serde_json::from_str(&envelope(&letter(None))).unwrap();
        assert_eq!(read["dead"]["payload"], Value::Null);
        let note = read["dead"]["note"].as_str().unwrap();
        assert!(note.contains("300000 bytes, more than 196608"), "{note}");
        let refused = DeadLetter {
            payload_bytes: 20,
            ..letter(None)
        };
        let body = envelope(&refused);
        assert!(body.contains("left out: this queue refused it"), "{body}");
    }

    #[test]
    fn a_hint_is_no_dead_letter_and_neither_is_anything_else() {
        let mut subject = Subject::kind("tax.report");
        subject.trace_parent = Some("00-1-2-01".to_owned());
        let body = hint(&Hint {
            lane: Lane::Cpu,
            about: Some(subject),
        });
        assert_eq!(
            body,
            r#"{"lane":"cpu","kind":"tax.report","trace":"00-1-2-01"}"#
        );
        for body in [
            &body,
            "",
            "hello",
            "[1]",
            r#"{"dead":{"job":"x"}}"#,
            r#"{"dead":null}"#,
        ] {
            assert_eq!(death(body), None, "{body}");
        }
    }
}
