//! Schedules: which kinds come by themselves, when, and what becomes of times that were missed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::{JobId, ScheduleId};
use crate::job::Kind;
use crate::time::Timestamp;

/// How late a time may be met without counting as missed.
pub const LATE_MAX: std::time::Duration = std::time::Duration::from_secs(60);
/// How far back missed times are looked for.
pub const CATCH_UP_MAX: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 60 * 60);
/// Missed times of one schedule that are made up for, at most: the newest.
pub const MISSED_MAX: usize = 100;

/// Seconds by which a job may begin later than its time, at most.
pub const JITTER_MAX_S: u32 = 60 * 60;

/// When jobs of a kind are enqueued by themselves, as the catalogue says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    /// Cron text, as [`Cron`](crate::cron::Cron) reads it.
    pub cron: &'static str,
    /// The time zone's name.
    pub zone: &'static str,
    /// What becomes of missed times.
    pub missed: Missed,
    /// Its jobs begin up to so many seconds after their times.
    pub jitter_s: u32,
    /// What becomes of a time while the job of the one before has not ended.
    pub overlap: Overlap,
}

impl Every {
    /// At these times in UTC; missed ones are let go.
    pub const fn cron(cron: &'static str) -> Self {
        Self {
            cron,
            zone: "UTC",
            missed: Missed::Skip,
            jitter_s: 0,
            overlap: Overlap::Allow,
        }
    }

    /// The same by the clocks of a zone.
    pub const fn in_zone(self, zone: &'static str) -> Self {
        Self { zone, ..self }
    }

    /// The same with another answer to missed times.
    pub const fn missed(self, missed: Missed) -> Self {
        Self { missed, ..self }
    }

    /// The same, whose jobs begin up to so many seconds after their times.
    pub const fn spread_over(self, jitter_s: u32) -> Self {
        Self { jitter_s, ..self }
    }

    /// The same, which lets a time go while the job of the one before has not ended.
    pub const fn one_at_a_time(self) -> Self {
        let overlap = Overlap::Skip;
        Self { overlap, ..self }
    }
}

/// By how much the job of a time begins after it: less than the jitter, and the same whoever asks,
/// since it is read out of the job's id, which is made of the schedule and the time.
pub fn delay(job: JobId, jitter_s: u32) -> std::time::Duration {
    // The bits behind those that say what kind of id it is.
    let (.., low) = job.as_uuid().as_u64_pair();
    let part = u128::from(low & PART);
    let within_ms = u128::from(jitter_s) * 1_000;
    let ms = part * within_ms / (u128::from(PART) + 1);
    std::time::Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}

/// Bits of an id that are all hash.
const PART: u64 = (1 << 56) - 1;

/// What becomes of times at which no scheduler ran.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Missed {
    /// They are let go.
    Skip,
    /// The last of them is made up for.
    Latest,
    /// All are made up for, up to [`MISSED_MAX`].
    All,
}

impl Missed {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Skip, Self::Latest, Self::All];

    /// The word in tables and routes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Latest => "latest",
            Self::All => "all",
        }
    }
}

impl fmt::Display for Missed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Missed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|word| word.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is none of skip, latest, all"))
    }
}

/// What becomes of a time while the job of the time before has not ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Overlap {
    /// It makes its job all the same.
    Allow,
    /// It is let go.
    Skip,
}

impl Overlap {
    /// Every answer.
    pub const ALL: [Self; 2] = [Self::Allow, Self::Skip];

    /// The word in tables and routes.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Skip => "skip",
        }
    }
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Overlap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|word| word.as_str() == text);
        found.ok_or_else(|| format!("{text:?} is none of allow, skip"))
    }
}

/// A schedule as the catalogue has it; an operator may have changed the one in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// Its id: the same in every process, made from the kind.
    pub id: ScheduleId,
    /// What it enqueues, with an empty payload.
    pub kind: Kind,
    /// When.
    pub every: Every,
}

impl Planned {
    /// The schedule of a kind.
    pub fn of(kind: Kind, every: Every) -> Self {
        Self {
            id: ScheduleId::of_kind(kind.as_str()),
            kind,
            every,
        }
    }
}

/// A schedule as the database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleRecord {
    /// Its id.
    pub id: ScheduleId,
    /// What it enqueues.
    pub kind: String,
    /// Cron text.
    pub cron: String,
    /// The time zone's name.
    pub zone: String,
    /// What becomes of missed times.
    pub missed: Missed,
    /// Its jobs begin up to so many seconds after their times.
    pub jitter_s: u32,
    /// What becomes of a time while the job of the one before has not ended.
    pub overlap: Overlap,
    /// Whether it runs.
    pub is_enabled: bool,
    /// Rises with every edit.
    pub version: i64,
    /// Times up to and with this one are decided: run, or let go.
    pub decided_until: Timestamp,
    /// When a person changed it; such a schedule no longer follows the catalogue.
    pub edited_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_spread_over_the_jitter_and_each_has_the_same_delay_whoever_asks() {
        let schedule = ScheduleId::of_kind("test.ticking");
        let hour = |number: i64| Timestamp::UNIX_EPOCH + chrono::TimeDelta::hours(number);
        let delay_ms = |number| delay(schedule.job_at(hour(number)), 100).as_millis();
        let mut tenths = [0; 10];
        for number in 0..1_000 {
            let ms = delay_ms(number);
            assert_eq!(ms, delay_ms(number));
            let tenth = usize::try_from(ms / 10_000).unwrap();
            tenths[tenth] += 1;
        }
        assert!(
            tenths.iter().all(|count| (60..150).contains(count)),
            "{tenths:?}"
        );
        let other = ScheduleId::of_kind("test.other").job_at(hour(1));
        assert_ne!(delay(other, 100).as_millis(), delay_ms(1));
        assert_eq!(delay(other, 0), std::time::Duration::ZERO);
    }
}
