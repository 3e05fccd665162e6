//! Canada, capital gains on crypto-assets.
//!
//! Calendar year, Canadian dollars.

mod assess;
mod notes;

pub use assess::is_on_schedule_3;

use packtrain_core::money::Currency;

use super::options::usual;
use super::{Circle, GiftIn, Jurisdiction, ScopeRule, Special, Treatment};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Ca,
    name: "Canada",
    currency: Currency::CAD,
    timezone: chrono_tz::America::Toronto,
    rule_set: "ca-2025.6",
    methods: &[Method::Acb],
    options: &[
        usual::WRAP_CARRIES,
        usual::LOAN_AS_BORROWED,
        usual::SWAP_FEE_TO_DISPOSAL,
        usual::TRANSFER_FEE_OF_A_POOL_IS_SOLD,
        usual::STAKING_ON_RECEIPT,
        usual::MARGIN_IS_CAPITAL,
        usual::LOSS_BEFORE,
    ],
    circle: Circle::First,
    scope: ScopeRule::Universal,
    may_choose_scope: false,
    year_begins: (1, 1),
    assessment: "ca",
    taxed: Some("taxable_capital_gain"),
    warns_of_repurchases: false,
    asks_for_losses: false,
    terms: None,
    form_box: None,
    treatment: Treatment {
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Sold,
        gift_spouse: Leaving::Gone,
        donation: Leaving::Sold,
        untaxed: &[],
    },
    special: Special::NONE,
    pool: |_| PoolRules {
        near: Near::After(0),
        superficial_losses: true,
    },
    rules: notes::RULES,
    assess: assess::assess,
};
