//! Tells one endpoint what was gathered for it in a window.

use std::time::Duration;

use chrono_tz::Tz;
use packtrain_core::fault::Fault;
use packtrain_core::ids::EndpointId;
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane};
use packtrain_core::ports::{AlertDigest, DigestEntry, IncidentRecord, Notice, Step, ToSum};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::sending::{ATTEMPTS_MAX, ZONE, kept, send, skipped, untold};
use super::words;

/// Tells one endpoint in one message what was gathered for it in a window. Digests of one endpoint
/// go out one after the other.
///
/// What a message tells is taken for it at its first attempt, and belongs to no other: a second run
/// tells the same under the same key.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsSummarize)]
pub struct Summarize {
    /// Who is told.
    pub endpoint: EndpointId,
    /// When the window began.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// When it ended.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
    /// The zone in which times are told.
    #[serde(default = "utc")]
    #[schema(value_type = Option<String>)]
    pub timezone: Tz,
}

const fn utc() -> Tz {
    ZONE
}

impl Job for Summarize {
    const KIND: Kind = Kind::new("alerts.summarize");
    const LANE: Lane = Lane::Notify;
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const LONG: bool = false;
    // One that nobody takes must not keep the later ones back for ever.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some(self.endpoint.to_string())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let digests = &ctx.world.digests;
        let found = digests.take(ctx.tenant, self.endpoint, ctx.job, self.to);
        let Some(found) = found.await? else {
            return Ok(skipped("the endpoint was taken away"));
        };
        if found.endpoint.disabled_at.is_some() {
            return Ok(skipped("the endpoint is disabled"));
        }
        if found.entries.is_empty() {
            return Ok(skipped("there is nothing to tell"));
        }
        // It was gathered for another address.
        if found.endpoint.unverified_since.is_some() {
            return Ok(untold(ctx, self.endpoint, None));
        }
        let notice = Notice::Digest(self.digest(ctx, &found));
        let record = found.endpoint;
        let sent = send(ctx, &record, &notice, self.timezone, None).await?;
        let tried = sent.tried(ctx, self.endpoint, None);
        kept(ctx, &record, &sent, tried, self.to).await
    }
}

impl Summarize {
    fn digest(&self, ctx: &Ctx, found: &ToSum) -> AlertDigest {
        let entries = found.entries.iter();
        let entries = entries.filter_map(|(incident, step)| {
            let link = ctx.world.wording.link(incident.id);
            entry(incident, step, link)
        });
        let entries: Vec<DigestEntry> = entries.collect();
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        let firing = entries.iter().filter(|entry| entry.is_firing).count();
        AlertDigest {
            from: self.from,
            to: self.to,
            more: found.count.saturating_sub(count(entries.len())),
            more_firing: found.firing.saturating_sub(count(firing)),
            entries,
            link: String::new(),
        }
    }
}

/// One line of a digest.
fn entry(incident: &IncidentRecord, step: &Step, link: String) -> Option<DigestEntry> {
    let (is_firing, incident) = match words::notice(incident, step, link).0 {
        Notice::Firing(about) | Notice::StillFiring(about) => (true, about),
        Notice::Resolved(about) | Notice::Retracted(about) => (false, about),
        Notice::Digest(_)
        | Notice::Test { .. }
        | Notice::Verify { .. }
        | Notice::EndpointDisabled(_) => return None,
    };
    Some(DigestEntry {
        is_firing,
        incident,
    })
}
