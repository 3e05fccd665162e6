//! The variables of templates: what a notice tells, in words.

use chrono::TimeDelta;
use chrono_tz::Tz;
use minijinja::value::{Serde, Value};
use packtrain_core::limits::DIGEST_ENTRIES_MAX;
use packtrain_core::ports::{AlertDigest, DigestEntry, Incident, Notice, Reading, Severity};
use packtrain_core::quantity::counted;
use packtrain_core::shown;
use packtrain_core::time::Timestamp;
use serde_json::{Map, Value as Json, json};

use crate::markup::plain;

/// Letters of one variable.
const FACT_LETTERS_MAX: usize = 500;
/// Letters of a text that are looked at for them: some may be dropped.
const READ_LETTERS_MAX: usize = 2 * FACT_LETTERS_MAX;
/// Bytes of an address; a longer one is left out.
const LINK_BYTES_MAX: usize = 2_000;

/// The variables for a notice; times are told in a zone.
pub(super) fn of(notice: &Notice, zone: Tz) -> Value {
    let facts = match notice {
        Notice::Firing(incident)
        | Notice::StillFiring(incident)
        | Notice::Resolved(incident)
        | Notice::Retracted(incident) => self::incident(incident, zone),
        Notice::Digest(digest) => self::digest(digest, zone),
        Notice::Test { endpoint, at, link } => json!({
            "endpoint": fact(endpoint),
            "at": moment(*at, zone),
            "link": address(link),
        }),
        Notice::Verify { challenge, at, .. } => json!({
            "challenge": fact(challenge),
            "at": moment(*at, zone),
        }),
        Notice::EndpointDisabled(disabled) => json!({
            "endpoint": fact(&disabled.endpoint),
            "channel": fact(&disabled.channel),
            "since": moment(disabled.since, zone),
            "at": moment(disabled.at, zone),
            "failures": counted(disabled.failures, "attempt", "attempts"),
            "cause": fact(&disabled.cause),
            "link": address(&disabled.link),
        }),
    };
    let mut facts = match facts {
        Json::Object(facts) => facts,
        _ => Map::new(),
    };
    facts.insert("event".to_owned(), notice.event().into());
    Value::from(Serde(facts))
}

/// The names that people's own words may use, in order.
pub(super) fn names() -> Vec<String> {
    let sample = incident(&sample(), Tz::UTC);
    let names = sample.as_object().into_iter().flatten();
    let names = names.map(|(name, _)| name.clone());
    let mut names: Vec<String> = names.chain(["event".to_owned()]).collect();
    names.sort_unstable();
    names
}

/// An incident with everything that one can have.
pub(super) fn sample() -> Incident {
    Incident {
        incident_id: None,
        rule_id: None,
        rule: "ETH below 3,000".to_owned(),
        why: "the ETH price was below $3,000 for 5 minutes".to_owned(),
        severity: Severity::Warning,
        metric: "ETH price".to_owned(),
        metric_key: "price:coingecko:ethereum".to_owned(),
        before: Some(Reading {
            value: "3012.5".to_owned(),
            unit: "USD".to_owned(),
        }),
        after: Some(Reading {
            value: "2988.1".to_owned(),
            unit: "USD".to_owned(),
        }),
        threshold: None,
        silent_s: None,
        within: String::new(),
        since: Timestamp::UNIX_EPOCH,
        at: Timestamp::UNIX_EPOCH,
        link: "https://example.org/alerts/1".to_owned(),
    }
}

fn incident(incident: &Incident, zone: Tz) -> Json {
    let told = |reading: &Option<Reading>| {
        let Some(reading) = reading else {
            return String::new();
        };
        let others = [&incident.before, &incident.after, &incident.threshold];
        let others = others.into_iter().flatten();
        let others = others.filter(|other| other.unit == reading.unit);
        let others: Vec<&str> = others.map(|other| other.value.as_str()).collect();
        fact(&shown::apart(&reading.value, &others, &reading.unit))
    };
    let exact =
        |reading: &Option<Reading>| fact(reading.as_ref().map_or("", |reading| &reading.value));
    let change = match (&incident.before, &incident.after) {
        (Some(before), Some(after)) if before.unit == after.unit && after.unit != "%" => {
            shown::change(&before.value, &after.value)
        }
        _ => None,
    };
    json!({
        "rule": fact(&incident.rule),
        "why": fact(&incident.why),
        "severity": incident.severity.as_str(),
        "metric": fact(&incident.metric),
        "before": told(&incident.before),
        "before_exact": exact(&incident.before),
        "after": told(&incident.after),
        "after_exact": exact(&incident.after),
        "change": change.unwrap_or_default(),
        "silent": incident.silent_s.map_or_else(String::new, |seconds| {
            lasted(TimeDelta::seconds(seconds.into()))
        }),
        "within": fact(&incident.within),
        "since": moment(incident.since, zone),
        "lasted": lasted(incident.at - incident.since),
        "at": moment(incident.at, zone),
        "link": address(&incident.link),
    })
}

fn digest(digest: &AlertDigest, zone: Tz) -> Json {
    let told = digest.entries.iter().take(DIGEST_ENTRIES_MAX);
    let entries: Vec<Json> = told
        .map(
            |DigestEntry {
                 is_firing,
                 incident,
             }| {
                let mut entry = self::incident(incident, zone);
                entry["is_firing"] = (*is_firing).into();
                entry
            },
        )
        .collect();
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
    let firing = digest.entries.iter().filter(|entry| entry.is_firing);
    let firing = number(firing.count()).saturating_add(digest.more_firing);
    let count = number(digest.entries.len()).saturating_add(digest.more);
    let more = count.saturating_sub(number(entries.len()));
    json!({
        "from": moment(digest.from, zone),
        "to": moment(digest.to, zone),
        "count": counted(count, "change", "changes"),
        "firing": counted(firing, "alert", "alerts"),
        "entries": entries,
        "more": more,
        "link": address(&digest.link),
    })
}

/// A value of a variable: one line, of a length that a message can take.
pub(super) fn fact(text: &str) -> String {
    let begin: String = text.chars().take(READ_LETTERS_MAX).collect();
    let text = plain(&begin.split_whitespace().collect::<Vec<_>>().join(" "));
    match text.char_indices().nth(FACT_LETTERS_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// An address, or nothing in place of one that is too long.
pub(super) fn address(link: &str) -> String {
    if link.len() > LINK_BYTES_MAX {
        return String::new();
    }
    plain(link)
}

/// `Mon 30 Nov 2026, 07:15 CET`: the day first, since mails are read on others.
fn moment(at: Timestamp, zone: Tz) -> String {
    at.with_timezone(&zone)
        .format("%a %-d %b %Y, %H:%M %Z")
        .to_string()
}

/// How long something lasted, in its two largest units.
fn lasted(time: TimeDelta) -> String {
    let minutes = time.num_minutes().max(0);
    let (days, hours, minutes) = (minutes / 1_440, minutes / 60 % 24, minutes % 60);
    let named = [(days, "d"), (hours, "h"), (minutes, "min")];
    let mut shown = named
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2);
    let parts: Vec<String> = shown
        .by_ref()
        .filter(|(count, _)| *count > 0)
        .map(|(count, unit)| format!("{count} {unit}"))
        .collect();
    match parts.is_empty() {
        true => "less than a minute".to_owned(),
        false => parts.join(" "),
    }
}
