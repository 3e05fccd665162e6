//! When a schedule comes: cron text as people know it, in a named time zone.
//!
//! Five fields (minute, hour, day of month, month, weekday), six with seconds before them, seven
//! with a year behind; or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`. Sunday is 0 or 7.
//! Where both days are given, either is enough, as in crontab.
//!
//! What the crate `cron` reads is close to this and differs in three ways that would silently move
//! work to another day: it numbers Sunday 1, wants both days to fit, and knows no five fields. So
//! the text is translated before the crate sees it, and the crate only ever walks times of day on a
//! calendar without a zone; this module lays them onto the zone.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Duration, LocalResult, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use crate::time::Timestamp;

/// Characters of cron text, at most.
pub const CRON_CHARS_MAX: usize = 200;
/// How many times of day in a row may be passed over, because a clock change left them out or had
/// them before, until a schedule counts as over.
const PASSED_OVER_MAX: usize = 100_000;

/// A schedule's text and zone, read.
#[derive(Debug, Clone)]
pub struct Cron {
    text: String,
    zone: Tz,
    /// One calendar, or two of which either is enough.
    calendars: Vec<cron::Schedule>,
    walk: Walk,
}

/// How a schedule meets a change of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Walk {
    /// Its hours are named: each comes once. One that a change leaves out comes right after it; one
    /// that a change brings twice comes the first time.
    Named,
    /// Every hour, or every so many: it goes on through a change, in steps of time that passes.
    Passing,
}

/// Cron text that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CronError {
    /// It has the wrong number of fields.
    #[error(
        "{text:?} has {found} fields; cron text has five (minute hour day month weekday), six with \
         seconds first, or seven with a year last"
    )]
    Fields {
        /// The text.
        text: String,
        /// How many it has.
        found: usize,
    },
    /// It is too long to be meant.
    #[error("cron text has at most {CRON_CHARS_MAX} characters")]
    Long,
    /// A word after `@` that is not known.
    #[error("{0:?} is not known; known: @hourly, @daily, @weekly, @monthly, @yearly")]
    Word(String),
    /// A field cannot be read.
    #[error("{text:?} cannot be read: {detail}")]
    Field {
        /// The text.
        text: String,
        /// What is wrong.
        detail: String,
    },
    /// It names a time that no calendar has.
    #[error("{0:?} never comes")]
    Never(String),
    /// No such time zone.
    #[error("unknown time zone {0:?}; use a name such as Europe/Berlin or UTC")]
    Zone(String),
}

impl Cron {
    /// Reads cron text in a time zone.
    ///
    /// # Errors
    /// [`CronError`] says what cannot be read, or that it never comes.
    pub fn parse(text: &str, zone: &str) -> Result<Self, CronError> {
        if text.len() > CRON_CHARS_MAX {
            return Err(CronError::Long);
        }
        let zone = Tz::from_str(zone).map_err(|_| CronError::Zone(zone.to_owned()))?;
        let whole = spelled_out(text)?;
        let fields: Vec<&str> = whole.split_whitespace().collect();
        let fields: Vec<&str> = match fields.len() {
            5 => std::iter::once("0").chain(fields).collect(),
            6 | 7 => fields,
            found => {
                return Err(CronError::Fields {
                    text: text.to_owned(),
                    found,
                });
            }
        };
        let walk = match fields[2].starts_with('*') {
            true => Walk::Passing,
            false => Walk::Named,
        };
        let calendars = calendars(&fields).map_err(|detail| CronError::Field {
            text: text.to_owned(),
            detail,
        })?;
        let cron = Self {
            text: text.to_owned(),
            zone,
            calendars,
            walk,
        };
        let long_ago = DateTime::UNIX_EPOCH.naive_utc();
        cron.on_calendar(long_ago)
            .map_or_else(|| Err(CronError::Never(text.to_owned())), |_| Ok(cron))
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The time zone.
    pub fn zone(&self) -> &'static str {
        self.zone.name()
    }

    /// The first time after `after`; none when there is none any more.
    pub fn next_after(&self, after: Timestamp) -> Option<Timestamp> {
        match self.walk {
            Walk::Named => self.next_named(after),
            Walk::Passing => self.next_passing(after),
        }
    }

    /// The times after `after` up to and with `until`, the earliest first.
    pub fn between(
        &self,
        after: Timestamp,
        until: Timestamp,
    ) -> impl Iterator<Item = Timestamp> + '_ {
        std::iter::successors(self.next_after(after), |at| self.next_after(*at))
            .take_while(move |at| *at <= until)
    }

    fn next_named(&self, after: Timestamp) -> Option<Timestamp> {
        let mut wall = after.with_timezone(&self.zone).naive_local();
        for _ in 0..PASSED_OVER_MAX {
            wall = self.on_calendar(wall)?;
            let at = match self.zone.from_local_datetime(&wall) {
                LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => at.with_timezone(&Utc),
                LocalResult::None => self.end_of_gap(wall),
            };
            if at > after {
                return Some(at);
            }
        }
        None
    }

    fn next_passing(&self, after: Timestamp) -> Option<Timestamp> {
        let mut from = after;
        let mut wall = self.wall(after);
        for _ in 0..PASSED_OVER_MAX {
            let next = self.on_calendar(wall)?;
            let offset = self.offset(from);
            let as_if = DateTime::from_naive_utc_and_offset(next - offset, Utc);
            // No zone changes its clock twice within a day.
            let looked = as_if.min(from + Duration::days(1));
            if self.offset(looked) != offset {
                from = self.change(from, looked);
                wall = self.wall(from) - Duration::seconds(1);
            } else if looked == as_if {
                return Some(as_if);
            } else {
                match self.zone.from_local_datetime(&next) {
                    LocalResult::Single(at) | LocalResult::Ambiguous(at, _) => {
                        return Some(at.with_timezone(&Utc));
                    }
                    LocalResult::None => wall = next,
                }
            }
        }
        None
    }

    /// The first time of day after `wall`, on a calendar without clock changes.
    fn on_calendar(&self, wall: NaiveDateTime) -> Option<NaiveDateTime> {
        let after = wall.and_utc();
        let firsts = self.calendars.iter().map(|days| days.after(&after).next());
        firsts.flatten().min().map(|at| at.naive_utc())
    }

    fn wall(&self, at: Timestamp) -> NaiveDateTime {
        at.with_timezone(&self.zone).naive_local()
    }

    fn offset(&self, at: Timestamp) -> Duration {
        let offset = self.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
        Duration::seconds(i64::from(offset.local_minus_utc()))
    }

    /// The moment at which the clock changes between two times of different offset.
    fn change(&self, before: Timestamp, after: Timestamp) -> Timestamp {
        let (mut low, mut high) = (before.timestamp(), after.timestamp());
        let old = self.offset(before);
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            let at = DateTime::from_timestamp(middle, 0).unwrap_or(before);
            if self.offset(at) == old {
                low = middle;
            } else {
                high = middle;
            }
        }
        DateTime::from_timestamp(high, 0).unwrap_or(after)
    }

    /// The moment at which the gap that swallows `wall` is over.
    fn end_of_gap(&self, wall: NaiveDateTime) -> Timestamp {
        let day = Duration::days(1);
        let before = DateTime::from_naive_utc_and_offset(wall - day, Utc);
        self.change(before, before + day + day)
    }
}

impl fmt::Display for Cron {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text, self.zone())
    }
}

/// The five fields behind a word.
fn spelled_out(text: &str) -> Result<&str, CronError> {
    match text.trim() {
        "@hourly" => Ok("0 * * * *"),
        "@daily" | "@midnight" => Ok("0 0 * * *"),
        "@weekly" => Ok("0 0 * * 0"),
        "@monthly" => Ok("0 0 1 * *"),
        "@yearly" | "@annually" => Ok("0 0 1 1 *"),
        word if word.starts_with('@') => Err(CronError::Word(word.to_owned())),
        fields => Ok(fields),
    }
}

/// The calendars behind six or seven fields: two where either day is enough.
fn calendars(fields: &[&str]) -> Result<Vec<cron::Schedule>, String> {
    let (month_day, weekday) = (fields[3], fields[5]);
    let is_any = |field: &str| field.starts_with(['*', '?']);
    let days = weekdays(weekday)?;
    let read = |month_day: &str, weekday: &str| {
        let mut translated = fields.to_vec();
        (translated[3], translated[5]) = (month_day, weekday);
        cron::Schedule::from_str(&translated.join(" ")).map_err(|error| error.to_string())
    };
    if is_any(month_day) || is_any(weekday) {
        return Ok(vec![read(month_day, &days)?]);
    }
    Ok(vec![read(month_day, "*")?, read("*", &days)?])
}

/// A weekday field in the crate's numbers, 1 for Sunday to 7 for Saturday.
fn weekdays(field: &str) -> Result<String, String> {
    if matches!(field, "*" | "?") {
        return Ok("*".to_owned());
    }
    let mut days = [false; 7];
    for part in field.split(',') {
        let (range, step) = part.split_once('/').unwrap_or((part, "1"));
        let step = step.parse::<usize>().ok().filter(|step| *step > 0);
        let step =
            step.ok_or_else(|| format!("the step in weekday {part:?} is no number above 0"))?;
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (0, 6),
            Some((first, last)) => (weekday(first)?, weekday(last)?),
            None if part.contains('/') => (weekday(range)?, 6),
            None => (weekday(range)?, weekday(range)?),
        };
        // Friday to Monday goes over the end of the week; 0-7 is every day.
        let last = if last < first { last + 7 } else { last };
        for day in (first..=last).step_by(step) {
            days[day % 7] = true;
        }
    }
    let numbers = (1..=7).filter(|day| days[day - 1]);
    Ok(numbers
        .map(|day| day.to_string())
        .collect::<Vec<_>>()
        .join(","))
}

/// A weekday by number, 0 and 7 for Sunday, or by name.
fn weekday(text: &str) -> Result<usize, String> {
    const NAMES: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
    let named = NAMES
        .iter()
        .position(|name| name.eq_ignore_ascii_case(text));
    named
        .or_else(|| text.parse().ok().filter(|number| *number <= 7))
        .ok_or_else(|| format!("{text:?} is no weekday; use 0 to 7 or sun to sat"))
}

#[cfg(test)]
mod tests;
