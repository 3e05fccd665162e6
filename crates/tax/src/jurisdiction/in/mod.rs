//! India, transfers of virtual digital assets by persons (second circle).
//!
//! Year from 1 April, rupees. The Income-tax Act 1961 is cited as ITA; from 1 April 2026 the
//! Income-tax Act 2025 stands in its place. TDS is tax deducted at source.

mod assess;
mod notes;

use chrono::NaiveDate;
use packtrain_core::money::Currency;

use super::options::usual;
use super::{
    Circle, GiftIn, Jurisdiction, OptionKind, OptionSpec, Said, ScopeRule, Special, Treatment,
};
use crate::methods::journal::{Leaving, Near, PoolRules};
use crate::request::{Country, Method};

/// The day from which income from transfers has a tax of its own (ITA s. 115BBH, as of Finance Act
/// 2022).
const FROM: NaiveDate = NaiveDate::from_ymd_opt(2022, 4, 1).expect("a day of the calendar");

/// The rules in force for 2025-26 returns, as of 28 November 2026.
pub(super) const RULES: Jurisdiction = Jurisdiction {
    country: Country::In,
    name: "India",
    currency: Currency::INR,
    timezone: chrono_tz::Asia::Kolkata,
    rule_set: "in-2025.3",
    methods: &[Method::Fifo],
    options: &[
        OptionSpec {
            name: "purchase_fee",
            kind: OptionKind::Words(&["left_out", "cost"]),
            meaning: "whether fees of buying are left out, as the safe reading has it, or belong \
                      to the cost of acquisition",
        },
        usual::WRAP_CARRIES,
        usual::LP_IS_A_TRADE,
        usual::LOAN_AS_BORROWED,
    ],
    circle: Circle::Second,
    scope: ScopeRule::Universal,
    may_choose_scope: true,
    year_begins: (4, 1),
    assessment: "in",
    taxed: Some("income_from_transfer"),
    warns_of_repurchases: false,
    asks_for_losses: false,
    terms: None,
    form_box: None,
    treatment: Treatment {
        // The value that was taxed as a gift (ITA s. 49(4), 56(2)(x)); the giver's cost where it
        // was not, as between relatives (s. 49(1)).
        gift_in: GiftIn::MarketValue,
        gift_out: Leaving::Gone,
        gift_spouse: Leaving::Gone,
        donation: Leaving::Gone,
        untaxed: &[],
    },
    special: Special {
        denies_loss: |_, _, date| date >= FROM,
        ignores_sale_costs: |date| date >= FROM,
        margin_in_no_form: |_| {
            Some(Said::to_be_found(
                "it is debated whether s. 115BBH taxes them or they are business income",
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
