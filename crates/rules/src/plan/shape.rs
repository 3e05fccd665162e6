//! How the leaves of a rule hang together, and what is known of each leaf.
//!
//! A leaf of a metric that never ticked is unknown, and unknown spreads as in Kleene's logic: an
//! `any` with a true part is true all the same, the `not` of unknown is unknown. A rule fires only
//! where its condition is known to hold.

use serde::{Deserialize, Serialize};

use crate::rule::{Condition, LEAVES_MAX};

/// A tree of conditions in the order of their evaluation; equal trees of different leaves are
/// equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Shape(Box<[Node]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Node {
    /// The leaf in this place.
    Leaf(u8),
    /// All of the last so many.
    All(u8),
    /// Any of the last so many.
    Any(u8),
    /// Not the last.
    Not,
}

impl Shape {
    /// The shape of a condition that was checked.
    pub(super) fn of(condition: &Condition) -> Self {
        let mut nodes = Vec::new();
        lay(condition, &mut 0, &mut nodes);
        Self(nodes.into())
    }

    /// Whether the condition holds; none when that is not known.
    pub(crate) fn holds(&self, leaves: &Leaves) -> Option<bool> {
        if let [Node::Leaf(slot)] = *self.0 {
            return leaves.counts(slot);
        }
        // No more can wait for their parent than there are leaves.
        let mut stack = [None; LEAVES_MAX];
        let mut height = 0;
        for node in &self.0 {
            let of = match *node {
                Node::Leaf(_) => 0,
                Node::All(count) | Node::Any(count) => usize::from(count),
                Node::Not => 1,
            };
            let parts = &stack[height - of..height];
            let is = match *node {
                Node::Leaf(slot) => leaves.counts(slot),
                Node::All(_) => strongest(parts, false),
                Node::Any(_) => strongest(parts, true),
                Node::Not => parts[0].map(|is: bool| !is),
            };
            height -= of;
            stack[height] = is;
            height += 1;
        }
        stack[0]
    }
}

/// What decides if any part is it, else unknown if any part is, else the other.
fn strongest(parts: &[Option<bool>], decides: bool) -> Option<bool> {
    if parts.contains(&Some(decides)) {
        return Some(decides);
    }
    (!parts.contains(&None)).then_some(!decides)
}

fn lay(condition: &Condition, next: &mut u8, nodes: &mut Vec<Node>) {
    let mut parts = |parts: &[Condition], nodes: &mut Vec<Node>| {
        for part in parts {
            lay(part, next, nodes);
        }
        u8::try_from(parts.len()).expect("a checked rule has few leaves")
    };
    let node = match condition {
        Condition::All { all } => Node::All(parts(all, nodes)),
        Condition::Any { any } => Node::Any(parts(any, nodes)),
        Condition::Not { not } => {
            parts(std::slice::from_ref(not), nodes);
            Node::Not
        }
        Condition::Leaf(_) => {
            let slot = *next;
            *next += 1;
            Node::Leaf(slot)
        }
    };
    nodes.push(node);
}

/// What is known of the leaves of a rule, a bit each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Leaves {
    /// Whose metric has ticked.
    known: u32,
    /// Which are true.
    on: u32,
    /// Crossings that were true when first seen, and have not been false since.
    held: u32,
}

impl Leaves {
    /// Whether a leaf is true, hysteresis included.
    pub(crate) const fn is_true(&self, slot: u8) -> bool {
        self.on >> slot & 1 == 1
    }

    /// Which leaves are true, a bit each.
    pub(crate) const fn true_bits(&self) -> u32 {
        self.on
    }

    /// Whether a leaf's metric has ticked.
    pub(crate) const fn is_known(&self, slot: u8) -> bool {
        self.known >> slot & 1 == 1
    }

    /// Notes what a leaf is now.
    pub(crate) const fn learn(&mut self, slot: u8, is_true: bool, is_crossing: bool) {
        let bit = 1 << slot;
        let is_first = self.known & bit == 0;
        self.known |= bit;
        if is_true {
            self.on |= bit;
            if is_first && is_crossing {
                self.held |= bit;
            }
        } else {
            self.on &= !bit;
            self.held &= !bit;
        }
    }

    /// Whether a leaf counts as true.
    const fn counts(&self, slot: u8) -> Option<bool> {
        let bit = 1 << slot;
        if self.known & bit == 0 {
            return None;
        }
        Some(self.on & !self.held & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shape(when: &serde_json::Value) -> Shape {
        Shape::of(&serde_json::from_value(when.clone()).unwrap())
    }

    fn leaves(known: &[Option<bool>]) -> Leaves {
        let mut leaves = Leaves::default();
        for (slot, is) in (0..).zip(known) {
            if let Some(is) = is {
                leaves.learn(slot, *is, false);
            }
        }
        leaves
    }

    #[test]
    fn unknown_leaves_decide_nothing_that_the_known_ones_do_not() {
        let leaf = json!({"metric": "tvl:a", "op": ">", "value": "1"});
        let (yes, no) = (Some(true), Some(false));
        let all = shape(&json!({"all": [leaf, leaf]}));
        let any = shape(&json!({"any": [leaf, leaf]}));
        for (parts, is_all, is_any) in [
            ([yes, yes], yes, yes),
            ([yes, no], no, yes),
            ([no, no], no, no),
            ([yes, None], None, yes),
            ([None, no], no, None),
            ([None, None], None, None),
        ] {
            assert_eq!(all.holds(&leaves(&parts)), is_all);
            assert_eq!(any.holds(&leaves(&parts)), is_any);
        }
        let not = shape(&json!({"not": leaf}));
        assert_eq!(
            [not.holds(&leaves(&[yes])), not.holds(&leaves(&[]))],
            [no, None]
        );
    }

    #[test]
    fn a_deep_tree_is_evaluated_leaf_by_leaf_from_the_left() {
        let leaf = json!({"metric": "tvl:a", "op": ">", "value": "1"});
        let tree = json!({"any": [{"all": [leaf, {"not": leaf}]}, {"not": {"any": [leaf, leaf]}}]});
        let tree = shape(&tree);
        for bits in 0..16_u8 {
            let [a, b, c, d] = [0, 1, 2, 3].map(|slot| bits >> slot & 1 == 1);
            let known = leaves(&[a, b, c, d].map(Some));
            assert_eq!(tree.holds(&known), Some((a && !b) || !(c || d)));
        }
    }

    #[test]
    fn a_crossing_that_is_true_when_first_seen_counts_once_it_was_false() {
        let mut leaves = Leaves::default();
        let mut counted = Vec::new();
        for is_true in [true, true, false, true] {
            leaves.learn(0, is_true, true);
            counted.push(leaves.counts(0));
        }
        assert_eq!(counted, [false, false, false, true].map(Some));
    }
}
