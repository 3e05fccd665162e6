//! Netherlands, crypto assets of persons in box 3 (second circle).
//!
//! Calendar year, euros. No disposal is taxed, but what is held when the year begins. IB is the
//! Wet inkomstenbelasting 2001.

mod assess;
mod notes;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;

use super::{Circle, GiftIn, Jurisdiction, Said, ScopeRule, Special, Treatment, UntaxedCost};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Nl,
    name: "Netherlands",
    currency: Currency::EUR,
    timezone: chrono_tz::Europe::Amsterdam,
    rule_set: "nl-2025.4",
    // It decides the cost of what is left in the records, and no figure of the tax.
    methods: &[Method::Fifo],
    options: &[],
    circle: Circle::Second,
    scope: ScopeRule::Universal,
    may_choose_scope: false,
    year_begins: (1, 1),
    assessment: "nl",
    taxed: None,
    warns_of_repurchases: false,
    asks_for_losses: false,
    terms: None,
    form_box: None,
    treatment: Treatment {
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Gone,
        gift_spouse: Leaving::Gone,
        donation: Leaving::Gone,
        untaxed: &[
            (RowKind::Staking, UntaxedCost::MarketValue),
            (RowKind::Interest, UntaxedCost::MarketValue),
            (RowKind::Reward, UntaxedCost::MarketValue),
            (RowKind::Airdrop, UntaxedCost::MarketValue),
            (RowKind::Fork, UntaxedCost::MarketValue),
        ],
    },
    special: Special {
        taxes_wealth: true,
        margin_in_no_form: |_| {
            Some(Said {
                why: "box 3 taxes what is held, and not what it brings; the actual return, which \
                      may be claimed in its place, includes realised results",
                help: "nothing for the assumed return; where you claim the actual return, count \
                       them in it",
            })
        },
        ..Special::NONE
    },
    pool: |_| PoolRules {
        near: Near::After(0),
        superficial_losses: false,
    },
    rules: notes::RULES,
    assess: assess::assess,
};
