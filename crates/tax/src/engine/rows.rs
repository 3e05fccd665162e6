//! What each kind of row means, in the moves of [`super::moves`].

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::Money;

use super::draft::Note;
use super::known::Known;
use super::lots::Basis;
use super::moves::{Arrival, Sale};
use super::run::Run;
use super::stakes::Otherwise;
use super::value::{Worth, asset_leg, has_negative_amount};
use super::ways;
use super::{At, Stop};
use crate::import::zero_for_money;
use crate::jurisdiction::UntaxedCost;
use crate::outcome::{Income, WarningCode};

/// The leg of no units that money was given or taken for.
fn units_for_nothing(row: &Row) -> Option<&Leg> {
    let (sent, received) = (row.sent.as_ref()?, row.received.as_ref()?);
    let mut both = [(sent, received), (received, sent)].into_iter();
    let found = both.find(|(units, money)| zero_for_money(row.kind, units, money));
    found.map(|(units, _)| units)
}

impl<'a> Run<'a> {
    /// Computes one row.
    pub(super) fn row(&mut self, known: &Known<'a>) -> Result<(), Stop> {
        let (at, row) = (&known.at, known.at.row);
        self.open_day(at.date)?;
        self.value_years(at)?;
        (self.stated, self.of_fee) = (known.stated, known.fee);
        if !self.is_usable(at) {
            return Ok(());
        }
        let worth = known.worth?;
        self.applied.converted |= worth.from.is_converted();
        self.moved.to = None;
        self.moved.parts.clear();
        self.release_rewards(at, worth)?;
        self.remember_prices(row, worth);
        match row.kind {
            RowKind::Buy | RowKind::Sell | RowKind::Trade | RowKind::Spend => {
                self.exchange(at, worth)?;
            }
            RowKind::Wrap | RowKind::Unwrap => self.wrap(at, worth)?,
            RowKind::Transfer | RowKind::Bridge => self.transfer(at, worth)?,
            RowKind::Withdrawal => self.withdrawal(at, worth)?,
            RowKind::Deposit => self.deposit(at, worth)?,
            RowKind::Staking
            | RowKind::Mining
            | RowKind::Interest
            | RowKind::Airdrop
            | RowKind::Fork
            | RowKind::Reward
            | RowKind::Income => self.income(at, worth)?,
            RowKind::GiftIn | RowKind::Opening => self.carried_in(at, worth)?,
            RowKind::GiftOut
            | RowKind::GiftSpouse
            | RowKind::Donation
            | RowKind::Lost
            | RowKind::Stolen => self.give_away(at, worth)?,
            RowKind::Fee => return self.fee_row(at, worth),
            RowKind::MarginPnl => self.margin(at)?,
            RowKind::Borrow => self.borrow(at, worth)?,
            RowKind::Repay => self.repay(at, worth)?,
            RowKind::LpDeposit | RowKind::LpWithdraw => self.liquidity(at, worth)?,
        }
        self.fee_in_kind(at)
    }

    /// Whether a row can be in the figures; says so if not.
    fn is_usable(&mut self, at: &At<'a>) -> bool {
        let (row, currency) = (at.row, self.settings.currency);
        if has_negative_amount(row) {
            let message = "an amount is negative; left out".to_owned();
            self.leave_out(at, WarningCode::UnusableRow, message);
            return false;
        }
        if self.stated.is_unknown {
            let message = format!(
                "values in {}, report in {currency}, and no rate of {} is known; left out",
                row.currency, at.date
            );
            self.leave_out(at, WarningCode::CurrencyMismatch, message);
            return false;
        }
        true
    }

    /// Says that a row is not in the figures.
    pub(super) fn leave_out(&mut self, at: &At<'a>, code: WarningCode, message: String) {
        let legs = [&at.row.sent, &at.row.received];
        let leg = legs.into_iter().find_map(|leg| asset_leg(leg.as_ref()));
        let at_stake = match (self.stated.value, leg) {
            (Some(value), _) => value,
            (_, Some(leg)) => self.estimate(&leg.asset, leg.amount),
            _ => self.zero(),
        };
        let (help, ways) = match code {
            WarningCode::CurrencyMismatch => (
                "put the exchange rate of the day into a list of prices, or give the row's values \
                 in the currency of the report",
                ways::PRICED,
            ),
            _ => ("correct the row", ways::LEFT_OUT),
        };
        let otherwise = match code {
            WarningCode::CurrencyMismatch => Otherwise::Worth(at_stake),
            _ => Otherwise::Open,
        };
        let asset = leg.map(|leg| &leg.asset);
        self.draft.warn(
            at,
            Note {
                code,
                asset,
                at_stake,
                message,
                help,
                ways,
                otherwise,
            },
        );
    }

    pub(super) fn warn_missing_price(&mut self, at: &At<'a>, leg: &Leg) {
        if self.rules.special.taxes_wealth {
            return;
        }
        let at_stake = self.estimate(&leg.asset, leg.amount);
        // Of a transfer only the units on the way may lack a value: the row's is that of all.
        let legs = [&at.row.sent, &at.row.received];
        let mut whole = legs.into_iter().flatten();
        let is_fee = at
            .row
            .fee
            .as_ref()
            .is_some_and(|fee| std::ptr::eq(fee, leg));
        let otherwise = match whole.find(|whole| whole.asset == leg.asset) {
            Some(whole) if !is_fee => Otherwise::Worth(self.estimate(&whole.asset, whole.amount)),
            _ => Otherwise::FeeWorth(at_stake),
        };
        let note = Note::missing_price(&leg.asset, leg.amount, at_stake, otherwise);
        self.draft.warn(at, note);
    }

    /// Says that money was given or taken for no units, which is not in the figures.
    fn warn_no_units(&mut self, at: &At<'a>, units: &Leg, worth: Worth) {
        let note = Note {
            code: WarningCode::UnusableRow,
            asset: Some(&units.asset),
            at_stake: worth.money,
            message: format!("money for 0 {}; left out", units.asset),
            help: "correct the row",
            ways: ways::LEFT_OUT,
            otherwise: Otherwise::Open,
        };
        self.draft.warn(at, note);
    }

    /// Buying, selling, swapping and spending: what leaves is sold, what arrives is bought.
    pub(super) fn exchange(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let row = at.row;
        if let Some(units) = units_for_nothing(row) {
            self.warn_no_units(at, units, worth);
            return Ok(());
        }
        let sent = asset_leg(row.sent.as_ref());
        let received = asset_leg(row.received.as_ref());
        let Some(main) = sent.or(received) else {
            // Money for money, or money spent, is no business of the lots.
            let whole = row.sent.is_some() && row.received.is_some();
            if !whole && row.kind != RowKind::Spend {
                let message = "the row has no amounts; left out".into();
                self.leave_out(at, WarningCode::UnusableRow, message);
            }
            return Ok(());
        };
        if let (Some(sent), Some(received)) = (sent, received) {
            if self.portfolio.is_some() {
                self.applied.swaps = true;
                return self.swap_in_portfolio(at, Some(sent), Some(received));
            }
            let carries = self.rules.special.swap_carries;
            if carries(
                self.settings,
                at.date,
                row.kind,
                &sent.asset,
                &received.asset,
            ) {
                self.applied.swaps = true;
                return self.exchange_at_cost(at, (sent, received), false);
            }
        }
        if worth.is_missing() {
            self.warn_missing_price(at, main);
        }
        let costs = self.costs(at)?;
        self.applied.swaps |= sent.is_some() && received.is_some();
        let (of_sale, of_purchase) =
            self.divide_costs(costs, sent.is_some(), received.is_some())?;
        if let Some(leg) = sent {
            self.dispose(
                at,
                &Sale {
                    leg,
                    worth,
                    fees: of_sale,
                    is_fee: false,
                },
            )?;
        }
        self.note_fee(at, of_sale.checked_add(of_purchase)?);
        if let Some(leg) = received {
            let cost = worth.money.checked_add(of_purchase)?;
            self.note_cost(at, leg, worth);
            self.acquire(at, &self.arrival(at, leg, cost))?;
        }
        Ok(())
    }

    /// An ordinary lot that the row makes in its own wallet.
    pub(super) fn arrival<'s>(&self, at: &At<'s>, leg: &'s Leg, cost: Money) -> Arrival<'s> {
        Arrival {
            asset: &leg.asset,
            wallet: &at.row.wallet,
            quantity: leg.amount,
            cost,
            basis: Basis::Known,
            acquired: None,
            gift_value: None,
        }
    }

    /// A fee on its own. Money given as a fee is no disposal.
    fn fee_row(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let row = at.row;
        let Some(leg) = row.fee.as_ref().or(row.sent.as_ref()) else {
            self.leave_out(
                at,
                WarningCode::UnusableRow,
                "the fee has no amount; left out".into(),
            );
            return Ok(());
        };
        let Some(leg) = asset_leg(Some(leg)) else {
            return Ok(());
        };
        let stated = match self.stated.fee_value {
            Some(money) => Worth {
                money,
                from: self.stated.fee_from,
            },
            None => worth,
        };
        if stated.is_missing() {
            self.warn_missing_price(at, leg);
        }
        self.applied.fees_in_kind = true;
        let fees = self.zero();
        self.dispose(
            at,
            &Sale {
                leg,
                worth: stated,
                fees,
                is_fee: true,
            },
        )
    }

    /// One token for as many of another carries lots over, unless it is asked for as a trade.
    fn wrap(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        self.applied.wraps = true;
        let legs = (
            asset_leg(at.row.sent.as_ref()),
            asset_leg(at.row.received.as_ref()),
        );
        match legs {
            (Some(sent), Some(received))
                if sent.amount == received.amount && self.choices.wrap_carries =>
            {
                self.rename(at, sent, received)
            }
            _ => self.exchange(at, worth),
        }
    }

    /// A reward at its value on receipt, which becomes its cost; income where the law says so.
    fn income(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let Some(leg) = &at.row.received else {
            self.leave_out(
                at,
                WarningCode::UnusableRow,
                "nothing was received; left out".into(),
            );
            return Ok(());
        };
        if self.waits(at, leg) {
            return Ok(());
        }
        let untaxed = self.rules.treatment.untaxed.iter();
        let untaxed = untaxed.into_iter().find(|(kind, _)| *kind == at.row.kind);
        let untaxed = untaxed.filter(|_| !self.choices.rewards_are_income);
        if let Some((_, UntaxedCost::Nothing)) = untaxed {
            self.applied.untaxed_receipts = true;
            return self.acquire(at, &self.arrival(at, leg, self.zero()));
        }
        if worth.is_missing() {
            self.warn_missing_price(at, leg);
        }
        if asset_leg(Some(leg)).is_some() {
            self.acquire(at, &self.arrival(at, leg, worth.money))?;
        }
        if untaxed.is_some() {
            self.note_cost(at, leg, worth);
            self.applied.untaxed_receipts = true;
            return Ok(());
        }
        self.applied.income = true;
        let line = Income {
            id: at.row.id.clone(),
            origin: at.origin,
            kind: at.row.kind,
            asset: Asset::clone(&leg.asset),
            date: at.date,
            quantity: leg.amount,
            value: worth.money,
            from: worth.from,
        };
        Ok(self.draft.receive(at.year, line)?)
    }
}
