//! Loans in units: what is borrowed, and what is paid back.

use packtrain_core::ledger::{Asset, Leg};

use super::moves::Sale;
use super::run::Run;
use super::value::{Worth, asset_leg};
use super::{At, Stop};
use crate::methods::journal::Cost;
use crate::outcome::{ValueFrom, WarningCode};

impl<'a> Run<'a> {
    /// Units borrowed are no income. They cost what they are worth, since that is what is owed.
    pub(super) fn borrow(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let Some(leg) = asset_leg(at.row.received.as_ref()) else {
            return Ok(());
        };
        // What is owed for them is no money that a portfolio had cost.
        let worth = match self.portfolio.is_some() {
            true => Worth {
                money: self.zero(),
                from: ValueFrom::Debt,
            },
            false => worth,
        };
        if worth.is_missing() {
            self.warn_missing_price(at, leg);
        }
        self.applied.loans = true;
        let currency = self.settings.currency;
        self.debts
            .entry(Asset::clone(&leg.asset))
            .or_insert_with(|| Cost::nothing(currency))
            .add(leg.amount, worth.money)?;
        self.note_cost(at, leg, worth);
        self.acquire(at, &self.arrival(at, leg, worth.money))
    }

    /// Units paid back settle the debt. What is paid beyond it is interest, and is disposed of at
    /// its value.
    pub(super) fn repay(&mut self, at: &At<'a>, worth: Worth) -> Result<(), Stop> {
        let Some(leg) = asset_leg(at.row.sent.as_ref()) else {
            return Ok(());
        };
        self.applied.loans = true;
        let owed = match self.debts.get_mut(&leg.asset) {
            Some(debt) => debt.take(leg.amount)?,
            None => Cost::nothing(self.settings.currency),
        };
        let beyond = leg.amount.checked_sub(owed.quantity)?;
        if self.choices.loan_at_market {
            if worth.is_missing() {
                self.warn_missing_price(at, leg);
            }
            return self.sell(at, leg, worth);
        }
        let part = |amount| Leg {
            amount,
            asset: Asset::clone(&leg.asset),
        };
        let settled = Worth {
            money: owed.money,
            from: ValueFrom::Debt,
        };
        if self.portfolio.is_some() {
            self.part_with(at, &part(owed.quantity))?;
        } else {
            self.sell(at, &part(owed.quantity), settled)?;
        }
        if !beyond.is_positive() {
            return Ok(());
        }
        if owed.quantity.is_zero() {
            let message = format!(
                "{} {} {} paid back and no loan is on record; taken as a disposal",
                leg.amount,
                leg.asset,
                leg.amount.word("was", "were"),
            );
            self.warn_no_loan(at, leg, worth, message);
        }
        let value = if worth.is_missing() {
            self.warn_missing_price(at, &part(beyond));
            worth
        } else {
            Worth {
                money: worth.money.share(beyond, leg.amount)?,
                ..worth
            }
        };
        self.sell(at, &part(beyond), value)
    }

    fn sell(&mut self, at: &At<'a>, leg: &Leg, worth: Worth) -> Result<(), Stop> {
        let fees = self.zero();
        self.dispose(
            at,
            &Sale {
                leg,
                worth,
                fees,
                is_fee: false,
            },
        )
    }

    fn warn_no_loan(&mut self, at: &At<'a>, leg: &Leg, worth: Worth, message: String) {
        self.draft.warn(
            at,
            super::draft::Note {
                code: WarningCode::UnmatchedLoan,
                asset: Some(&leg.asset),
                at_stake: worth.money,
                message,
                help: "add the row in which the units were borrowed",
                ways: super::ways::NO_LOAN,
                otherwise: super::stakes::Otherwise::LeftOut,
            },
        );
    }
}
