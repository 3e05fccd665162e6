//! The least strict value that would have fired no more often than asked for.
//!
//! How often a rule fires changes only where its value, or its clear value, passes one of those
//! that were measured. So those alone are tried, from the rule's own value towards stricter ones:
//! one rule for each, all in one engine, and the past is played once. Stricter is not always rarer
//! (a value that was passed once may hold all the time, one above it may be passed every day), so
//! none between can be left out, and none is.

use std::cmp::Reverse;

use packtrain_core::quantity::counted;
use packtrain_core::time::Timestamp;

use super::replay::{Replay, Watcher};
use super::{Advice, BacktestError, Question};
use crate::engine::{Engine, Happened};
use crate::machine::Change;
use crate::plan::Plan;
use crate::rule::{Condition, Leaf, Op, Rule};
use crate::value::Value;

/// Values that are tried at most; of more, so many are taken evenly.
const CANDIDATES_MAX: usize = 4_096;

pub(super) fn advise(
    question: Question<'_>,
    replay: &Replay<'_>,
    fired: u32,
    seen: Vec<Value>,
) -> Result<Advice, BacktestError> {
    let most = question.firings_max;
    let times = |count: u32| counted(count.into(), "time", "times");
    if fired <= most {
        let reason = format!(
            "as it stands the rule would have fired {}, which is no more than {most}",
            times(fired)
        );
        return Ok(without(reason));
    }
    let Condition::Leaf(leaf) = &question.rule.when else {
        let reason = "the rule has more than one comparison; which of them to tighten is not known";
        return Ok(without(reason.to_owned()));
    };
    let (values, is_whole) = candidates(leaf, seen);
    let rules = values
        .iter()
        .map(|value| with_value(question.rule, leaf, *value));
    let plans: Result<Vec<Plan>, _> = rules.map(|rule| Plan::of(&rule)).collect();
    let plans = plans.map_err(BacktestError::Rule)?;
    let mut tally = Tally(vec![0; plans.len()]);
    replay.run(&plans, &mut tally)?;
    let Some(found) = tally.0.iter().position(|count| *count <= most) else {
        let reason = format!("no value would have fired at most {}", times(most));
        return Ok(without(reason));
    };
    let (value, firings) = (values[found], tally.0[found]);
    let (next, next_firings) = match found.checked_sub(1) {
        Some(before) => (values[before], tally.0[before]),
        None => (leaf.value, fired),
    };
    let tried = match is_whole {
        true => "every value measured that is stricter than the rule's was tried",
        false => "a sample of the values measured that are stricter than the rule's was tried",
    };
    Ok(Advice {
        value: Some(value),
        clear: leaf.clear.map(|_| clear_for(leaf, value)),
        firings: Some(firings),
        reason: format!(
            "with {value} the rule would have fired {}, with the next value, {next}, {}, and as \
             it stands {}; {tried}",
            times(firings),
            times(next_firings),
            times(fired)
        ),
    })
}

const fn without(reason: String) -> Advice {
    Advice {
        value: None,
        clear: None,
        firings: None,
        reason,
    }
}

/// The values to try, the least strict first, and whether none was left out.
fn candidates(leaf: &Leaf, seen: Vec<Value>) -> (Vec<Value>, bool) {
    let (fires, clears) = (leaf.value.units(), leaf.cleared_at().units());
    let band = fires.checked_sub(clears).unwrap_or_default();
    // Where a value that is equal fires too, the next stricter one is a unit further.
    let unit = i128::from(leaf.op == Op::AtLeast) - i128::from(leaf.op == Op::AtMost);
    let passed = seen
        .into_iter()
        .flat_map(|value| [0, band].map(|by| value.units().checked_add(by)));
    let values = passed.filter_map(|units| Value::from_units(units?.checked_add(unit)?).ok());
    let mut values: Vec<_> = values.collect();
    if leaf.op.is_upward() {
        values.retain(|value| *value > leaf.value);
        values.sort_unstable();
    } else {
        values.retain(|value| *value < leaf.value);
        values.sort_unstable_by_key(|value| Reverse(*value));
    }
    values.dedup();
    let is_whole = values.len() <= CANDIDATES_MAX;
    if !is_whole {
        // The last one is kept: it is the one that never fires.
        let last = values.len() - 1;
        let even = (1..=CANDIDATES_MAX).map(|at| values[at * last / CANDIDATES_MAX]);
        values = even.collect();
    }
    (values, is_whole)
}

fn clear_for(leaf: &Leaf, value: Value) -> Value {
    let band = leaf
        .value
        .checked_sub(leaf.cleared_at())
        .unwrap_or_default();
    value.checked_sub(band).unwrap_or(value)
}

fn with_value(rule: &Rule, leaf: &Leaf, value: Value) -> Rule {
    let leaf = Leaf {
        value,
        clear: leaf.clear.map(|_| clear_for(leaf, value)),
        ..leaf.clone()
    };
    Rule {
        when: Condition::Leaf(leaf),
        ..rule.clone()
    }
}

/// Counts the firings of each rule.
struct Tally(Vec<u32>);

impl Watcher for Tally {
    fn happened(&mut self, (rule, event): Happened, _: &Engine) {
        if matches!(event.change, Change::Fired(_)) {
            self.0[rule.place()] += 1;
        }
    }

    fn moved(&mut self, _: Option<Timestamp>, _: &Engine) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_at_the_end_of_the_range_is_tried_or_left_out_and_never_wraps() {
        let when: Condition = serde_json::from_value(serde_json::json!({
            "metric": "tvl:aave", "op": ">", "value": "90000000000000000000",
            "clear": "-90000000000000000000",
        }))
        .unwrap();
        let Condition::Leaf(leaf) = when else {
            panic!("it is one comparison");
        };
        let (values, is_whole) = candidates(&leaf, vec![Value::MIN, Value::MAX]);
        assert_eq!((values, is_whole), (vec![Value::MAX], true));
    }
}
