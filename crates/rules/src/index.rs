//! The crossing index: the cuts of all leaves on one metric in order, so that a move of the metric
//! touches the leaves whose truth changes and no other.
//!
//! Leaves that become true and false at one cut stand still: a move flips those between the two
//! values, O(log n + k). A leaf with hysteresis stands at the cut that it meets next, among those
//! that flip when the value rises or those that flip when it falls; a move takes the ones it
//! reaches and puts each at its other cut, O(k log n). So a value that swings inside the bands
//! touches nothing, however many bands there are.

use std::collections::BTreeSet;
use std::ops::Bound;

use crate::plan::Threshold;
use crate::value::Value;

/// A leaf at a cut. Twenty bytes: an `i128` of its own would align it to thirty-two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    cut: [u8; 16],
    leaf: [u8; 4],
}

impl Place {
    const fn new(cut: i128, leaf: u32) -> Self {
        Self {
            cut: cut.to_ne_bytes(),
            leaf: leaf.to_ne_bytes(),
        }
    }

    const fn cut(self) -> i128 {
        i128::from_ne_bytes(self.cut)
    }

    const fn leaf(self) -> u32 {
        u32::from_ne_bytes(self.leaf)
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.cut(), self.leaf()).cmp(&(other.cut(), other.leaf()))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A leaf whose truth a move changes, and what it is now.
pub(crate) type Flip = (u32, bool);

/// The leaves on one metric.
#[derive(Debug, Default)]
pub(crate) struct Crossings {
    /// Of one cut.
    plain: BTreeSet<Place>,
    /// Of two cuts, at the one above the value.
    rising: BTreeSet<Place>,
    /// Of two cuts, at the one at or below the value.
    falling: BTreeSet<Place>,
}

impl Crossings {
    /// Adds a leaf that is true or false now.
    pub(crate) fn insert(&mut self, leaf: u32, threshold: Threshold, is_true: bool) {
        let (set, place) = self.place(leaf, threshold, is_true);
        set.insert(place);
    }

    /// Removes a leaf that is true or false now.
    pub(crate) fn remove(&mut self, leaf: u32, threshold: Threshold, is_true: bool) {
        let (set, place) = self.place(leaf, threshold, is_true);
        let was_there = set.remove(&place);
        debug_assert!(was_there, "a leaf stands where its truth says");
    }

    fn place(
        &mut self,
        leaf: u32,
        threshold: Threshold,
        is_true: bool,
    ) -> (&mut BTreeSet<Place>, Place) {
        let cut = if is_true {
            threshold.clears
        } else {
            threshold.fires
        };
        let set = match threshold.is_plain() {
            true => &mut self.plain,
            false if threshold.is_upward == is_true => &mut self.falling,
            false => &mut self.rising,
        };
        (set, Place::new(cut, leaf))
    }

    /// The metric had its first value: every leaf, and what it is.
    pub(crate) fn begin(
        &mut self,
        value: Value,
        threshold: impl Fn(u32) -> Threshold,
        flips: &mut Vec<Flip>,
    ) {
        let mut banded = Vec::new();
        self.shift(value, &threshold, &mut banded);
        for place in &self.plain {
            let is_above = value.units() >= place.cut();
            let leaf = place.leaf();
            flips.push((leaf, is_above == threshold(leaf).is_upward));
        }
        for (set, is_below) in [(&self.rising, true), (&self.falling, false)] {
            let leaves = set.iter().map(|place| place.leaf());
            flips.extend(leaves.map(|leaf| (leaf, threshold(leaf).is_upward != is_below)));
        }
    }

    /// The metric moved: the leaves that flip, and what they are now.
    pub(crate) fn shift_from(
        &mut self,
        before: Value,
        value: Value,
        threshold: impl Fn(u32) -> Threshold,
        flips: &mut Vec<Flip>,
    ) {
        if before == value {
            return;
        }
        let is_rise = before < value;
        let (low, high) = if is_rise {
            (before, value)
        } else {
            (value, before)
        };
        // A cut is passed when it is above the lower value and at or below the higher one.
        let between = (
            Bound::Excluded(Place::new(low.units(), u32::MAX)),
            Bound::Included(Place::new(high.units(), u32::MAX)),
        );
        for place in self.plain.range(between) {
            let leaf = place.leaf();
            flips.push((leaf, is_rise == threshold(leaf).is_upward));
        }
        self.shift(value, &threshold, flips);
    }

    /// Leaves with hysteresis that the value reached change sides.
    fn shift(
        &mut self,
        value: Value,
        threshold: &impl Fn(u32) -> Threshold,
        flips: &mut Vec<Flip>,
    ) {
        let first = flips.len();
        while let Some(place) = self.rising.first().copied()
            && place.cut() <= value.units()
        {
            self.rising.pop_first();
            flips.push((place.leaf(), threshold(place.leaf()).is_upward));
        }
        while let Some(place) = self.falling.last().copied()
            && place.cut() > value.units()
        {
            self.falling.pop_last();
            flips.push((place.leaf(), !threshold(place.leaf()).is_upward));
        }
        for (leaf, is_true) in &flips[first..] {
            self.insert(*leaf, threshold(*leaf), *is_true);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn threshold(is_upward: bool, fires: i64, band: i64) -> Threshold {
        let clears = if is_upward {
            fires - band
        } else {
            fires + band
        };
        Threshold {
            is_upward,
            fires: Value::whole(fires).units(),
            clears: Value::whole(clears).units(),
        }
    }

    #[test]
    fn a_value_that_swings_inside_the_bands_touches_no_leaf() {
        let all: Vec<_> = (0..100).map(|_| threshold(true, 100, 10)).collect();
        let mut index = Crossings::default();
        for leaf in 0..100 {
            index.insert(leaf, all[0], false);
        }
        let mut flips = Vec::new();
        let of = |leaf: u32| all[leaf as usize];
        index.begin(Value::whole(95), of, &mut flips);
        assert_eq!(flips.len(), 100);
        let mut counts = Vec::new();
        for move_ in [95, 101, 95, 101, 91, 90, 89, 95, 99].windows(2) {
            flips.clear();
            let [before, value] = [move_[0], move_[1]].map(Value::whole);
            index.shift_from(before, value, of, &mut flips);
            counts.push(flips.len());
        }
        assert_eq!(counts, [100, 0, 0, 0, 0, 100, 0, 0]);
    }

    proptest! {
        #[test]
        fn a_move_touches_exactly_the_leaves_whose_truth_changes(
            leaves in proptest::collection::vec((any::<bool>(), -9_i64..10, 0_i64..4), 1..40),
            walk in proptest::collection::vec(-12_i64..13, 2..40),
        ) {
            let all = leaves.into_iter().map(|(up, at, band)| threshold(up, at, band));
            let all: Vec<_> = all.collect();
            let of = |leaf: u32| all[leaf as usize];
            let mut index = Crossings::default();
            for (leaf, threshold) in (0..).zip(&all) {
                index.insert(leaf, *threshold, false);
            }
            let mut is_true = vec![false; all.len()];
            let mut before = None;
            for value in walk.into_iter().map(Value::whole) {
                let mut flips = Vec::new();
                match before {
                    None => index.begin(value, of, &mut flips),
                    Some(before) => index.shift_from(before, value, of, &mut flips),
                }
                flips.sort_unstable();
                let now = all.iter().zip(&is_true).map(|(of, was)| of.after(*was, value));
                let now: Vec<_> = now.collect();
                let changed = (0..).zip(now.iter().zip(&is_true));
                let changed = changed.filter(|(_, (is, was))| before.is_none() || is != was);
                let wanted: Vec<_> = changed.map(|(leaf, (is, _))| (leaf, *is)).collect();
                prop_assert_eq!(flips, wanted);
                is_true = now;
                before = Some(value);
            }
            for (leaf, is_true) in (0..).zip(is_true) {
                index.remove(leaf, of(leaf), is_true);
            }
            let sets = [&index.plain, &index.rising, &index.falling];
            prop_assert!(sets.into_iter().all(BTreeSet::is_empty));
        }
    }
}
