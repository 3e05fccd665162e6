//! The network's fee of a transfer between own wallets, where it is paid in units: what becomes
//! of them and of their cost is not settled, and an option decides.

use packtrain_core::ledger::{Asset, Leg, RowKind};
use packtrain_core::quantity::Quantity;

use super::choices::TransferFee;
use super::draft::Note;
use super::moves::Sale;
use super::run::Run;
use super::stakes::Otherwise;
use super::value::Worth;
use super::{At, Stop};

/// Units that the present row moved, or its other half before it.
#[derive(Default, Clone)]
pub(super) struct Moved {
    /// Their book and the shelf that they lie on since; none where nothing moved.
    pub(super) to: Option<(usize, usize)>,
    /// Each lot that moved with them, and how much of it; units that were not on record are a lot
    /// that the row made.
    pub(super) parts: Vec<(u32, Quantity)>,
}

/// Whether a row moves units between own wallets.
pub(super) const fn is_transfer(kind: RowKind) -> bool {
    matches!(
        kind,
        RowKind::Transfer | RowKind::Bridge | RowKind::Withdrawal | RowKind::Deposit
    )
}

impl<'a> Run<'a> {
    /// Moves the units of a withdrawal and its deposit at the half that stands first, and keeps
    /// what moved for the other one, by its index: the cost of its fee may join these units.
    pub(super) fn carry_once(
        &mut self,
        at: &At<'a>,
        other: usize,
        leg: &Leg,
        (from, to): (&Asset, &Asset),
    ) -> Result<(), Stop> {
        if at.index > other {
            if let Some(moved) = self.moved_before.remove(&at.index) {
                self.moved = moved;
            }
            return Ok(());
        }
        self.carry(at, leg, from, to)?;
        if self.choices.transfer_fee == TransferFee::Cost {
            self.moved_before.insert(other, self.moved.clone());
        }
        Ok(())
    }

    /// Units given for moving others between own wallets.
    pub(super) fn transfer_fee(
        &mut self,
        at: &At<'a>,
        fee: &Leg,
        worth: Worth,
    ) -> Result<(), Stop> {
        if !fee.amount.is_positive() {
            return Ok(());
        }
        self.applied.transfer_fees = true;
        match self.choices.transfer_fee {
            TransferFee::Lost => return self.remove(at, fee).map(drop),
            TransferFee::Cost => return self.join_cost(at, fee),
            TransferFee::Sold => {}
        }
        if worth.is_missing() {
            self.warn_missing_price(at, fee);
        }
        self.applied.fees_in_kind = true;
        let fees = self.zero();
        self.dispose(
            at,
            &Sale {
                leg: fee,
                worth,
                fees,
                is_fee: true,
            },
        )
    }

    /// The cost of the fee's units joins that of the units that the row moved.
    fn join_cost(&mut self, at: &At<'a>, fee: &Leg) -> Result<(), Stop> {
        let Some((book, shelf)) = self.moved.to else {
            // Nothing that the cost could join: the units are listed with it.
            return self.remove(at, fee).map(drop);
        };
        let missing = self.take(at, fee, &[])?;
        if missing.is_positive() {
            let (zero, otherwise) = (self.zero(), Otherwise::Told);
            let note = Note::negative_balance(&fee.asset, &at.row.wallet, missing, zero, otherwise);
            self.draft.warn(at, note);
        }
        let cost = self
            .parts
            .iter()
            .try_fold(self.zero(), |sum, part| sum.checked_add(part.cost))?;
        let (book, parts) = (&mut self.books[book], &self.moved.parts);
        if !book.add_cost((shelf, self.scope), parts, cost, &self.lots)? {
            let lots = self.lots.removed(&self.parts);
            self.draft.list_removed(at, fee, cost, lots);
        }
        Ok(())
    }
}
