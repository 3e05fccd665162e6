//! The method of the portfolio: one total cost of all assets, of which a disposal uses a part. It
//! asks for the value of all that is held at each disposal, by the row itself, or by the nearest
//! price in time of the list of prices and of the ledger.

use std::cmp::Ordering;

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, Leg};
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity};

use super::book::LastPrice;
use super::costs::is_sale;
use super::doubts::Doubts;
use super::draft::Note;
use super::moves::Sale;
use super::run::Run;
use super::stakes::Otherwise;
use super::value::{Worth, asset_leg};
use super::{At, Stop};
use crate::error::TaxError;
use crate::methods::portfolio::TotalCost;
use crate::methods::{self, Way};
use crate::outcome::{Choice, Disposal, HeldPart, Holding, PortfolioState, ValueFrom, Valued, Why};
use crate::prices::AGE_DAYS_MAX;
use crate::request::Settings;

/// Parts that a disposal names one by one, the most valuable of what was held.
const PARTS_MAX: usize = 10;

/// The total cost of all assets, and which of them had no near price when it was asked for.
pub(super) struct Portfolio<'a> {
    pub(super) total: TotalCost,
    pub(super) doubts: Doubts<'a>,
}

impl Portfolio<'_> {
    /// Nothing yet; none where the method keeps no such cost.
    pub(super) const fn of(settings: &Settings) -> Option<Self> {
        match methods::of(settings.method).way {
            Way::Portfolio => Some(Self {
                total: TotalCost::nothing(settings.currency),
                doubts: Doubts::new(),
            }),
            Way::Lots(_) | Way::Pool(_) => None,
        }
    }
}

impl<'a> Run<'a> {
    /// Whether a leg is units of the portfolio.
    pub(super) fn is_in_portfolio(&self, leg: &Leg) -> bool {
        self.portfolio.is_some() && asset_leg(Some(leg)).is_some()
    }

    /// Sells units: they use the part of the total cost that their price is of all that is held.
    pub(super) fn portfolio_out(&mut self, at: &At<'a>, sale: &Sale<'_>) -> Result<(), Stop> {
        let (state, cost) = self.use_cost(at, sale)?;
        let net = sale.worth.money.checked_sub(sale.fees)?;
        let gain = net.checked_sub(cost)?;
        self.applied.losses |= gain.is_negative();
        let line = Disposal {
            id: at.row.id.clone(),
            origin: at.origin,
            kind: at.row.kind,
            asset: Asset::clone(&sale.leg.asset),
            wallet: Asset::clone(&at.row.wallet),
            date: at.date,
            quantity: sale.leg.amount,
            proceeds: sale.worth.money,
            fees: sale.fees,
            cost,
            gain,
            denied_loss: self.zero(),
            term: None,
            rule: self.settings.method.as_str(),
            acquired: None,
            lot: None,
            form_box: None,
            is_fee: sale.is_fee,
            why: Why {
                choice: Choice::Portfolio(Box::new(state)),
                is_fee: sale.is_fee,
                held: None,
                value: sale.worth.from,
                gift: None,
            },
        };
        Ok(self.draft.dispose(at.year, line)?)
    }

    /// Gives units away: they use the same part as if they were sold at their value.
    pub(super) fn give_from_portfolio(&mut self, at: &At<'a>, sale: &Sale<'_>) -> Result<(), Stop> {
        if !sale.leg.amount.is_positive() {
            return Ok(());
        }
        if sale.worth.is_missing() {
            self.warn_missing_price(at, sale.leg);
        }
        let (state, cost) = self.use_cost(at, sale)?;
        self.draft.list_removed(at, sale.leg, cost, Box::default());
        if let Some(listed) = self.draft.removed.last_mut() {
            listed.part = Some(Box::new(state));
        }
        Ok(())
    }

    /// Units leave for nothing, and use no part of the total cost; gives what they may be worth.
    pub(super) fn leave_portfolio(&mut self, at: &At<'a>, leg: &Leg) -> Result<Money, Stop> {
        self.part_with(at, leg)?;
        let zero = self.zero();
        self.draft.list_removed(at, leg, zero, Box::default());
        Ok(self.estimate(&leg.asset, leg.amount))
    }

    /// Assets against assets change what is held, and neither a gain nor the total cost.
    pub(super) fn swap_in_portfolio(
        &mut self,
        at: &At<'a>,
        sent: Option<&Leg>,
        received: Option<&'a Leg>,
    ) -> Result<(), Stop> {
        if let Some(sent) = sent {
            self.part_with(at, sent)?;
        }
        match received {
            Some(received) => self.acquire(at, &self.arrival(at, received, self.zero())),
            None => Ok(()),
        }
    }

    /// Takes units out of the portfolio, and nothing of its cost.
    pub(super) fn part_with(&mut self, at: &At<'a>, leg: &Leg) -> Result<(), Stop> {
        if !leg.amount.is_positive() {
            return Ok(());
        }
        let missing = self.units_out(at, leg)?;
        let value = self.estimate(&leg.asset, missing);
        self.warn_unbought(at, leg, missing, value);
        Ok(())
    }

    /// Takes units out with their part of the total cost; gives the portfolio before, and the part.
    fn use_cost(&mut self, at: &At<'a>, sale: &Sale<'_>) -> Result<(PortfolioState, Money), Stop> {
        let (sold, _) = self.place(&sale.leg.asset, &at.row.wallet);
        self.looks += self.books.len();
        let parts = self.held_before(at, sale, sold)?;
        let (price, zero) = (sale.worth.money, self.zero());
        let mut state = PortfolioState {
            date: at.date,
            paid: zero,
            used: zero,
            price,
            value: parts
                .iter()
                .filter_map(|(_, part)| part.value)
                .try_fold(zero, |sum, value| sum.checked_add(value.money))?,
            part: zero,
            parts: Box::default(),
            more: 0,
            fee: self.fee_of_sale(at, sale),
        };
        if let Some(portfolio) = &mut self.portfolio {
            (state.paid, state.used) = (portfolio.total.paid, portfolio.total.used);
            state.part = portfolio.total.take(price, state.value)?;
        }
        // Without a price nothing is used, whatever the portfolio is worth.
        if !price.is_zero() {
            self.note_doubts(at, &parts, state.part)?;
        }
        (state.parts, state.more) = most_valuable(parts, sold);
        let missing = self.units_out(at, sale.leg)?;
        let value = price.share(missing, sale.leg.amount)?;
        self.warn_unbought(at, sale.leg, missing, value);
        let part = state.part;
        Ok((state, part))
    }

    /// Units given as a fee of a sale, which lower its price by what they are worth.
    fn fee_of_sale(&self, at: &At<'a>, sale: &Sale<'_>) -> Option<HeldPart> {
        let fee = at.row.fee.as_ref()?;
        if sale.is_fee || !self.is_in_portfolio(fee) || !is_sale(at.row) {
            return None;
        }
        let worth = self.of_fee.ok()?;
        let value = (!worth.is_missing()).then(|| by_row(worth, at.date));
        Some(HeldPart {
            asset: Asset::clone(&fee.asset),
            quantity: fee.amount,
            value,
        })
    }

    /// Says that units left of which no purchase is on record: the total cost lacks theirs.
    fn warn_unbought(&mut self, at: &At<'a>, leg: &Leg, missing: Quantity, value: Money) {
        if missing.is_positive() {
            self.applied.missing_basis = true;
            let otherwise = Otherwise::bought(&leg.asset, &at.row.wallet, missing, value);
            let note = Note::missing_basis(&leg.asset, missing, value, None);
            self.draft.warn(at, Note { otherwise, ..note });
        }
    }

    /// What was held before a disposal with its value, and the book of each.
    fn held_before(
        &self,
        at: &At<'a>,
        sale: &Sale<'_>,
        sold: usize,
    ) -> Result<Vec<(usize, HeldPart)>, AmountError> {
        let mut parts = Vec::new();
        for (index, book) in self.books.iter().enumerate() {
            if index == sold {
                let own = self.held_of_sold(at, sale, book.units)?;
                parts.extend(own.into_iter().flatten().map(|part| (index, part)));
            } else if book.units.is_positive() {
                let part = HeldPart {
                    asset: Asset::clone(&book.asset),
                    quantity: book.units,
                    value: self.value_held(at, &book.asset, book.units),
                };
                parts.push((index, part));
            }
        }
        Ok(parts)
    }

    /// What was held of the asset that is sold: the units sold at their price; the others at the
    /// list's price of the day, or like those sold where it has none.
    fn held_of_sold(
        &self,
        at: &At<'a>,
        sale: &Sale<'_>,
        units: Quantity,
    ) -> Result<[Option<HeldPart>; 2], AmountError> {
        let (asset, own) = (&sale.leg.asset, sale.leg.amount);
        let part = |quantity, money, from| {
            Some(HeldPart {
                asset: Asset::clone(asset),
                quantity,
                value: Some(by_row(Worth { money, from }, at.date)),
            })
        };
        let Worth { money, from } = sale.worth;
        // What is sold beyond the records was held all the same.
        let all = units.max(own);
        let rest = all.checked_sub(own)?;
        let of_day = ValueFrom::Listed(at.date);
        let listed = match rest.is_positive() && from != of_day {
            true => self
                .prices
                .worth(asset, rest, self.settings.currency, at.date)
                .filter(|(_, day)| *day == at.date),
            false => None,
        };
        Ok(match listed {
            Some((listed, _)) => [part(own, money, from), part(rest, listed, of_day)],
            None => [part(all, money.share(all, own)?, from), None],
        })
    }

    /// Gives the legs of a swap that has no worth of its own the price that one of them has on
    /// record, the later one of two, with its day.
    pub(super) fn price_swap(&mut self, sent: &Leg, received: &Leg) {
        if self.portfolio.is_none() {
            return;
        }
        let value = |leg: &Leg| self.value_on(&leg.asset, leg.amount, self.stated.date);
        let (of_sent, of_received) = (value(sent), value(received));
        let day = |value: Option<Valued>| value.map(|value| value.day);
        let (known, other) = match day(of_sent).cmp(&day(of_received)) {
            Ordering::Greater => (of_sent, received),
            Ordering::Less => (of_received, sent),
            Ordering::Equal => return,
        };
        if let Some(known) = known {
            self.remember_price(other, known.money, known.day);
        }
    }

    /// What units are worth at a disposal by the nearest price, however old it is.
    fn value_held(&self, at: &At<'a>, asset: &Asset, units: Quantity) -> Option<Valued> {
        match self.input.answers.is_unpriced(asset, at.year) {
            true => None,
            false => self.value_on(asset, units, at.date),
        }
    }

    /// Tells of prices that were not near; gives what is left, each asset with its share of the
    /// total cost by value, since none has a cost of its own.
    pub(super) fn settle_portfolio(
        &mut self,
        last: Option<&At<'a>>,
    ) -> Result<Vec<Holding>, TaxError> {
        self.warn_doubts();
        let left = match (&self.portfolio, last) {
            (Some(portfolio), Some(last)) => portfolio
                .total
                .left()
                .and_then(|cost| self.left_by_value(last, cost)),
            _ => Ok(Vec::new()),
        };
        left.map_err(|source| TaxError::Assessment { source })
    }

    fn left_by_value(&self, last: &At<'a>, mut cost: Money) -> Result<Vec<Holding>, AmountError> {
        let mut worth = self.zero();
        let mut held = Vec::new();
        for book in self.books.iter().filter(|book| book.units.is_positive()) {
            let value = self.value_on(&book.asset, book.units, last.date);
            let value = value.map_or(self.zero(), |value| value.money);
            worth = worth.checked_add(value)?;
            held.push((Asset::clone(&book.asset), book.units, value));
        }
        held.sort_by(|(a, ..), (b, ..)| a.cmp(b));
        let mut holdings = Vec::with_capacity(held.len());
        for (asset, quantity, value) in held {
            let own = match worth.is_zero() {
                // Nothing left has a price: the first of it stands for all.
                true => cost,
                false => cost.portion(value, worth)?,
            };
            (cost, worth) = (cost.checked_sub(own)?, worth.checked_sub(value)?);
            holdings.push(Holding {
                asset,
                wallet: None,
                quantity,
                cost: own,
            });
        }
        Ok(holdings)
    }
}

/// What a row of a day says of its units, and the day of the price.
fn by_row(Worth { money, from }: Worth, date: NaiveDate) -> Valued {
    let day = match from {
        ValueFrom::Listed(day) | ValueFrom::Recorded(day) => day,
        _ => date,
    };
    Valued { money, from, day }
}

/// Whether a price may stand for the last one of an asset: one of less than a whole unit of money,
/// rounded to cents, may for no better one that is near.
pub(super) fn is_telling(money: Money, date: NaiveDate, last: Option<LastPrice>) -> bool {
    let near = last.filter(|last| (date - last.date).num_days() <= AGE_DAYS_MAX);
    let Some(near) = near else {
        return true;
    };
    let Ok(one) = Money::parse("1", money.currency()) else {
        return false;
    };
    money >= one || near.money < one
}

/// The parts of the most value, and how many more assets were held; of the one that was sold there
/// may be two parts.
fn most_valuable(mut parts: Vec<(usize, HeldPart)>, sold: usize) -> (Box<[HeldPart]>, usize) {
    let money = |part: &HeldPart| part.value.map(|value| value.money);
    let by_value = |(a, of_a): &(usize, HeldPart), (b, of_b): &(usize, HeldPart)| {
        let order = money(of_b).partial_cmp(&money(of_a));
        order.unwrap_or(Ordering::Equal).then(a.cmp(b))
    };
    let assets = |parts: &[(usize, HeldPart)]| {
        let own = parts.iter().filter(|(index, _)| *index == sold);
        parts.len() - own.count().saturating_sub(1)
    };
    let all = assets(&parts);
    if parts.len() > PARTS_MAX {
        parts.select_nth_unstable_by(PARTS_MAX, by_value);
        parts.truncate(PARTS_MAX);
    }
    parts.sort_by(by_value);
    let more = all - assets(&parts);
    (parts.into_iter().map(|(_, part)| part).collect(), more)
}
