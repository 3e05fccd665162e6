//! One message on its way to an endpoint, whatever it tells.

use std::time::Duration;

use chrono_tz::Tz;
use packtrain_core::fault::{Fault, Verdict};
use packtrain_core::ids::{EndpointId, RequestId, RuleId};
use packtrain_core::job::{Ctx, Done};
use packtrain_core::ports::{
    ChannelKind, Delivery, DeliveryAttempt, DeliveryCause, DeliveryOutcome, Endpoint,
    EndpointRecord, Notice, OwnWords, Standing, Try, Write,
};
use packtrain_core::secret::Secret;
use packtrain_core::time::Timestamp;
use serde_json::json;

use super::warn::Warn;

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
/// Attempts of a message.
pub(super) const ATTEMPTS_MAX: u16 = 9;
/// The zone in which times are told when nobody names one.
pub(super) const ZONE: Tz = Tz::UTC;
/// How long an endpoint may fail before nothing more is sent there.
const FAILING_MAX: chrono::Duration = chrono::Duration::days(5);
/// How old news may be and still wait for another day's money.
const UNPAID_MAX: chrono::Duration = chrono::Duration::hours(24);
/// How far apart two failures are that count as one time of failing: further than any pause between
/// two tries. What an endpoint would have done in between is not known.
const FAILED_BETWEEN_MAX: chrono::Duration = chrono::Duration::days(1);

/// A message that was handed over, or was not taken.
pub(super) struct Sent {
    pub(super) attempt: DeliveryAttempt,
    channel: ChannelKind,
    at: Timestamp,
}

/// Hands a notice over to an endpoint, under the key of the job, in its owner's words or in ours.
///
/// # Errors
/// A snooze where a rate would be passed: nothing was sent. Fatal where the endpoint cannot be told
/// anything here.
pub(super) async fn send(
    ctx: &Ctx,
    record: &EndpointRecord,
    notice: &Notice,
    zone: Tz,
    own: Option<&OwnWords>,
) -> Result<Sent, Fault> {
    let Some(endpoint) = reached(record) else {
        let said = format!("a {} endpoint cannot be reached", record.channel);
        return Err(Fault::said(Verdict::Fatal, "alerts.endpoint", said));
    };
    let kind = endpoint.kind();
    let Some(channel) = ctx.world.channels.iter().find(|it| it.kind() == kind) else {
        let said = format!("the channel {kind} is not set up");
        return Err(Fault::said(Verdict::Fatal, "alerts.channel", said));
    };
    let message = ctx.world.wording.write(kind, notice, zone, own);
    let key = ctx.job.to_string().parse();
    let delivery = Delivery {
        tenant: ctx.tenant,
        key: key.map_err(|error| Fault::fatal("alerts.key", error))?,
        request: RequestId::from_uuid(ctx.ids.uuid()),
        endpoint,
        message,
    };
    let at = ctx.clock.now();
    let attempt = channel.send(&delivery).await;
    if attempt.cause == Some(DeliveryCause::Budget) {
        metrics::counter!("packtrain_deliveries_unpaid_total").increment(1);
    }
    if let DeliveryOutcome::NotBefore(then) = attempt.outcome {
        let delay = (then - at).to_std().unwrap_or_default();
        let why = "the channel takes no more for now";
        return Err(Fault::snooze("alerts.rate", delay, why));
    }
    Ok(Sent {
        attempt,
        channel: kind,
        at,
    })
}

impl Sent {
    /// The try, as it is kept.
    pub(super) fn tried(
        &self,
        ctx: &Ctx,
        endpoint: EndpointId,
        step: Option<(RuleId, u32)>,
    ) -> Try {
        let attempt = &self.attempt;
        let result = match attempt.outcome {
            DeliveryOutcome::Delivered => "delivered",
            DeliveryOutcome::Temporary(_) | DeliveryOutcome::NotBefore(_) => "temporary",
            DeliveryOutcome::Permanent => "permanent",
            DeliveryOutcome::Gone => "gone",
        };
        Try {
            job: ctx.job,
            number: ctx.attempt,
            step,
            endpoint,
            at: self.at,
            latency_ms: u32::try_from(attempt.latency.as_millis()).unwrap_or(u32::MAX),
            result: result.to_owned(),
            status: attempt.status,
            cause: attempt.cause.map(|cause| cause.as_str().to_owned()),
            excerpt: Some(attempt.excerpt.clone()).filter(|text| !text.is_empty()),
            words_failed: None,
        }
    }

    /// Whether nothing was sent since the money for it is spent.
    pub(super) fn is_unpaid(&self) -> bool {
        self.attempt.cause == Some(DeliveryCause::Budget)
    }

    /// What it means for its endpoint.
    pub(super) fn standing(&self, record: &EndpointRecord) -> Standing {
        let last = record.failed_at.or(record.failing_since);
        let goes_on = last.is_some_and(|last| self.at - last <= FAILED_BETWEEN_MAX);
        let since = record.failing_since.filter(|_| goes_on);
        let is_old = since.is_some_and(|since| self.at - since > FAILING_MAX);
        match self.attempt.outcome {
            DeliveryOutcome::Delivered => Standing::Well,
            // It was not asked.
            _ if self.is_ours() => Standing::Same,
            DeliveryOutcome::Gone => Standing::Disabled("it answered that it is no more"),
            _ if is_old => Standing::Disabled("it failed for five days"),
            _ => Standing::Failing,
        }
    }

    /// Whether it failed on our side of the channel, of which its receiver knows nothing: a mail
    /// server or a bot of the operator, money that is spent, a channel that is not set up.
    fn is_ours(&self) -> bool {
        let Some(cause) = self.attempt.cause else {
            return false;
        };
        let is_channel = match self.channel {
            ChannelKind::Email => matches!(
                cause,
                DeliveryCause::Connect
                    | DeliveryCause::Tls
                    | DeliveryCause::Late
                    | DeliveryCause::Broken
            ),
            // A token that does not hold; a chat that is unknown or closed is 400 or 403.
            ChannelKind::Telegram => matches!(self.attempt.status, Some(401 | 404)),
            _ => false,
        };
        let is_everywhere = matches!(
            cause,
            DeliveryCause::Unavailable | DeliveryCause::Budget | DeliveryCause::Message
        );
        is_channel || is_everywhere
    }

    /// What the other side answered, in a word and by its status.
    fn answer(&self) -> String {
        let cause = self.attempt.cause.map_or("unknown", |cause| cause.as_str());
        let cause = cause.replace('_', " ");
        match self.attempt.status {
            Some(status) => format!("{cause} {status}"),
            None => format!("none ({cause})"),
        }
    }

    /// Why it was not taken. What the other side said is its owner's, and stands with the try.
    pub(super) fn fault(&self, verdict: Verdict) -> Fault {
        let attempt = &self.attempt;
        let status = attempt.status;
        let status = status.map_or_else(String::new, |status| format!(" {status}"));
        let cause = attempt.cause.map_or("unknown", |cause| cause.as_str());
        let said = format!("{}: {cause}{status}", self.channel);
        Fault::said(verdict, "alerts.undelivered", said)
    }
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
        ChannelKind::Sns => Endpoint::Topic {
            arn: record.address.reveal().clone(),
        },
        ChannelKind::Sms => Endpoint::Phone { number: url() },
    })
}

/// A message that is not sent, and why.
pub(super) fn skipped(why: &str) -> Done {
    Done::with(json!({ "skipped": why }))
}

/// A message that is not sent, now or later, since the owner of its endpoint has not proved that he
/// wants it there; its incidents say so.
pub(super) fn untold(ctx: &Ctx, endpoint: EndpointId, step: Option<(RuleId, u32)>) -> Done {
    let tried = Try {
        job: ctx.job,
        number: ctx.attempt,
        step,
        endpoint,
        at: ctx.clock.now(),
        latency_ms: 0,
        result: "untold".to_owned(),
        status: None,
        cause: Some("unverified".to_owned()),
        excerpt: None,
        words_failed: None,
    };
    Done {
        writes: vec![Write::Tried(Box::new(tried))],
        ..skipped("the endpoint is not verified")
    }
}

/// Keeps a try to tell something that happened at a time with what it means for its endpoint, and
/// says what follows.
///
/// # Errors
/// What became of a message that was not taken: whether it is tried again, and when.
pub(super) async fn kept(
    ctx: &Ctx,
    record: &EndpointRecord,
    sent: &Sent,
    tried: Try,
    happened_at: Timestamp,
) -> Result<Done, Fault> {
    let standing = sent.standing(record);
    if standing == Standing::Well && is_well(record) {
        // Nearly all: with the ends of many others, and without a commit of their own.
        return Ok(Done {
            writes: vec![Write::Tried(Box::new(tried))],
            ..ended(ctx, sent, happened_at)?
        });
    }
    let endpoints = &ctx.world.endpoints;
    let is_disabled = matches!(standing, Standing::Disabled(_));
    let warning = is_disabled.then(|| Warn::of(ctx, record.id, tried.at, sent.answer()));
    let warning = warning.transpose()?;
    let noted = endpoints.note(ctx.tenant, record, &tried, standing, warning.as_ref());
    noted.await?;
    ended(ctx, sent, happened_at)
}

/// Whether an endpoint is known to take messages.
const fn is_well(record: &EndpointRecord) -> bool {
    record.verified_at.is_some() && record.failing_since.is_none()
}

/// What follows from an attempt to tell something that happened at a time.
fn ended(ctx: &Ctx, sent: &Sent, happened_at: Timestamp) -> Result<Done, Fault> {
    match sent.attempt.outcome {
        DeliveryOutcome::Delivered => Ok(Done::with(json!({ "status": sent.attempt.status }))),
        DeliveryOutcome::Temporary(_)
            if sent.is_unpaid() && ctx.clock.now() - happened_at > UNPAID_MAX =>
        {
            Err(sent.fault(Verdict::Fatal))
        }
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
    use uuid::Uuid;

    use super::*;

    #[test]
    fn nine_attempts_take_about_21_hours() {
        let (least, most): (Duration, Duration) = (1..=8)
            .map(|attempt| (pause(attempt, 0), pause(attempt, u64::MAX - 7)))
            .fold((Duration::ZERO, Duration::ZERO), |sum, (a, b)| {
                (sum.0 + a, sum.1 + b)
            });
        assert_eq!(usize::from(ATTEMPTS_MAX), PAUSES.len() + 1);
        assert_eq!(least.as_secs(), 74_555);
        assert!(most <= least * 11 / 10, "{most:?}");
    }

    fn at(hours: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + chrono::Duration::hours(hours)
    }

    fn record(failing_since: Option<i64>, failed_at: Option<i64>) -> EndpointRecord {
        EndpointRecord {
            id: EndpointId::from_uuid(Uuid::from_u128(1)),
            name: "desk".to_owned(),
            channel: "webhook".to_owned(),
            address: Secret::new("https://example.org/".to_owned()),
            address_mark: [0; 32],
            secrets: Vec::new(),
            created_at: at(0),
            unverified_since: None,
            verified_at: None,
            failing_since: failing_since.map(at),
            failed_at: failed_at.map(at),
            failures: 0,
            disabled_at: None,
            disabled_because: None,
            old_secrets_until: None,
            digest: None,
        }
    }

    fn failed(channel: ChannelKind, cause: DeliveryCause, status: Option<u16>, hours: i64) -> Sent {
        Sent {
            attempt: DeliveryAttempt {
                request: RequestId::from_uuid(Uuid::from_u128(1)),
                outcome: DeliveryOutcome::Temporary(None),
                cause: Some(cause),
                status,
                latency: std::time::Duration::ZERO,
                excerpt: String::new(),
            },
            channel,
            at: at(hours),
        }
    }

    #[test]
    fn an_endpoint_is_disabled_when_it_fails_for_five_days_and_not_when_it_fails_twice_in_six() {
        let standing = |since, last, hours| {
            let sent = failed(
                ChannelKind::Webhook,
                DeliveryCause::ServerError,
                Some(503),
                hours,
            );
            sent.standing(&record(since, last))
        };
        assert_eq!(standing(None, None, 0), Standing::Failing);
        assert_eq!(
            standing(Some(0), Some(0), 144),
            Standing::Failing,
            "two in six days"
        );
        assert_eq!(
            standing(Some(0), Some(110), 120),
            Standing::Failing,
            "five days, not more"
        );
        let disabled = Standing::Disabled("it failed for five days");
        assert_eq!(standing(Some(0), Some(110), 121), disabled);
        // Of what an earlier release wrote no last failure is known.
        assert_eq!(standing(Some(0), None, 144), Standing::Failing);
    }

    #[test]
    fn what_fails_on_our_side_says_nothing_of_the_endpoint() {
        let long = record(Some(0), Some(140));
        for (channel, cause, status, is_ours) in [
            (ChannelKind::Email, DeliveryCause::Connect, None, true),
            (ChannelKind::Email, DeliveryCause::Tls, None, true),
            (ChannelKind::Email, DeliveryCause::Late, None, true),
            (
                ChannelKind::Email,
                DeliveryCause::Rejected,
                Some(550),
                false,
            ),
            (ChannelKind::Webhook, DeliveryCause::Connect, None, false),
            (
                ChannelKind::Telegram,
                DeliveryCause::Unavailable,
                None,
                true,
            ),
            (
                ChannelKind::Telegram,
                DeliveryCause::Rejected,
                Some(401),
                true,
            ),
            (
                ChannelKind::Telegram,
                DeliveryCause::Rejected,
                Some(400),
                false,
            ),
            (ChannelKind::Sns, DeliveryCause::Budget, None, true),
            (ChannelKind::Slack, DeliveryCause::Message, None, true),
        ] {
            let standing = failed(channel, cause, status, 150).standing(&long);
            assert_eq!(standing == Standing::Same, is_ours, "{channel} {cause:?}");
        }
    }
}
