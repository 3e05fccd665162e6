//! What a report on India says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOANS_AS_BORROWED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, POOL_CARRIES,
    POOL_IS_A_SWAP, RuleText, SECOND_CIRCLE, WRAP_CARRIES, WRAP_IS_A_SWAP, chose, fees_in_kind,
    loans_at_market, lost, margin_apart_from, without_purchase,
};
use crate::request::Scope;

pub(super) const RULES: &[RuleText] = &[
    SECOND_CIRCLE,
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Coins, tokens and NFTs are virtual digital assets. From 1 April 2022 income from \
               their transfer is taxed at 30 %, before surcharge and cess; what transfers before \
               that day come to for the tax is not known here. Dates and tax years (from 1 April) \
               are local dates in {timezone}.",
        source: "ITA s. 2(47A), 115BBH, as of Finance Act 2022",
    },
    RuleText {
        when: ALWAYS,
        text: "From 1 April 2026 the Income-tax Act 2025 stands in place of the Act of 1961; it is \
               taken to go on with the rate and without losses. That was read in secondary sources \
               alone.",
        source: "Income-tax Act 2025",
    },
    RuleText {
        when: ALWAYS,
        text: "First in, first out: the law names no order for virtual digital assets, and this is \
               the usual one.",
        source: "practice",
    },
    RuleText {
        when: |settings, _| settings.scope != Some(Scope::Wallet),
        text: "Lots of all wallets are one pool.",
        source: "practice",
    },
    RuleText {
        when: |settings, _| settings.scope == Some(Scope::Wallet),
        text: "Lots are kept per wallet, as asked.",
        source: "practice",
    },
    RuleText {
        when: |_, applied| applied.named_lots,
        text: "Units named in a row are used before the order.",
        source: "practice",
    },
    RuleText {
        when: |_, applied| applied.losses,
        text: "A loss counts against nothing: no gain on another asset, no other income, no later \
               year. Each lot is a line of its own, so a loss on one lot of a sale does not lower \
               the gain on another.",
        source: "ITA s. 115BBH(2); Schedule VDA, a line for each acquisition",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Nothing but the cost of acquisition is deducted: fees of selling and of swaps are \
               not.",
        source: "ITA s. 115BBH(2)(a)",
    },
    RuleText {
        when: |settings, applied| applied.costs && chose(settings, "purchase_fee", "left_out"),
        text: "Fees of buying are left out of the cost, which is the safe reading; nobody has said \
               whether they belong to it. The option purchase_fee decides.",
        source: "ITA s. 115BBH(2)(a); no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.costs && chose(settings, "purchase_fee", "cost"),
        text: "Fees of buying are part of the cost, as asked; nobody has said whether they are.",
        source: "ITA s. 55(2), 115BBH(2)(a); no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.swaps,
        text: "A swap is a transfer at market value and an acquisition at that value.",
        source: "ITA s. 2(47), 115BBH(3)",
    },
    fees_in_kind!("transferred", "ITA s. 2(47); practice"),
    RuleText {
        when: ALWAYS,
        text: "From 1 July 2022 whoever pays for a transfer deducts 1 % of the consideration, \
               above 10,000 a year (50,000 where a specified person pays). What was in fact \
               deducted is not in these records.",
        source: "ITA s. 194S",
    },
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no transfer in the sense of the tax.",
        source: "ITA s. 2(47)",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    WRAP_CARRIES,
    WRAP_IS_A_SWAP,
    POOL_IS_A_SWAP,
    POOL_CARRIES,
    LOANS_AS_BORROWED,
    loans_at_market!("transfer"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Rewards, mining and airdrops are taken as income at their value on receipt, which \
               is then their cost. Nobody has said so for all of them: for mined units the cost \
               may be nothing.",
        source: "ITA s. 49(4), 56; no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received costs its value, which is income of the receiver where the gifts of \
               a year come to more than 50,000; that income is not in these figures. Where the \
               gift is free of it, as between relatives, state the giver's cost as the basis and \
               no value.",
        source: "ITA s. 49(1), 49(4), 56(2)(x); Schedule VDA, cost in case of a gift",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse || applied.donated,
        text: "Giving units away brings no consideration, and nothing is computed for the giver.",
        source: "ITA s. 47(iii), 115BBH",
    },
    lost("ITA s. 115BBH(2)"),
    without_purchase("practice"),
    margin_apart_from!(
        "transfers of assets",
        "By secondary pages it is debated whether s. 115BBH taxes them or they are business \
         income; their boxes were not confirmed.",
        "ITA s. 115BBH; as read in secondary pages, boxes not confirmed"
    ),
];
