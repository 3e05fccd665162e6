//! What a notice tells to a machine, in a size that a receiver takes: texts are cut, and so is the
//! list of a digest.

use packtrain_core::limits::DIGEST_ENTRIES_MAX;
use packtrain_core::ports::{
    AlertDigest, DigestEntry, DisabledEndpoint, Incident, Notice, Reading,
};

use super::facts::{address, fact};

/// A notice with everything in it cut to its limit.
pub(super) fn kept(notice: &Notice) -> Notice {
    match notice {
        Notice::Firing(about) => Notice::Firing(incident(about)),
        Notice::StillFiring(about) => Notice::StillFiring(incident(about)),
        Notice::Resolved(about) => Notice::Resolved(incident(about)),
        Notice::Retracted(about) => Notice::Retracted(incident(about)),
        Notice::Digest(about) => {
            let entries = about.entries.iter().take(DIGEST_ENTRIES_MAX);
            let entry = |entry: &DigestEntry| DigestEntry {
                is_firing: entry.is_firing,
                incident: incident(&entry.incident),
            };
            Notice::Digest(AlertDigest {
                from: about.from,
                to: about.to,
                entries: entries.map(entry).collect(),
                more: about.more,
                more_firing: about.more_firing,
                link: address(&about.link),
            })
        }
        Notice::Test { endpoint, at, link } => Notice::Test {
            endpoint: fact(endpoint),
            at: *at,
            link: address(link),
        },
        Notice::Verify {
            endpoint,
            challenge,
            at,
        } => Notice::Verify {
            endpoint: *endpoint,
            challenge: fact(challenge),
            at: *at,
        },
        Notice::EndpointDisabled(about) => Notice::EndpointDisabled(DisabledEndpoint {
            endpoint: fact(&about.endpoint),
            channel: fact(&about.channel),
            since: about.since,
            at: about.at,
            failures: about.failures,
            cause: fact(&about.cause),
            link: address(&about.link),
        }),
    }
}

fn incident(about: &Incident) -> Incident {
    let reading = |reading: &Reading| Reading {
        value: fact(&reading.value),
        unit: fact(&reading.unit),
    };
    Incident {
        incident_id: about.incident_id,
        rule_id: about.rule_id,
        rule: fact(&about.rule),
        why: fact(&about.why),
        severity: about.severity,
        metric: fact(&about.metric),
        metric_key: fact(&about.metric_key),
        before: about.before.as_ref().map(reading),
        after: about.after.as_ref().map(reading),
        threshold: about.threshold.as_ref().map(reading),
        silent_s: about.silent_s,
        within: fact(&about.within),
        since: about.since,
        at: about.at,
        link: address(&about.link),
    }
}
