//! Germany, private sales of crypto assets and other income from them.
//!
//! Calendar year, euros. The letter of the Federal Ministry of Finance of 6 March 2025 (IV C 1 -
//! S 2256/00042/064/043) is cited as BMF with its margin number.

mod assess;
mod notes;

pub use assess::ANLAGE_SO_LINES;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;

use super::options::usual;
use super::{
    Circle, GiftIn, Jurisdiction, OptionKind, OptionSpec, Said, ScopeRule, Special, Terms,
    Treatment, UntaxedCost, day_after_anniversary, words,
};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::De,
    name: "Germany",
    currency: Currency::EUR,
    timezone: chrono_tz::Europe::Berlin,
    rule_set: "de-2025.6",
    methods: &[Method::Fifo, Method::Lifo],
    options: &[
        usual::WRAP_CARRIES,
        usual::LP_IS_A_TRADE,
        usual::LOAN_AS_BORROWED,
        usual::SWAP_FEE_TO_DISPOSAL,
        usual::TRANSFER_FEE_IS_SOLD,
        usual::STAKING_ON_RECEIPT,
        OptionSpec {
            name: "loss_back",
            kind: OptionKind::Words(&["yes", "no"]),
            meaning: "whether a loss goes back to the year before it first, or only forward",
        },
        usual::LOSS_BEFORE,
    ],
    circle: Circle::First,
    scope: ScopeRule::Wallet,
    may_choose_scope: true,
    year_begins: (1, 1),
    assessment: "de",
    taxed: Some("taxable"),
    warns_of_repurchases: false,
    // The day of acquisition is not counted: the anniversary is still taxable, the next day free
    // (EStG s. 23(1) no. 2; AO s. 108; BGB s. 187, 188).
    asks_for_losses: false,
    terms: Some(Terms {
        short: words("Within", "Within one year", "taxable"),
        long: words("After", "After one year", "not taxable"),
        long_from: day_after_anniversary,
    }),
    form_box: None,
    treatment: Treatment {
        gift_in: GiftIn::CarriedOver,
        gift_out: Leaving::Gone,
        gift_spouse: Leaving::Gone,
        donation: Leaving::Gone,
        untaxed: &[(RowKind::Fork, UntaxedCost::Nothing)],
    },
    special: Special {
        margin_elsewhere: Some(Said {
            why: "they are taken as derivatives of Anlage KAP; those from coins that were \
                  borrowed and sold may instead be private sales (section 23(1) no. 3), which is \
                  not settled",
            help: "ask an adviser where some came from borrowed coins; accept it where none did",
        }),
        ..Special::NONE
    },
    pool: |_| PoolRules {
        near: Near::After(0),
        superficial_losses: false,
    },
    rules: notes::RULES,
    assess: assess::assess,
};
