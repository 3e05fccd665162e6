//! Prices from elsewhere that no line of a disposal or of income tells.

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, Leg};
use packtrain_core::money::Money;

use super::At;
use super::run::Run;
use super::value::{Worth, asset_leg};
use crate::outcome::{Valuation, ValuedPart};

impl Run<'_> {
    /// Writes down what units that came in were valued by.
    pub(super) fn note_cost(&mut self, at: &At<'_>, leg: &Leg, worth: Worth) {
        self.note(at, (leg, ValuedPart::Cost), worth, at.date);
    }

    /// Writes down what a fee in money was valued by. Units given as a fee have their own line.
    pub(super) fn note_fee(&mut self, at: &At<'_>, costs: Money) {
        let money = at
            .row
            .fee
            .as_ref()
            .filter(|fee| asset_leg(Some(fee)).is_none());
        if let (Some(fee), Ok(worth), false) = (money, self.of_fee, costs.is_zero()) {
            self.note(at, (fee, ValuedPart::Fee), worth, at.date);
        }
    }

    /// Writes down what a result apart from lots was valued by.
    pub(super) fn note_result(&mut self, at: &At<'_>, result: Money) {
        let stated = at.row.value.unwrap_or(result);
        let Ok(amount) = stated.to_plain().parse() else {
            return;
        };
        let asset = Asset::from(stated.currency().to_string());
        let worth = Worth {
            money: result,
            from: self.stated.from,
        };
        let leg = Leg { amount, asset };
        self.note(at, (&leg, ValuedPart::Result), worth, at.date);
    }

    /// Writes down a price from elsewhere; a row's own amounts stand in the row.
    pub(super) fn note(
        &mut self,
        at: &At<'_>,
        (leg, part): (&Leg, ValuedPart),
        worth: Worth,
        used: NaiveDate,
    ) {
        if worth.from.is_own() || worth.is_missing() {
            return;
        }
        self.draft.valuations.push(Valuation {
            id: at.row.id.clone(),
            origin: at.origin,
            date: at.date,
            used,
            part,
            asset: Asset::clone(&leg.asset),
            quantity: leg.amount,
            value: worth.money,
            from: worth.from,
        });
    }
}
