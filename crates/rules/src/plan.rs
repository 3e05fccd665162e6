//! What is evaluated of a rule: every leaf as (derived metric, side, threshold), the tree as a list
//! of steps, and the policy of when to tell.

mod shape;

use packtrain_core::field::FieldError;
use packtrain_core::time::Timestamp;

use crate::machine::{Event, Policy, RuleState, Step, Tier};
use crate::metric::Derived;
use crate::rule::{Leaf, Rule};
use crate::value::Value;

pub(crate) use shape::Leaves;
pub use shape::Shape;

/// A rule, ready to be evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The leaves from left to right.
    pub leaves: Box<[PlanLeaf]>,
    /// How they hang together.
    pub shape: Shape,
    /// When to tell.
    pub policy: Policy,
}

/// A leaf, normalised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanLeaf {
    /// What is compared.
    pub key: Derived,
    /// With what.
    pub threshold: Threshold,
    /// Whether it counts only once it was seen to be false.
    pub is_crossing: bool,
}

/// The two cuts of a leaf on the line of values, in units. A value is above a cut when it is at
/// least as large: `> x` is above the cut one unit over `x`, and so every op is the same question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// Whether it is true above its cuts; below them otherwise.
    pub is_upward: bool,
    /// Where it becomes true.
    pub fires: i128,
    /// Where it becomes false: the same cut, or one behind it.
    pub clears: i128,
}

impl Threshold {
    /// The cuts of a leaf.
    pub fn of(leaf: &Leaf) -> Self {
        // One unit over the largest value fits 128 bits.
        let cut = |value: Value| value.units() + i128::from(!leaf.op.has_equal_above());
        Self {
            is_upward: leaf.op.is_upward(),
            fires: cut(leaf.value),
            clears: cut(leaf.cleared_at()),
        }
    }

    /// Whether it becomes true and false at one and the same cut.
    pub const fn is_plain(self) -> bool {
        self.fires == self.clears
    }

    /// Whether it is true at a value, given whether it was: this is all that hysteresis is.
    pub const fn after(self, was_true: bool, value: Value) -> bool {
        let cut = if was_true { self.clears } else { self.fires };
        (value.units() >= cut) == self.is_upward
    }
}

impl Plan {
    /// The plan of a rule.
    ///
    /// # Errors
    /// What [`Rule::check`] finds.
    pub fn of(rule: &Rule) -> Result<Self, Vec<FieldError>> {
        let errors = rule.check();
        if !errors.is_empty() {
            return Err(errors);
        }
        let leaves = rule.when.leaves().into_iter().map(|leaf| PlanLeaf {
            key: leaf.derived(),
            threshold: Threshold::of(leaf),
            is_crossing: leaf.op.is_crossing(),
        });
        Ok(Self {
            leaves: leaves.collect(),
            shape: Shape::of(&rule.when),
            policy: Policy::of(rule),
        })
    }

    /// Evaluates this one rule at a tick: the new values of the derived metrics that the tick gave.
    /// The same as an [`crate::engine::Engine`] does, from a state that was stored. The caller sees
    /// to it that the tick is newer than the metric's last, and that the rule watches the metric.
    ///
    /// `seen` is when the most silent of the rule's metrics last had a value, this tick counted;
    /// none when one of them never had. A tick that changes no leaf changes nothing, unless it ends
    /// a silence.
    pub fn observe(
        &self,
        state: &mut RuleState,
        tick: (Timestamp, &[(Derived, Value)]),
        seen: Option<Timestamp>,
        tier: &mut Tier,
    ) -> Vec<Event> {
        let (at, values) = tick;
        let before = state.leaves;
        self.learn(state, values);
        if before == state.leaves && !state.is_silent() {
            return Vec::new();
        }
        self.step(state, tier, |step, holds| step.tick(at, holds, seen))
    }

    /// Evaluates this one rule when it is made, or comes back from where it was stored, at the
    /// values that its metrics have.
    pub fn begin(
        &self,
        state: &mut RuleState,
        now: (Timestamp, &[(Derived, Value)]),
        seen: Option<Timestamp>,
        tier: &mut Tier,
    ) -> Vec<Event> {
        let (at, values) = now;
        self.learn(state, values);
        self.step(state, tier, |step, holds| step.tick(at, holds, seen))
    }

    /// Looks at this one rule without a tick: what was due by `now` happens.
    pub fn look(
        &self,
        state: &mut RuleState,
        now: Timestamp,
        seen: Option<Timestamp>,
        tier: &mut Tier,
    ) -> Vec<Event> {
        self.step(state, tier, |step, holds| step.look(now, holds, seen))
    }

    /// When this one rule should be looked at next; none when only a tick can change anything.
    pub fn next_look(
        &self,
        state: &RuleState,
        seen: Option<Timestamp>,
        tier: &Tier,
    ) -> Option<Timestamp> {
        let (mut state, mut tier) = (state.clone(), tier.clone());
        Step::new(&self.policy, &mut state, &mut tier, &mut Vec::new()).next_look(seen)
    }

    fn learn(&self, state: &mut RuleState, values: &[(Derived, Value)]) {
        for (slot, leaf) in (0..).zip(&self.leaves) {
            if let Some((_, value)) = values.iter().find(|(key, _)| *key == leaf.key) {
                let is_true = leaf.threshold.after(state.leaves.is_true(slot), *value);
                state.leaves.learn(slot, is_true, leaf.is_crossing);
            }
        }
    }

    fn step(
        &self,
        state: &mut RuleState,
        tier: &mut Tier,
        act: impl FnOnce(Step<'_>, Option<bool>),
    ) -> Vec<Event> {
        let mut said = Vec::new();
        let holds = self.shape.holds(&state.leaves);
        act(Step::new(&self.policy, state, tier, &mut said), holds);
        said
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::Op;

    #[test]
    fn every_op_is_exact_at_its_threshold_and_a_unit_beside_it() {
        let unit = Value::from_units(1).unwrap();
        let (at, clear) = (Value::whole(5), None);
        let below = at.checked_sub(unit).unwrap();
        let above = at.checked_add(unit).unwrap();
        for (op, wanted) in [
            (Op::Above, [false, false, true]),
            (Op::AtLeast, [false, true, true]),
            (Op::Below, [true, false, false]),
            (Op::AtMost, [true, true, false]),
            (Op::CrossesAbove, [false, false, true]),
            (Op::CrossesBelow, [true, false, false]),
        ] {
            let leaf = Leaf {
                metric: "tvl:aave".parse().unwrap(),
                op,
                value: at,
                aggregate: None,
                window_s: None,
                clear,
            };
            let threshold = Threshold::of(&leaf);
            for was in [false, true] {
                let is = [below, at, above].map(|value| threshold.after(was, value));
                assert_eq!(is, wanted, "{op:?}");
            }
        }
    }
}
