//! What a report on Canada says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOANS_AS_BORROWED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, RuleText,
    TRANSFER_FEE_LOST, chose, fees_in_kind, loans_at_market, lost, margin_is_capital,
    margin_is_income, staking_on_receipt, staking_on_withdrawal, swap_costs_of_disposal,
    swap_costs_split, transfer_fee_sold, without_purchase,
};

pub(super) const RULES: &[RuleText] = &[
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Crypto-assets are taken as capital property: a sale, swap or payment is a \
               disposition. Whether gains are business income depends on the facts. Dates and tax \
               years are local dates in {timezone}.",
        source: "CRA, Information for crypto-asset users and tax professionals; ITA s. 38, 39",
    },
    RuleText {
        when: ALWAYS,
        text: "All units of an asset are identical properties: each costs the average of all, \
               purchase fees included.",
        source: "ITA s. 47(1)",
    },
    RuleText {
        when: ALWAYS,
        text: "Half of a gain is taxable.",
        source: "ITA s. 38(a); the planned rate of two thirds was cancelled on 21 March 2025",
    },
    RuleText {
        when: |_, applied| applied.denied_losses,
        text: "A loss is denied as far as units were bought within 30 days before or after and are \
               still held after 30 days: the least of the units sold, bought and held, over those \
               sold. What is denied joins the cost of the units bought: at once if that was before \
               the loss, else when they are bought. Purchases of affiliated persons are not in \
               these records.",
        source: "ITA s. 40(2)(g)(i), 47(1), 53(1)(f), 54",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Fees of buying are part of the cost; fees of selling are outlays.",
        source: "ITA s. 40(1), 53",
    },
    swap_costs_of_disposal!(
        "disposition",
        "CRA, Information for crypto-asset users and tax professionals"
    ),
    swap_costs_split!(
        "disposition",
        "CRA, Information for crypto-asset users and tax professionals"
    ),
    fees_in_kind!(
        "disposed of",
        "CRA, Information for crypto-asset users and tax professionals"
    ),
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no disposition.",
        source: "CRA, Information for crypto-asset users and tax professionals",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    transfer_fee_sold("no direct guidance"),
    TRANSFER_FEE_LOST,
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "carry"),
        text: "A token and what wraps it unit for unit are one property with one cost base. There \
               is no guidance; the option wrap decides.",
        source: "no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "trade"),
        text: "Wrapping and unwrapping is a disposition, as asked. There is no guidance.",
        source: "no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.pools_of_liquidity,
        text: "Putting units into a liquidity pool and taking them out are dispositions. There is \
               no guidance.",
        source: "no direct guidance",
    },
    LOANS_AS_BORROWED,
    loans_at_market!("disposition"),
    staking_on_receipt("CRA, Information for crypto-asset users and tax professionals"),
    staking_on_withdrawal("no direct guidance"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Rewards are income at their value on receipt, which is then their cost. Units of a \
               chain split, airdrops for nothing and mining without a business are taken so too; \
               they may instead cost nothing and be taxed when they are sold, which the CRA does \
               not settle.",
        source: "CRA, Information for crypto-asset users and tax professionals; ITA s. 52(1)",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received costs its market value; what a spouse gave costs what it had cost \
               them, where the row states that basis.",
        source: "ITA s. 69(1)(c), 73(1)",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.donated,
        text: "A gift or donation is a disposition at market value.",
        source: "ITA s. 69(1)(b)",
    },
    RuleText {
        when: |_, applied| applied.given_to_spouse,
        text: "What goes to a spouse goes at its cost.",
        source: "ITA s. 73(1)",
    },
    lost("practice; the facts decide"),
    RuleText {
        when: |_, applied| applied.losses,
        text: "Losses go against gains of the year, then of other years: the three before, which \
               these figures leave alone, and all that follow.",
        source: "ITA s. 3(b), 111(1)(b)",
    },
    without_purchase("practice; the burden of proving cost is the taxpayer's"),
    margin_is_capital!(
        "to 2023 on Schedule 3 with the other dispositions; from 2024 it has a section for \
         crypto-assets, where they do not belong, and which section takes them was not confirmed: \
         they have figures of their own without a place",
        "Speculators may report futures so if they do it each year; who has once reported them as \
         income is bound to go on with that. How other kinds of contract are taxed is not settled.",
        "IT-346R on commodity futures; CRA letter 982996; no direct guidance on crypto-assets"
    ),
    margin_is_income!(
        "business income",
        "Once used, income binds: later results cannot be reported as capital gains. How each kind \
         of contract is taxed is not settled.",
        "ITA s. 9; IT-346R on commodity futures; CRA letter 982996"
    ),
];
