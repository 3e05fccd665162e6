//! Withdrawals and the deposits that are their other halves.
//!
//! Halves with one transaction hash belong together: of several those that lose the fewest units on
//! the way. What is left is paired by amount and time: a deposit of the same asset in another
//! wallet, soon after the withdrawal, of as many units or a little fewer, since a network's fee may
//! have been taken on the way. What a wallet gets back from its own transaction is no transfer.

mod free;
mod uncross;

use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use chrono::TimeDelta;
use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::quantity::Quantity;
use packtrain_core::time::Timestamp;

use super::answers::Answers;
use super::input::Place;
use crate::error::TaxError;
use crate::fiat::is_fiat;
use crate::outcome::MatchedBy;
use free::Free;

/// How long after its withdrawal a deposit may come.
const LATEST: TimeDelta = TimeDelta::hours(48);
/// How long before it: exchanges book by clocks of their own.
const EARLIEST: TimeDelta = TimeDelta::minutes(10);
/// The most of a hundred units that a network may have taken.
const LOST_PERCENT_MAX: i128 = 5;

/// How many halves are looked at between two looks at the watch.
const LOOKS: usize = 1 << 16;

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

/// Which deposits a withdrawal may go with, by their hashes: two that differ are two transactions.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Hash<'a> {
    Any,
    None,
    Of(&'a str),
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
///
/// # Errors
/// [`TaxError::Stopped`] when the outcome is wanted no more.
pub(super) fn pair<'a>(
    rows: impl Iterator<Item = &'a Row>,
    given: &Given,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Pairs, TaxError> {
    let mut pairing = Pairing {
        pairs: Pairs::new(),
        given,
        looks: Cell::new(0),
        asked: 0,
        is_stopped,
    };
    for (out, back) in &given.joined {
        pairing.join(*out, *back, MatchedBy::Answer);
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
        if pairing.has(index) || given.alone.contains(&index) {
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
        pairing.by_hash(halves)?;
    }
    for halves in by_asset.into_values() {
        pairing.by_amount(&halves)?;
    }
    Ok(pairing.pairs)
}

/// The pairing in progress.
struct Pairing<'w> {
    pairs: Pairs,
    given: &'w Given,
    /// How many halves were looked at, and how many when the watch was asked last.
    looks: Cell<usize>,
    asked: usize,
    is_stopped: &'w dyn Fn() -> bool,
}

impl Pairing<'_> {
    fn has(&self, index: usize) -> bool {
        self.pairs.contains_key(&index)
    }

    fn join(&mut self, out: usize, back: usize, by: MatchedBy) {
        self.pairs.insert(out, (back, by));
        self.pairs.insert(back, (out, by));
    }

    /// Counts looks at halves, and at the wallets of halves.
    fn look(&self, count: usize) {
        self.looks.set(self.looks.get() + count);
    }

    fn ask(&mut self) -> Result<(), TaxError> {
        if self.looks.get() - self.asked < LOOKS {
            return Ok(());
        }
        self.asked = self.looks.get();
        match (self.is_stopped)() {
            true => Err(TaxError::Stopped),
            false => Ok(()),
        }
    }

    /// Whether a person leaves it open that two halves are one transfer.
    fn may(&self, out: &Half<'_>, back: usize) -> bool {
        self.look(1);
        !self.given.parts(out.index, back)
    }

    /// Gives each withdrawal of a transaction the deposit in another wallet that loses the fewest
    /// units, the smallest withdrawal first: none is nearer to a deposit that fits several. Where
    /// more arrived than left the fewest more; then the pairs are such that their amounts differ
    /// the least.
    fn by_hash(&mut self, halves: Halves<'_>) -> Result<(), TaxError> {
        let Halves {
            mut withdrawals,
            deposits,
        } = halves;
        if withdrawals.is_empty() || deposits.is_empty() {
            return Ok(());
        }
        let of_index: HashMap<usize, Half<'_>> =
            deposits.iter().map(|back| (back.index, *back)).collect();
        let mut free = Free::default();
        deposits.iter().for_each(|back| free.add(back));
        // Of equal ones those first to which the fewest deposits are open.
        let mut in_wallet: HashMap<&str, usize> = HashMap::new();
        for half in withdrawals.iter().chain(&deposits) {
            *in_wallet.entry(&half.row.wallet).or_default() += 1;
        }
        let closed = |out: &Half<'_>| Reverse(in_wallet.get(&*out.row.wallet).copied());
        withdrawals.sort_by_key(|out| (out.leg.amount, closed(out), out.index));
        let mut found = Vec::new();
        for is_above in [false, true] {
            let mut left = Vec::new();
            for out in withdrawals {
                self.look(1);
                self.ask()?;
                self.look(free.wallets());
                let may = |back| self.may(&out, back);
                let best = match is_above {
                    true => free.above(&out, may),
                    false => free.best(&out, may),
                };
                match best.and_then(|(.., back)| of_index.get(&back)) {
                    Some(back) => {
                        free.remove(back);
                        found.push((out, *back));
                    }
                    None => left.push(out),
                }
            }
            withdrawals = left;
        }
        uncross::uncross(&mut found, |out, back| self.may(out, back.index));
        for (out, back) in found {
            self.join(out.index, back.index, MatchedBy::Hash);
        }
        Ok(())
    }

    /// Gives each withdrawal that has no other half the deposit that fits best: of those near in
    /// time the one with the fewest units lost, then the one of the least time between.
    fn by_amount(&mut self, halves: &Halves<'_>) -> Result<(), TaxError> {
        let deposits = &halves.deposits;
        // Those that are near the withdrawal in time.
        let mut near: HashMap<Hash<'_>, Free<'_>> = HashMap::new();
        let (mut start, mut end) = (0, 0);
        let mut of_index: HashMap<usize, Half<'_>> = HashMap::new();
        for out in &halves.withdrawals {
            self.look(1);
            self.ask()?;
            if self.has(out.index) {
                continue;
            }
            while let Some(back) = deposits.get(end).filter(|it| it.at <= out.at + LATEST) {
                self.look(1);
                if !self.has(back.index) {
                    for hash in hashes(back) {
                        near.entry(hash).or_default().add(back);
                    }
                    of_index.insert(back.index, *back);
                }
                end += 1;
            }
            while let Some(back) = deposits.get(start).filter(|it| it.at < out.at - EARLIEST) {
                self.look(1);
                if of_index.remove(&back.index).is_some() {
                    take(&mut near, back);
                }
                start += 1;
            }
            let best = self
                .best(out, &near)
                .and_then(|back| of_index.remove(&back));
            if let Some(back) = best {
                take(&mut near, &back);
                self.join(out.index, back.index, MatchedBy::Amount);
            }
        }
        Ok(())
    }

    /// The index of the deposit that fits a withdrawal best.
    fn best(&self, out: &Half<'_>, near: &HashMap<Hash<'_>, Free<'_>>) -> Option<usize> {
        let hashes = match &out.row.tx_hash {
            None => [Some(Hash::Any), None],
            Some(hash) => [Some(Hash::None), Some(Hash::Of(hash))],
        };
        let may = |back| self.may(out, back);
        let frees = hashes
            .into_iter()
            .flatten()
            .filter_map(|hash| near.get(&hash));
        let best = frees.filter_map(|free| {
            self.look(free.wallets());
            free.best(out, may)
        });
        let best = best.min_by_key(|key| free::rank(out, key))?;
        is_near(out.leg.amount, best.0).then_some(best.2)
    }
}

/// The sets in which a deposit is looked for.
fn hashes<'a>(back: &Half<'a>) -> [Hash<'a>; 2] {
    let own = back.row.tx_hash.as_deref();
    [Hash::Any, own.map_or(Hash::None, Hash::Of)]
}

fn take<'a>(near: &mut HashMap<Hash<'a>, Free<'a>>, back: &Half<'a>) {
    for hash in hashes(back) {
        if let Some(free) = near.get_mut(&hash) {
            free.remove(back);
        }
    }
}

/// Whether a network may have taken what did not arrive.
fn is_near(sent: Quantity, arrived: Quantity) -> bool {
    let most = Quantity::from_units(LOST_PERCENT_MAX, 2).and_then(|part| sent.checked_mul(part));
    let lost = sent.checked_sub(arrived);
    matches!((lost, most), (Ok(lost), Ok(most)) if lost <= most)
}
