//! Which leases are dead: those whose beat did not move for a while of *proven contact*.
//!
//! Time is this process's own monotonic clock, and only the time between two answers of the
//! database counts, and no more than [`CONTACT_MAX`] of it. So neither a jump of a clock, nor a
//! paused reaper, nor an outage of the database is anybody's death.

use std::collections::HashMap;
use std::time::Duration;

use packtrain_core::ids::LeaseId;
use packtrain_core::job::Lane;
use packtrain_core::ports::{Beat, LeaseBeat};

/// The most that one gap between two answers counts.
const CONTACT_MAX: Duration = Duration::from_secs(1);

/// How often a lease is renewed, at least, before anyone may think that its worker is gone.
pub const BEATS_IN_PATIENCE: u32 = 5;
/// Answers that a lease must stand still for, at least, however short the patience is.
pub(crate) const LOOKS_MIN: u32 = 3;

/// How long the beat of a lease may stand still, of proven contact with the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    usual: Duration,
    lanes: Vec<(Lane, Duration)>,
}

impl Patience {
    /// The usual patience, and that of lanes which ask for another.
    pub fn new(usual: Duration, lanes: Vec<(Lane, Duration)>) -> Self {
        Self { usual, lanes }
    }

    /// The patience with leases of a lane.
    pub fn of(&self, lane: Option<Lane>) -> Duration {
        let own = self.lanes.iter().find(|(own, _)| Some(*own) == lane);
        own.map_or(self.usual, |(_, patience)| *patience)
    }

    /// The patience with a lease: never less than its worker needs to renew it.
    fn with(&self, lease: &LeaseBeat) -> Duration {
        let needed = lease.renewed_every.unwrap_or_default() * BEATS_IN_PATIENCE;
        self.of(lease.lane).max(needed)
    }

    /// The shortest patience of these lanes.
    pub fn shortest(&self, lanes: &[Lane]) -> Duration {
        let all = lanes.iter().map(|lane| self.of(Some(*lane)));
        all.min().unwrap_or(self.usual)
    }
}

impl Default for Patience {
    fn default() -> Self {
        Self::new(Duration::from_secs(5), Vec::new())
    }
}

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
    /// has not moved for as much contact as their lane has patience.
    pub(crate) fn observe(
        &mut self,
        beats: &[LeaseBeat],
        gap: Duration,
        patience: &Patience,
    ) -> Vec<LeaseBeat> {
        let mut next = HashMap::with_capacity(beats.len());
        let mut dead = Vec::new();
        for now in beats {
            let patience = patience.with(now);
            let counted = gap.min(CONTACT_MAX).min(patience / LOOKS_MIN);
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

    const SECOND: Duration = Duration::from_secs(1);

    fn beat(lease: LeaseId, beat: Beat) -> LeaseBeat {
        LeaseBeat {
            lease,
            beat,
            lane: Some(Lane::Io),
            renewed_every: None,
        }
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
                    .observe(&[beat(lease, 3)], SECOND, &Patience::default())
                    .is_empty()
            );
        }
        assert_eq!(
            watch.observe(&[beat(lease, 3)], SECOND, &Patience::default()),
            vec![beat(lease, 3)]
        );
    }

    #[test]
    fn a_beat_that_moves_starts_the_wait_anew() {
        let (mut watch, lease) = (Watch::default(), lease());
        for count in 0..100 {
            assert!(
                watch
                    .observe(&[beat(lease, count / 4)], SECOND, &Patience::default())
                    .is_empty()
            );
        }
    }

    #[test]
    fn an_outage_of_an_hour_counts_as_one_second() {
        let (mut watch, lease) = (Watch::default(), lease());
        watch.observe(&[beat(lease, 1)], SECOND, &Patience::default());
        let hour = Duration::from_secs(3_600);
        for _ in 0..4 {
            assert!(
                watch
                    .observe(&[beat(lease, 1)], hour, &Patience::default())
                    .is_empty()
            );
        }
        assert_eq!(
            watch
                .observe(&[beat(lease, 1)], hour, &Patience::default())
                .len(),
            1
        );
    }

    #[test]
    fn a_lease_of_a_lane_that_asks_for_it_is_dead_sooner_and_the_others_are_not() {
        let (mut watch, io, pulse) = (Watch::default(), beat(lease(), 1), lease());
        let pulse = LeaseBeat {
            lane: Some(Lane::Pulse),
            ..beat(pulse, 1)
        };
        let quarter = SECOND / 4;
        let patience = Patience::new(5 * SECOND, vec![(Lane::Pulse, SECOND)]);
        let mut looks = (0..5).map(|_| watch.observe(&[io, pulse], quarter, &patience));
        assert!(looks.by_ref().take(4).all(|dead| dead.is_empty()));
        assert_eq!(looks.next(), Some(vec![pulse]));
    }

    #[test]
    fn nobody_is_less_patient_than_a_worker_s_own_renewals_allow() {
        let (mut watch, slow) = (Watch::default(), beat(lease(), 1));
        let slow = LeaseBeat {
            renewed_every: Some(SECOND),
            ..slow
        };
        let patience = Patience::new(SECOND / 2, Vec::new());
        let mut looks = (0..6).map(|_| watch.observe(&[slow], SECOND, &patience));
        assert!(looks.by_ref().take(5).all(|dead| dead.is_empty()));
        assert_eq!(looks.next(), Some(vec![slow]));
    }

    #[test]
    fn a_lane_that_only_a_newer_version_knows_has_the_usual_patience() {
        let patience = Patience::new(5 * SECOND, vec![(Lane::Pulse, SECOND)]);
        assert_eq!(patience.of(None), 5 * SECOND);
        assert_eq!(patience.shortest(&[Lane::Io, Lane::Pulse]), SECOND);
        assert_eq!(patience.shortest(&[Lane::Io]), 5 * SECOND);
    }

    #[test]
    fn an_outage_alone_is_no_death_however_short_the_patience_is() {
        let (mut watch, lease) = (Watch::default(), lease());
        let short = Patience::new(Duration::from_millis(600), Vec::new());
        let hour = Duration::from_secs(3_600);
        watch.observe(&[beat(lease, 1)], SECOND, &short);
        for _ in 0..2 {
            assert!(watch.observe(&[beat(lease, 1)], hour, &short).is_empty());
        }
        assert_eq!(watch.observe(&[beat(lease, 1)], hour, &short).len(), 1);
    }
}
