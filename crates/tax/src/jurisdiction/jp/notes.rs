//! What a report on Japan says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOANS_AS_BORROWED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, RuleText,
    SECOND_CIRCLE, WRAP_IS_A_SWAP, chose, loans_at_market, lost, swap_costs_of_disposal,
    swap_costs_split,
};
use crate::request::Method;

pub(super) const RULES: &[RuleText] = &[
    SECOND_CIRCLE,
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "What a person earns with crypto assets outside a business is miscellaneous income, \
               taxed with all other income: a sale, swap or payment counts at the value received, \
               however long the units were held. Dates and tax years are local dates in \
               {timezone}.",
        source: "Income Tax Act art. 35; NTA FAQ on crypto assets",
    },
    RuleText {
        when: ALWAYS,
        text: "The outline of the reform for 2026 announces a separate tax of 20 % on some of this \
               income and three years for losses, from the year after the law on financial \
               instruments is changed. That is not in these rules, which end with 2026.",
        source: "outline of the tax reform for 2026, 19 December 2025",
    },
    RuleText {
        when: |settings, _| settings.method == Method::TotalAverage,
        text: "Total average: what was held on 1 January and what came in during the year make one \
               cost per unit, at which all of the year leaves, even what left before the purchase. \
               This is the method of who has notified none.",
        source: "Income Tax Act art. 48-2; Enforcement Order art. 119-2 and following; to \
                 2018 allowed where kept up",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Acb,
        text: "Moving average: each purchase makes a new average cost, at which units leave until \
               the next. From 2019 it has to be notified to the tax office, and to change it needs \
               its consent.",
        source: "Income Tax Act art. 48-2; Enforcement Order art. 119-2 and following",
    },
    RuleText {
        when: |_, applied| applied.losses,
        text: "A loss goes against other miscellaneous income of the same year, which is not in \
               these records; against nothing else, and into no other year.",
        source: "Income Tax Act art. 69(1)",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Fees of buying are part of the cost; fees of selling are expenses.",
        source: "NTA FAQ on crypto assets",
    },
    swap_costs_of_disposal!("transfer", "NTA FAQ on crypto assets"),
    swap_costs_split!("transfer", "NTA FAQ on crypto assets"),
    RuleText {
        when: |_, applied| applied.fees_in_kind,
        text: "Units given as a fee are a payment, and so transferred at their value.",
        source: "NTA FAQ on crypto assets, on payments",
    },
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no transfer in the sense of the tax; the \
               average goes over all wallets.",
        source: "Enforcement Order art. 119-2, by kind of asset",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "carry"),
        text: "A token and what wraps it unit for unit share one average. There is no guidance; \
               the option wrap decides.",
        source: "no direct guidance",
    },
    WRAP_IS_A_SWAP,
    RuleText {
        when: |_, applied| applied.pools_of_liquidity,
        text: "Putting units into a liquidity pool and taking them out are swaps. There is no \
               guidance.",
        source: "no direct guidance",
    },
    LOANS_AS_BORROWED,
    loans_at_market!("transfer"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Mining, staking, lending and other rewards are income at their value on receipt, \
               which is then their cost.",
        source: "NTA FAQ on crypto assets",
    },
    RuleText {
        when: |_, applied| applied.untaxed_receipts,
        text: "Units of a chain split are no income when they come and cost nothing.",
        source: "NTA FAQ on crypto assets",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received costs its value when given. Enter what an heir takes \
               over as an opening balance at the cost of the deceased.",
        source: "Income Tax Act art. 40(2); NTA FAQ on crypto assets",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse || applied.donated,
        text: "A gift is income of the giver at its value when given, less its cost.",
        source: "Income Tax Act art. 40(1); Enforcement Order art. 87",
    },
    lost("no direct guidance"),
    RuleText {
        when: |_, applied| applied.missing_basis,
        text: "Units without a purchase on record have zero cost. The tax agency also accepts 5 % \
               of the proceeds, which is not done here.",
        source: "practice; Basic Circular on Income Tax 48-2-4",
    },
    RuleText {
        when: |_, applied| applied.margin,
        text: "Results of margin trading in crypto assets, less its fees, are miscellaneous income \
               taxed with all other income, without the separate tax of other margin trading.",
        source: "NTA FAQ on crypto assets (read in secondary sources); Act on Special Measures \
                 art. 41-14",
    },
];
