//! Liquidity pools: units put in against a share, and units taken out for it.

use std::collections::{HashMap, HashSet};

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
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
/// several rows, and one of them names the share.
#[derive(Default)]
pub(super) struct Joint {
    of: HashMap<(RowKind, Box<str>), Transaction>,
}

/// The rows of one transaction.
#[derive(Default)]
struct Transaction {
    /// The assets that go in or come out.
    coins: HashSet<Asset>,
    /// How many rows name a share.
    shares: usize,
    /// Value of the rows that name none, less what is given back of it.
    others: Option<Worth>,
}

/// What a row of a pool is about.
#[derive(PartialEq, Eq)]
enum Part {
    /// The share, and maybe what is given or got for it.
    Share,
    /// An asset that goes in or comes out.
    Coin,
    /// What is given back of such an asset, as the rest that did not fit.
    Back,
}

impl Joint {
    pub(super) fn of(
        input: &Input<'_>,
        prices: &Prices,
        settings: &Settings,
    ) -> Result<Self, AmountError> {
        let mut joint = Self::default();
        for row in input.rows() {
            if let (Some(key), Some(coin)) = (key(row), sides(row).coin) {
                let coins = &mut joint.of.entry(key).or_default().coins;
                coins.insert(Asset::clone(&coin.asset));
            }
        }
        for row in input.rows() {
            let Some(all) = key(row).and_then(|key| joint.of.get_mut(&key)) else {
                continue;
            };
            let part = all.part(row);
            if part == Part::Share {
                all.shares += 1;
                continue;
            }
            if row.sent.is_none() && row.received.is_none() {
                continue;
            }
            let date = row.at.with_timezone(&settings.timezone).date_naive();
            let stated = Stated::of(row, settings.currency, (date, settings.timezone), prices);
            let mut worth = known::of_row(row, &stated, prices)?;
            if part == Part::Back {
                worth.money = worth.money.negated();
            }
            all.others = Some(match all.others {
                Some(before) => together(before, worth)?,
                None => worth,
            });
        }
        Ok(joint)
    }

    /// What the other rows of a transaction are worth, for the one row that names the share.
    fn others(&self, row: &Row) -> Option<Worth> {
        let all = self.of.get(&key(row)?)?;
        let is_the_share = all.part(row) == Part::Share && all.shares == 1;
        all.others.filter(|_| is_the_share)
    }
}

impl Transaction {
    fn part(&self, row: &Row) -> Part {
        match sides(row) {
            Sides { share: None, .. } => Part::Coin,
            Sides {
                share: Some(share),
                coin: None,
            } if self.coins.contains(&share.asset) => Part::Back,
            _ => Part::Share,
        }
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
    let hash = row.tx_hash.as_ref().filter(|_| is_pool)?;
    Some((row.kind, hash.clone()))
}

/// The legs of a row of a pool: the share is what is received when units are put in, and what is
/// sent when they are taken out.
struct Sides<'a> {
    share: Option<&'a Leg>,
    coin: Option<&'a Leg>,
}

fn sides(row: &Row) -> Sides<'_> {
    let sent = asset_leg(row.sent.as_ref());
    let received = asset_leg(row.received.as_ref());
    let (share, coin) = match row.kind {
        RowKind::LpDeposit => (received, sent),
        _ => (sent, received),
    };
    Sides { share, coin }
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
        let more = self.joint.others(row);
        match (legs, more) {
            ((Some(_), Some(_)), Some(more)) => self.exchange_jointly(at, worth, more, legs),
            // The share alone: what the others are worth it is, where that is known.
            (_, Some(more)) if !more.is_missing() => self.exchange_jointly(at, worth, more, legs),
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
        (sent, received): (Option<&'a Leg>, Option<&'a Leg>),
    ) -> Result<(), Stop> {
        let is_deposit = at.row.kind == RowKind::LpDeposit;
        let own = if is_deposit { sent } else { received };
        let (worth, all) = match own {
            Some(own) => {
                let worth = self.worth_of_own(worth, more, own)?;
                if worth.is_missing() {
                    self.warn_missing_price(at, own);
                }
                (worth, together(worth, more)?)
            }
            None => (more, more),
        };
        let (of_sent, of_received) = match is_deposit {
            true => (worth, all),
            false => (all, worth),
        };
        let costs = self.costs(at)?;
        let (of_sale, of_purchase) =
            self.divide_costs(costs, sent.is_some(), received.is_some())?;
        if let Some(leg) = sent {
            self.dispose(
                at,
                &Sale {
                    leg,
                    worth: of_sent,
                    fees: of_sale,
                    is_fee: false,
                },
            )?;
        }
        self.note_fee(at, of_sale.checked_add(of_purchase)?);
        if let Some(received) = received {
            self.note_cost(at, received, of_received);
            let cost = of_received.money.checked_add(of_purchase)?;
            self.acquire(at, &self.arrival(at, received, cost))?;
        }
        Ok(())
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
