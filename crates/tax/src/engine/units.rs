//! Units that leave a wallet, where the method keeps no lots that leave with them.

use packtrain_core::ledger::{Asset, Leg};
use packtrain_core::quantity::Quantity;

use super::draft::Note;
use super::run::Run;
use super::stakes::Otherwise;
use super::{At, Stop};

impl<'a> Run<'a> {
    /// Takes units out of the row's wallet; gives how many of them no wallet had.
    ///
    /// These must have come from somewhere: they make none poorer, and the method says what became
    /// of them.
    pub(super) fn units_out(&mut self, at: &At<'a>, leg: &Leg) -> Result<Quantity, Stop> {
        let (book, shelf) = self.place(&leg.asset, &at.row.wallet);
        let book = &mut self.books[book];
        let known = leg.amount.min(book.units.max(Quantity::ZERO));
        book.units = book.units.checked_sub(known)?;
        book.count(&leg.asset, Quantity::ZERO.checked_sub(leg.amount)?)?;
        let shelf = &mut book.shelves[shelf];
        let before = shelf.balance;
        shelf.balance = before.checked_sub(known)?;
        let after = shelf.balance;
        self.warn_if_short(at, leg, &at.row.wallet, (before, after))?;
        Ok(leg.amount.checked_sub(known)?)
    }

    /// Says that a wallet gave more than it had, when it begins to.
    pub(super) fn warn_if_short(
        &mut self,
        at: &At<'a>,
        leg: &Leg,
        wallet: &Asset,
        (before, after): (Quantity, Quantity),
    ) -> Result<(), Stop> {
        if after.is_negative() && !before.is_negative() {
            let short = Quantity::ZERO.checked_sub(after)?;
            let (zero, cost) = (self.zero(), self.estimate(&leg.asset, short));
            let otherwise = Otherwise::bought(&leg.asset, wallet, short, cost);
            let note = Note::negative_balance(&leg.asset, wallet, short, zero, otherwise);
            self.draft.warn(at, note);
        }
        Ok(())
    }
}
