//! How far a country's rules go, and where a law departs from what most have in common.

use chrono::NaiveDate;
use packtrain_core::ledger::{Asset, RowKind};

use crate::request::Settings;

/// How far a country's rules go, and how well they were tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Circle {
    /// Rules in full, with files for the return.
    First,
    /// What is certain of the rules, less tested, mostly without files for the return.
    Second,
}

impl Circle {
    pub(crate) const SECOND: &'static str = "This country is of the second circle: its rules hold \
        what is certain of the law, and they are less tested than those of the first circle.";

    /// What a report says of a country that is not of the first circle.
    pub const fn sentence(self) -> Option<&'static str> {
        match self {
            Self::First => None,
            Self::Second => Some(Self::SECOND),
        }
    }
}

/// What a finding says of a country's law.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    /// Why it is a finding; it stands behind the sums, after a colon.
    pub(crate) why: &'static str,
    /// What the person can do.
    pub(crate) help: &'static str,
}

impl Said {
    /// Where the person has to find the place on the return.
    pub(crate) const fn to_be_found(why: &'static str) -> Self {
        let help = "find out where the return asks for them, and enter the sum there";
        Self { why, help }
    }
}

/// Where a law departs from what most have in common.
pub(crate) struct Special {
    /// Disposals whose losses do not count, by the kind of the row, whether the units are the
    /// row's fee, and the date. It is asked for methods of lots alone: no law with a pool has it.
    pub(crate) denies_loss: fn(RowKind, bool, NaiveDate) -> bool,
    /// Dates of disposals whose costs are not deducted.
    pub(crate) ignores_sale_costs: fn(NaiveDate) -> bool,
    /// Swaps of one asset for another that are no disposal: the cost goes on. It is asked for
    /// methods of lots alone.
    pub(crate) swap_carries: fn(&Settings, NaiveDate, RowKind, &Asset, &Asset) -> bool,
    /// Whether what is held when a year begins is taxed, and no disposal. It is asked for methods
    /// of lots alone.
    pub(crate) taxes_wealth: bool,
    /// Why margin results are in no figure, where they are in none.
    pub(crate) margin_in_no_form: fn(&Settings) -> Option<Said>,
    /// Which margin results may go elsewhere, by a kind of contract that no row tells.
    pub(crate) margin_elsewhere: Option<Said>,
    /// The worth of a year's donations of one asset above which a deduction needs an appraisal.
    pub(crate) appraisal_above: Option<&'static str>,
}

impl Special {
    /// Nothing of the kind.
    pub(crate) const NONE: Self = Self {
        denies_loss: |_, _, _| false,
        ignores_sale_costs: |_| false,
        swap_carries: |_, _, _, _, _| false,
        taxes_wealth: false,
        margin_in_no_form: |_| None,
        margin_elsewhere: None,
        appraisal_above: None,
    };
}
