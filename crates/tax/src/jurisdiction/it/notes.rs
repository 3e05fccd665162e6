//! What a report on Italy says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOANS_AS_BORROWED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, POOL_CARRIES,
    RuleText, SECOND_CIRCLE, chose, fees_in_kind, loans_at_market, lost, margin_apart_from,
};
use crate::request::Scope;

const CIRCULAR: &str = "Agenzia delle Entrate, circular 30/E of 27 October 2023";

pub(super) const RULES: &[RuleText] = &[
    SECOND_CIRCLE,
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "From 2023 gains on crypto-assets and receipts from holding them bear a substitute \
               tax: 26 % to 2025, 33 % from 2026. Electronic money in euros stays at 26 % from \
               2026, which is not done here. Dates and tax years are local dates in {timezone}.",
        source: "TUIR art. 67(1) c-sexies, 68(9-bis), as of L. 197/2022; L. 207/2024 art. 1(24); \
                 L. 199/2025",
    },
    RuleText {
        when: ALWAYS,
        text: "To 2022 virtual currencies were treated like foreign money: gains were taxed only \
               where all wallets together held more than 51,645.69, at the prices of 1 January, \
               for at least seven working days in a row. These records do not decide that, and no \
               tax of these years is given.",
        source: "TUIR art. 67(1) c-ter, (1-ter); Agenzia delle Entrate, resolution 72/E of 2016",
    },
    RuleText {
        when: |settings, _| chose(settings, "threshold", "exempt_amount"),
        text: "Of 2023 and 2024 gains and receipts are taxed as far as they go beyond 2,000, as \
               the agency and its forms have it; from 2025 all are. The option threshold decides.",
        source: "TUIR art. 67(1) c-sexies, as in force to 2024; circular 30/E of 27 October 2023",
    },
    RuleText {
        when: |settings, _| chose(settings, "threshold", "all"),
        text: "Of 2023 and 2024 gains and receipts are free below 2,000 and taxed whole from \
               there, as asked and as the words of the law can be read; from 2025 all are taxed.",
        source: "TUIR art. 67(1) c-sexies, as in force to 2024",
    },
    RuleText {
        when: ALWAYS,
        text: "Last in, first out: the units acquired last go first.",
        source: "practice, after TUIR art. 67(1-bis)",
    },
    RuleText {
        when: |settings, _| settings.scope != Some(Scope::Wallet),
        text: "The order goes over all wallets together.",
        source: "practice",
    },
    RuleText {
        when: |settings, _| settings.scope == Some(Scope::Wallet),
        text: "The order is kept for each wallet, as asked.",
        source: "practice",
    },
    RuleText {
        when: |_, applied| applied.named_lots,
        text: "Units named in a row are used before the order.",
        source: "practice",
    },
    RuleText {
        when: |_, applied| applied.losses,
        text: "Losses go against gains of the year and of the next four, the oldest first, where \
               the return of their year names them; of 2023 and 2024 only where they go beyond \
               gains by more than 2,000. They lower no receipts from holding. Losses of before \
               2023 or before the records are not known here.",
        source: "TUIR art. 68(9-bis)",
    },
    RuleText {
        when: |_, applied| applied.swaps,
        text: "From 2023 a swap between crypto-assets of equal characteristics and functions, such \
               as one coin for another, is not taxed: what is received takes over the cost of what \
               was given, with the day of the swap, and the costs of the swap are not deducted. A \
               swap for an NFT (named with a # and a number) or between electronic money and \
               others is taxed. Which tokens are electronic money, the option e_money has to say: \
               by default none is.",
        source: CIRCULAR,
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Fees of buying are part of the cost; fees of selling lower the proceeds.",
        source: "practice; TUIR art. 68(9-bis)",
    },
    fees_in_kind!("disposed of", "practice"),
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no disposal.",
        source: "TUIR art. 67(1) c-sexies",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    RuleText {
        when: |settings, applied| applied.pools_of_liquidity && chose(settings, "lp", "trade"),
        text: "Putting units into a liquidity pool and taking them out are taxed swaps. There is \
               no guidance; the option lp decides.",
        source: "no direct guidance",
    },
    POOL_CARRIES,
    LOANS_AS_BORROWED,
    loans_at_market!("disposal"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Staking, interest and rewards are receipts from holding, taxed at their value on \
               receipt, which is then their cost. Mining, airdrops and chain splits are listed \
               apart and in no tax: there is no guidance that was read on them.",
        source: "TUIR art. 68(9-bis); circular 30/E of 27 October 2023",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received keeps the giver's cost. Enter what was inherited as an opening \
               balance at its value for the tax on inheritances.",
        source: "TUIR art. 68(9-bis)",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse || applied.donated,
        text: "Giving units away is no disposal against payment.",
        source: "TUIR art. 67(1) c-sexies",
    },
    lost("no direct guidance"),
    RuleText {
        when: |_, applied| applied.missing_basis,
        text: "Units whose cost is not documented cost nothing.",
        source: "TUIR art. 68(9-bis)",
    },
    RuleText {
        when: ALWAYS,
        text: "Values that were stepped up to 1 January 2023 or 2025 against a tax of their own, \
               and what is owed for holding (quadro RW), are not in these rules.",
        source: "L. 197/2022 art. 1(133); L. 207/2024 art. 1(26)",
    },
    margin_apart_from!(
        "crypto-assets",
        "By secondary pages they are miscellaneous income (redditi diversi) of c-ter to \
         c-quinquies, which is not netted with crypto-assets; its boxes were not confirmed.",
        "TUIR art. 67(1) c-ter to c-quinquies, as read in secondary pages, boxes not confirmed"
    ),
];
