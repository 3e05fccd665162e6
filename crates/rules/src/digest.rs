//! Digests: what happens is told in one message a window, and when the windows end. Pure.

use chrono::{Datelike, Days, TimeDelta};
use chrono_tz::Tz;
use packtrain_core::field::FieldError;
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::rule::{Day, TimeOfDay};
use crate::zone;

/// The shortest window, in seconds: a shorter one spares nobody anything.
pub const EVERY_S_MIN: u32 = 5 * 60;
/// The longest one that is given in seconds: longer ones are days, which have no fixed length.
pub const EVERY_S_MAX: u32 = 24 * 60 * 60;

/// How an endpoint is told of many things at once: at a time of day, or every so many seconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = EndpointDigest)]
pub struct Digest {
    /// The local time at which it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "08:00")]
    pub at: Option<TimeOfDay>,
    /// The days on which it is, with `at`; absent means every day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 7)]
    pub days: Option<Vec<Day>>,
    /// In place of a time: after so many seconds each.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 300, maximum = 86_400, example = 3600)]
    pub every_s: Option<u32>,
    /// The time zone of `at`, and of the times that the digest names, by its IANA name; absent
    /// means UTC.
    #[serde(default = "utc")]
    #[schema(value_type = Option<String>, example = "Europe/Berlin")]
    pub timezone: Tz,
    /// When rules are told of that are critical.
    #[serde(default)]
    pub critical: Critical,
}

/// When rules are told of that are critical.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = CriticalDigest)]
pub enum Critical {
    /// At once, by themselves.
    #[default]
    AtOnce,
    /// With all others.
    Gathered,
}

impl Digest {
    /// What it gets wrong; nothing when it can be used.
    pub fn check(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        if self.at.is_some() == self.every_s.is_some() {
            let said = "Say either at, a time of day, or every_s.";
            errors.push(FieldError::new("", "either", said));
        }
        let is_odd = |every: &u32| !(EVERY_S_MIN..=EVERY_S_MAX).contains(every);
        if let Some(every) = self.every_s.filter(is_odd) {
            let said = format!("{every} is not from {EVERY_S_MIN} to {EVERY_S_MAX}");
            errors.push(FieldError::new("/every_s", "out_of_range", said));
        }
        let Some(days) = &self.days else {
            return errors;
        };
        if self.every_s.is_some() {
            let said = "Days go with a time of day.";
            errors.push(FieldError::new("/days", "either", said));
        }
        if days.is_empty() {
            let said = "No day; leave days out for every day.";
            errors.push(FieldError::new("/days", "empty", said));
        }
        for (place, day) in days.iter().enumerate() {
            if days[..place].contains(day) {
                let said = "The day stands there before.";
                errors.push(FieldError::new(format!("/days/{place}"), "twice", said));
            }
        }
        errors
    }

    /// The first end of a window after a moment. Windows of so many seconds are counted from
    /// `begin`; those that ended while nobody looked are one with the next.
    pub fn next_end(&self, begin: Timestamp, now: Timestamp) -> Timestamp {
        match (self.at, self.every_s) {
            (Some(at), _) => self.next_time(at, now),
            (None, every) => {
                let every = i64::from(every.unwrap_or(EVERY_S_MAX).max(EVERY_S_MIN));
                let passed = (now - begin).num_seconds().max(0);
                begin + TimeDelta::seconds((passed / every + 1) * every)
            }
        }
    }

    /// The first moment after `now` at which the local clock shows a time on one of the days.
    fn next_time(&self, at: TimeOfDay, now: Timestamp) -> Timestamp {
        let today = now.with_timezone(&self.timezone).date_naive();
        let is_listed = |days: &Vec<Day>, day: Day| days.is_empty() || days.contains(&day);
        // A week has every day, and the same one may have passed today or be left out by a zone
        // that moved over the date line.
        let days = (0..=14).map(|ahead| today + Days::new(ahead));
        let days = days.filter(|day| {
            let days = self.days.as_ref();
            days.is_none_or(|days| is_listed(days, day.weekday().into()))
        });
        let mut times = days.map(|day| zone::first(self.timezone, day.and_time(at.time())));
        let found = times.find(|time| *time > now);
        found.unwrap_or(now + TimeDelta::days(1))
    }
}

const fn utc() -> Tz {
    Tz::UTC
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(text: &str) -> Digest {
        serde_json::from_str(text).unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn ends(text: &str, from: &str, count: usize) -> Vec<String> {
        let digest = digest(text);
        assert_eq!(digest.check(), [], "{text}");
        let mut now = at(from);
        (0..count)
            .map(|_| {
                now = digest.next_end(now, now);
                now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
            })
            .collect()
    }

    #[test]
    fn a_digest_comes_at_its_local_time_on_both_sides_of_a_change_of_the_clock() {
        let daily = r#"{"at": "08:00", "timezone": "Europe/Berlin"}"#;
        // Summer time begins on 29 March 2026 and ends on 25 October.
        assert_eq!(
            ends(daily, "2026-03-27T12:00:00Z", 3),
            [
                "2026-03-28T07:00:00Z",
                "2026-03-29T06:00:00Z",
                "2026-03-30T06:00:00Z"
            ]
        );
        assert_eq!(
            ends(daily, "2026-10-24T05:59:59Z", 3),
            [
                "2026-10-24T06:00:00Z",
                "2026-10-25T07:00:00Z",
                "2026-10-26T07:00:00Z"
            ]
        );
    }

    #[test]
    fn a_digest_in_a_spring_gap_comes_once_after_it_and_one_in_a_doubled_hour_once() {
        let night = r#"{"at": "02:30", "timezone": "Europe/Berlin"}"#;
        assert_eq!(
            ends(night, "2026-03-28T12:00:00Z", 2),
            ["2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
        );
        assert_eq!(
            ends(night, "2026-10-24T12:00:00Z", 2),
            ["2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"]
        );
    }

    #[test]
    fn a_digest_of_some_days_leaves_the_others_out() {
        // 30 November 2026 is a Monday.
        let some = r#"{"at": "08:00", "days": ["tue", "fri"]}"#;
        assert_eq!(
            ends(some, "2026-11-30T09:00:00Z", 3),
            [
                "2026-12-01T08:00:00Z",
                "2026-12-04T08:00:00Z",
                "2026-12-08T08:00:00Z"
            ]
        );
        let only = r#"{"at": "08:00", "days": ["mon"]}"#;
        assert_eq!(
            ends(only, "2026-11-30T08:00:00Z", 1),
            ["2026-12-07T08:00:00Z"]
        );
    }

    #[test]
    fn windows_of_seconds_keep_their_rhythm_and_those_that_nobody_told_are_one_with_the_next() {
        let hourly = digest(r#"{"every_s": 3600}"#);
        let begin = at("2026-11-30T09:10:00Z");
        for (now, end) in [
            ("2026-11-30T09:10:00Z", "2026-11-30T10:10:00Z"),
            ("2026-11-30T10:09:59Z", "2026-11-30T10:10:00Z"),
            ("2026-11-30T10:10:00Z", "2026-11-30T11:10:00Z"),
            ("2026-12-01T00:00:00Z", "2026-12-01T00:10:00Z"),
        ] {
            assert_eq!(hourly.next_end(begin, at(now)), at(end), "{now}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_digest_is_said_with_its_place() {
        for (text, place, code) in [
            ("{}", "", "either"),
            (r#"{"at": "08:00", "every_s": 3600}"#, "", "either"),
            (r#"{"every_s": 299}"#, "/every_s", "out_of_range"),
            (r#"{"every_s": 86401}"#, "/every_s", "out_of_range"),
            (r#"{"every_s": 3600, "days": ["mon"]}"#, "/days", "either"),
            (r#"{"at": "08:00", "days": []}"#, "/days", "empty"),
            (
                r#"{"at": "08:00", "days": ["mon", "mon"]}"#,
                "/days/1",
                "twice",
            ),
        ] {
            let errors = digest(text).check();
            assert_eq!(errors.len(), 1, "{text}: {errors:?}");
            assert_eq!(
                (&*errors[0].pointer, &*errors[0].code),
                (place, code),
                "{text}"
            );
        }
        for text in [
            r#"{"at": "24:00"}"#,
            r#"{"at": "08:00", "timezone": "Mars/Olympus"}"#,
            r#"{"at": "08:00", "when": "daily"}"#,
        ] {
            assert!(serde_json::from_str::<Digest>(text).is_err(), "{text}");
        }
    }
}
