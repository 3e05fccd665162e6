//! Gifts to charities whose deduction asks for more than a receipt.

use std::collections::BTreeMap;

use packtrain_core::ledger::Asset;
use packtrain_core::money::Money;
use packtrain_core::quantity::counted;

use super::draft::Note;
use super::run::Run;
use super::stakes::Otherwise;
use super::value::Worth;
use super::{At, Stop, ways};
use crate::outcome::{TaxYear, WarningCode};

/// Donations of a year, by asset: those of similar items are counted together.
pub(super) type Donations<'a> = BTreeMap<(TaxYear, Asset), Donated<'a>>;

/// What was given of one asset in a year.
pub(super) struct Donated<'a> {
    first: At<'a>,
    count: u64,
    worth: Money,
}

impl<'a> Run<'a> {
    /// Remembers what a donation was worth, where the law asks for an appraisal.
    pub(super) fn note_donation(
        &mut self,
        at: &At<'a>,
        asset: &Asset,
        worth: Worth,
    ) -> Result<(), Stop> {
        if self.rules.special.appraisal_above.is_none() {
            return Ok(());
        }
        let none = self.zero();
        let place = (at.year, Asset::clone(asset));
        let donated = self.donations.entry(place).or_insert(Donated {
            first: *at,
            count: 0,
            worth: none,
        });
        donated.count += 1;
        donated.worth = donated.worth.checked_add(worth.money)?;
        Ok(())
    }

    /// Says which donations are worth so much that their deduction needs an appraisal.
    pub(super) fn warn_donations(&mut self) {
        let limit = self.rules.special.appraisal_above;
        let Some(limit) = limit.and_then(|it| Money::parse(it, self.settings.currency).ok()) else {
            return;
        };
        for ((year, asset), donated) in std::mem::take(&mut self.donations) {
            if donated.worth <= limit {
                continue;
            }
            let message = format!(
                "{} of {asset} in {} {} worth {}; a deduction of more than {} needs a qualified \
                 appraisal and Form 8283, Section B, and an exchange's price is no appraisal",
                counted(donated.count, "donation", "donations"),
                self.rules.year_name(year),
                if donated.count == 1 { "is" } else { "are" },
                donated.worth.to_cents(),
                limit.to_cents(),
            );
            self.draft.warn(
                &donated.first,
                Note {
                    code: WarningCode::AppraisalNeeded,
                    asset: Some(&asset),
                    at_stake: donated.worth,
                    message,
                    help: "have it appraised by the due date of the return, or claim no more",
                    ways: ways::KNOWN,
                    otherwise: Otherwise::Told,
                },
            );
        }
    }
}
