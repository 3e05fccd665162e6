//! Pairs of one transaction in which more arrived than left: a withdrawal that takes a smaller
//! deposit may leave only a larger one to a smaller withdrawal. Of the same halves the pairs in
//! order of amounts differ the least in all.

use std::mem;

use packtrain_core::quantity::Quantity;

use super::Half;

type Pair<'a> = (Half<'a>, Half<'a>);

/// Pairs halves anew where that brings their amounts nearer together; halves of equal amounts stay
/// together. `may` says which may be a pair at all, besides that they are in two wallets.
pub(super) fn uncross(pairs: &mut [Pair<'_>], may: impl Fn(&Half<'_>, &Half<'_>) -> bool) {
    if !pairs.iter().any(is_above) {
        return;
    }
    // Equal ones, which have no room between them, come first.
    pairs.sort_by_key(|pair| (!is_equal(pair), ends(pair)));
    let equal = pairs.partition_point(is_equal);
    let mut rest = &mut pairs[equal..];
    while let Some((_, mut reach)) = rest.first().map(ends) {
        let overlaps = |pair: &&Pair<'_>| {
            let (low, high) = ends(pair);
            let is_in = low < reach;
            reach = reach.max(high);
            is_in
        };
        let count = 1 + rest[1..].iter().take_while(overlaps).count();
        let (together, others) = mem::take(&mut rest).split_at_mut(count);
        // One that lost units and one that gained some, between the same amounts.
        if together.iter().any(is_above) && !together.iter().all(is_above) {
            sort_both(together, &may);
        }
        rest = others;
    }
}

/// Pairs in order of amounts, where all of them may be pairs.
fn sort_both(pairs: &mut [Pair<'_>], may: impl Fn(&Half<'_>, &Half<'_>) -> bool) {
    let in_order = |mut halves: Vec<_>| {
        halves.sort_by_key(|half: &Half<'_>| (half.leg.amount, half.at, half.index));
        halves
    };
    let withdrawals = in_order(pairs.iter().map(|(out, _)| *out).collect());
    let deposits = in_order(pairs.iter().map(|(_, back)| *back).collect());
    let sorted = withdrawals.into_iter().zip(deposits);
    let fits = |(out, back): &Pair<'_>| out.row.wallet != back.row.wallet && may(out, back);
    if sorted.clone().all(|pair| fits(&pair)) {
        pairs
            .iter_mut()
            .zip(sorted)
            .for_each(|(pair, one)| *pair = one);
    }
}

fn is_above((out, back): &Pair<'_>) -> bool {
    back.leg.amount > out.leg.amount
}

fn is_equal((out, back): &Pair<'_>) -> bool {
    back.leg.amount == out.leg.amount
}

/// The smaller and the larger of the two amounts.
fn ends((out, back): &Pair<'_>) -> (Quantity, Quantity) {
    let (out, back) = (out.leg.amount, back.leg.amount);
    (out.min(back), out.max(back))
}
