//! What is told, from what was written down when it happened.

use chrono_tz::Tz;
use packtrain_core::ports::{Incident, IncidentRecord, Notice, Reading, Severity, Step};
use packtrain_core::time::Timestamp;
use packtrain_rules::metric::Derived;
use packtrain_rules::value::Value;
use serde::Deserialize;

use super::sending::ZONE;
use super::spoken;

/// The facts of a step, as an evaluation writes them.
#[derive(Debug, Deserialize)]
struct Facts {
    readings: Vec<Read>,
    why: Option<String>,
    #[serde(default)]
    condition: String,
    /// How long there was no data; none where there was.
    #[serde(default)]
    silent_s: Option<u32>,
    #[serde(default)]
    timezone: Option<Tz>,
}

impl Facts {
    /// Of several metrics the one that is told: the one of which a comparison changed, or else
    /// holds. Where data is missing it is the one that has had none for the longest time.
    fn read(&self) -> Option<&Read> {
        if self.silent_s.is_some() {
            return self.readings.iter().min_by_key(|it| it.at);
        }
        let find = |is: fn(&Read) -> bool| self.readings.iter().find(|it| is(it));
        find(|it| it.flipped)
            .or_else(|| find(|it| it.holds))
            .or_else(|| find(|it| it.before.is_some() || it.of.is_some()))
            .or(self.readings.first())
    }
}

/// What a metric is and was.
#[derive(Debug, Deserialize)]
struct Read {
    metric: String,
    #[serde(default)]
    name: Option<String>,
    value: Option<Value>,
    before: Option<Value>,
    /// With what the rule compares it.
    #[serde(default)]
    threshold: Option<Value>,
    #[serde(default)]
    at: Option<Timestamp>,
    /// Whether a comparison of it changed, which is why it happened.
    #[serde(default)]
    flipped: bool,
    /// Whether a comparison of it was true.
    #[serde(default)]
    holds: bool,
    /// Of a change over a window, what changed in it.
    #[serde(default)]
    of: Option<Box<Read>>,
}

impl Read {
    fn key(&self) -> Option<Derived> {
        self.metric.parse().ok()
    }
}

/// The notice of a step, which leads to where its incident is told of, and the zone in which its
/// times are told.
pub(super) fn notice(incident: &IncidentRecord, step: &Step, link: String) -> (Notice, Tz) {
    let facts: Option<Facts> = serde_json::from_value(step.facts.clone()).ok();
    let why = facts.as_ref().and_then(|facts| facts.why.as_deref());
    let read = facts.as_ref().and_then(Facts::read);
    // That something fell is told by what it was and is, and the share follows from that. What is
    // told again or taken back is the share itself, of another moment.
    let silent_s = facts.as_ref().and_then(|facts| facts.silent_s);
    let is_news = matches!(why, Some("fired" | "resolved")) && silent_s.is_none();
    let of = read.and_then(|read| read.of.as_deref()).filter(|_| is_news);
    let within = read.filter(|_| of.is_some()).and_then(Read::key);
    let (key, read) = (read, of.or(read));
    let reading = |value: Option<Value>| {
        let unit = read
            .and_then(Read::key)
            .map_or("", |key| spoken::unit(&key));
        // What was known last is no news where data is missing.
        value.filter(|_| silent_s.is_none()).map(|value| Reading {
            value: value.to_string(),
            unit: unit.to_owned(),
        })
    };
    let about = Incident {
        incident_id: Some(incident.id),
        rule_id: Some(incident.rule),
        rule: incident.name.clone(),
        why: facts
            .as_ref()
            .map_or_else(String::new, |facts| facts.condition.clone()),
        severity: severity(&incident.severity),
        metric: read.map_or_else(String::new, |read| {
            read.name.clone().unwrap_or_else(|| read.metric.clone())
        }),
        metric_key: key.map_or_else(String::new, |read| read.metric.clone()),
        before: reading(read.and_then(|read| read.before)),
        after: reading(read.and_then(|read| read.value)),
        threshold: reading(read.and_then(|read| read.threshold)),
        silent_s,
        within: within.map_or_else(String::new, |key| spoken::within(&key)),
        since: incident.opened_at,
        at: step.at,
        link,
    };
    let zone = facts
        .as_ref()
        .and_then(|facts| facts.timezone)
        .unwrap_or(ZONE);
    let notice = match why {
        Some("repeated") => Notice::StillFiring(about),
        Some("resolved") => Notice::Resolved(about),
        Some("retracted") => Notice::Retracted(about),
        _ => Notice::Firing(about),
    };
    (notice, zone)
}

fn severity(word: &str) -> Severity {
    match word {
        "info" => Severity::Info,
        "critical" => Severity::Critical,
        _ => Severity::Warning,
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::ids::{IncidentId, RuleId};
    use serde_json::json;
    use uuid::Uuid;

    use super::*;

    fn about(facts: serde_json::Value) -> (&'static str, Incident) {
        let at = Timestamp::UNIX_EPOCH;
        let record = IncidentRecord {
            id: IncidentId::from_uuid(Uuid::from_u128(7)),
            rule: RuleId::from_uuid(Uuid::from_u128(8)),
            name: "mine".to_owned(),
            severity: "warning".to_owned(),
            opened_at: at,
            ended_at: None,
        };
        let step = Step {
            seq: 2,
            what: "told".to_owned(),
            at,
            facts,
        };
        let (notice, _) = notice(&record, &step, String::new());
        let event = notice.event();
        match notice {
            Notice::Firing(about)
            | Notice::StillFiring(about)
            | Notice::Resolved(about)
            | Notice::Retracted(about) => (event, about),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn of_several_metrics_the_one_that_made_the_rule_fire_is_told() {
        let read = |metric: &str, flipped: bool, holds: bool| {
            json!({ "metric": metric, "value": "2", "before": "3", "flipped": flipped,
                    "holds": holds })
        };
        for (why, first, second, told) in [
            ("fired", (false, false), (true, true), "tvl:b"),
            ("fired", (false, true), (true, true), "tvl:b"),
            ("resolved", (true, false), (false, false), "tvl:a"),
            ("repeated", (false, false), (false, true), "tvl:b"),
            ("resolved", (false, false), (false, false), "tvl:a"),
        ] {
            let readings = [
                read("tvl:a", first.0, first.1),
                read("tvl:b", second.0, second.1),
            ];
            let (_, about) = about(json!({ "readings": readings, "why": why }));
            assert_eq!(about.metric_key, told, "{why} {first:?} {second:?}");
        }
    }

    #[test]
    fn what_an_earlier_release_wrote_is_told_by_what_moved() {
        let readings = json!([
            { "metric": "tvl:a", "value": "2", "before": null },
            { "metric": "tvl:b", "value": "2", "before": "3" },
        ]);
        let (event, about) = about(json!({ "readings": readings, "why": "fired" }));
        assert_eq!((event, &*about.metric_key), ("firing", "tvl:b"));
    }

    #[test]
    fn who_is_told_of_missing_data_reads_no_value_that_was_known_before() {
        let readings = json!([
            { "metric": "tvl:a", "value": "2", "before": "3", "at": "2026-11-30T06:15:00Z",
              "holds": true },
            { "metric": "tvl:b", "value": "2", "before": "3", "at": "2026-11-30T06:05:00Z" },
        ]);
        for why in ["fired", "repeated", "resolved"] {
            let facts = json!({
                "readings": readings, "why": why, "silent_s": 600,
                "condition": "no data for 10 min",
            });
            let (_, about) = about(facts);
            assert_eq!(about.metric_key, "tvl:b", "it is the silent one");
            assert_eq!((about.before, about.after), (None, None), "{why}");
            assert_eq!(about.silent_s, Some(600));
        }
    }
}
