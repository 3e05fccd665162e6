//! Ends the windows of digests.

use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, FollowUp, Gate, Job, Kind, Lane, Priority};
use packtrain_core::ports::{EndedWindow, NextWindow, Write};
use packtrain_core::schedule::Every;
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::error;
use utoipa::ToSchema;

pub use packtrain_rules::digest::Digest as Rhythm;

use super::sending::ZONE;
use super::summarize::Summarize;

/// Windows that are ended at once.
const PAGE: u32 = 1_000;
/// How long a digest that this release cannot read is left alone.
const UNREADABLE_FOR: chrono::TimeDelta = chrono::TimeDelta::minutes(1);

/// Ends the windows of digests whose time has come, and has told what was gathered in each; the
/// next ones begin. Where nothing was, nobody is told.
///
/// The next windows are written with the end of the job and with the messages, and no two of these
/// jobs run at once, so a second run finds nothing that the first one ended.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AlertsDigest)]
pub struct Digest {}

impl Job for Digest {
    const KIND: Kind = Kind::new("alerts.digest");
    const LANE: Lane = Lane::Pulse;
    const PRIORITY: Priority = Priority::FIRST;
    const ATTEMPTS_MAX: u16 = 3;
    const EVERY: Option<Every> = Some(Every::cron("* * * * *"));
    // One that cannot be ended must not hold back the next one, which sees the same windows.
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some("all".to_owned())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let (now, windows) = ctx.world.digests.ended(PAGE).await?;
        if windows.is_empty() {
            return Ok(Done::quietly());
        }
        let is_more = windows.len() >= PAGE as usize;
        let (mut next, mut then) = (Vec::new(), Vec::new());
        for window in windows {
            let ended = Ended::read(window, now);
            next.push(ended.next);
            then.extend(ended.told);
        }
        let result = json!({ "ended": next.len(), "told": then.len() });
        then.extend(is_more.then(|| FollowUp::of(Self {})));
        Ok(Done {
            result: Some(result),
            then,
            writes: vec![Write::Windows(next)],
            ..Done::default()
        })
    }
}

/// What follows from the end of a window.
struct Ended {
    next: NextWindow,
    told: Option<FollowUp>,
}

impl Ended {
    fn read(window: EndedWindow, now: Timestamp) -> Self {
        let EndedWindow {
            endpoint, due_at, ..
        } = window;
        let digest = window.digest.map(serde_json::from_value::<Rhythm>);
        let next = |at| NextWindow {
            endpoint,
            ended: due_at,
            due_at: at,
        };
        let (at, zone) = match digest {
            None => (None, ZONE),
            Some(Ok(digest)) => (Some(digest.next_end(due_at, now)), digest.timezone),
            // A newer release may have written it, and has workers of its own.
            Some(Err(_)) => {
                error!(endpoint.id = %endpoint, "a digest cannot be read");
                return Self {
                    next: next(Some(now + UNREADABLE_FOR)),
                    told: None,
                };
            }
        };
        let told = window.has_entries.then(|| {
            let summary = Summarize {
                endpoint,
                from: window.began_at,
                to: window.until,
                timezone: zone,
            };
            FollowUp::of(summary).for_tenant(window.tenant)
        });
        Self {
            next: next(at),
            told,
        }
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::ids::{EndpointId, TenantId};
    use serde_json::Value;
    use uuid::Uuid;

    use super::*;

    fn window(digest: Option<Value>, has_entries: bool) -> EndedWindow {
        EndedWindow {
            tenant: TenantId::from_uuid(Uuid::from_u128(1)),
            endpoint: EndpointId::from_uuid(Uuid::from_u128(2)),
            digest,
            began_at: "2026-11-29T07:00:00Z".parse().unwrap(),
            due_at: "2026-11-30T07:00:00Z".parse().unwrap(),
            until: "2026-11-30T07:00:00Z".parse().unwrap(),
            has_entries,
        }
    }

    fn ended(digest: Option<Value>, has_entries: bool) -> (Option<Timestamp>, Option<Value>) {
        let now = "2026-12-02T10:00:30Z".parse().unwrap();
        let ended = Ended::read(window(digest, has_entries), now);
        assert_eq!(ended.next.ended, window(None, false).due_at);
        let told = ended.told.map(|told| {
            assert_eq!(told.tenant, Some(window(None, false).tenant));
            told.payload.unwrap()
        });
        (ended.next.due_at, told)
    }

    #[test]
    fn a_window_that_ended_is_told_once_however_late_and_the_next_ends_after_now() {
        let daily = json!({ "at": "08:00", "timezone": "Europe/Berlin" });
        let (next, told) = ended(Some(daily.clone()), true);
        assert_eq!(next, "2026-12-03T07:00:00Z".parse().ok());
        let told = told.unwrap();
        assert_eq!(told["from"], "2026-11-29T07:00:00Z", "{told}");
        assert_eq!(told["to"], "2026-11-30T07:00:00Z", "{told}");
        assert_eq!(told["timezone"], "Europe/Berlin", "{told}");
        let (next, told) = ended(Some(daily), false);
        assert!(next.is_some() && told.is_none());
    }

    #[test]
    fn after_the_last_window_there_is_none_and_one_that_cannot_be_read_is_left_for_a_while() {
        let (next, told) = ended(None, true);
        assert!(next.is_none() && told.is_some());
        let (next, told) = ended(Some(json!({ "moon": "full" })), true);
        assert_eq!(next, "2026-12-02T10:01:30Z".parse().ok());
        assert_eq!(told, None);
    }
}
