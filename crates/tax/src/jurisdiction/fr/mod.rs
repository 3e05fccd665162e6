//! France, digital assets of persons who do not trade as a business (second circle).
//!
//! Calendar year, euros. CGI is the Code général des impôts, CSS the Code de la sécurité sociale,
//! BOI the administration's comments; their paragraphs and the notice of form 2086 were read as
//! quoted in secondary pages, article 150 VH bis in its wording of 2019.

mod assess;
mod notes;

pub use assess::FORM_2086_LINES_FROM;

use packtrain_core::ledger::RowKind;
use packtrain_core::money::Currency;

use super::{
    Circle, GiftIn, Jurisdiction, OptionKind, OptionSpec, Said, ScopeRule, Special, Treatment,
    UntaxedCost,
};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The rules in force for 2025 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::Fr,
    name: "France",
    currency: Currency::EUR,
    timezone: chrono_tz::Europe::Paris,
    rule_set: "fr-2025.3",
    methods: &[Method::Portfolio],
    options: &[
        OptionSpec {
            name: "rewards",
            kind: OptionKind::Words(&["nothing", "income"]),
            meaning: "whether rewards of staking and lending, airdrops and units of a chain split \
                      are no income and cost nothing, or are income at their value on receipt, \
                      which is then part of the total cost",
        },
        OptionSpec {
            name: "purchase_fee",
            kind: OptionKind::Words(&["left_out", "cost"]),
            meaning: "whether fees of buying, paid in money, are left out, as the safe reading has \
                      it, or belong to the total cost",
        },
        OptionSpec {
            name: "transfer_fee",
            kind: OptionKind::Words(&["disposal", "lost"]),
            meaning: "whether the network's fee of a transfer between own wallets, paid in units, \
                      is a payment and so a disposal of them, or none, which uses no part of the \
                      total cost",
        },
    ],
    circle: Circle::Second,
    scope: ScopeRule::Universal,
    may_choose_scope: false,
    year_begins: (1, 1),
    assessment: "fr",
    taxed: Some("taxable_gain"),
    warns_of_repurchases: false,
    asks_for_losses: false,
    terms: None,
    form_box: None,
    treatment: Treatment {
        // The value for the duties on gifts, else the value on entry (CGI art. 150 VH bis, III B).
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Gone,
        gift_spouse: Leaving::Gone,
        donation: Leaving::Gone,
        untaxed: &[
            (RowKind::Staking, UntaxedCost::Nothing),
            (RowKind::Interest, UntaxedCost::Nothing),
            (RowKind::Reward, UntaxedCost::Nothing),
            (RowKind::Airdrop, UntaxedCost::Nothing),
            (RowKind::Fork, UntaxedCost::Nothing),
        ],
    },
    special: Special {
        margin_in_no_form: |_| {
            Some(Said::to_be_found(
                "by secondary pages they fall under CGI art. 150 ter, and no box of it was \
                 confirmed",
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
