//! Tells the owner of an endpoint that was disabled, over other endpoints of his.

use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::ids::EndpointId;
use packtrain_core::job::{About, Ctx, Done, Job, Kind, Lane, NewJob};
use packtrain_core::limits::ENDPOINTS_MAX;
use packtrain_core::ports::{ChannelKind, DisabledEndpoint, EndpointRecord, Notice};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::sending::{ATTEMPTS_MAX, ZONE, kept, send, skipped};

/// Other endpoints over which one disabled endpoint is told, at most.
const OVER_MAX: usize = 3;

/// Tells the owner of an endpoint that was disabled, over up to three other endpoints of his that
/// work: those that have taken messages for the longest time, and telephones after all others,
/// since they cost money. Where there is none, nothing is sent.
///
/// It is enqueued by the very write that disables, and so once for each time. Without one over
/// which it is told, it leads to a job for each, which have ids of this one: a second run leads to
/// the same. Each sends the same message under the same key however often it runs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsWarn)]
pub struct Warn {
    /// What was disabled.
    pub endpoint: EndpointId,
    /// When it was, by which one time is told from another.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What it answered last, in words.
    pub cause: String,
    /// The endpoint over which it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<EndpointId>,
}

impl Job for Warn {
    const KIND: Kind = Kind::new("alerts.warn");
    const LANE: Lane = Lane::Notify;
    const ATTEMPTS_MAX: u16 = ATTEMPTS_MAX;
    const TIME_LIMIT: Duration = Duration::from_secs(60);
    const LONG: bool = false;

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let endpoints = &ctx.world.endpoints;
        let Some(disabled) = endpoints.find(ctx.tenant, self.endpoint).await? else {
            return Ok(skipped("the endpoint was taken away"));
        };
        if disabled.disabled_at != Some(self.at) {
            return Ok(skipped("the endpoint was enabled again"));
        }
        let Some(over) = self.over else {
            let all = endpoints.list(ctx.tenant, None, ENDPOINTS_MAX).await?;
            let others = others(all);
            let told = json!({ "told": others.len() });
            let jobs = others.into_iter().map(|over| self.over(over));
            return Ok(Done {
                result: Some(told),
                ..Done::fan_out(jobs)
            });
        };
        let Some(record) = endpoints.find(ctx.tenant, over).await? else {
            return Ok(skipped("the endpoint over which it is told was taken away"));
        };
        if record.disabled_at.is_some() || record.unverified_since.is_some() {
            return Ok(skipped(
                "the endpoint over which it is told is told nothing",
            ));
        }
        let notice = Notice::EndpointDisabled(self.about(disabled));
        let sent = send(ctx, &record, &notice, ZONE, None).await?;
        let tried = sent.tried(ctx, over, None);
        kept(ctx, &record, &sent, tried, self.at).await
    }
}

impl Warn {
    /// The job that tells of an endpoint that a try of this job disables. It is promoted like one
    /// that waited, since nobody who writes a try gives turns.
    ///
    /// # Errors
    /// Fatal when it cannot be written.
    pub(super) fn of(
        ctx: &Ctx,
        endpoint: EndpointId,
        at: Timestamp,
        cause: String,
    ) -> Result<NewJob, Fault> {
        let warn = Self {
            endpoint,
            at,
            cause,
            over: None,
        };
        let payload = serde_json::to_value(warn);
        let payload = payload.map_err(|error| Fault::fatal("alerts.warn", error))?;
        // A job that is run again may disable it again.
        let id = ctx.job.derive(&format!("warn:{}", at.timestamp_micros()));
        Ok(NewJob {
            run_at: Some(at),
            parent: Some(ctx.job),
            ..About::of::<Self>().job(id, ctx.tenant, payload)
        })
    }

    fn over(&self, over: EndpointId) -> Self {
        Self {
            endpoint: self.endpoint,
            at: self.at,
            cause: self.cause.clone(),
            over: Some(over),
        }
    }

    fn about(&self, disabled: EndpointRecord) -> DisabledEndpoint {
        DisabledEndpoint {
            endpoint: disabled.name,
            channel: disabled.channel,
            since: disabled.failing_since.unwrap_or(self.at),
            at: self.at,
            failures: u64::from(disabled.failures.max(1)),
            cause: self.cause.clone(),
            link: String::new(),
        }
    }
}

/// Those over which something is told that is about none of them: something arrived there, and the
/// last message did.
fn others(mut all: Vec<EndpointRecord>) -> Vec<EndpointId> {
    all.retain(|it| {
        let works = it.disabled_at.is_none() && it.failing_since.is_none();
        works && it.unverified_since.is_none() && it.verified_at.is_some()
    });
    let costs = |it: &EndpointRecord| it.channel == ChannelKind::Sms.as_str();
    all.sort_by_key(|it| (costs(it), it.verified_at, it.id));
    all.into_iter().take(OVER_MAX).map(|it| it.id).collect()
}

#[cfg(test)]
mod tests {
    use packtrain_core::secret::Secret;
    use uuid::Uuid;

    use super::*;

    fn record(place: u8, channel: &str) -> EndpointRecord {
        let at = Timestamp::UNIX_EPOCH + chrono::Duration::hours(i64::from(place));
        EndpointRecord {
            id: EndpointId::from_uuid(Uuid::from_u128(u128::from(place))),
            name: "desk".to_owned(),
            channel: channel.to_owned(),
            address: Secret::new("https://example.org/".to_owned()),
            address_mark: [0; 32],
            secrets: Vec::new(),
            created_at: at,
            unverified_since: None,
            verified_at: Some(at),
            failing_since: None,
            failed_at: None,
            failures: 0,
            disabled_at: None,
            disabled_because: None,
            old_secrets_until: None,
            digest: None,
        }
    }

    #[test]
    fn three_are_told_that_work_the_oldest_first_and_telephones_last() {
        let at = Some(Timestamp::UNIX_EPOCH);
        let all = vec![
            record(9, "email"),
            record(1, "sms"),
            EndpointRecord {
                disabled_at: at,
                ..record(2, "webhook")
            },
            EndpointRecord {
                failing_since: at,
                ..record(3, "webhook")
            },
            EndpointRecord {
                unverified_since: at,
                ..record(4, "webhook")
            },
            EndpointRecord {
                verified_at: None,
                ..record(5, "webhook")
            },
            record(8, "slack"),
        ];
        let ids = |all| -> Vec<u128> {
            let ids = others(all).into_iter();
            ids.map(|id| id.as_uuid().as_u128()).collect()
        };
        assert_eq!(ids(all.clone()), [8, 9, 1]);
        let more = [all, vec![record(7, "webhook")]].concat();
        assert_eq!(ids(more), [7, 8, 9]);
        assert!(ids(Vec::new()).is_empty());
    }
}
