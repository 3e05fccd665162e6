//! Which leases are dead: those whose beat did not move for a while of *proven contact*.
//!
//! Time is this process's own monotonic clock, and only the time between two answers of the
//! database counts, and no more than [`CONTACT_MAX`] of it. So neither a jump of a clock, nor a
//! paused reaper, nor an outage of the database is anybody's death.

use std::collections::HashMap;
use std::time::Duration;

use packtrain_core::ids::LeaseId;
use packtrain_core::ports::{Beat, LeaseBeat};

/// The most that one gap between two answers counts.
const CONTACT_MAX: Duration = Duration::from_secs(1);

/// Answers that a lease must stand still for, at least, however short the patience is.
const LOOKS_MIN: u32 = 3;

/// What a reaper remembers of leases.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    seen: HashMap<LeaseId, Seen>,
}

#[derive(Debug, Clone, Copy)]
struct Seen {
    beat: Beat,
    unmoved: Duration,
}

impl Watch {
    /// Takes in an answer; `gap` is the time since the answer before. Returns the leases whose beat
    /// has not moved for `patience` of contact.
    pub(crate) fn observe(
        &mut self,
        beats: &[LeaseBeat],
        gap: Duration,
        patience: Duration,
    ) -> Vec<LeaseBeat> {
        let counted = gap.min(CONTACT_MAX).min(patience / LOOKS_MIN);
        let mut next = HashMap::with_capacity(beats.len());
        let mut dead = Vec::new();
        for now in beats {
            let unmoved = match self.seen.get(&now.lease) {
                Some(seen) if seen.beat == now.beat => seen.unmoved + counted,
                _ => Duration::ZERO,
            };
            if unmoved >= patience {
                dead.push(*now);
            }
            next.insert(
                now.lease,
                Seen {
                    beat: now.beat,
                    unmoved,
                },
            );
        }
        self.seen = next;
        dead
    }
}

#[cfg(test)]
mod tests {
    use packtrain_core::ids::{ClockIds, IdSource};
    use packtrain_core::time::SystemClock;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);
    const SECOND: Duration = Duration::from_secs(1);

    fn beat(lease: LeaseId, beat: Beat) -> LeaseBeat {
        LeaseBeat { lease, beat }
    }

    fn lease() -> LeaseId {
        let ids: &dyn IdSource = &ClockIds::new(SystemClock);
        ids.lease()
    }

    #[test]
    fn a_lease_is_dead_after_five_seconds_of_contact_without_a_beat() {
        let (mut watch, lease) = (Watch::default(), lease());
        for _ in 0..5 {
            assert!(
                watch
                    .observe(&[beat(lease, 3)], SECOND, PATIENCE)
                    .is_empty()
            );
        }
        assert_eq!(
            watch.observe(&[beat(lease, 3)], SECOND, PATIENCE),
            vec![beat(lease, 3)]
        );
    }

    #[test]
    fn a_beat_that_moves_starts_the_wait_anew() {
        let (mut watch, lease) = (Watch::default(), lease());
        for count in 0..100 {
            assert!(
                watch
                    .observe(&[beat(lease, count / 4)], SECOND, PATIENCE)
                    .is_empty()
            );
        }
    }

    #[test]
    fn an_outage_of_an_hour_counts_as_one_second() {
        let (mut watch, lease) = (Watch::default(), lease());
        watch.observe(&[beat(lease, 1)], SECOND, PATIENCE);
        let hour = Duration::from_secs(3_600);
        for _ in 0..4 {
            assert!(watch.observe(&[beat(lease, 1)], hour, PATIENCE).is_empty());
        }
        assert_eq!(watch.observe(&[beat(lease, 1)], hour, PATIENCE).len(), 1);
    }

    #[test]
    fn an_outage_alone_is_no_death_however_short_the_patience_is() {
        let (mut watch, lease) = (Watch::default(), lease());
        let (short, hour) = (Duration::from_millis(600), Duration::from_secs(3_600));
        watch.observe(&[beat(lease, 1)], SECOND, short);
        for _ in 0..2 {
            assert!(watch.observe(&[beat(lease, 1)], hour, short).is_empty());
        }
        assert_eq!(watch.observe(&[beat(lease, 1)], hour, short).len(), 1);
    }
}
