//! What is told, from what was written down when it happened.

use chrono_tz::Tz;
use packtrain_core::ports::{Incident, IncidentRecord, Notice, Reading, Severity, Step};
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
    #[serde(default)]
    timezone: Option<Tz>,
}

/// What a metric is and was.
#[derive(Debug, Deserialize)]
struct Read {
    metric: String,
    #[serde(default)]
    name: Option<String>,
    value: Option<Value>,
    before: Option<Value>,
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
    // Of several metrics the one that moved is why it happens now.
    let read = facts.as_ref().and_then(|facts| {
        let moved = facts
            .readings
            .iter()
            .find(|it| it.before.is_some() || it.of.is_some());
        moved.or(facts.readings.first())
    });
    // That something fell is told by what it was and is, and the share follows from that. What is
    // told again or taken back is the share itself, of another moment.
    let is_news = matches!(why, Some("fired" | "resolved"));
    let of = read.and_then(|read| read.of.as_deref()).filter(|_| is_news);
    let within = read.filter(|_| of.is_some()).and_then(Read::key);
    let (key, read) = (read, of.or(read));
    let reading = |value: Option<Value>| {
        let unit = read
            .and_then(Read::key)
            .map_or("", |key| spoken::unit(&key));
        value.map(|value| Reading {
            value: value.to_string(),
            unit: unit.to_owned(),
        })
    };
    let about = Incident {
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
