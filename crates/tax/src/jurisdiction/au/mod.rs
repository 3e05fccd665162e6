//! Australia, capital gains on crypto assets.
//!
//! Year from 1 July, Australian dollars. The Australian Taxation Office is cited as ATO.

mod assess;
mod notes;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;

use super::options::usual;
use super::{
    Circle, GiftIn, Jurisdiction, OptionKind, OptionSpec, ScopeRule, Special, Terms, Treatment,
    UntaxedCost, day_after_anniversary, words,
};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The rules in force for 2025-26 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Au,
    name: "Australia",
    currency: Currency::AUD,
    timezone: chrono_tz::Australia::Sydney,
    rule_set: "au-2025.5",
    methods: &[Method::Fifo, Method::Lifo, Method::Hifo, Method::Lofo],
    options: &[
        OptionSpec {
            name: "person",
            kind: OptionKind::Words(&["individual", "company"]),
            meaning: "whose disposals these are: a company has no discount",
        },
        usual::WRAP_IS_A_TRADE,
        usual::LP_IS_A_TRADE,
        usual::LOAN_AS_BORROWED,
        usual::SWAP_FEE_TO_DISPOSAL,
        usual::TRANSFER_FEE_IS_SOLD,
        usual::STAKING_ON_RECEIPT,
        usual::MARGIN_IS_INCOME,
        usual::LOSS_BEFORE,
    ],
    circle: Circle::First,
    scope: ScopeRule::Universal,
    may_choose_scope: true,
    year_begins: (7, 1),
    assessment: "au",
    taxed: Some("net_capital_gain"),
    warns_of_repurchases: false,
    // At least twelve months, without the day of acquisition and the day of the disposal
    // (ITAA 1997 s. 115-25; TD 2002/10).
    asks_for_losses: true,
    terms: Some(Terms {
        short: words("Short", "Short term", "under twelve months"),
        long: words("Long", "Long term", "at least twelve months"),
        long_from: day_after_anniversary,
    }),
    form_box: None,
    treatment: Treatment {
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Sold,
        gift_spouse: Leaving::Sold,
        donation: Leaving::Sold,
        // No income, and a cost base of nothing (ATO, Crypto chain splits).
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
