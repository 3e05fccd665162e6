//! Changes of rows, by answers and by the question what the other way would give.

use packtrain_core::ledger::{Asset, Leg, Rare, Row, RowKind};
use packtrain_core::money::Money;

use super::Answers;
use crate::engine::LedgerFile;
use crate::engine::input::{Place, index};
use crate::outcome::TaxYear;

impl Answers {
    /// The same answers with one more change, which is given the row as they left it.
    pub(in crate::engine) fn with(
        &self,
        ledgers: &[LedgerFile],
        place: Place,
        change: impl FnOnce(&mut Self, Row),
    ) -> Self {
        let mut answers = self.clone();
        let row = answers.changed(place);
        let row = row.unwrap_or_else(|| &ledgers[index(place.file)].rows[index(place.row)]);
        let row = row.clone();
        change(&mut answers, row);
        answers
    }

    /// Puts a row in the place of the one in the file.
    pub(in crate::engine) fn change(&mut self, place: Place, row: Row) {
        self.changed.insert(place, row);
    }

    /// Counts a row though an earlier file has the same.
    pub(in crate::engine) fn keep(&mut self, place: Place) {
        self.kept.insert(place);
    }

    /// The copies that count, whoever said so.
    pub(in crate::engine) fn kept(&self) -> impl Iterator<Item = Place> {
        self.kept.iter().copied()
    }

    /// Leaves a row out.
    pub(in crate::engine) fn leave_out(&mut self, place: Place) {
        self.left_out.insert(place);
    }

    /// Counts what is held of an asset as nothing at the disposals of a year.
    pub(in crate::engine) fn leave_unpriced(&mut self, asset: Asset, year: TaxYear) {
        self.unpriced.insert((asset, year));
    }

    /// Adds a purchase of units at the time of a row, into a wallet. Of several for rows of one id
    /// each has an id of its own.
    pub(in crate::engine) fn add_purchase(
        &mut self,
        row: Row,
        wallet: Asset,
        bought: Leg,
        cost: Money,
    ) {
        let count = self.purchases.entry(row.id.clone()).or_insert(0);
        *count += 1;
        let id = match *count {
            1 => format!("{}-purchase", row.id),
            more => format!("{}-purchase-{more}", row.id),
        };
        self.added.push(Row {
            id: id.into(),
            line: u32::try_from(self.settled.len() + 1).unwrap_or(u32::MAX),
            kind: RowKind::Buy,
            wallet,
            sent: None,
            received: Some(bought),
            fee: None,
            value: Some(cost),
            currency: cost.currency(),
            tx_hash: None,
            note: None,
            rare: Rare::NONE,
            ..row
        });
    }
}
