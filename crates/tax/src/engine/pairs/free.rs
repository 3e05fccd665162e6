//! Deposits that no withdrawal has yet, in order of their amounts: the one that fits a withdrawal
//! best is found without a look at those that do not fit.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};
use std::ops::Bound::{Excluded, Unbounded};

use chrono::TimeDelta;
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::Half;

/// Amount, time and index of a deposit.
pub(super) type Key = (Quantity, Timestamp, usize);

/// Deposits of each wallet, in order of their amounts.
#[derive(Default)]
pub(super) struct Free<'a> {
    of_wallet: HashMap<&'a str, BTreeSet<Key>>,
}

impl<'a> Free<'a> {
    pub(super) fn add(&mut self, back: &Half<'a>) {
        let wallet = self.of_wallet.entry(&back.row.wallet).or_default();
        wallet.insert(key(back));
    }

    pub(super) fn remove(&mut self, back: &Half<'a>) {
        if let Some(wallet) = self.of_wallet.get_mut(&*back.row.wallet) {
            wallet.remove(&key(back));
            if wallet.is_empty() {
                self.of_wallet.remove(&*back.row.wallet);
            }
        }
    }

    /// How many wallets have one.
    pub(super) fn wallets(&self) -> usize {
        self.of_wallet.len()
    }

    /// The deposit in another wallet of as many units or the fewest less, then the one of the
    /// least time between, then the first. `may` says which may be one at all.
    pub(super) fn best(&self, out: &Half<'_>, may: impl Fn(usize) -> bool) -> Option<Key> {
        let others = self.others(out);
        let best = others.filter_map(|keys| best_of(keys, out, &may));
        best.min_by_key(|key| rank(out, key))
    }

    /// The deposit in another wallet of the fewest units more.
    pub(super) fn above(&self, out: &Half<'_>, may: impl Fn(usize) -> bool) -> Option<Key> {
        let above = (
            Excluded((out.leg.amount, Timestamp::MAX_UTC, usize::MAX)),
            Unbounded,
        );
        let others = self.others(out);
        let first = others.filter_map(|keys| {
            let mut keys = keys.range(above);
            keys.find(|key| may(key.2))
        });
        first
            .min_by_key(|key| (key.0, between(out, key), key.2))
            .copied()
    }

    fn others(&self, out: &Half<'_>) -> impl Iterator<Item = &BTreeSet<Key>> {
        let own = &*out.row.wallet;
        let wallets = self.of_wallet.iter();
        wallets.filter_map(move |(wallet, keys)| (*wallet != own).then_some(keys))
    }
}

fn best_of(keys: &BTreeSet<Key>, out: &Half<'_>, may: impl Fn(usize) -> bool) -> Option<Key> {
    let mut most = (out.leg.amount, Timestamp::MAX_UTC, usize::MAX);
    // Amounts go down only where a person parted all deposits of one.
    while let Some((amount, ..)) = keys.range(..=most).next_back().copied() {
        let (first, now) = (
            (amount, Timestamp::MIN_UTC, 0),
            (amount, out.at, usize::MIN),
        );
        let last = (amount, Timestamp::MAX_UTC, usize::MAX);
        let is_one = |key: &&Key| may(key.2);
        let after = keys.range(now..=last).find(is_one);
        let before = keys.range(first..now).rev().find(is_one);
        // Of several at that moment the first.
        let before = before.and_then(|(_, at, _)| {
            let moment = (amount, *at, usize::MIN)..=(amount, *at, usize::MAX);
            keys.range(moment).find(is_one)
        });
        let nearest = [after, before].into_iter().flatten();
        if let Some(best) = nearest.min_by_key(|key| (between(out, key), key.2)) {
            return Some(*best);
        }
        most = keys.range(..first).next_back().copied()?;
    }
    None
}

/// Of deposits of no more units than a withdrawal the first in this order fits it best.
pub(super) fn rank(out: &Half<'_>, key: &Key) -> (Reverse<Quantity>, TimeDelta, usize) {
    (Reverse(key.0), between(out, key), key.2)
}

fn key(back: &Half<'_>) -> Key {
    (back.leg.amount, back.at, back.index)
}

fn between(out: &Half<'_>, (_, at, _): &Key) -> TimeDelta {
    (*at - out.at).abs()
}
