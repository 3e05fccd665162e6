//! The turn from lots of all wallets together to lots of each wallet: by a rule for all units, or
//! unit by unit as the person has it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use packtrain_core::ledger::Asset;
use packtrain_core::quantity::{AmountError, Quantity};

use super::Book;
use crate::allocation::Units;
use crate::engine::lots::{Lots, Part};
use crate::engine::shelf::Shelf;

/// A rule by which all unused lots go to wallets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::engine) enum Rule {
    /// On each shelf the oldest stay, as far as there are units; what is over goes, oldest first.
    InPlace,
    /// All lots, the oldest first.
    Oldest,
    /// All lots, the highest unit cost first; of equal cost the oldest.
    Highest,
}

/// Parts taken off their shelves, one for each lot, and from where.
struct Loose {
    parts: BTreeMap<u32, Part>,
    /// How much of a lot lay on a shelf.
    from: HashMap<(usize, u32), Quantity>,
    /// Units that went to another shelf than theirs.
    moved: Quantity,
}

impl Loose {
    fn new() -> Self {
        Self {
            parts: BTreeMap::new(),
            from: HashMap::new(),
            moved: Quantity::ZERO,
        }
    }

    fn take(&mut self, shelf: usize, part: Part) -> Result<(), AmountError> {
        self.from.insert((shelf, part.lot), part.quantity);
        match self.parts.get_mut(&part.lot) {
            None => {
                self.parts.insert(part.lot, part);
            }
            Some(same) => {
                same.quantity = same.quantity.checked_add(part.quantity)?;
                same.cost = same.cost.checked_add(part.cost)?;
            }
        }
        Ok(())
    }

    /// Takes at most `wanted` units of a lot.
    fn cut(&mut self, lot: u32, wanted: Quantity) -> Result<Option<Part>, AmountError> {
        match self.parts.get_mut(&lot) {
            None => Ok(None),
            Some(part) if part.quantity > wanted => part.cut(wanted).map(Some),
            Some(_) => Ok(self.parts.remove(&lot)),
        }
    }

    fn put(
        &mut self,
        (index, shelf): (usize, &mut Shelf),
        lots: &Lots<'_>,
        part: Part,
    ) -> Result<(), AmountError> {
        let mut moved = part.quantity;
        if let Some(was) = self.from.get_mut(&(index, part.lot)) {
            let stays = part.quantity.min(*was);
            *was = was.checked_sub(stays)?;
            moved = moved.checked_sub(stays)?;
        }
        self.moved = self.moved.checked_add(moved)?;
        shelf.put(part, lots)
    }
}

impl Book<'_> {
    /// Brings parts of lots to the wallets that hold the units by a rule: they go in its order to
    /// the wallets that lack parts, in the order of their names. Gives how many units changed
    /// wallets.
    pub(in crate::engine) fn allocate(
        &mut self,
        lots: &Lots<'_>,
        names: &[Asset],
        rule: Rule,
    ) -> Result<Quantity, AmountError> {
        let mut loose = self.loosen(lots, rule == Rule::InPlace)?;
        let mut waiting: Vec<u32> = loose.parts.keys().copied().collect();
        // The next one last, where it is taken from.
        match rule {
            Rule::InPlace | Rule::Oldest => waiting.sort_by_key(|lot| Reverse(lots.age(*lot))),
            Rule::Highest => {
                let mut prices = HashMap::new();
                for (lot, part) in &loose.parts {
                    prices.insert(*lot, part.cost.per_unit(part.quantity)?);
                }
                waiting.sort_by(|a, b| {
                    let order = prices[a].cmp(&prices[b]);
                    order.then_with(|| lots.age(*b).cmp(&lots.age(*a)))
                });
            }
        }
        for index in self.by_name(names) {
            let shelf = &mut self.shelves[index];
            let mut room = shelf.units().checked_sub(shelf.in_parts()?)?;
            while let Some(lot) = waiting.last().filter(|_| room.is_positive()) {
                let Some(part) = loose.cut(*lot, room)? else {
                    waiting.pop();
                    continue;
                };
                room = room.checked_sub(part.quantity)?;
                loose.put((index, &mut *shelf), lots, part)?;
            }
            // A wallet that gave more than it had, or that no lot was left for, starts anew.
            shelf.balance = shelf.in_parts()?;
        }
        Ok(loose.moved)
    }

    /// Brings parts of lots to wallets unit by unit. Gives how many units changed wallets, or all
    /// that does not add up.
    pub(in crate::engine) fn allocate_units(
        &mut self,
        lots: &Lots<'_>,
        names: &[Asset],
        units: &[Units],
    ) -> Result<Result<Quantity, Vec<String>>, AmountError> {
        let wrong = self.check(lots, names, units)?;
        if !wrong.is_empty() {
            return Ok(Err(wrong));
        }
        let shelves = self.shelves.iter().enumerate();
        let places: HashMap<_, _> = shelves
            .filter_map(|(index, shelf)| Some((name_of(names, shelf)?, index)))
            .collect();
        let mut loose = self.loosen(lots, false)?;
        for one in units {
            // The first of all wallets stands for what is outside the records.
            let wallet = one.wallet.as_ref().or(names.first());
            let Some(index) = wallet.and_then(|name| places.get(name).copied()) else {
                continue;
            };
            let mut left = one.quantity;
            for lot in lots.of_row(&one.lot, None) {
                if let Some(part) = loose.cut(lot, left)? {
                    left = left.checked_sub(part.quantity)?;
                    loose.put((index, &mut self.shelves[index]), lots, part)?;
                }
                if left.is_zero() {
                    break;
                }
            }
        }
        for shelf in &mut self.shelves {
            shelf.balance = shelf.in_parts()?;
        }
        Ok(Ok(loose.moved))
    }

    /// What of an allocation does not add up with the lots that are left and the units that the
    /// wallets hold.
    fn check(
        &self,
        lots: &Lots<'_>,
        names: &[Asset],
        units: &[Units],
    ) -> Result<Vec<String>, AmountError> {
        let (asset, mut wrong) = (&self.asset, Vec::new());
        let mut left: BTreeMap<&str, Quantity> = BTreeMap::new();
        for part in self.shelves.iter().flat_map(Shelf::parts) {
            let sum = left.entry(lots.get(part.lot).id).or_insert(Quantity::ZERO);
            *sum = sum.checked_add(part.quantity)?;
        }
        let mut given: BTreeMap<&str, Quantity> = BTreeMap::new();
        let mut to: BTreeMap<&str, Quantity> = BTreeMap::new();
        let outside = names.first().map_or("", |name| name);
        for one in units {
            if !left.contains_key(&*one.lot) {
                let (line, lot) = (one.line, &one.lot);
                wrong.push(format!("line {line}: nothing is left of a lot {lot:?}"));
                continue;
            }
            let sum = given.entry(&one.lot).or_insert(Quantity::ZERO);
            *sum = sum.checked_add(one.quantity)?;
            let wallet = one.wallet.as_deref().unwrap_or(outside);
            let sum = to.entry(wallet).or_insert(Quantity::ZERO);
            *sum = sum.checked_add(one.quantity)?;
        }
        for (lot, quantity) in left {
            let given = given.get(lot).copied().unwrap_or(Quantity::ZERO);
            if given != quantity {
                wrong.push(format!(
                    "{quantity} {asset} {} left of lot {lot:?}, {given} {} allocated",
                    quantity.word("is", "are"),
                    given.word("is", "are"),
                ));
            }
        }
        for index in self.by_name(names) {
            let shelf = &self.shelves[index];
            let name = name_of(names, shelf).map_or("", |name| name);
            let (given, held) = (to.remove(name).unwrap_or(Quantity::ZERO), shelf.balance);
            if held.is_negative() {
                let short = Quantity::ZERO.checked_sub(held)?;
                wrong.push(format!(
                    "{name:?} gave {short} {asset} more than it held: correct the rows first"
                ));
            } else if given != held {
                wrong.push(holds_other(name, held, asset, given));
            }
        }
        let strange = to.into_iter();
        wrong.extend(strange.map(|(name, given)| holds_other(name, Quantity::ZERO, asset, given)));
        Ok(wrong)
    }

    /// Takes parts off the shelves: those that are over the units there, the newest first, or all.
    fn loosen(&mut self, lots: &Lots<'_>, keeps: bool) -> Result<Loose, AmountError> {
        // From here on lots are kept per wallet, and nobody asks for the first of all shelves.
        self.heads = None;
        let mut loose = Loose::new();
        for (index, shelf) in self.shelves.iter_mut().enumerate() {
            let mut over = shelf.in_parts()?;
            if keeps {
                over = over.checked_sub(shelf.units())?;
            }
            if !over.is_positive() {
                continue;
            }
            let mut newest: Vec<u32> = shelf.parts().map(|part| part.lot).collect();
            newest.sort_by_key(|lot| Reverse(lots.age(*lot)));
            for lot in newest {
                if !over.is_positive() {
                    break;
                }
                if let Some(part) = shelf.take_lot(lot, over, lots)? {
                    over = over.checked_sub(part.quantity)?;
                    loose.take(index, part)?;
                }
            }
        }
        Ok(loose)
    }

    /// The shelves in the order of the names of their wallets.
    fn by_name(&self, names: &[Asset]) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.shelves.len()).collect();
        order.sort_by_key(|index| name_of(names, &self.shelves[*index]));
        order
    }
}

impl Shelf {
    /// Units that lie here; none where the wallet gave more than it had.
    fn units(&self) -> Quantity {
        self.balance.max(Quantity::ZERO)
    }
}

/// Says that a wallet holds other units than those that are allocated to it.
fn holds_other(name: &str, held: Quantity, asset: &Asset, given: Quantity) -> String {
    let are = given.word("is", "are");
    format!("{name:?} holds {held} {asset}, {given} {are} allocated to it")
}

fn name_of<'n>(names: &'n [Asset], shelf: &Shelf) -> Option<&'n Asset> {
    names.get(usize::try_from(shelf.wallet).unwrap_or(usize::MAX))
}
