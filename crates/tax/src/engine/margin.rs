//! Results of margin positions: lines among the disposals where they are capital gains, sums apart
//! from them elsewhere.

use std::collections::BTreeMap;

use packtrain_core::ledger::Asset;
use packtrain_core::money::Money;
use packtrain_core::quantity::{AmountError, Quantity, counted};

use super::draft::Note;
use super::moves::Sale;
use super::pools::Whole;
use super::run::Run;
use super::stakes::Otherwise;
use super::value::{Worth, asset_leg};
use super::{At, Stop, ways};
use crate::assess::{MarginResults, above_zero};
use crate::jurisdiction::{Jurisdiction, Said};
use crate::outcome::{Choice, Disposal, MARGIN_RESULT, TaxYear, Term, WarningCode, Why};
use crate::request::Settings;

/// Margin results of all years, and what a report has to say of them.
pub(super) struct Margins<'a> {
    /// What is found of every year that has results.
    found: Option<(WarningCode, Said)>,
    /// What the results of each year come to.
    pub(super) results: BTreeMap<TaxYear, MarginResults>,
    /// The first row of each year, and how many there are.
    rows: BTreeMap<TaxYear, (At<'a>, u64)>,
}

impl<'a> Margins<'a> {
    pub(super) fn of(rules: &Jurisdiction, settings: &Settings) -> Self {
        let special = &rules.special;
        let in_no_form = (special.margin_in_no_form)(settings);
        let found = match in_no_form {
            Some(said) => Some((WarningCode::MarginInNoForm, said)),
            None => special
                .margin_elsewhere
                .map(|said| (WarningCode::MarginKindUnknown, said)),
        };
        Self {
            found,
            results: BTreeMap::new(),
            rows: BTreeMap::new(),
        }
    }

    /// Whether the results are in no figure, whatever an option says of them.
    const fn are_in_no_form(&self) -> bool {
        matches!(self.found, Some((WarningCode::MarginInNoForm, _)))
    }

    fn add(&mut self, at: &At<'a>, net: Money) -> Result<(), AmountError> {
        let none = MarginResults::none(net.currency());
        self.results.entry(at.year).or_insert(none).add(net)?;
        self.rows.entry(at.year).or_insert((*at, 0)).1 += 1;
        Ok(())
    }
}

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
        let net = result.checked_sub(costs)?;
        self.margins.add(at, net)?;
        if self.choices.margin_is_capital && !self.margins.are_in_no_form() {
            // The line names where its result comes from.
            self.margin_line(at, result, costs)?;
        } else {
            self.note_result(at, result);
            self.draft.add_other(at.year, net)?;
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

    /// Says of each year which results are in no figure, or may belong elsewhere.
    pub(super) fn warn_margins(&mut self) -> Result<(), AmountError> {
        let Some((code, said)) = self.margins.found else {
            return Ok(());
        };
        for (year, (first, count)) in std::mem::take(&mut self.margins.rows) {
            let none = MarginResults::none(self.settings.currency);
            let results = self.margins.results.get(&year).copied().unwrap_or(none);
            let net = results.net()?;
            let (gains, losses) = (results.gains, results.losses.abs());
            let is_apart = self.margins.are_in_no_form();
            let (at_stake, ways) = match is_apart {
                true => (net, ways::KNOWN),
                // Any of them may go: no more can change than all gains, or all losses.
                false if losses > gains => (losses, ways::ELSEWHERE),
                false => (gains, ways::ELSEWHERE),
            };
            let sum = format!(
                "{} {} come to {}",
                counted(count, "margin result of", "margin results of"),
                self.rules.year_name(year),
                net.to_fixed(2),
            );
            let (name, why) = (self.rules.name, said.why);
            let message = match is_apart {
                true => format!("{sum}; they are in no figure for the return of {name}: {why}"),
                false => format!("{sum}: {why}"),
            };
            self.draft.warn(
                &first,
                Note {
                    code,
                    asset: None,
                    at_stake,
                    message,
                    help: said.help,
                    ways,
                    otherwise: Otherwise::Told,
                },
            );
        }
        Ok(())
    }
}
