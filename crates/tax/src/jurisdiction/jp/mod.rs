//! Japan, miscellaneous income of persons from crypto assets (second circle).
//!
//! Calendar year, yen. The National Tax Agency is cited as NTA, its collected answers on crypto
//! assets as FAQ.

mod assess;
mod notes;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;

use super::options::usual;
use super::{Circle, GiftIn, Jurisdiction, ScopeRule, Special, Treatment, UntaxedCost};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Jp,
    name: "Japan",
    currency: Currency::JPY,
    timezone: chrono_tz::Asia::Tokyo,
    rule_set: "jp-2025.4",
    // The moving average is the average cost of the moment.
    methods: &[Method::TotalAverage, Method::Acb],
    options: &[
        usual::WRAP_CARRIES,
        usual::LOAN_AS_BORROWED,
        usual::SWAP_FEE_TO_DISPOSAL,
    ],
    circle: Circle::Second,
    scope: ScopeRule::Universal,
    may_choose_scope: false,
    year_begins: (1, 1),
    assessment: "jp",
    taxed: Some("miscellaneous_income"),
    warns_of_repurchases: false,
    asks_for_losses: false,
    terms: None,
    form_box: None,
    treatment: Treatment {
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Sold,
        gift_spouse: Leaving::Sold,
        donation: Leaving::Sold,
        // No value at the time of the split, so no income, and a cost of nothing (FAQ).
        untaxed: &[(RowKind::Fork, UntaxedCost::Nothing)],
    },
    special: Special::NONE,
    pool: |_| PoolRules {
        near: Near::After(0),
        superficial_losses: false,
    },
    rules: notes::RULES,
    assess: assess::assess,
};
