//! Time and ids that a test decides.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use chrono::DateTime;
use packtrain_core::ids::IdSource;
use packtrain_core::time::{Clock, Timestamp};
use uuid::Uuid;

/// A clock that stands still until it is moved; clones show the same time.
#[derive(Debug, Clone)]
pub struct ManualClock {
    micros: Arc<AtomicI64>,
}

impl ManualClock {
    /// A clock that shows a moment, written as RFC 3339.
    pub fn at(moment: &str) -> Self {
        let clock = Self {
            micros: Arc::new(AtomicI64::new(0)),
        };
        clock.set(moment);
        clock
    }

    /// Shows another moment, written as RFC 3339.
    pub fn set(&self, moment: &str) {
        let moment = DateTime::parse_from_rfc3339(moment).expect("a moment is RFC 3339");
        self.micros
            .store(moment.timestamp_micros(), Ordering::SeqCst);
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        let micros = i64::try_from(by.as_micros()).expect("a test lasts less than an age");
        self.micros.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        DateTime::from_timestamp_micros(self.micros.load(Ordering::SeqCst))
            .expect("the clock was set from a moment")
    }
}

/// Ids that repeat exactly from run to run: the clock's millisecond and a counter.
#[derive(Debug)]
pub struct CountingIds {
    clock: ManualClock,
    next: AtomicU64,
}

impl CountingIds {
    /// Counts from 1.
    pub const fn new(clock: ManualClock) -> Self {
        Self {
            clock,
            next: AtomicU64::new(1),
        }
    }
}

impl IdSource for CountingIds {
    fn uuid(&self) -> Uuid {
        let ms = u64::try_from(self.clock.now().timestamp_millis()).unwrap_or(0);
        let mut bytes = [0_u8; 10];
        bytes[2..].copy_from_slice(&self.next.fetch_add(1, Ordering::SeqCst).to_be_bytes());
        uuid::Builder::from_unix_timestamp_millis(ms, &bytes).into_uuid()
    }

    fn random(&self) -> u64 {
        // Fibonacci hashing: neighbours in the count lie far apart.
        let count = self.next.fetch_add(1, Ordering::SeqCst);
        count.wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }
}
