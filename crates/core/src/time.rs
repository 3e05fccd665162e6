//! Time: one alias, one injected clock, whole microseconds.

use chrono::{DateTime, SubsecRound, Utc};

/// A moment in UTC, in whole microseconds, so that it survives the database unchanged.
pub type Timestamp = DateTime<Utc>;

/// Tells the time. Everything that needs "now" takes one of these.
pub trait Clock: Send + Sync + 'static {
    /// The present moment, in whole microseconds.
    fn now(&self) -> Timestamp;
}

/// The machine's own clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one reader of the system clock"
    )]
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }
}

/// Writes a moment as RFC 3339 in UTC with `Z`, the form of every API answer and report.
pub fn rfc3339(at: Timestamp) -> String {
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

#[cfg(test)]
mod tests {
    use chrono::Timelike;

    use super::*;

    #[test]
    fn the_system_clock_gives_whole_microseconds() {
        assert_eq!(SystemClock.now().nanosecond() % 1_000, 0);
    }
}
