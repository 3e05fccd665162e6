//! What is open when the records end, lot by lot, with its value on a day: so that a person sees
//! what selling it would mean, and from when on.

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, RowId};
use packtrain_core::quantity::Quantity;
use rayon::prelude::*;

use super::book::Book;
use super::lots::Part;
use super::run::Run;
use crate::outcome::{Holding, OpenLot, ValueFrom, Valued};
use crate::request::Scope;

impl Run<'_> {
    /// Every open lot, valued on a day; where the method keeps pools, what each of them holds.
    pub(super) fn open(&self, holdings: &[Holding], date: NaiveDate) -> Vec<OpenLot> {
        let mut open = Vec::new();
        if self.has_pools() {
            for holding in holdings {
                let value = self.value_on(&holding.asset, holding.quantity, date);
                open.push(OpenLot {
                    asset: Asset::clone(&holding.asset),
                    wallet: holding.wallet.clone(),
                    lot: None,
                    acquired: None,
                    long_from: None,
                    quantity: holding.quantity,
                    cost: holding.cost,
                    value,
                });
            }
            return open;
        }
        for book in &self.books {
            for shelf in &book.shelves {
                let wallet = usize::try_from(shelf.wallet).ok();
                let wallet = wallet.and_then(|wallet| self.wallets.get(wallet));
                // What a lot says lies all over the memory: two wait for it sooner than one.
                let parts: Vec<&Part> = shelf.parts().collect();
                let parts = parts.into_par_iter();
                open.par_extend(parts.map(|part| self.open_lot(book, wallet, part, date)));
            }
        }
        open
    }

    fn open_lot(
        &self,
        book: &Book<'_>,
        wallet: Option<&Asset>,
        part: &Part,
        date: NaiveDate,
    ) -> OpenLot {
        let lot = self.lots.get(part.lot);
        let on_record = lot.basis.is_on_record();
        OpenLot {
            asset: Asset::clone(&book.asset),
            // Over all wallets, the one in which a part lies decides nothing.
            wallet: wallet.filter(|_| self.scope == Scope::Wallet).cloned(),
            lot: on_record.then(|| RowId::clone(lot.id)),
            acquired: on_record.then_some(lot.acquired),
            long_from: lot.long_from.filter(|_| on_record),
            quantity: part.quantity,
            cost: part.cost,
            value: self.value_on(&book.asset, part.quantity, date),
        }
    }

    /// What units are worth on a day by the nearest price in time, however far it is: that of the
    /// list, of the day or before it, or the last one that the rows so far gave; of two as near
    /// that of the list.
    pub(super) fn value_on(
        &self,
        asset: &Asset,
        quantity: Quantity,
        date: NaiveDate,
    ) -> Option<Valued> {
        let recorded = self.recorded(asset, quantity);
        nearest(self.listed(asset, quantity, date), recorded, date)
    }

    /// The same by a price that was known on the day: rows after it give none.
    pub(super) fn value_known_on(
        &self,
        asset: &Asset,
        quantity: Quantity,
        date: NaiveDate,
    ) -> Option<Valued> {
        let recorded = self.recorded(asset, quantity);
        let recorded = recorded.filter(|value| value.day <= date);
        nearest(self.listed(asset, quantity, date), recorded, date)
    }

    /// What units are worth by the last price of the list up to a day.
    fn listed(&self, asset: &Asset, quantity: Quantity, date: NaiveDate) -> Option<Valued> {
        let currency = self.settings.currency;
        let (money, day) = self.prices.last_worth(asset, quantity, currency, date)?;
        let from = ValueFrom::Listed(day);
        Some(Valued { money, from, day })
    }

    /// What units are worth by the last price that the rows so far gave.
    fn recorded(&self, asset: &Asset, quantity: Quantity) -> Option<Valued> {
        let last = self.known_book(asset)?.last_price?;
        Some(Valued {
            money: last.money.share(quantity, last.units).ok()?,
            from: ValueFrom::Recorded(last.date),
            day: last.date,
        })
    }
}

/// The value whose price is nearer to a day, the first of two as near.
fn nearest(listed: Option<Valued>, recorded: Option<Valued>, date: NaiveDate) -> Option<Valued> {
    let days = |value: &Valued| (date - value.day).num_days().abs();
    listed.into_iter().chain(recorded).min_by_key(days)
}
