//! Snoozes: a while in which nothing is told of a rule.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use http::StatusCode;
use packtrain_core::field::FieldError;
use packtrain_core::ids::RuleId;
use serde::Deserialize;
use utoipa::ToSchema;

use super::id;
use super::rules::{self, RuleView};
use crate::auth::User;
use crate::body::JsonBody;
use crate::problem::Problem;
use crate::{Shared, conditional};

/// The longest snooze, in seconds: 30 days.
const SNOOZE_S_MAX: u32 = 30 * 24 * 60 * 60;

/// How long nothing is told of a rule: until a moment or for some seconds, 30 days at most.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SnoozeRequest {
    /// Until this moment.
    #[serde(default)]
    until: Option<DateTime<Utc>>,
    /// For so many seconds from now.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 2_592_000, example = 3600)]
    for_s: Option<u32>,
}

impl SnoozeRequest {
    fn end(&self, now: DateTime<Utc>) -> Result<DateTime<Utc>, FieldError> {
        let latest = now + TimeDelta::seconds(i64::from(SNOOZE_S_MAX));
        match (self.until, self.for_s) {
            (Some(until), None) if until > now && until <= latest => Ok(until),
            (Some(_), None) => {
                let said = "It lies ahead, by 30 days at most.";
                Err(FieldError::new("/until", "out_of_range", said))
            }
            (None, Some(for_s)) if (1..=SNOOZE_S_MAX).contains(&for_s) => {
                Ok(now + TimeDelta::seconds(i64::from(for_s)))
            }
            (None, Some(for_s)) => {
                let said = format!("{for_s} is not from 1 to {SNOOZE_S_MAX}, which is 30 days.");
                Err(FieldError::new("/for_s", "out_of_range", said))
            }
            (None, None) | (Some(_), Some(_)) => {
                let said = "Say either until or for_s.";
                Err(FieldError::new("", "one_of", said))
            }
        }
    }
}

/// Has nothing told of a rule for a while, in place of a snooze before. It is evaluated all the
/// same: what holds still when the snooze ends is told then, and so is the end of a firing that was
/// told before.
#[utoipa::path(
    post, path = "/v2/premium/alerts/rules/{id}/snooze", tag = "alerts",
    operation_id = "snoozeRule",
    params(("id" = RuleId, Path)),
    request_body = SnoozeRequest,
    responses((status = 200, description = "The rule, snoozed.", body = RuleView)),
)]
pub(crate) async fn snooze(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
    JsonBody(wanted): JsonBody<SnoozeRequest>,
) -> Result<Response, Problem> {
    let rule = id::<RuleId>(&text)?;
    let (api, now) = (&shared.api, shared.api.clock.now());
    let until = wanted
        .end(now)
        .map_err(|error| Problem::invalid(vec![error]))?;
    let is_there = api.alerts.rules.snooze(user.tenant, rule, Some(until));
    if !is_there.await? {
        return Err(Problem::not_found());
    }
    let record = rules::find(&shared, user.tenant, rule).await?;
    let version = i64::from(record.version);
    conditional::versioned(&rules::shown(record, now), version)
}

/// Ends a snooze: what was held back and holds still is told at the next look, within ten seconds.
#[utoipa::path(
    delete, path = "/v2/premium/alerts/rules/{id}/snooze", tag = "alerts",
    operation_id = "wakeRule",
    params(("id" = RuleId, Path)),
    responses((status = 204, description = "The rule is not snoozed, whether or not it was.")),
)]
pub(crate) async fn wake(
    State(shared): State<Shared>,
    user: User,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let rules = &shared.api.alerts.rules;
    match rules.snooze(user.tenant, id(&text)?, None).await? {
        true => Ok(StatusCode::NO_CONTENT.into_response()),
        false => Err(Problem::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(body: &str) -> Result<DateTime<Utc>, String> {
        let now = "2026-11-30T12:00:00Z".parse().unwrap();
        let wanted: SnoozeRequest = serde_json::from_str(body).unwrap();
        wanted.end(now).map_err(|error| error.pointer)
    }

    #[test]
    fn a_snooze_lies_ahead_and_lasts_thirty_days_at_most() {
        let latest = Ok("2026-12-30T12:00:00Z".parse().unwrap());
        assert_eq!(end(r#"{"for_s": 2592000}"#), latest);
        assert_eq!(end(r#"{"until": "2026-12-30T12:00:00Z"}"#), latest);
        for (body, place) in [
            (r#"{"for_s": 0}"#, "/for_s"),
            (r#"{"for_s": 2592001}"#, "/for_s"),
            (r#"{"until": "2026-11-30T12:00:00Z"}"#, "/until"),
            (r#"{"until": "2026-12-30T12:00:01Z"}"#, "/until"),
            ("{}", ""),
            (r#"{"for_s": 60, "until": "2026-12-01T12:00:00Z"}"#, ""),
        ] {
            assert_eq!(end(body), Err(place.to_owned()), "{body}");
        }
    }
}
