//! Liquidity pools: units put in against a share, and units taken out for it.

use std::collections::HashMap;

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::quantity::AmountError;

use super::input::Input;
use super::known;
use super::lots::Basis;
use super::moves::{Arrival, Sale};
use super::run::Run;
use super::value::{Stated, Worth, asset_leg};
use super::{At, Stop};
use crate::assess::above_zero;
use crate::outcome::ValueFrom;
use crate::prices::Prices;
use crate::request::Settings;

/// What the rows of one transaction have together: a pool of two assets is entered and left in
/// two rows, and one of them names the share.
#[derive(Default)]
pub(super) struct Joint {
    /// Value of the rows that name no share, by transaction.
    others: HashMap<(RowKind, Box<str>), Worth>,
}

impl Joint {
    pub(super) fn of(
        input: &Input<'_>,
        prices: &Prices,
        settings: &Settings,
    ) -> Result<Self, AmountError> {
        let mut joint = Self::default();
        for row in input.rows() {
            let Some(key) = key(row).filter(|_| !has_share(row)) else {
                continue;
            };
            let date = row.at.with_timezone(&settings.timezone).date_naive();
            let stated = Stated::of(row, settings.currency, (date, settings.timezone), prices);
            let worth = known::of_row(row, &stated, prices)?;
            let sum = match joint.others.get(&key) {
                Some(before) => together(*before, worth)?,
                None => worth,
            };
            joint.others.insert(key, sum);
        }
        Ok(joint)
    }
}

/// What two rows are worth.
fn together(a: Worth, b: Worth) -> Result<Worth, AmountError> {
    Ok(Worth {
        money: a.money.checked_add(b.money)?,
        from: match a.from == b.from {
            true => a.from,
            false => ValueFrom::Several,
        },
    })
}

fn key(row: &Row) -> Option<(RowKind, Box<str>)> {
    let is_pool = matches!(row.kind, RowKind::LpDeposit | RowKind::LpWithdraw);
    Some((row.kind, row.tx_hash.clone().filter(|_| is_pool)?))
}

/// Whether a row names the share in the pool: what is received when units are put in, and what is
/// sent when they are taken out.
fn has_share(row: &Row) -> bool {
    let share = match row.kind {
        RowKind::LpDeposit => &row.received,
        _ => &row.sent,
    };
    asset_leg(share.as_ref()).is_some()
}

impl<'a> Run<'a> {
    /// Units into a pool or out of it.
    pub(super) fn liquidity(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        self.applied.pools_of_liquidity = true;
        let row = at.row;
        let legs = (
            asset_leg(row.sent.as_ref()),
            asset_leg(row.received.as_ref()),
        );
        if self.portfolio.is_some() {
            return self.swap_in_portfolio(at, legs.0, legs.1);
        }
        let more = key(row).and_then(|key| self.joint.others.get(&key).copied());
        let more = more.filter(|_| has_share(row));
        match (legs, more) {
            ((Some(sent), Some(received)), Some(more)) => {
                self.exchange_jointly(at, worth, more, (sent, received))
            }
            ((Some(sent), Some(received)), None) if self.choices.lp_carries => {
                self.exchange_at_cost(at, (sent, received), true)
            }
            _ => self.exchange(at, worth),
        }
    }

    /// The share is worth what all rows of the transaction are worth together.
    fn exchange_jointly(
        &mut self,
        at: &At<'a>,
        worth: Worth,
        more: Worth,
        (sent, received): (&'a Leg, &'a Leg),
    ) -> Result<(), Stop> {
        let is_deposit = at.row.kind == RowKind::LpDeposit;
        let own = if is_deposit { sent } else { received };
        let worth = self.worth_of_own(worth, more, own)?;
        if worth.is_missing() {
            self.warn_missing_price(at, own);
        }
        let all = together(worth, more)?;
        let (of_sent, of_received) = match is_deposit {
            true => (worth, all),
            false => (all, worth),
        };
        let costs = self.costs(at)?;
        let (of_sale, of_purchase) = self.divide_costs(costs, true, true)?;
        self.dispose(
            at,
            &Sale {
                leg: sent,
                worth: of_sent,
                fees: of_sale,
                is_fee: false,
            },
        )?;
        let cost = of_received.money.checked_add(of_purchase)?;
        self.acquire(at, &self.arrival(at, received, cost))
    }

    /// What the row's own units are worth that go in or come out. A list's price of the share is
    /// that of all rows together.
    fn worth_of_own(&self, worth: Worth, more: Worth, own: &Leg) -> Result<Worth, AmountError> {
        if !matches!(worth.from, ValueFrom::Listed(_)) {
            return Ok(worth);
        }
        let listed = known::listed(own, &self.stated, self.prices);
        Ok(match listed {
            Some(listed) => listed,
            None => Worth {
                money: above_zero(worth.money.checked_sub(more.money)?),
                from: worth.from,
            },
        })
    }

    /// What is received takes over the cost of what is sent, as one lot. It counts as acquired
    /// when the newest of the lots was, where they keep their dates.
    pub(super) fn exchange_at_cost(
        &mut self,
        at: &At<'a>,
        (sent, received): (&Leg, &'a Leg),
        keeps_date: bool,
    ) -> Result<(), Stop> {
        let missing = self.take(at, sent, &at.row.rare.lots)?;
        let lots = self.parts.iter().map(|part| self.lots.get(part.lot));
        let newest = lots.clone().map(|lot| lot.acquired_at).max();
        let newest = newest.filter(|_| keeps_date);
        let is_known = lots.clone().all(|lot| lot.basis == Basis::Known);
        let cost = self
            .parts
            .iter()
            .try_fold(self.zero(), |sum, part| sum.checked_add(part.cost))?;
        let basis = if is_known && missing.is_zero() {
            Basis::Known
        } else {
            Basis::Unknown
        };
        let arrival = Arrival {
            acquired: newest,
            basis,
            ..self.arrival(at, received, cost)
        };
        self.acquire(at, &arrival)
    }
}
