//! Tells one endpoint what happened to a rule.

mod words;

use std::time::Duration;

use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::{EndpointId, IncidentId, RuleId};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane};
use packtrain_core::ports::{DeliveryOutcome, EndpointRecord, Standing, Write};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::sending::{Sent, send};

/// The time after each failed attempt but the last: about 21 hours in all, so that a receiver may
/// be down for most of a day.
const PAUSES: [Duration; 8] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 60 * 60),
    Duration::from_secs(6 * 60 * 60),
    Duration::from_secs(12 * 60 * 60),
];

/// Tells one endpoint what happened to a rule. Messages of one rule to one endpoint go out one
/// after the other, in the order in which things happened.
///
/// A second run sends the same message under the same key, by which receivers tell repetitions.
/// What was tried is kept each time; a delivery to an endpoint that is well is kept with the end of
/// the job, so that one whose worker is lost before that is kept when it is repeated.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsDeliver)]
pub struct Deliver {
    /// The rule.
    pub rule: RuleId,
    /// The place of what is told among everything that happened to it.
    pub seq: u32,
    /// The incident that it belongs to.
    pub incident: IncidentId,
    /// Who is told.
    pub endpoint: EndpointId,
}

impl Job for Deliver {
    const KIND: Kind = Kind::new("alerts.deliver");
    const LANE: Lane = Lane::Notify;
    const ATTEMPTS_MAX: u16 = 9;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const LONG: bool = false;
    // One that nobody takes must not keep the later ones back for ever.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some(format!("{}:{}", self.rule, self.endpoint))
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let endpoints = &ctx.world.endpoints;
        let step = (self.rule, self.seq);
        let found = endpoints.told(ctx.tenant, self.endpoint, step).await?;
        let Some(found) = found else {
            return Ok(skipped("the endpoint was taken away"));
        };
        let record = found.endpoint;
        if record.disabled_at.is_some() {
            return Ok(skipped("the endpoint is disabled"));
        }
        // Nothing was written of a rule that was changed while it was evaluated.
        let step = found
            .step
            .filter(|(incident, _)| incident.id == self.incident);
        let Some((incident, step)) = step else {
            return Ok(skipped("the rule was changed meanwhile"));
        };
        let link = ctx.world.wording.link(incident.id);
        let (notice, zone) = words::notice(&incident, &step, link);
        let sent = send(ctx, &record, &notice, zone).await?;
        let tried = sent.tried(ctx, self.endpoint, Some((self.rule, self.seq)));
        let standing = sent.standing(&record);
        if standing == Standing::Well && is_well(&record) {
            // Nearly all: with the ends of many others, and without a commit of their own.
            return Ok(Done {
                writes: vec![Write::Tried(Box::new(tried))],
                ..ended(ctx, &sent)?
            });
        }
        endpoints.note(ctx.tenant, &tried, standing).await?;
        ended(ctx, &sent)
    }
}

fn skipped(why: &str) -> Done {
    Done::with(json!({ "skipped": why }))
}

/// Whether an endpoint is known to take messages.
const fn is_well(record: &EndpointRecord) -> bool {
    record.verified_at.is_some() && record.failing_since.is_none()
}

/// What follows from an attempt.
fn ended(ctx: &Ctx, sent: &Sent) -> Result<Done, Fault> {
    match sent.attempt.outcome {
        DeliveryOutcome::Delivered => Ok(Done::with(json!({ "status": sent.attempt.status }))),
        DeliveryOutcome::Temporary(after) => {
            let pause = pause(ctx.attempt, ctx.ids.random()).max(after.unwrap_or_default());
            Err(sent.fault(Verdict::Retry(Some(pause))))
        }
        _ => Err(sent.fault(Verdict::Fatal)),
    }
}

/// The time after a failed attempt, up to a tenth longer, so that those who failed together do not
/// come back together.
fn pause(attempt: u16, random: u64) -> Duration {
    let place = usize::from(attempt.saturating_sub(1)).min(PAUSES.len() - 1);
    let pause = PAUSES[place];
    let tenth = u64::try_from(pause.as_millis() / 10).unwrap_or(u64::MAX - 1);
    pause + Duration::from_millis(random % (tenth + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_attempts_take_about_21_hours() {
        let (least, most): (Duration, Duration) = (1..=8)
            .map(|attempt| (pause(attempt, 0), pause(attempt, u64::MAX - 7)))
            .fold((Duration::ZERO, Duration::ZERO), |sum, (a, b)| {
                (sum.0 + a, sum.1 + b)
            });
        assert_eq!(Deliver::ATTEMPTS_MAX as usize, PAUSES.len() + 1);
        assert_eq!(least.as_secs(), 74_555);
        assert!(most <= least * 11 / 10, "{most:?}");
    }
}
