//! Fewer steps that break the same invariant.

use crate::invariants::Invariant;
use crate::judge::Judge;
use crate::machine::apply;
use crate::op::Op;
use crate::plan::Plan;
use crate::tables::Tables;
use crate::variants::Rules;

/// Leaves out steps as long as the last one still breaks the invariant; says also how many there
/// were. What breaks only at the end of a calm time cannot be told from work that was left out,
/// and is kept whole.
pub(crate) fn shrink(
    plan: &Plan,
    rules: Rules,
    trace: &[Op],
    invariant: Invariant,
) -> (Vec<Op>, usize) {
    let mut short = trace.to_vec();
    if matches!(short.last(), Some(Op::Quiet)) {
        return (short, trace.len());
    }
    let mut size = short.len() / 2;
    while size > 0 {
        let (mut at, was) = (0, short.len());
        while at + 1 < short.len() {
            let mut fewer = short.clone();
            fewer.drain(at..(at + size).min(short.len() - 1));
            match first_break(plan, rules, &fewer) {
                Some((step, broken)) if broken == invariant => {
                    fewer.truncate(step + 1);
                    short = fewer;
                }
                _ => at += size,
            }
        }
        // The last steps alone, as long as that helps.
        if size > 1 || short.len() == was {
            size /= 2;
        }
    }
    (short, trace.len())
}

fn first_break(plan: &Plan, rules: Rules, trace: &[Op]) -> Option<(usize, Invariant)> {
    let (mut tables, mut judge) = (Tables::default(), Judge::default());
    for (step, op) in trace.iter().enumerate() {
        let before = tables.clone();
        let answer = apply(plan, rules, &mut tables, op);
        if let Err(broken) = judge.judge(plan, &before, op, &answer, &tables) {
            return Some((step, broken));
        }
    }
    None
}
