//! Where a job is in its life.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a job is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(utoipa::ToSchema)]
pub enum State {
    /// Waits for a time.
    Scheduled,
    /// Waits behind a gate or a parent.
    Waiting,
    /// Waits for a slot.
    Queued,
    /// Being worked on.
    Running,
    /// Finished.
    Succeeded,
    /// Stopped by a person.
    Cancelled,
    /// Gave up; kept for a person.
    Dead,
    /// A dead letter that a person put away.
    Discarded,
    /// Never started by its deadline.
    Expired,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 9] = [
        Self::Scheduled,
        Self::Waiting,
        Self::Queued,
        Self::Running,
        Self::Succeeded,
        Self::Cancelled,
        Self::Dead,
        Self::Discarded,
        Self::Expired,
    ];

    /// The word in tables, routes and pages.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Waiting => "waiting",
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Cancelled => "cancelled",
            Self::Dead => "dead",
            Self::Discarded => "discarded",
            Self::Expired => "expired",
        }
    }

    /// Whether the job will change no more unless a person acts.
    pub const fn is_final(self) -> bool {
        !matches!(
            self,
            Self::Scheduled | Self::Waiting | Self::Queued | Self::Running
        )
    }
}

impl FromStr for State {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|state| state.as_str() == text);
        found.ok_or_else(|| {
            let known = Self::ALL.map(Self::as_str).join(", ");
            format!("unknown state {text:?}; known: {known}")
        })
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
