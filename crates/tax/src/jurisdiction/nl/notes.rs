//! What a report on the Netherlands says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, RuleText, SECOND_CIRCLE,
};

pub(super) const RULES: &[RuleText] = &[
    SECOND_CIRCLE,
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Crypto assets of a person outside a business are other assets of box 3: taxed is a \
               return that the law assumes of the value when 1 January begins, and no sale, swap \
               or reward of the year. What leaves is listed without a gain. Dates and tax years \
               are local dates in {timezone}.",
        source: "IB art. 5.1 to 5.3, 5.19",
    },
    RuleText {
        when: ALWAYS,
        text: "The value is by the nearest price, of the list of prices or the last in the \
               records, of 1 January or at most seven days before; of two as near by that of the \
               list. Where none is known it is a thing to check and counts as zero. The 1 January \
               after the last row is valued where all prices are known. An opening balance counts \
               as held on 1 January of its year.",
        source: "IB art. 5.19; practice",
    },
    RuleText {
        when: ALWAYS,
        text: "The assumed return is known here for 2023 (6.17 %), 2024 (6.04 %) and 2025 \
               (5.88 %). The tax itself depends on all assets and debts of box 3, so none is \
               given. A person whose actual return is lower may show that; it is not computed \
               here.",
        source: "letter of the State Secretary of 25 January 2024 (32 140, no. 179); IB art. 5.5",
    },
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets changes nothing.",
        source: "IB art. 5.3",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    RuleText {
        when: |_, applied| applied.loans,
        text: "Borrowed units count as held; the debt is not taken off, since debts have a return \
               of their own.",
        source: "IB art. 5.2, 5.3(3)",
    },
    RuleText {
        when: |_, applied| applied.income,
        text: "Mining and other income are listed at their value on receipt: whether they are \
               income of box 1 depends on the person.",
        source: "IB art. 3.90; no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.margin,
        text: "Margin results are taken as stated, less their fees, and are in no figure: box 3 \
               taxes what is held, not what it brings. The actual return, which may be claimed in \
               place of the assumed one, includes realised results.",
        source: "IB art. 5.2, 5.3; practice",
    },
];
