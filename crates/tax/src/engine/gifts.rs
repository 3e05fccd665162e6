//! Units that come or go for nothing: gifts, donations, opening balances, theft and loss.

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::draft::Note;
use super::lots::{Basis, Gift};
use super::moves::{Arrival, Sale};
use super::run::Run;
use super::stakes::Otherwise;
use super::value::{Worth, asset_leg};
use super::{At, Stop};
use crate::jurisdiction::GiftIn;
use crate::methods::journal::Leaving;
use crate::outcome::{GiftSide, ValueFrom, ValuedPart, WarningCode};

impl<'a> Run<'a> {
    /// A gift received or an opening balance: cost and date as the law has them.
    pub(super) fn carried_in(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let row = at.row;
        let Some(leg) = asset_leg(row.received.as_ref()) else {
            return Ok(());
        };
        let (is_gift, stated) = (row.kind == RowKind::GiftIn, self.stated);
        if !is_gift {
            self.value_opening(at, leg)?;
        }
        self.applied.gifts_received |= is_gift;
        let at_market = is_gift && self.rules.treatment.gift_in == GiftIn::MarketValue;
        // Where the law takes the market value, a basis alone is what a spouse had paid; without
        // either, the list of prices may know the value.
        let listed = match (stated.basis, worth.from) {
            (None, ValueFrom::Listed(_)) => Some(worth.money),
            _ => None,
        };
        let value = stated.value.map(|money| (money, stated.from));
        let listed = listed.map(|money| (money, worth.from));
        let basis = stated.basis.map(|money| (money, stated.basis_from));
        let market = value.or(listed).filter(|_| at_market);
        let known = market.or(basis);
        let (cost, from) = known.unwrap_or((self.zero(), ValueFrom::Missing));
        let paid_on = match market {
            Some(_) => at.date,
            None => stated.basis_date,
        };
        let worth = Worth { money: cost, from };
        self.note(at, (leg, ValuedPart::Cost), worth, paid_on);
        let has_two = is_gift && self.rules.treatment.gift_in == GiftIn::DualBasis;
        let arrival = Arrival {
            basis: if known.is_some() {
                Basis::Known
            } else {
                Basis::Unknown
            },
            acquired: row.rare.acquired.filter(|_| market.is_none()),
            gift_value: stated.value.filter(|value| has_two && *value < cost),
            ..self.arrival(at, leg, cost)
        };
        self.acquire(at, &arrival)
    }

    /// What is known about a cost, where the person may have said that it was nothing.
    pub(super) fn accepted(&mut self, at: &At<'a>, basis: Basis) -> Basis {
        if !basis.is_doubtful() {
            return basis;
        }
        let answers = self.input.answers;
        let Some(answer) = answers.accepts_zero_cost(at.origin, &at.row.id) else {
            return basis;
        };
        self.zeroed.insert(answer);
        match basis {
            Basis::Unknown => Basis::Known,
            _ => Basis::Nothing,
        }
    }

    /// What becomes of units that leave for nothing, by the kind of their row.
    fn leaving(&mut self, kind: RowKind) -> Leaving {
        let law = &self.rules.treatment;
        let (leaving, applied) = match kind {
            RowKind::GiftOut => (law.gift_out, &mut self.applied.given_away),
            RowKind::GiftSpouse => (law.gift_spouse, &mut self.applied.given_to_spouse),
            RowKind::Donation => (law.donation, &mut self.applied.donated),
            _ => (Leaving::Gone, &mut self.applied.lost),
        };
        *applied = true;
        leaving
    }

    /// Units that leave for nothing: gift, donation, loss, theft.
    pub(super) fn give_away(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let Some(leg) = asset_leg(at.row.sent.as_ref()) else {
            return Ok(());
        };
        let leaving = self.leaving(at.row.kind);
        if at.row.kind == RowKind::Donation {
            self.note_donation(at, &leg.asset, worth)?;
        }
        if leaving == Leaving::Sold && worth.is_missing() {
            self.warn_missing_price(at, leg);
        }
        let sale = Sale {
            leg,
            worth,
            fees: self.zero(),
            is_fee: false,
        };
        let is_loss = matches!(at.row.kind, RowKind::Lost | RowKind::Stolen);
        if self.portfolio.is_some() && !is_loss {
            return self.give_from_portfolio(at, &sale);
        }
        match leaving {
            Leaving::Sold => return self.dispose(at, &sale),
            Leaving::NoGainNoLoss if self.has_pools() => {
                return self.pool_out(at, &sale, Leaving::NoGainNoLoss);
            }
            Leaving::NoGainNoLoss | Leaving::Gone => {}
        }
        let cost = self.remove(at, leg)?;
        if !is_loss {
            return Ok(());
        }
        let lacking = match self.portfolio.is_some() {
            true => "they use no part of the total cost",
            false => "their cost is not deducted",
        };
        let otherwise = match self.has_pools() {
            // What a pool gives up is known when all rows are.
            true => Otherwise::Worthless,
            false => Otherwise::Told,
        };
        self.draft.warn(
            at,
            Note {
                code: WarningCode::LossEventNotDeducted,
                asset: Some(&leg.asset),
                at_stake: cost,
                message: format!("{} {} {}; {lacking}", leg.amount, leg.asset, at.row.kind),
                help: "ask an adviser whether this loss can be deducted",
                ways: super::ways::KNOWN,
                otherwise,
            },
        );
        Ok(())
    }
}

/// The side of a gift with two bases that decides, and the cost that goes with it.
pub(super) fn side_of(
    gift: &Gift,
    quantity: Quantity,
    net: Money,
    cost: &mut Money,
) -> Result<GiftSide, AmountError> {
    let value = gift.value.share(quantity, gift.quantity)?;
    Ok(if !net.checked_sub(*cost)?.is_negative() {
        GiftSide::Gain
    } else if net.checked_sub(value)?.is_negative() {
        *cost = value;
        GiftSide::Loss
    } else {
        *cost = net;
        GiftSide::Between
    })
}
