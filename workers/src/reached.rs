//! From where a claim looks.

use std::time::{Duration, Instant};

use packtrain_core::ports::Floors;

/// How often a lane is looked at from its beginning, whatever its claims find; dearer looks are
/// made less often.
const LOOK_BELOW: Duration = Duration::from_secs(1);
/// Looks from the beginning take one part in so many of the time, at most.
const SHARE: u32 = 20;
/// The longest pause between two of them, however long they take.
const PAUSE_MOST: Duration = Duration::from_secs(5);
/// How long what was reached is no floor yet: new work may still enter a little below.
const FLOOR_AGE: Duration = Duration::from_millis(400);

/// How far the claims of a lane came.
///
/// Work enters at the lane's clock, which follows the claims by a moment. So a claim looks from
/// where the claims were a moment ago. What enters below (a job that comes back at its old place)
/// is found by a look from the beginning. That costs next to nothing in most lanes. But a snapshot
/// that somebody holds open keeps every row that was taken since, and such a look walks them all:
/// the longer it takes, the more seldom it is.
pub(crate) struct Reached {
    now: Floors,
    before: Floors,
    long_before: Floors,
    noted: Instant,
    /// When the last look from the beginning came back, and how long it took.
    looked_below: Instant,
    took: Duration,
    /// Whether there may be something below that could run now: the last claim behind the floors
    /// left room, or the last look did not.
    is_owed: bool,
}

impl Reached {
    pub(crate) fn new(at: Instant) -> Self {
        Self {
            now: Floors::default(),
            before: Floors::default(),
            long_before: Floors::default(),
            noted: at,
            looked_below: at,
            took: Duration::ZERO,
            is_owed: false,
        }
    }

    /// Where a claim of what is new looks from; nowhere is from the beginning.
    pub(crate) fn floors(&self) -> Floors {
        self.long_before.clone()
    }

    /// How long it is until the next look from the beginning.
    pub(crate) fn until_look_below(&self, at: Instant) -> Duration {
        let dear = (self.took * SHARE).min(PAUSE_MOST);
        let pause = match self.is_owed {
            true => dear,
            false => dear.max(LOOK_BELOW),
        };
        pause.saturating_sub(at - self.looked_below)
    }

    /// Takes in a claim: from where it looked and since when, how far it came, and whether it left
    /// room for more.
    pub(crate) fn learn(
        &mut self,
        (from, began): (&Floors, Instant),
        reached: Floors,
        left_room: bool,
        at: Instant,
    ) {
        let is_from_the_beginning = from.0.is_empty();
        if is_from_the_beginning {
            (self.looked_below, self.took) = (at, at - began);
        }
        self.is_owed = left_room != is_from_the_beginning;
        self.now.0.extend(reached.0);
        if at - self.noted >= FLOOR_AGE {
            self.long_before = std::mem::replace(&mut self.before, self.now.clone());
            self.noted = at;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use packtrain_core::job::Priority;
    use uuid::Uuid;

    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn floor(fair_key: i64) -> Floors {
        Floors(BTreeMap::from([(
            Priority::NORMAL,
            (fair_key, Uuid::nil()),
        )]))
    }

    /// Claims that left room, each from where it is to look, until there is a floor of old.
    fn with_floor(began: Instant) -> (Reached, Instant) {
        let (mut reached, mut at) = (Reached::new(began), began);
        while reached.long_before.0.is_empty() {
            reached.learn((&Floors::default(), at), floor(7), true, at + MS);
            at += FLOOR_AGE;
        }
        (reached, at)
    }

    #[test]
    fn a_claim_looks_from_where_the_claims_were_a_moment_ago() {
        let began = Instant::now();
        let (mut reached, at) = with_floor(began);
        assert_eq!(reached.floors(), floor(7));
        reached.learn((&floor(7), at), floor(9), false, at + MS);
        assert_eq!(reached.floors(), floor(7), "what is new is no floor");
        assert!(reached.until_look_below(at) > Duration::ZERO);
        let rest = reached.until_look_below(at + LOOK_BELOW);
        assert_eq!(rest, Duration::ZERO, "now and then");
    }

    #[test]
    fn a_claim_that_leaves_room_is_followed_at_once_by_a_look_from_the_beginning() {
        let (mut reached, at) = with_floor(Instant::now());
        let rest = |reached: &Reached| reached.until_look_below(at + MS);
        reached.learn((&floor(7), at), floor(7), true, at);
        assert_eq!(rest(&reached), Duration::ZERO);
        reached.learn((&Floors::default(), at), floor(7), true, at);
        assert_eq!(rest(&reached), LOOK_BELOW - MS, "nothing is owed");
        reached.learn((&floor(7), at), floor(9), false, at);
        assert_eq!(rest(&reached), LOOK_BELOW - MS, "there is no room");
        reached.learn((&Floors::default(), at), floor(3), false, at);
        assert_eq!(rest(&reached), Duration::ZERO, "there may be more");
    }

    #[test]
    fn looks_from_the_beginning_that_take_long_are_seldom() {
        let (mut reached, at) = with_floor(Instant::now());
        let took = MS * 100;
        reached.learn((&Floors::default(), at), floor(7), true, at + took);
        let at = at + took;
        reached.learn((&floor(7), at), floor(7), true, at + MS);
        let due = took * SHARE;
        assert_eq!(reached.until_look_below(at + due - MS), MS);
        assert_eq!(reached.until_look_below(at + due), Duration::ZERO);
        let took = PAUSE_MOST;
        reached.learn((&Floors::default(), at), floor(7), true, at + took);
        let at = at + took;
        assert_eq!(reached.until_look_below(at), PAUSE_MOST);
    }

    #[test]
    fn what_enters_below_lowers_the_floor_of_its_priority() {
        let (mut reached, mut at) = with_floor(Instant::now());
        for _ in 0..3 {
            reached.learn((&Floors::default(), at), floor(3), true, at + MS);
            at += FLOOR_AGE;
        }
        assert_eq!(reached.floors(), floor(3));
    }
}
