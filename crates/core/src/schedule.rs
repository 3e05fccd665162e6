//! Schedules: which kinds come by themselves, when, and what becomes of times that were missed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ids::ScheduleId;
use crate::job::Kind;
use crate::time::Timestamp;

/// How late a time may be met without counting as missed.
pub const LATE_MAX: std::time::Duration = std::time::Duration::from_secs(60);
/// How far back missed times are looked for.
pub const CATCH_UP_MAX: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 60 * 60);
/// Missed times of one schedule that are made up for, at most: the newest.
pub const MISSED_MAX: usize = 100;

/// When jobs of a kind are enqueued by themselves, as the catalogue says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Every {
    /// Cron text, as [`Cron`](crate::cron::Cron) reads it.
    pub cron: &'static str,
    /// The time zone's name.
    pub zone: &'static str,
    /// What becomes of missed times.
    pub missed: Missed,
}

impl Every {
    /// At these times in UTC; missed ones are let go.
    pub const fn cron(cron: &'static str) -> Self {
        Self {
            cron,
            zone: "UTC",
            missed: Missed::Skip,
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
}

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
    /// Whether it runs.
    pub is_enabled: bool,
    /// Rises with every edit.
    pub version: i64,
    /// Times up to and with this one are decided: run, or let go.
    pub decided_until: Timestamp,
    /// When a person changed it; such a schedule no longer follows the catalogue.
    pub edited_at: Option<Timestamp>,
}
