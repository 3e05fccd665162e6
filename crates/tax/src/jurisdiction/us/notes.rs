//! What a report on the United States says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, RuleText, TRANSFER_FEE_JOINS,
    TRANSFER_FEE_LOST, WRAP_IS_A_SWAP, chose, fees_in_kind, margin_is_capital, margin_is_income,
    staking_on_receipt, staking_on_withdrawal, transfer_fee_sold,
};
use crate::request::{Method, Scope};

pub(super) const RULES: &[RuleText] = &[
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Digital assets are property: a sale, swap or payment is a disposal. Dates and tax \
               years are local dates in {timezone}.",
        source: "Notice 2014-21; IRS FAQ on digital asset transactions",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Fifo,
        text: "First in, first out: the units acquired earliest go first.",
        source: "Treas. Reg. 1.1012-1(j)(1), (j)(3)(i) from 2025; IRS FAQ before",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Lifo,
        text: "Last in, first out: the units acquired latest go first. This is specific \
               identification by a standing order, which must be on record before each sale.",
        source: "Treas. Reg. 1.1012-1(j)(2), (j)(3)(ii); Notice 2025-7, Notice 2026-20; IRS FAQ \
                 before 2025",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Hifo,
        text: "Highest cost first: the units with the highest unit cost, purchase fees included, \
               go first; of equal cost the oldest. This is specific identification by a standing \
               order, which must be on record before each sale.",
        source: "Treas. Reg. 1.1012-1(j)(2), (j)(3)(ii); Notice 2025-7, Notice 2026-20; IRS FAQ \
                 before 2025",
    },
    RuleText {
        when: |settings, _| settings.method == Method::Lofo,
        text: "Lowest cost first: the units with the lowest unit cost, purchase fees included, go \
               first; of equal cost the oldest. This is specific identification by a standing \
               order, which must be on record before each sale.",
        source: "Treas. Reg. 1.1012-1(j)(2), (j)(3)(ii); Notice 2025-7, Notice 2026-20; IRS FAQ \
                 before 2025",
    },
    RuleText {
        when: |settings, _| settings.scope == Some(Scope::Universal),
        text: "Lots of all wallets are one pool for all dates, as asked. Since 1 January 2025 the \
               law has lots per wallet or account.",
        source: "Treas. Reg. 1.1012-1(j); TD 10000",
    },
    RuleText {
        when: |settings, _| settings.scope == Some(Scope::Wallet),
        text: "Lots are kept per wallet or account for all dates, as asked.",
        source: "Treas. Reg. 1.1012-1(j); TD 10000",
    },
    RuleText {
        when: |settings, applied| settings.scope.is_none() && applied.universal,
        text: "Through 31 December 2024, lots of all wallets are one pool.",
        source: "IRS FAQ on identification of units; practice before TD 10000",
    },
    RuleText {
        when: |settings, applied| settings.scope.is_none() && applied.wallet,
        text: "From 1 January 2025, a disposal uses the lots of the wallet or account that the \
               units leave.",
        source: "Treas. Reg. 1.1012-1(j); TD 10000",
    },
    RuleText {
        when: |settings, applied| {
            applied.allocated.is_some() && chose(settings, "allocation", "in_place")
        },
        text: "At the start of 1 January 2025 unused basis was allocated to the wallets that held \
               the units: a lot stays in the wallet it was bought in or moved to, the oldest \
               first, as far as that wallet holds units; what is over goes, oldest first, to the \
               other wallets in the order of their names. {allocated} This is the default of the \
               option allocation. A rule for all units had to be in the records before 1 January \
               2025; another one, or an allocation unit by unit, may be given.",
        source: "Rev. Proc. 2024-28, section 5.02(5)",
    },
    RuleText {
        when: |settings, applied| {
            applied.allocated.is_some() && chose(settings, "allocation", "oldest")
        },
        text: "At the start of 1 January 2025 all unused basis was allocated to the wallets that \
               held the units, the oldest lots first, to the wallets in the order of their names, \
               as asked. {allocated} Such a rule had to be in the records before 1 January 2025.",
        source: "Rev. Proc. 2024-28, section 5.02(5)",
    },
    RuleText {
        when: |settings, applied| {
            applied.allocated.is_some() && chose(settings, "allocation", "highest")
        },
        text: "At the start of 1 January 2025 all unused basis was allocated to the wallets that \
               held the units, the lots of the highest unit cost first, of equal cost the oldest, \
               to the wallets in the order of their names, as asked. {allocated} Such a rule had \
               to be in the records before 1 January 2025.",
        source: "Rev. Proc. 2024-28, section 5.02(5)",
    },
    RuleText {
        when: |_, applied| applied.allocated_units.is_some(),
        text: "At the start of 1 January 2025 unused basis was allocated to the wallets unit by \
               unit, as the person's own allocation has it. {allocated_units} Such an allocation \
               had to be in the records before the first sale, disposition or transfer to another \
               person from that day on, and not later than the due date of the return for 2025.",
        source: "Rev. Proc. 2024-28, section 5.02(4)",
    },
    RuleText {
        when: ALWAYS,
        text: "Held for more than one year is long-term, counted from the day after acquisition; \
               the anniversary itself is still short-term.",
        source: "IRC 1222; IRS Pub. 544; Rev. Rul. 66-7",
    },
    RuleText {
        when: |_, applied| applied.named_lots,
        text: "Lots named in a row are used before the method.",
        source: "Treas. Reg. 1.1012-1(j)(2), (j)(3)(ii); IRS FAQ before 2025",
    },
    RuleText {
        when: |_, applied| applied.swaps,
        text: "A swap is a sale at market value and a purchase at that value; all its costs belong \
               to the sale.",
        source: "Treas. Reg. 1.1001-7(b), 1.1012-1(h); IRS FAQ",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Costs of buying are part of the basis; costs of selling reduce the proceeds.",
        source: "Treas. Reg. 1.1001-7(b), 1.1012-1(h)",
    },
    fees_in_kind!("sold", "Treas. Reg. 1.1001-7"),
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no disposal. They take along their lots, chosen \
               in the order of the method, with cost and acquisition date.",
        source: "IRS FAQ on transfers; Treas. Reg. 1.1012-1(j)(3)",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    transfer_fee_sold("Treas. Reg. 1.1001-7; no direct guidance on transfers"),
    TRANSFER_FEE_JOINS,
    TRANSFER_FEE_LOST,
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "carry"),
        text: "Wrapping and unwrapping unit for unit carries lots over; with other amounts it is a \
               swap. There is no guidance; the option wrap decides.",
        source: "no direct guidance",
    },
    WRAP_IS_A_SWAP,
    RuleText {
        when: |settings, applied| applied.pools_of_liquidity && chose(settings, "lp", "carry"),
        text: "A share in a liquidity pool takes over the cost of the units put in, and gives it \
               back with the units taken out, as asked. There is no guidance.",
        source: "no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.pools_of_liquidity && chose(settings, "lp", "trade"),
        text: "Putting units into a liquidity pool and taking them out are swaps for the share in \
               the pool. There is no guidance.",
        source: "no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.loans && chose(settings, "loan", "as_borrowed"),
        text: "Units borrowed cost what they were worth then; paying them back settles the debt at \
               that value. There is no guidance; the option loan decides.",
        source: "no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.loans && chose(settings, "loan", "market"),
        text: "Units borrowed cost what they were worth then; paying them back is a disposal at \
               the market value of that day, as asked. There is no guidance.",
        source: "no direct guidance",
    },
    staking_on_receipt("Rev. Rul. 2023-14"),
    staking_on_withdrawal("Rev. Rul. 2023-14 on dominion and control"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Rewards are income at their market value on receipt, which is then their basis.",
        source: "Rev. Rul. 2023-14 (staking); Rev. Rul. 2019-24 (forks, airdrops); Notice 2014-21 \
                 (mining)",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received has two bases: a gain counts from the giver's, with the giver's \
               time; a loss from the market value at the gift if lower, with the time since; \
               between the two there is neither.",
        source: "IRC 1015(a), 1223(2); IRS Pub. 551",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse || applied.donated,
        text: "Gifts and donations are no disposal.",
        source: "IRS FAQ on gifts and charitable contributions; IRC 1041 (spouses)",
    },
    RuleText {
        when: |_, applied| applied.lost,
        text: "Theft and loss are listed and not deducted. Whether a theft of what was held for \
               profit may be is not settled.",
        source: "IRC 165",
    },
    RuleText {
        when: |_, applied| applied.losses,
        text: "A loss stands even where the asset is bought back within 30 days: the wash sale \
               rule speaks of stock and securities.",
        source: "IRC 1091, as in force for 2024 and 2025",
    },
    RuleText {
        when: |_, applied| applied.losses,
        text: "Of a year's net capital loss at most 3,000 (1,500 if married and filing separately) \
               is deducted from other income; the rest goes to the next year, short-term and \
               long-term apart. Where taxable income is too small to use the deduction, more is \
               carried than here.",
        source: "IRC 1211(b), 1212(b); Capital Loss Carryover Worksheet of Schedule D",
    },
    RuleText {
        when: |_, applied| applied.missing_basis,
        text: "Units without a purchase on record have zero cost and are short-term.",
        source: "practice; the burden of proving basis is the taxpayer's",
    },
    RuleText {
        when: |settings, _| {
            settings
                .options
                .get("form_1099_da")
                .is_some_and(|said| said.contains(':'))
        },
        text: "The box of Form 8949 follows what brokers reported, by the wallet that the units \
               leave: {statements}",
        source: "Instructions for Form 8949 (2024; 2025)",
    },
    margin_is_capital!(
        "short-term, on Schedule D and on Form 8949, in the box of sales that no broker reported \
         (C to 2024; from 2025 I, since C is not for digital assets then; C by hand for a contract \
         that is none)",
        "How each kind of contract is taxed is not settled. Contracts of section 1256, such as \
         futures on a regulated exchange, are marked to market at the end of the year, 60 % \
         long-term and 40 % short-term, on Form 6781: that is not done here, and their results \
         have to be taken out.",
        "IRC 1234A, 1222, 1256; Instructions for Form 8949 (2025); no direct guidance on digital \
         assets"
    ),
    margin_is_income!(
        "other income, and a loss has no line that was confirmed",
        "How each kind of contract is taxed is not settled. Results of contracts of section 1256 \
         go to Form 6781 and have to be taken out.",
        "IRC 61, 1256; no direct guidance"
    ),
];
