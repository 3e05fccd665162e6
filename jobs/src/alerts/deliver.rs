//! Tells one endpoint what happened to a rule.

mod words;

use std::time::Duration;

use chrono_tz::Tz;
use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::{EndpointId, IncidentId, RequestId, RuleId};
use packtrain_core::job::{Ctx, Done, Gate, Job, Kind, Lane};
use packtrain_core::ports::{
    ChannelKind, Delivery, DeliveryAttempt, DeliveryOutcome, Endpoint, EndpointRecord, Standing,
    Try,
};
use packtrain_core::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

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
/// How long an endpoint may fail before nothing more is sent there.
const FAILING_MAX: chrono::Duration = chrono::Duration::days(5);

/// Tells one endpoint what happened to a rule. Messages of one rule to one endpoint go out one
/// after the other, in the order in which things happened.
///
/// A second run sends the same message under the same key, by which receivers tell repetitions;
/// what was tried is kept each time.
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
        let Some(record) = endpoints.find(ctx.tenant, self.endpoint).await? else {
            return Ok(skipped("the endpoint was taken away"));
        };
        if record.disabled_at.is_some() {
            return Ok(skipped("the endpoint is disabled"));
        }
        // Nothing was written of a rule that was changed while it was evaluated.
        let step = endpoints.step(ctx.tenant, self.rule, self.seq).await?;
        let step = step.filter(|(incident, _)| incident.id == self.incident);
        let Some((incident, step)) = step else {
            return Ok(skipped("the rule was changed meanwhile"));
        };
        let Some(endpoint) = reached(&record) else {
            let said = format!("a {} endpoint cannot be reached", record.channel);
            return Err(Fault::said(Verdict::Fatal, "alerts.endpoint", said));
        };
        let kind = endpoint.kind();
        let Some(channel) = ctx.world.channels.iter().find(|it| it.kind() == kind) else {
            let said = format!("the channel {kind} is not set up");
            return Err(Fault::said(Verdict::Fatal, "alerts.channel", said));
        };
        let wording = &ctx.world.wording;
        let (notice, zone) = words::notice(&incident, &step, wording.link(incident.id));
        let message = wording.write(kind, &notice, zone, None);
        let key = ctx.job.to_string().parse();
        let delivery = Delivery {
            key: key.map_err(|error| Fault::fatal("alerts.key", error))?,
            request: RequestId::from_uuid(ctx.ids.uuid()),
            endpoint,
            message,
        };
        let at = ctx.clock.now();
        let attempt = channel.send(&delivery).await;
        if let DeliveryOutcome::NotBefore(then) = attempt.outcome {
            let delay = (then - at).to_std().unwrap_or_default();
            let why = "the channel takes no more for now";
            return Err(Fault::snooze("alerts.rate", delay, why));
        }
        let standing = standing(&attempt, &record, at);
        let tried = self.tried(ctx, &attempt, at);
        endpoints.note(ctx.tenant, &tried, standing).await?;
        ended(ctx, &attempt, kind)
    }
}

impl Deliver {
    fn tried(
        &self,
        ctx: &Ctx,
        attempt: &DeliveryAttempt,
        at: packtrain_core::time::Timestamp,
    ) -> Try {
        let result = match attempt.outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::Temporary(_) | DeliveryOutcome::NotBefore(_) => "temporary",
            DeliveryOutcome::Permanent => "permanent",
            DeliveryOutcome::Gone => "gone",
        };
        Try {
            job: ctx.job,
            number: ctx.attempt,
            step: Some((self.rule, self.seq)),
            endpoint: self.endpoint,
            at,
            latency_ms: u32::try_from(attempt.latency.as_millis()).unwrap_or(u32::MAX),
            result: result.to_owned(),
            status: attempt.status,
            cause: attempt.cause.map(|cause| cause.as_str().to_owned()),
            excerpt: Some(attempt.excerpt.clone()).filter(|text| !text.is_empty()),
        }
    }
}

fn skipped(why: &str) -> Done {
    Done::with(json!({ "skipped": why }))
}

/// What an attempt means for its endpoint.
fn standing(
    attempt: &DeliveryAttempt,
    record: &EndpointRecord,
    at: packtrain_core::time::Timestamp,
) -> Standing {
    let is_old = record
        .failing_since
        .is_some_and(|since| at - since > FAILING_MAX);
    match attempt.outcome {
        DeliveryOutcome::Delivered => Standing::Well,
        DeliveryOutcome::Gone => Standing::Disabled("it answered that it is no more"),
        _ if is_old => Standing::Disabled("it failed for five days"),
        _ => Standing::Failing,
    }
}

/// What follows from an attempt.
fn ended(ctx: &Ctx, attempt: &DeliveryAttempt, kind: ChannelKind) -> Result<Done, Fault> {
    let status = attempt
        .status
        .map_or_else(String::new, |status| format!(" {status}"));
    let cause = attempt.cause.map_or("unknown", |cause| cause.as_str());
    // What the other side said is its owner's, and stands with the try.
    let said = format!("{kind}: {cause}{status}");
    let code = "alerts.undelivered";
    match attempt.outcome {
        DeliveryOutcome::Delivered => Ok(Done::with(json!({ "status": attempt.status }))),
        DeliveryOutcome::Temporary(after) => {
            let pause = pause(ctx.attempt, ctx.ids.random()).max(after.unwrap_or_default());
            Err(Fault::said(Verdict::Retry(Some(pause)), code, said))
        }
        _ => Err(Fault::said(Verdict::Fatal, code, said)),
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

/// Where a stored endpoint leads; none of a channel that this release does not know.
fn reached(record: &EndpointRecord) -> Option<Endpoint> {
    let kind = ChannelKind::ALL
        .into_iter()
        .find(|kind| kind.as_str() == record.channel)?;
    let url = || Secret::new(record.address.reveal().clone());
    Some(match kind {
        ChannelKind::Webhook => Endpoint::Webhook {
            url: url(),
            secrets: record.secrets.clone(),
        },
        ChannelKind::Email => Endpoint::Email {
            address: url(),
            unsubscribe: None,
        },
        ChannelKind::Slack => Endpoint::Slack { url: url() },
        ChannelKind::Discord => Endpoint::Discord { url: url() },
        ChannelKind::Telegram => {
            let (bot, chat) = record.address.reveal().split_once('/')?;
            Endpoint::Telegram {
                bot: bot.to_owned(),
                chat: chat.to_owned(),
            }
        }
        ChannelKind::Sns => match record.address.reveal() {
            number if number.starts_with('+') => Endpoint::Phone { number: url() },
            arn => Endpoint::Topic { arn: arn.clone() },
        },
    })
}

/// The zone in which times are told when a rule names none.
const ZONE: Tz = Tz::UTC;

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
