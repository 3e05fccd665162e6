//! Withdrawals and the deposits that are their other halves.
//!
//! Halves with one transaction hash belong together. What is left is paired by amount and time:
//! a deposit of the same asset in another wallet, soon after the withdrawal, of as many units or
//! a little fewer, since a network's fee may have been taken on the way.

use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::answers::Answers;
use super::input::Place;
use crate::fiat::is_fiat;
use crate::outcome::MatchedBy;

/// How long after its withdrawal a deposit may come.
const LATEST: TimeDelta = TimeDelta::hours(48);
/// How long before it: exchanges book by clocks of their own.
const EARLIEST: TimeDelta = TimeDelta::minutes(10);
/// The most of a hundred units that a network may have taken.
const LOST_PERCENT_MAX: i128 = 5;

/// Of each half, by its index in order of time: the other half, and what told it.
pub(super) type Pairs = HashMap<usize, (usize, MatchedBy)>;

/// A withdrawal or a deposit.
#[derive(Clone, Copy)]
struct Half<'a> {
    index: usize,
    at: Timestamp,
    row: &'a Row,
    leg: &'a Leg,
}

/// Rows of one hash and asset.
#[derive(Default)]
struct Halves<'a> {
    withdrawals: Vec<Half<'a>>,
    deposits: Vec<Half<'a>>,
}

/// What a person says of pairs, by index in order of time.
#[derive(Default)]
pub(super) struct Given {
    joined: Vec<(usize, usize)>,
    apart: HashSet<(usize, usize)>,
    /// Rows that are no halves at all.
    alone: HashSet<usize>,
}

impl Given {
    /// The answers with the indices of the rows that they name.
    pub(super) fn of(answers: &Answers, indices: &HashMap<Place, usize>) -> Self {
        let mut given = Self::default();
        let index = |place: &Place| indices.get(place).copied();
        for (sent, received) in &answers.joined {
            given.joined.extend(index(sent).zip(index(received)));
        }
        for (sent, received) in &answers.apart {
            match received {
                Some(received) => given.apart.extend(index(sent).zip(index(received))),
                None => given.alone.extend(index(sent)),
            }
        }
        given
    }

    fn parts(&self, out: usize, back: usize) -> bool {
        !self.apart.is_empty() && self.apart.contains(&(out, back))
    }
}

/// Pairs the halves among rows in order of time.
pub(super) fn pair<'a>(rows: impl Iterator<Item = &'a Row>, given: &Given) -> Pairs {
    let mut pairs = Pairs::new();
    for (out, back) in &given.joined {
        join(&mut pairs, *out, *back, MatchedBy::Answer);
    }
    let mut by_hash: HashMap<(&str, &str), Halves<'a>> = HashMap::new();
    let mut by_asset: HashMap<&str, Halves<'a>> = HashMap::new();
    for (index, row) in rows.enumerate() {
        let (leg, leaves) = match row.kind {
            RowKind::Withdrawal => (&row.sent, true),
            RowKind::Deposit => (&row.received, false),
            _ => continue,
        };
        let Some(leg) = leg.as_ref().filter(|leg| !is_fiat(&leg.asset)) else {
            continue;
        };
        if pairs.contains_key(&index) || given.alone.contains(&index) {
            continue;
        }
        let half = Half {
            index,
            at: row.at,
            row,
            leg,
        };
        let put = |halves: &mut Halves<'a>| match leaves {
            true => halves.withdrawals.push(half),
            false => halves.deposits.push(half),
        };
        if let Some(hash) = &row.tx_hash {
            put(by_hash.entry((hash, &leg.asset)).or_default());
        }
        put(by_asset.entry(&leg.asset).or_default());
    }
    for halves in by_hash.into_values() {
        for (out, back) in halves.withdrawals.into_iter().zip(halves.deposits) {
            if !given.parts(out.index, back.index) {
                join(&mut pairs, out.index, back.index, MatchedBy::Hash);
            }
        }
    }
    for halves in by_asset.into_values() {
        by_amount(&mut pairs, &halves, given);
    }
    pairs
}

fn join(pairs: &mut Pairs, out: usize, back: usize, by: MatchedBy) {
    pairs.insert(out, (back, by));
    pairs.insert(back, (out, by));
}

/// Gives each withdrawal that has no other half the deposit that fits best.
fn by_amount(pairs: &mut Pairs, halves: &Halves<'_>, given: &Given) {
    for out in &halves.withdrawals {
        if pairs.contains_key(&out.index) {
            continue;
        }
        let start = halves
            .deposits
            .partition_point(|back| back.at < out.at - EARLIEST);
        let near = halves.deposits[start..]
            .iter()
            .take_while(|back| back.at <= out.at + LATEST);
        let is_free = |back: &&Half<'_>| {
            !pairs.contains_key(&back.index) && !given.parts(out.index, back.index)
        };
        let fits = near.filter(is_free).filter(|back| fits(out, back));
        // The fewest units lost, then the least time between.
        let best = fits.min_by_key(|back| (lost(out, back), (back.at - out.at).abs(), back.index));
        if let Some(best) = best {
            join(pairs, out.index, best.index, MatchedBy::Amount);
        }
    }
}

fn fits(out: &Half<'_>, back: &Half<'_>) -> bool {
    if out.row.wallet == back.row.wallet || back.leg.amount > out.leg.amount {
        return false;
    }
    // Two hashes that differ are two transactions.
    if let (Some(a), Some(b)) = (&out.row.tx_hash, &back.row.tx_hash)
        && a != b
    {
        return false;
    }
    let hundredth = |amount: Quantity, count: i128| {
        let count = Quantity::from_units(count, 2).ok()?;
        amount.checked_mul(count).ok()
    };
    lost(out, back).is_some_and(|lost| {
        hundredth(out.leg.amount, LOST_PERCENT_MAX).is_some_and(|most| lost <= most)
    })
}

/// Units that left and did not arrive.
fn lost(out: &Half<'_>, back: &Half<'_>) -> Option<Quantity> {
    out.leg.amount.checked_sub(back.leg.amount).ok()
}
