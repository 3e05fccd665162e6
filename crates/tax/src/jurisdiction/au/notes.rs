//! What a report on Australia says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOANS_AS_BORROWED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, RuleText,
    TRANSFER_FEE_JOINS, TRANSFER_FEE_LOST, chose, fees_in_kind, loans_at_market, margin_is_capital,
    margin_is_income, staking_on_receipt, staking_on_withdrawal, swap_costs_of_disposal,
    swap_costs_split, transfer_fee_sold,
};
use crate::request::{Method, Scope};

pub(super) const RULES: &[RuleText] = &[
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Crypto assets are CGT assets held as an investment: a sale, swap, payment or gift \
               is a CGT event. Dates and tax years (from 1 July) are local dates in {timezone}.",
        source: "TD 2014/26; ATO, Crypto asset investments",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Fifo,
        text: "First in, first out: the units acquired earliest go first.",
        source: "ATO, Crypto asset investments; TD 33 on identical shares",
    },
    RuleText {
        when: |settings, _| settings.method != Method::Fifo,
        text: "The parcels are chosen in the order asked for. That needs records of each parcel.",
        source: "ATO, Crypto asset investments; TD 33 on identical shares",
    },
    RuleText {
        when: |settings, _| settings.scope != Some(Scope::Wallet),
        text: "Parcels of all wallets are one pool.",
        source: "practice",
    },
    RuleText {
        when: |settings, _| settings.scope == Some(Scope::Wallet),
        text: "Parcels are kept per wallet, as asked.",
        source: "practice",
    },
    RuleText {
        when: |settings, _| chose(settings, "person", "individual"),
        text: "Half of a gain is free after at least twelve months, without the day of acquisition \
               and the day of disposal. Losses go first, and against gains without the discount \
               before others. This holds for disposals to 30 June 2027; what takes its place then \
               is not in these rules.",
        source: "ITAA 1997 s. 102-5, 115-25, 115-100; TD 2002/10; Treasury Laws Amendment (Tax \
                 Reform No. 1) Act 2026",
    },
    RuleText {
        when: |settings, _| chose(settings, "person", "company"),
        text: "A company has no discount.",
        source: "ITAA 1997 s. 115-10",
    },
    RuleText {
        when: |_, applied| applied.named_lots,
        text: "Parcels named in a row are used before the order.",
        source: "TD 33 on identical shares",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Fees of buying are part of the cost base; fees of selling are too, and are shown \
               apart.",
        source: "ITAA 1997 s. 110-25",
    },
    swap_costs_of_disposal!("disposal", "ATO, Crypto asset investments"),
    swap_costs_split!("disposal", "ATO, Crypto asset investments"),
    fees_in_kind!(
        "disposed of",
        "ATO, Transactions: acquiring and disposing of crypto assets"
    ),
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no CGT event. They take along their parcels.",
        source: "ATO, Transactions: acquiring and disposing of crypto assets",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    transfer_fee_sold("ATO, Transactions: acquiring and disposing of crypto assets"),
    TRANSFER_FEE_JOINS,
    TRANSFER_FEE_LOST,
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "trade"),
        text: "Wrapping and unwrapping is a CGT event.",
        source: "ATO, Decentralised finance and wrapping crypto",
    },
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "carry"),
        text: "Wrapping unit for unit carries parcels over, as asked. The ATO sees a CGT event.",
        source: "ATO, Decentralised finance and wrapping crypto",
    },
    RuleText {
        when: |settings, applied| applied.pools_of_liquidity && chose(settings, "lp", "trade"),
        text: "Putting units into a liquidity pool and taking them out are CGT events.",
        source: "ATO, Decentralised finance and wrapping crypto",
    },
    RuleText {
        when: |settings, applied| applied.pools_of_liquidity && chose(settings, "lp", "carry"),
        text: "A share in a liquidity pool takes over the cost of the units put in, as asked. The \
               ATO sees a CGT event.",
        source: "ATO, Decentralised finance and wrapping crypto",
    },
    LOANS_AS_BORROWED,
    loans_at_market!("disposal"),
    staking_on_receipt("ATO, Staking rewards and airdrops"),
    staking_on_withdrawal("no direct guidance"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Staking rewards and airdrops are income at their value on receipt, which is then \
               their cost. An initial allocation airdrop is not: such rows are gifts received with \
               a basis of what was paid for them.",
        source: "ATO, Staking rewards and airdrops",
    },
    RuleText {
        when: |_, applied| applied.untaxed_receipts,
        text: "Units of a chain split are no income when they come and cost nothing.",
        source: "ATO, Crypto chain splits",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received costs its market value.",
        source: "ITAA 1997 s. 112-20",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse || applied.donated,
        text: "A gift or donation is a CGT event at market value.",
        source: "ITAA 1997 s. 116-30",
    },
    RuleText {
        when: |_, applied| applied.lost,
        text: "Theft and loss are listed and not deducted; with evidence a capital loss may be \
               claimed.",
        source: "ATO, Loss or theft of crypto assets",
    },
    RuleText {
        when: |_, applied| applied.missing_basis,
        text: "Units without a purchase on record have zero cost and no discount.",
        source: "practice; the burden of proving cost is the taxpayer's",
    },
    margin_is_capital!(
        "without a discount, with the other CGT events",
        "The ATO regards results of contracts for differences as revenue and no capital gains: \
         this is for those whose adviser says otherwise.",
        "ITAA 1997 s. 102-5, 118-20; TR 2005/15"
    ),
    margin_is_income!(
        "ordinary income, or a loss to deduct",
        "The ATO says so of contracts for differences; of other kinds nothing is settled.",
        "ITAA 1997 s. 6-5, 8-1, 15-15, 25-40; TR 2005/15 on contracts for differences"
    ),
];
