//! The book of one asset: what each wallet holds, and the parts of lots that lie there.
//!
//! Parts stand by the method's rank, so that taking the next one, adding one and moving one cost
//! a logarithm, or the moving of a few hundred others, however many lots are open. Under the
//! universal scope parts and units can lie apart, because a sale in one wallet may use a lot of
//! another; the sums over all wallets stay equal, and [`Book::allocate`] brings the two together
//! again.

mod allocate;

use std::collections::{BTreeSet, HashMap};

use chrono::NaiveDate;
use packtrain_core::ledger::Asset;
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::lots::{Lots, Part};
use super::pools::Passage;
use super::shelf::Shelf;
use crate::methods::Rank;
use crate::request::Scope;
pub(super) use allocate::Rule;

/// Shelves or symbols that are looked at one by one before an index is kept.
const FEW: usize = 16;
/// Wallets in which a lot that a row names is looked for.
const NAMED_WALLETS_MAX: usize = 1_000;

/// The book of one asset.
pub(super) struct Book<'a> {
    pub(super) asset: Asset,
    pub(super) shelves: Vec<Shelf>,
    /// The shelf of each wallet.
    shelf_of: HashMap<u32, usize>,
    /// The first part of each shelf, where there are too many shelves to look at one by one.
    heads: Option<BTreeSet<(Rank, usize)>>,
    /// The last price that a row gave.
    pub(super) last_price: Option<LastPrice>,
    /// Local date of each purchase, and the place of its row in the order of time.
    pub(super) purchases: Vec<(NaiveDate, u32)>,
    /// Units of all wallets, where the method keeps a pool.
    pub(super) units: Quantity,
    /// The same by the names of the tokens that share the pool.
    pub(super) symbols: Vec<(Asset, Quantity)>,
    /// Where each of them stands, beyond the first few.
    symbol_of: HashMap<Asset, usize>,
    /// What came in and left, in order of time, where the method keeps a pool.
    pub(super) passages: Vec<Passage<'a>>,
}

/// So much money for so many units, on a day.
#[derive(Debug, Clone, Copy)]
pub(super) struct LastPrice {
    pub(super) money: Money,
    pub(super) units: Quantity,
    pub(super) date: NaiveDate,
}

impl<'a> Book<'a> {
    pub(super) fn new(asset: Asset) -> Self {
        Self {
            asset,
            shelves: Vec::new(),
            shelf_of: HashMap::new(),
            heads: None,
            last_price: None,
            purchases: Vec::new(),
            units: Quantity::ZERO,
            symbols: Vec::new(),
            symbol_of: HashMap::new(),
            passages: Vec::new(),
        }
    }

    /// Counts units of a pool under their own name.
    pub(super) fn count(&mut self, symbol: &Asset, units: Quantity) -> Result<(), AmountError> {
        let mut few = self.symbols.iter().take(FEW);
        let place = few.position(|(name, _)| name == symbol);
        let place = place.or_else(|| self.symbol_of.get(symbol).copied());
        let Some(place) = place else {
            if self.symbols.len() >= FEW {
                let place = self.symbols.len();
                self.symbol_of.insert(Asset::clone(symbol), place);
            }
            self.symbols.push((Asset::clone(symbol), units));
            return Ok(());
        };
        let sum = &mut self.symbols[place].1;
        *sum = sum.checked_add(units)?;
        Ok(())
    }

    /// The index of a wallet's shelf, which is made where there is none.
    pub(super) fn shelf(&mut self, wallet: u32, lots: &Lots<'_>) -> usize {
        let few = self.shelves.iter().take(FEW);
        if let Some(index) = few
            .map(|shelf| shelf.wallet)
            .position(|other| other == wallet)
        {
            return index;
        }
        if let Some(index) = self.shelf_of.get(&wallet) {
            return *index;
        }
        let index = self.shelves.len();
        self.shelves.push(Shelf::new(wallet));
        self.shelf_of.insert(wallet, index);
        if index == FEW {
            let shelves = self.shelves.iter().enumerate();
            let heads =
                shelves.filter_map(|(index, shelf)| Some((lots.rank(shelf.first()?), index)));
            self.heads = Some(heads.collect());
        }
        index
    }

    /// Changes a shelf's parts; every change goes through here, so that the heads stay right.
    fn change<T>(
        &mut self,
        index: usize,
        lots: &Lots<'_>,
        work: impl FnOnce(&mut Shelf) -> Result<T, AmountError>,
    ) -> Result<T, AmountError> {
        let shelf = &mut self.shelves[index];
        let Some(heads) = &mut self.heads else {
            return work(shelf);
        };
        let before = shelf.first();
        let result = work(shelf)?;
        if shelf.first() != before {
            before.map(|lot| heads.remove(&(lots.rank(lot), index)));
            heads.extend(shelf.first().map(|lot| (lots.rank(lot), index)));
        }
        Ok(result)
    }

    /// Puts a part on a shelf and counts its units there.
    pub(super) fn add(
        &mut self,
        shelf: usize,
        part: Part,
        lots: &Lots<'_>,
    ) -> Result<(), AmountError> {
        self.change(shelf, lots, |shelf| shelf.put(part, lots))?;
        let shelf = &mut self.shelves[shelf];
        shelf.balance = shelf.balance.checked_add(part.quantity)?;
        Ok(())
    }

    /// Takes units off a wallet, and parts of lots in the order of the method from the scope.
    /// Gives how many units no lot was found for.
    pub(super) fn take(
        &mut self,
        shelf: usize,
        scope: Scope,
        wanted: Quantity,
        lots: &Lots<'_>,
        parts: &mut Vec<Part>,
    ) -> Result<Quantity, AmountError> {
        let mut missing = wanted;
        while missing.is_positive() {
            let from = match scope {
                Scope::Wallet => shelf,
                Scope::Universal => self.next_shelf(shelf, lots),
            };
            let Some(part) = self.change(from, lots, |shelf| shelf.take_first(missing))? else {
                break;
            };
            missing = missing.checked_sub(part.quantity)?;
            parts.push(part);
        }
        let shelf = &mut self.shelves[shelf];
        // Units without a lot must have come from somewhere: they do not make the wallet poorer.
        shelf.balance = shelf.balance.checked_sub(wanted.checked_sub(missing)?)?;
        Ok(missing)
    }

    /// Takes at most `wanted` units of one lot, first from the wallet's own shelf.
    pub(super) fn take_lot(
        &mut self,
        shelf: usize,
        scope: Scope,
        (lot, wanted): (u32, Quantity),
        lots: &Lots<'_>,
        parts: &mut Vec<Part>,
    ) -> Result<Quantity, AmountError> {
        let mut missing = wanted;
        let all = match scope {
            Scope::Wallet => 0,
            Scope::Universal => self.shelves.len().min(NAMED_WALLETS_MAX),
        };
        let others = (0..all).filter(|other| *other != shelf);
        for from in std::iter::once(shelf).chain(others) {
            if missing.is_zero() {
                break;
            }
            let take = |shelf: &mut Shelf| shelf.take_lot(lot, missing, lots);
            if let Some(part) = self.change(from, lots, take)? {
                missing = missing.checked_sub(part.quantity)?;
                parts.push(part);
            }
        }
        let shelf = &mut self.shelves[shelf];
        shelf.balance = shelf.balance.checked_sub(wanted.checked_sub(missing)?)?;
        Ok(missing)
    }

    /// The shelf whose first part the method would use next; the wallet's own before equals.
    fn next_shelf(&self, own: usize, lots: &Lots<'_>) -> usize {
        if self.shelves.len() == 1 {
            return own;
        }
        let first = |index: usize| self.shelves[index].first().map(|lot| lots.rank(lot));
        if let Some(heads) = &self.heads {
            return match heads.first() {
                Some((rank, index)) if first(own).as_ref() != Some(rank) => *index,
                _ => own,
            };
        }
        let mut best = (own, first(own));
        for index in 0..self.shelves.len() {
            let Some(rank) = first(index) else {
                continue;
            };
            if best.1.as_ref().is_none_or(|before| rank < *before) {
                best = (index, Some(rank));
            }
        }
        best.0
    }

    /// Adds to the cost of parts that were moved to a shelf, in proportion to their units. In the
    /// scope of a wallet, units that were not on record are among them, as the lot that the move
    /// made. Where none of them lies there any more, or where over all wallets none was on record,
    /// to that of all parts on it; where none does at all, to that of the part that the method
    /// would take next from the scope. A lot keeps its place in the order of the method, which is
    /// by what it had cost at first. Gives whether there was a part.
    pub(super) fn add_cost(
        &mut self,
        (mut shelf, scope): (usize, Scope),
        parts: &[(u32, Quantity)],
        cost: Money,
        lots: &Lots<'_>,
    ) -> Result<bool, AmountError> {
        let mut over = self.shelves[shelf].left_of(parts, lots);
        if over.is_empty() && scope == Scope::Universal {
            shelf = self.next_shelf(shelf, lots);
            let next = self.shelves[shelf].parts().next();
            over.extend(next.map(|part| (part.lot, part.quantity)));
        }
        let shelf = &mut self.shelves[shelf];
        let sum = |sum: Quantity, (_, part): &(u32, Quantity)| sum.checked_add(*part);
        let mut units = over.iter().try_fold(Quantity::ZERO, sum)?;
        let is_joined = units.is_positive();
        let mut left = cost;
        for (lot, quantity) in over {
            let share = left.share(quantity, units)?;
            left = left.checked_sub(share)?;
            units = units.checked_sub(quantity)?;
            if let Some(part) = shelf.part(lot, lots) {
                part.cost = part.cost.checked_add(share)?;
            }
        }
        Ok(is_joined)
    }

    /// Moves units to another wallet, and the parts of lots that lie there, in the order of the
    /// method; adds these to `moved`. Gives how many units no part was there for.
    pub(super) fn carry(
        &mut self,
        (from, to): (usize, usize),
        quantity: Quantity,
        lots: &Lots<'_>,
        moved: &mut Vec<(u32, Quantity)>,
    ) -> Result<Quantity, AmountError> {
        let mut missing = quantity;
        while missing.is_positive() {
            let Some(part) = self.change(from, lots, |shelf| shelf.take_first(missing))? else {
                break;
            };
            missing = missing.checked_sub(part.quantity)?;
            moved.push((part.lot, part.quantity));
            self.change(to, lots, |shelf| shelf.put(part, lots))?;
        }
        let source = &mut self.shelves[from];
        source.balance = source.balance.checked_sub(quantity)?;
        let target = &mut self.shelves[to];
        target.balance = target.balance.checked_add(quantity)?;
        Ok(missing)
    }
}
