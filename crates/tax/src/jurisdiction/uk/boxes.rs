//! The boxes of SA108, Capital gains summary, and of SA100.
//!
//! From 2024-25 cryptoassets have boxes of their own: 13.1 number of disposals, 13.2 proceeds,
//! 13.3 allowable costs, 13.4 gains, 13.5 losses (read in two transcripts of the form, with 13.6 to
//! 13.8 for claims and for returns made at once, which a ledger does not hold). Boxes 45 and 47 are
//! the losses brought forward and used, and those to carry forward. Before, they go with other
//! property: 14, 15, 16, 17 and 19, read in the form of 2016-17 and in that of 2025-26; for earlier
//! years no number was confirmed. The boxes have no pence: gains and proceeds are cut, costs and
//! losses count a fraction as one more, which the form allows. Boxes 45 and 47 are worked out from
//! what the others take and from box 47 of the year before: rounded each for itself, a pound could
//! be used and be carried forward as well.
//! Box 51, the adjustment of 2024-25, depends on income and is not computed.

use packtrain_core::money::Money;
use packtrain_core::quantity::AmountError;

use crate::assess::{above_zero, cut, least, one_more};
use crate::outcome::TaxYear;
use crate::place::{Entered, Place};

const CRYPTOASSETS: &str = "SA108, cryptoassets";
const OTHER_PROPERTY: &str = "SA108, other property, assets and gains";
const LOSSES: &str = "SA108, losses and adjustments";
/// The first tax year with boxes for cryptoassets.
const CRYPTOASSETS_FROM: TaxYear = TaxYear(2024);
/// The first tax year for which the boxes of other property were read.
const OTHER_PROPERTY_FROM: TaxYear = TaxYear(2016);

/// The box of a figure in the form of a year.
pub(super) fn place(key: &str, year: TaxYear) -> Option<Place> {
    let is_own = year >= CRYPTOASSETS_FROM;
    let losses = |number| Place::at(LOSSES, "box", number).entered(Entered::Up);
    let (own, other, entered) = match key {
        "number_of_disposals" => ("13.1", "14", Entered::Cents),
        "disposal_proceeds" => ("13.2", "15", Entered::Down),
        "allowable_costs" => ("13.3", "16", Entered::Up),
        "gains_before_losses" => ("13.4", "17", Entered::Down),
        "losses_in_year" => ("13.5", "19", Entered::Up),
        "losses_brought_forward_used" => return is_own.then(|| losses("45")),
        "losses_carried_forward" => return is_own.then(|| losses("47")),
        "miscellaneous_income" => {
            let income = Place::at("SA100, other UK income", "box", "17");
            return Some(income.entered(Entered::Down));
        }
        _ => return None,
    };
    let (form, number) = match is_own {
        true => (CRYPTOASSETS, own),
        false if year >= OTHER_PROPERTY_FROM => (OTHER_PROPERTY, other),
        false => (OTHER_PROPERTY, ""),
    };
    Some(Place::at(form, "box", number).entered(entered))
}

/// Whether the form of a year parts cryptoassets from other property.
pub(super) fn parts_cryptoassets(year: TaxYear) -> bool {
    year >= CRYPTOASSETS_FROM
}

/// The box of such a figure of other property, in a year whose form has boxes for both.
pub(super) fn of_other_property(key: &str) -> Option<Place> {
    // The form kept the numbers of the years before.
    place(key, TaxYear(CRYPTOASSETS_FROM.0 - 1))
}

/// Losses of other years in whole pounds, as the boxes of a year have them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pounds {
    /// Box 45.
    pub(super) used: Money,
    /// Box 47.
    pub(super) carried: Money,
}

impl Pounds {
    /// Losses from before the records, none of which is used yet.
    pub(super) fn before(losses: Money) -> Result<Self, AmountError> {
        Ok(Self {
            used: Money::zero(losses.currency()),
            carried: one_more(losses)?,
        })
    }

    /// What is made of them in a year with these gains and losses (negative) of cryptoassets and of
    /// other property, and with this exempt amount.
    pub(super) fn after(
        self,
        gains: [Money; 2],
        losses: [Money; 2],
        allowance: Money,
    ) -> Result<Self, AmountError> {
        let [gain, other_gain] = gains.map(cut);
        let [loss, other_loss] = losses.map(|loss| one_more(loss.abs()));
        let (gains, losses) = (
            gain?.checked_add(other_gain?)?,
            loss?.checked_add(other_loss?)?,
        );
        let net = gains.checked_sub(losses)?;
        let used = least(self.carried, above_zero(net.checked_sub(allowance)?));
        let left = self.carried.checked_sub(used)?;
        Ok(Self {
            used,
            carried: left.checked_add(above_zero(net.negated()))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(key: &str, year: i32) -> Option<&'static str> {
        place(key, TaxYear(year)).map(|place| place.number)
    }

    #[test]
    fn the_boxes_are_those_of_the_form_of_the_year() {
        assert_eq!(number("gains_before_losses", 2024), Some("13.4"));
        assert_eq!(number("gains_before_losses", 2023), Some("17"));
        assert_eq!(number("losses_in_year", 2016), Some("19"));
        assert_eq!(number("losses_in_year", 2015), Some(""));
        assert_eq!(number("losses_carried_forward", 2024), Some("47"));
        assert_eq!(number("losses_carried_forward", 2023), None);
        assert_eq!(number("annual_exempt_amount", 2024), None);
    }

    #[test]
    fn losses_and_costs_of_the_year_count_a_fraction_as_one_more_and_no_other_amount_does() {
        let entered = |key: &str| place(key, TaxYear(2024)).map(|place| place.entered);
        for key in ["allowable_costs", "losses_in_year"] {
            assert_eq!(entered(key), Some(Entered::Up), "{key}");
        }
        for key in [
            "disposal_proceeds",
            "gains_before_losses",
            "miscellaneous_income",
        ] {
            assert_eq!(entered(key), Some(Entered::Down), "{key}");
        }
    }
}
