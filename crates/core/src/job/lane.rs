//! Lanes and priorities: where a job waits, and how soon it is served there.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where a job waits; each lane has its own concurrency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[derive(utoipa::ToSchema)]
pub enum Lane {
    /// Rule evaluation: must not wait.
    Pulse,
    /// Deliveries to people.
    Notify,
    /// Bound by the network or the disk.
    Io,
    /// Bound by the cores.
    Cpu,
    /// Backfills; whenever there is room.
    Bulk,
    /// The platform's own upkeep.
    Ops,
}

impl Lane {
    /// Every lane.
    pub const ALL: [Self; 6] = [
        Self::Pulse,
        Self::Notify,
        Self::Io,
        Self::Cpu,
        Self::Bulk,
        Self::Ops,
    ];

    /// The word in tables, routes and settings.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pulse => "pulse",
            Self::Notify => "notify",
            Self::Io => "io",
            Self::Cpu => "cpu",
            Self::Bulk => "bulk",
            Self::Ops => "ops",
        }
    }
}

impl fmt::Display for Lane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text names no lane.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown lane {0:?}; known: pulse, notify, io, cpu, bulk, ops")]
pub struct UnknownLane(pub String);

impl FromStr for Lane {
    type Err = UnknownLane;

    fn from_str(text: &str) -> Result<Self, UnknownLane> {
        let found = Self::ALL.into_iter().find(|lane| lane.as_str() == text);
        found.ok_or_else(|| UnknownLane(text.to_owned()))
    }
}

/// How soon a job is served within its lane: 0 first, 9 last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Priority(u8);

impl Priority {
    /// Served before all others.
    pub const FIRST: Self = Self(0);
    /// What a kind has when it says nothing.
    pub const NORMAL: Self = Self(5);
    /// Served when nothing else waits.
    pub const LAST: Self = Self(9);

    /// The number, 0 to 9.
    pub const fn get(self) -> u8 {
        self.0
    }
}

impl TryFrom<u8> for Priority {
    type Error = String;

    fn try_from(number: u8) -> Result<Self, String> {
        if number <= 9 {
            Ok(Self(number))
        } else {
            Err("a priority is 0 to 9".to_owned())
        }
    }
}

impl From<Priority> for u8 {
    fn from(priority: Priority) -> Self {
        priority.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::State;

    #[test]
    fn every_lane_and_state_reads_back_its_own_word() {
        for lane in Lane::ALL {
            assert_eq!(lane.as_str().parse(), Ok(lane));
        }
        for state in State::ALL {
            assert_eq!(state.as_str().parse(), Ok(state));
        }
        assert!("express".parse::<Lane>().is_err());
    }
}
