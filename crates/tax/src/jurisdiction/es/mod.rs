//! Spain, gains on virtual currencies of persons outside a business (second circle).
//!
//! Calendar year, euros. LIRPF is Ley 35/2006; DGT the Dirección General de Tributos, whose binding
//! answers are cited by their numbers. The Basque Country and Navarre have laws of their own,
//! which are not in these rules.

mod assess;
mod notes;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;

use super::options::usual;
use super::{Circle, GiftIn, Jurisdiction, Said, ScopeRule, Special, Treatment};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Es,
    name: "Spain",
    currency: Currency::EUR,
    timezone: chrono_tz::Europe::Madrid,
    rule_set: "es-2025.3",
    methods: &[Method::Fifo],
    options: &[
        usual::WRAP_CARRIES,
        usual::LP_IS_A_TRADE,
        usual::LOAN_AS_BORROWED,
        usual::SWAP_FEE_TO_DISPOSAL,
    ],
    circle: Circle::Second,
    // Coins of one kind are alike wherever they are kept (DGT V1604-18).
    scope: ScopeRule::Universal,
    may_choose_scope: false,
    year_begins: (1, 1),
    assessment: "es",
    taxed: Some("taxable_gain"),
    warns_of_repurchases: false,
    asks_for_losses: true,
    terms: None,
    form_box: None,
    treatment: Treatment {
        // The value for the tax on gifts (LIRPF art. 36).
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Sold,
        gift_spouse: Leaving::Sold,
        // A gain on a gift to a charity of art. 68.3 is exempt (art. 33.4 a), and no loss on a
        // gift counts (art. 33.5 c).
        donation: Leaving::Gone,
        untaxed: &[],
    },
    special: Special {
        // No loss on a gift counts (LIRPF art. 33.5 c; Supreme Court, 12 April 2024, 616/2024).
        denies_loss: |kind, is_fee, _| {
            !is_fee && matches!(kind, RowKind::GiftOut | RowKind::GiftSpouse)
        },
        margin_in_no_form: |_| {
            Some(Said::to_be_found(
                "by secondary pages they are capital gains and losses of the savings base, and no \
                 box of them was confirmed",
            ))
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
