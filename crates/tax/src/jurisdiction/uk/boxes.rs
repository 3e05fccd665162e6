//! The boxes of SA108, Capital gains summary, and of SA100.
//!
//! From 2024-25 cryptoassets have boxes of their own: 13.1 number of disposals, 13.2 proceeds,
//! 13.3 allowable costs, 13.4 gains, 13.5 losses (read in two transcripts of the form, with 13.6 to
//! 13.8 for claims and for returns made at once, which a ledger does not hold). Boxes 45 and 47 are
//! the losses brought forward and used, and those to carry forward. Before, they go with other
//! property: 14, 15, 16, 17 and 19, read in the form of 2016-17 and in that of 2025-26; for earlier
//! years no number was confirmed. The boxes have no pence: gains and proceeds are cut, costs and
//! losses, of the year and of others, count a fraction as one more, which the form allows.
//! Box 51, the adjustment of 2024-25, depends on income and is not computed.

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
    fn every_box_of_losses_and_costs_counts_a_fraction_as_one_more_and_no_other_does() {
        let entered = |key: &str| place(key, TaxYear(2024)).map(|place| place.entered);
        for key in [
            "allowable_costs",
            "losses_in_year",
            "losses_brought_forward_used",
            "losses_carried_forward",
        ] {
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
