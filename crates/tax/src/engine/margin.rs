//! Results of margin positions: lines among the disposals where they are capital gains, sums apart
//! from them elsewhere.

use std::collections::BTreeMap;

use packtrain_core::ledger::Asset;
use packtrain_core::money::Money;
use packtrain_core::quantity::{Quantity, counted};

use super::draft::Note;
use super::moves::Sale;
use super::pools::Whole;
use super::run::Run;
use super::stakes::Otherwise;
use super::value::{Worth, asset_leg};
use super::{At, Stop, ways};
use crate::assess::above_zero;
use crate::outcome::{Choice, Disposal, MARGIN_RESULT, TaxYear, Term, WarningCode, Why};

/// Results of a year that go into no form.
pub(super) struct Apart<'a> {
    first: At<'a>,
    count: u64,
    sum: Money,
}

/// Such results of all years.
pub(super) type AllApart<'a> = BTreeMap<TaxYear, Apart<'a>>;

impl<'a> Run<'a> {
    /// A margin result, less its fee; units that settle it are bought or sold at that value.
    pub(super) fn margin(&mut self, at: &At<'a>) -> Result<(), Stop> {
        let row = at.row;
        let Some(result) = self.stated.value else {
            let message = "the result has no value; left out".into();
            self.leave_out(at, WarningCode::UnusableRow, message);
            return Ok(());
        };
        self.applied.margin = true;
        let costs = self.costs(at)?;
        if self.choices.margin_is_capital {
            // The line names where its result comes from.
            self.margin_line(at, result, costs)?;
        } else {
            self.note_result(at, result);
            let net = result.checked_sub(costs)?;
            self.draft.add_other(at.year, net)?;
            if self.rules.special.margin_in_no_form {
                self.note_apart(at, net)?;
            }
        }
        let worth = Worth {
            money: result.abs(),
            from: self.stated.from,
        };
        self.note_fee(at, costs);
        if let Some(leg) = asset_leg(row.sent.as_ref()) {
            let fees = self.zero();
            self.dispose(
                at,
                &Sale {
                    leg,
                    worth,
                    fees,
                    is_fee: false,
                },
            )?;
        }
        if let Some(leg) = asset_leg(row.received.as_ref()) {
            self.acquire(at, &self.arrival(at, leg, worth.money))?;
        }
        Ok(())
    }

    /// The result as a line of its own: a gain is proceeds, a loss is cost.
    fn margin_line(&mut self, at: &At<'a>, result: Money, fees: Money) -> Result<(), Stop> {
        let (proceeds, cost) = (above_zero(result), above_zero(result.negated()));
        let gain = result.checked_sub(fees)?;
        // Nothing tells that a position was open for more than a year.
        let term = self.rules.terms.is_some().then_some(Term::Short);
        let wallet = &at.row.wallet;
        // What a wallet's broker reported is of its sales of digital assets.
        let form_box = self.rules.form_box(self.settings, None, at.date, term);
        self.applied.losses |= gain.is_negative();
        let line = Disposal {
            id: at.row.id.clone(),
            origin: at.origin,
            kind: at.row.kind,
            asset: Asset::from(MARGIN_RESULT),
            wallet: Asset::clone(wallet),
            date: at.date,
            quantity: Quantity::from_units(1, 0)?,
            proceeds,
            fees,
            cost,
            gain,
            denied_loss: self.zero(),
            term,
            rule: "margin",
            acquired: None,
            lot: None,
            form_box,
            is_fee: false,
            why: Why {
                choice: Choice::Margin,
                is_fee: false,
                held: None,
                value: self.stated.from,
                gift: None,
            },
        };
        match self.has_pools() {
            // Lines of pools are written down at the end, all in order of time.
            true => self.margin_lines.push(Whole {
                index: at.index,
                year: at.year,
                lines: vec![line],
            }),
            false => self.draft.dispose(at.year, line)?,
        }
        Ok(())
    }

    fn note_apart(&mut self, at: &At<'a>, net: Money) -> Result<(), Stop> {
        let none = self.zero();
        let apart = self.margin_apart.entry(at.year).or_insert(Apart {
            first: *at,
            count: 0,
            sum: none,
        });
        apart.count += 1;
        apart.sum = apart.sum.checked_add(net)?;
        Ok(())
    }

    /// Says of each year which results are in no figure for the return.
    pub(super) fn warn_apart(&mut self) {
        for (year, apart) in std::mem::take(&mut self.margin_apart) {
            let message = format!(
                "{} {} come to {}; they are in no figure for the return of {}",
                counted(apart.count, "margin result of", "margin results of"),
                self.rules.year_name(year),
                apart.sum.to_fixed(2),
                self.rules.name,
            );
            self.draft.warn(
                &apart.first,
                Note {
                    code: WarningCode::MarginInNoForm,
                    asset: None,
                    at_stake: apart.sum,
                    message,
                    help: "find out where the return asks for them, and enter the sum there",
                    ways: ways::KNOWN,
                    otherwise: Otherwise::Told,
                },
            );
        }
    }
}
