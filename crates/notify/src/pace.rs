//! Rates: who comes too early is told when its turn is, and that turn is kept for it.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;
use packtrain_core::ports::DeliveryKey;
use packtrain_core::time::Timestamp;

/// Places that are told apart; beyond that a place that nobody waits for is forgotten.
const PLACES_MAX: usize = 100_000;
/// Turns that are kept at one place. Beyond that one is told to come later, without a turn.
const TURNS_MAX: usize = 100_000;
/// How long after its time a turn is kept for who does not come.
const KEPT: TimeDelta = TimeDelta::minutes(10);

/// How often places are looked through for those that nobody waits for, at most.
const SWEPT_EVERY: TimeDelta = TimeDelta::seconds(1);

/// Gives turns at places, each place with an interval between two of them.
pub(crate) struct Pace<P>(Mutex<Places<P>>);

struct Places<P> {
    by_place: HashMap<P, Place>,
    swept: Option<Timestamp>,
}

struct Place {
    /// The next turn that nobody has.
    next: Timestamp,
    /// Nothing before this moment: the other side said so.
    held: Timestamp,
    turns: HashMap<DeliveryKey, Timestamp>,
}

impl<P: Hash + Eq> Pace<P> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Places {
            by_place: HashMap::new(),
            swept: None,
        }))
    }

    /// None when it is this delivery's turn at a place; otherwise when it is. Whoever was told a
    /// moment has its turn then, however many come in between. A turn ends with [`Pace::spend`].
    pub(crate) fn turn(
        &self,
        place: P,
        key: &DeliveryKey,
        interval: TimeDelta,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(place) = places.at(place, now) else {
            return Some(now + interval.max(SWEPT_EVERY));
        };
        let turn = match place.turns.get(key) {
            Some(turn) => *turn,
            None => place.give(key, interval, now),
        };
        let turn = turn.max(place.held);
        (turn > now).then_some(turn)
    }

    /// The turn of a delivery was used.
    pub(crate) fn spend(&self, place: &P, key: &DeliveryKey) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.by_place.get_mut(place) {
            place.turns.remove(key);
        }
    }

    /// Nobody has a turn at a place before a moment.
    pub(crate) fn hold(&self, place: P, until: Timestamp, now: Timestamp) {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(place) = places.at(place, now) {
            place.held = place.held.max(until);
        }
    }
}

impl<P: Hash + Eq> Places<P> {
    /// A place; none when there are too many that somebody waits for.
    fn at(&mut self, place: P, now: Timestamp) -> Option<&mut Place> {
        if self.by_place.len() >= PLACES_MAX && !self.by_place.contains_key(&place) {
            if self.swept.is_none_or(|swept| now - swept >= SWEPT_EVERY) {
                self.by_place.retain(|_, place| place.is_waited_for(now));
                self.swept = Some(now);
            }
            if self.by_place.len() >= PLACES_MAX {
                return None;
            }
        }
        Some(self.by_place.entry(place).or_insert_with(|| Place {
            next: now,
            held: now,
            turns: HashMap::new(),
        }))
    }
}

impl Place {
    /// Gives the next turn, and keeps it as long as there is room.
    fn give(&mut self, key: &DeliveryKey, interval: TimeDelta, now: Timestamp) -> Timestamp {
        if self.turns.len() >= TURNS_MAX {
            self.turns.retain(|_, turn| *turn + KEPT > now);
        }
        let turn = self.next.max(self.held).max(now);
        let has_room = self.turns.len() < TURNS_MAX;
        if has_room {
            self.turns.insert(key.clone(), turn);
        }
        if has_room || turn == now {
            self.next = turn + interval;
        }
        turn
    }

    fn is_waited_for(&self, now: Timestamp) -> bool {
        self.next > now || self.held > now || self.turns.values().any(|turn| *turn + KEPT > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: usize) -> DeliveryKey {
        format!("k{number}").parse().unwrap()
    }

    #[test]
    fn turns_lie_an_interval_apart_and_are_kept_for_those_who_were_told() {
        let pace = Pace::new();
        let now = Timestamp::UNIX_EPOCH;
        let second = TimeDelta::seconds(1);
        let told: Vec<_> = (0..4)
            .map(|n| pace.turn("a", &key(n), second, now))
            .collect();
        let expected = [
            None,
            Some(now + second),
            Some(now + second * 2),
            Some(now + second * 3),
        ];
        assert_eq!(told, expected);
        assert_eq!(pace.turn("b", &key(9), second, now), None, "another place");
        // Whoever was told comes at its time, and is not overtaken by who comes new.
        let later = now + second * 2;
        assert_eq!(
            pace.turn("a", &key(9), second, later),
            Some(now + second * 4)
        );
        assert_eq!(pace.turn("a", &key(2), second, later), None);
        assert_eq!(
            pace.turn("a", &key(3), second, later),
            Some(now + second * 3)
        );
    }

    #[test]
    fn a_turn_is_used_once() {
        let pace = Pace::new();
        let (now, second) = (Timestamp::UNIX_EPOCH, TimeDelta::seconds(1));
        assert_eq!(pace.turn("a", &key(0), second, now), None);
        pace.spend(&"a", &key(0));
        assert_eq!(pace.turn("a", &key(0), second, now), Some(now + second));
    }

    #[test]
    fn a_place_that_is_held_gives_no_turn_before_that_whoever_has_one() {
        let pace = Pace::new();
        let (now, second) = (Timestamp::UNIX_EPOCH, TimeDelta::seconds(1));
        pace.turn("a", &key(0), second, now);
        let until = now + second * 30;
        pace.hold("a", until, now);
        assert_eq!(pace.turn("a", &key(0), second, now), Some(until));
        assert_eq!(pace.turn("a", &key(1), second, now), Some(until));
        assert_eq!(pace.turn("a", &key(2), second, now), Some(until + second));
        assert_eq!(pace.turn("a", &key(0), second, until), None);
    }

    #[test]
    fn places_that_nobody_waits_for_are_forgotten() {
        let pace = Pace::new();
        let (now, second) = (Timestamp::UNIX_EPOCH, TimeDelta::seconds(1));
        let key = key(0);
        for place in 0..PLACES_MAX {
            pace.turn(place, &key, second, now);
            pace.spend(&place, &key);
        }
        pace.turn(PLACES_MAX, &key, second, now + second * 2);
        assert_eq!(pace.0.lock().unwrap().by_place.len(), 1);
    }
}
