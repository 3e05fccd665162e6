//! United Kingdom, capital gains tax on cryptoassets, for persons and companies.
//!
//! Year from 6 April, pounds. HMRC's Cryptoassets Manual is cited as CRYPTO with its page.

mod assess;
mod boxes;
mod facts;
mod notes;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;

use super::notes::chose;
use super::options::usual;
use super::{
    Circle, GiftIn, Jurisdiction, OptionKind, OptionSpec, Said, ScopeRule, Special, Treatment,
    UntaxedCost,
};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// Days after a disposal whose purchases are matched with it (TCGA 1992 s. 106A).
const DAYS_AFTER: u64 = 30;
/// For a company: days before it. The period of ten days of TCGA 1992 s. 107(3) has both the
/// purchase and the disposal in it, so that the first day is the ninth before (CG51615).
const DAYS_BEFORE: u64 = 9;

/// The rules in force for 2025-26 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Uk,
    name: "United Kingdom",
    currency: Currency::GBP,
    timezone: chrono_tz::Europe::London,
    rule_set: "uk-2025.6",
    methods: &[Method::S104],
    options: &[
        OptionSpec {
            name: "person",
            kind: OptionKind::Words(&["individual", "company"]),
            meaning: "whose disposals these are: a company matches the ten days that end with a \
                      disposal in place of the 30 after it, and has no exempt amount; its margin \
                      results are no gains",
        },
        usual::WRAP_IS_A_TRADE,
        usual::LOAN_AT_MARKET,
        usual::SWAP_FEE_TO_DISPOSAL,
        usual::TRANSFER_FEE_OF_A_POOL_IS_SOLD,
        usual::STAKING_ON_RECEIPT,
        usual::MARGIN_IS_CAPITAL,
        usual::LOSS_BEFORE,
    ],
    circle: Circle::First,
    scope: ScopeRule::Universal,
    may_choose_scope: false,
    year_begins: (4, 6),
    assessment: "uk",
    taxed: Some("taxable"),
    warns_of_repurchases: false,
    asks_for_losses: true,
    terms: None,
    form_box: None,
    treatment: Treatment {
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Sold,
        gift_spouse: Leaving::NoGainNoLoss,
        donation: Leaving::NoGainNoLoss,
        untaxed: &[
            (RowKind::Airdrop, UntaxedCost::MarketValue),
            (RowKind::Fork, UntaxedCost::Nothing),
        ],
    },
    special: Special {
        margin_in_no_form: |settings| {
            chose(settings, "person", "company").then_some(Said {
                why: "what derivative contracts bring a company is income under CTA 2009 Part 7, \
                      and no chargeable gain",
                help: "bring the results of derivative contracts into the company's income as \
                       its accounts have them, and ask an adviser about other results",
            })
        },
        ..Special::NONE
    },
    pool: |settings| PoolRules {
        near: if chose(settings, "person", "company") {
            Near::Before(DAYS_BEFORE)
        } else {
            Near::After(DAYS_AFTER)
        },
        superficial_losses: false,
    },
    rules: notes::RULES,
    assess: assess::assess,
};
