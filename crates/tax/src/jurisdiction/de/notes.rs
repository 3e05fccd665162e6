//! What a report on Germany says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOANS_AS_BORROWED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, POOL_CARRIES,
    POOL_IS_A_SWAP, RuleText, TRANSFER_FEE_JOINS, TRANSFER_FEE_LOST, WRAP_CARRIES, WRAP_IS_A_SWAP,
    fees_in_kind, loans_at_market, staking_on_receipt, staking_on_withdrawal,
    swap_costs_of_disposal, swap_costs_split, transfer_fee_sold,
};
use crate::request::{Method, Scope};

pub(super) const RULES: &[RuleText] = &[
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Units of a crypto asset are other economic goods: a sale, swap or payment within \
               one year of acquisition is a private sale. Dates and tax years are local dates in \
               {timezone}.",
        source: "EStG s. 23(1) sentence 1 no. 2; BMF 31, 53 to 55; BFH 14 February 2023, IX R 3/22",
    },
    RuleText {
        when: ALWAYS,
        text: "The day of acquisition does not count: the anniversary is still taxable, the day \
               after it is free. Staking and lending do not lengthen the year to ten.",
        source: "AO s. 108; BGB s. 187, 188; BMF 63",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Fifo,
        text: "First in, first out: the units acquired earliest go first, for the period and for \
               the cost.",
        source: "BMF 61, 62",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Lifo,
        text: "Last in, first out, as asked. The ministry knows single identification, first in \
               first out and the average; a fiscal court allowed this order on 22 January 2025.",
        source: "FG Nürnberg, 22 January 2025 (read in secondary sources)",
    },
    RuleText {
        when: |settings, _| settings.scope != Some(Scope::Universal),
        text: "The order is kept for each wallet on its own.",
        source: "BMF 62",
    },
    RuleText {
        when: |settings, _| settings.scope == Some(Scope::Universal),
        text: "The order goes over all wallets together, as asked. The ministry keeps it for each \
               wallet.",
        source: "BMF 62",
    },
    RuleText {
        when: |_, applied| applied.named_lots,
        text: "Units named in a row are used before the order, where they can be proved.",
        source: "BMF 61",
    },
    RuleText {
        when: ALWAYS,
        text: "Nothing is taxed while the year's gain from all private sales is below the limit \
               (600 to 2023, 1,000 from 2024); at the limit all of it is. Private sales outside \
               of these records count towards it too.",
        source: "EStG s. 23(3) sentence 5; BMF 53",
    },
    RuleText {
        when: |_, applied| applied.losses,
        text: "Losses go only against gains of the same kind: one year back, then forward. What \
               s. 10d limits by amount is not limited here.",
        source: "EStG s. 23(3) sentences 7 and 8, s. 10d",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Fees of buying are costs of acquisition; fees of selling are costs of the sale.",
        source: "EStG s. 23(3) sentence 1; BMF 57, 59",
    },
    swap_costs_of_disposal!("sale", "BMF 54, 58, 59"),
    swap_costs_split!("sale", "BMF 54, 58, 59"),
    fees_in_kind!("sold", "BMF 54, 60 on payments"),
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no sale. They take along their acquisition, \
               chosen in the order of the method.",
        source: "BMF 54",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    transfer_fee_sold("BMF 54, 60 on payments; no direct guidance on transfers"),
    TRANSFER_FEE_JOINS,
    TRANSFER_FEE_LOST,
    WRAP_CARRIES,
    WRAP_IS_A_SWAP,
    POOL_IS_A_SWAP,
    POOL_CARRIES,
    LOANS_AS_BORROWED,
    loans_at_market!("sale"),
    staking_on_receipt("EStG s. 22 no. 3; BMF 45 to 48"),
    staking_on_withdrawal("no direct guidance"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Rewards are other income at their value on receipt, which is then their cost; below \
               256 a year they are free, together with all other income of this kind and after \
               its costs, which are not in these records. An airdrop is taken as given for \
               something done; without that it may be a gift.",
        source: "EStG s. 22 no. 3; BMF 45 to 48, 65, 70 to 75",
    },
    RuleText {
        when: |_, applied| applied.untaxed_receipts,
        text: "Units of a chain split are no income. The ministry gives them a part of the old \
               units' cost, by market price, and the old units' date; here all cost stays with the \
               old units, and the period of the new ones begins with the split.",
        source: "BMF 67, 68",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received keeps the giver's cost and date.",
        source: "EStG s. 23(1) sentence 3; BMF 75",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse || applied.donated,
        text: "Giving units away is no sale.",
        source: "EStG s. 23(1); BMF 54",
    },
    RuleText {
        when: |_, applied| applied.lost,
        text: "Theft and loss are listed and not deducted: neither is a sale.",
        source: "BMF 54; no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.missing_basis,
        text: "Units without a purchase on record have zero cost and count as bought within the \
               year.",
        source: "practice; BMF 89 on missing records",
    },
    RuleText {
        when: |_, applied| applied.margin,
        text: "Results of margin positions, less their fees, are gains and losses of derivatives \
               (Termingeschäfte), which are income from capital and no private sales: they go \
               into Anlage KAP, whose forms of 2021 to 2024 ask for gains and losses apart. A \
               loss goes against income from capital alone; the saver's allowance, other income \
               from capital and losses of other years are not in these records. The limit of \
               20,000 for such losses was abolished for all open cases; final assessments of \
               earlier years may have used it.",
        source: "EStG s. 20(2) sentence 1 no. 3, s. 20(4) sentence 5, s. 20(6); \
                 Jahressteuergesetz 2024",
    },
    RuleText {
        when: |_, applied| applied.margin,
        text: "How a result is taxed that came from borrowed coins is not settled: it may be a \
               private sale, of what is sold before it is acquired, and no derivative. Opinions \
               differ: Kleutgens is for it, others are against.",
        source: "EStG s. 23(1) sentence 1 no. 3; no direct guidance",
    },
];
