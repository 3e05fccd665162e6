//! What units had cost or were worth, by a person's answers.

use std::collections::BTreeMap;

use packtrain_core::ledger::{Asset, Leg, Row, RowId, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::fitting::{Fitting, leg_of, start_of};
use super::{Answers, Priced};
use crate::engine::input::Place;
use crate::engine::run::{OUTSIDE, Run};
use crate::engine::{At, Stop};
use crate::outcome::{Origin, Settled, Way};
use crate::settle::{Price, Purchase};

/// A purchase for a row that lacked units.
#[derive(Clone)]
pub(super) struct Bought {
    /// The answer that says so.
    answer: usize,
    row: RowId,
    asset: Asset,
    units: Quantity,
}

/// What the row of a purchase did not need of it.
pub(in crate::engine) struct Spare {
    /// What is left right after the row.
    units: Quantity,
    /// The row's wallet, whose balance that is.
    wallet: Asset,
}

/// Says of purchases how much of them their rows did not need.
pub(super) fn tell_spare(settled: &mut [Settled], spare: &BTreeMap<usize, Spare>) {
    for (answer, Spare { units, wallet }) in spare {
        if let Some(answer) = settled.get_mut(*answer) {
            let said = format!(", of which wallet {wallet:?} still holds {units} after the row");
            answer.said.push_str(&said);
        }
    }
}

fn said(error: AmountError) -> String {
    error.to_string()
}

impl<'a> Run<'a> {
    /// Remembers what is left, right after its row, of a purchase that a person answered with: of
    /// one that only covers what the row lacked, nothing. What is held is left of the last of
    /// several purchases first, and of none twice.
    pub(in crate::engine) fn count_spare(&mut self, at: &At<'a>) -> Result<(), Stop> {
        let bought = &self.input.answers.bought;
        if bought.is_empty() {
            return Ok(());
        }
        let mut held: BTreeMap<&Asset, Quantity> = BTreeMap::new();
        for one in bought.get(&at.origin).into_iter().flatten().rev() {
            // A record that was taken apart gave several rows of one line.
            if one.row != at.row.id {
                continue;
            }
            let balance = self.balance(&one.asset, &at.row.wallet);
            let left = held.entry(&one.asset).or_insert(balance);
            let spare = one.units.min(*left);
            if spare.is_positive() {
                *left = left.checked_sub(spare)?;
                let wallet = Asset::clone(&at.row.wallet);
                let units = spare;
                self.spare.insert(one.answer, Spare { units, wallet });
            }
        }
        Ok(())
    }
}

impl Answers {
    /// Refuses a second answer of one kind about an asset of a row: of two costs none is known to
    /// be the one that was meant. What is bought in several purchases has several answers, which
    /// `which` tells apart.
    fn say_once(
        &mut self,
        place: Place,
        way: Way,
        asset: &Asset,
        which: String,
    ) -> Result<(), String> {
        let key = (place, way, Asset::clone(asset), which);
        match self.said.insert(key, self.settled.len()) {
            Some(first) => Err(format!(
                "answer {} of the list is the same for {asset} of this row: keep one of them",
                first + 1
            )),
            None => Ok(()),
        }
    }

    /// Adds a purchase, or gives the row that brought the units their cost.
    pub(super) fn buy(
        &mut self,
        fitting: &Fitting<'_>,
        place: Place,
        purchase: &Purchase,
    ) -> Result<String, String> {
        let row = self.row(fitting, place);
        let currency = purchase.currency.unwrap_or(fitting.settings.currency);
        let cost = fitting.money(purchase.cost, currency, purchase.date)?;
        let at = start_of(purchase.date, fitting.settings.timezone)?;
        if purchase.date > fitting.date(&row) {
            return Err("the purchase is after the row".to_owned());
        }
        let asset = purchase.asset.as_deref();
        let is_brought = matches!(
            row.kind,
            RowKind::Deposit | RowKind::GiftIn | RowKind::Opening
        );
        let leg = match is_brought {
            true => leg_of([row.received.as_ref(), None], asset),
            false => leg_of([row.sent.as_ref(), row.fee.as_ref()], asset),
        };
        let (units, leg) = (purchase.units, leg?);
        let mut rest = Quantity::ZERO;
        if matches!(row.kind, RowKind::GiftIn | RowKind::Opening) {
            self.say_once(place, Way::Purchase, &leg.asset, String::new())?;
            if units != leg.amount {
                return Err(format!("the row brought {} {:?}", leg.amount, &*leg.asset));
            }
            let mut row = row;
            (row.rare.basis, row.rare.acquired) = (Some(cost), Some(at));
            self.changed.insert(place, row);
        } else {
            let which = format!("{} {units} {} {currency}", purchase.date, cost.to_plain());
            self.say_once(place, Way::Purchase, &leg.asset, which)?;
            let bought = Leg {
                amount: units,
                asset: Asset::clone(&leg.asset),
            };
            if row.kind == RowKind::Deposit {
                rest = units.max(leg.amount);
                rest = rest.checked_sub(leg.amount).map_err(said)?;
            }
            let row = Row { at, ..row };
            self.add_row(fitting.origin(place), place, row, bought, cost);
        }
        let mut text = format!(
            "{units} {} bought on {} for {} {currency}",
            leg.asset,
            purchase.date,
            cost.to_plain()
        );
        if rest.is_positive() {
            text.push_str(&format!(", of which {rest} stay where they were bought"));
        }
        Ok(text)
    }

    /// Adds the purchase of units that a row sends, or that a deposit brings.
    fn add_row(&mut self, origin: Origin, place: Place, row: Row, bought: Leg, cost: Money) {
        let answer = self.settled.len();
        let wallet = if row.kind == RowKind::Deposit {
            self.brought.push((place, answer));
            // Units that a deposit brings were bought elsewhere.
            Asset::from(OUTSIDE)
        } else {
            let for_row = self.bought.entry(origin).or_default();
            for_row.push(Bought {
                answer,
                row: row.id.clone(),
                asset: Asset::clone(&bought.asset),
                units: bought.amount,
            });
            Asset::clone(&row.wallet)
        };
        self.add_purchase(row, wallet, bought, cost);
    }

    /// Gives a row, or its fee, the value that a price makes.
    pub(super) fn price(
        &mut self,
        fitting: &Fitting<'_>,
        place: Place,
        price: &Price,
    ) -> Result<String, String> {
        let mut row = self.row(fitting, place);
        let currency = price.currency.unwrap_or(fitting.settings.currency);
        let date = fitting.date(&row);
        let one = fitting.money(price.one, currency, date)?;
        let asset = price.asset.as_deref();
        let main = leg_of([row.sent.as_ref(), row.received.as_ref()], asset);
        let (leg, is_fee) = match main {
            Ok(leg) => (leg, row.kind == RowKind::Fee),
            Err(_) => (leg_of([row.fee.as_ref(), None], asset)?, true),
        };
        if !is_fee && fitting.states_money(&row, date) {
            return Err("the row states its money, which counts before any price".to_owned());
        }
        if row.kind == RowKind::MarginPnl {
            return Err("the result of a margin position is no price".to_owned());
        }
        self.say_once(place, Way::Price, &leg.asset, String::new())?;
        let unit = Quantity::from_units(1, 0).map_err(said)?;
        let value = one.share(leg.amount, unit).map_err(said)?;
        let of = match is_fee {
            true => {
                row.rare.fee_value = Some(value);
                Priced::Fee
            }
            false => {
                (row.value, row.currency) = (Some(value), currency);
                Priced::Row
            }
        };
        self.changed.insert(place, row);
        self.priced.insert((place, of));
        Ok(format!(
            "one {} at {} {currency}",
            leg.asset,
            one.to_plain()
        ))
    }
}
