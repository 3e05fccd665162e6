//! What a report on the United Kingdom says about its rules.

use super::super::notes::{
    ALWAYS, Applied, CONVERTED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, RuleText, TRANSFER_FEE_LOST,
    chose, staking_on_receipt, staking_on_withdrawal, transfer_fee_sold, without_purchase,
};
use crate::request::Settings;

pub(super) const RULES: &[RuleText] = &[
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Tokens are chargeable assets: a sale, swap or payment is a disposal. Dates and tax \
               years (from 6 April) are local dates in {timezone}.",
        source: "CRYPTO22050, CRYPTO22100",
    },
    RuleText {
        when: |settings, _| chose(settings, "person", "individual"),
        text: "All disposals of an asset on one day are one. It is matched with purchases of the \
               same day, then with those of the 30 days after it, the earliest first, then with \
               the section 104 pool at its average cost.",
        source: "TCGA 1992 s. 104, 105, 106A; CRYPTO22200 to 22257",
    },
    RuleText {
        when: |settings, _| chose(settings, "person", "company"),
        text: "All disposals of an asset on one day are one. It is matched with purchases of the \
               same day, then with those of the nine days before it, which with it are the ten of \
               the law, the earliest first, then with the section 104 pool at its average cost. A \
               company pays corporation tax on its gains and has no exempt amount.",
        source: "TCGA 1992 s. 1(2), 104, 105, 107(3); CG51615; CRYPTO41350",
    },
    RuleText {
        when: ALWAYS,
        text: "Gains and losses are counted by disposal, and not by the parts that it is matched \
               with.",
        source: "TCGA 1992 s. 105(1)(a); CG51560",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Fees of buying and selling are allowable costs.",
        source: "TCGA 1992 s. 38; CRYPTO22150",
    },
    RuleText {
        when: |_, applied| applied.fees_in_kind,
        text: "Tokens given as a fee are disposed of at their value, and that value is a cost of \
               the sale or purchase.",
        source: "CRYPTO22280",
    },
    RuleText {
        when: |settings, applied| applied.swaps && chose(settings, "swap_fee", "disposal"),
        text: "The costs of a swap belong to the disposal. The law asks for a just and reasonable \
               split, and half to each is accepted; the option swap_fee decides.",
        source: "TCGA 1992 s. 52(4); CRYPTO22150",
    },
    RuleText {
        when: |settings, applied| applied.swaps && chose(settings, "swap_fee", "split"),
        text: "The costs of a swap belong half to the disposal and half to what is acquired, as \
               asked.",
        source: "TCGA 1992 s. 52(4); CRYPTO22150",
    },
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving tokens between own wallets is no disposal.",
        source: "CRYPTO22100",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    transfer_fee_sold("CRYPTO22280"),
    TRANSFER_FEE_LOST,
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "trade"),
        text: "Wrapping and unwrapping is a disposal. There is no guidance on it; the option wrap \
               decides.",
        source: "CRYPTO61000 on transfers of beneficial ownership",
    },
    RuleText {
        when: |settings, applied| applied.wraps && chose(settings, "wrap", "carry"),
        text: "A token and what wraps it unit for unit are one asset with one pool, as asked.",
        source: "no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.pools_of_liquidity,
        text: "Putting tokens into a liquidity pool and taking them out are disposals. A scheme \
               without gain or loss was announced on 26 November 2025; no law was seen.",
        source: "CRYPTO61000, CRYPTO61620",
    },
    RuleText {
        when: |settings, applied| applied.loans && chose(settings, "loan", "market"),
        text: "Borrowed tokens cost what they were worth then; paying them back is a disposal at \
               market value.",
        source: "CRYPTO61000",
    },
    RuleText {
        when: |settings, applied| applied.loans && chose(settings, "loan", "as_borrowed"),
        text: "Borrowed tokens cost what they were worth then; paying them back settles the debt \
               at that value, as asked.",
        source: "no direct guidance",
    },
    staking_on_receipt("CRYPTO21200"),
    staking_on_withdrawal("no direct guidance"),
    RuleText {
        when: |_, applied| applied.income,
        text: "Mining, staking and lending rewards are miscellaneous income at their value on \
               receipt, which is then their cost.",
        source: "CRYPTO21150, CRYPTO21200",
    },
    RuleText {
        when: |_, applied| applied.untaxed_receipts,
        text: "An airdrop for nothing is no income. It is taken to cost its market value, which is \
               not settled: section 17(2) may leave it no cost. Tokens of a chain split are no \
               income; a just part of the cost of the old tokens goes to them by law, and none \
               does here.",
        source: "CRYPTO21250, CRYPTO22300; TCGA 1992 s. 17, 52(4)",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received costs its market value; what a spouse or civil partner gave costs \
               what it had cost them, where the row states that basis.",
        source: "TCGA 1992 s. 17, 58",
    },
    RuleText {
        when: |_, applied| applied.given_away,
        text: "A gift is a disposal at market value.",
        source: "TCGA 1992 s. 17",
    },
    RuleText {
        when: |_, applied| applied.given_to_spouse || applied.donated,
        text: "What goes to a spouse, civil partner or charity gives neither gain nor loss.",
        source: "TCGA 1992 s. 58, 257",
    },
    RuleText {
        when: |_, applied| applied.lost,
        text: "Theft is no disposal. For lost keys a claim of negligible value may be made; it is \
               listed and not deducted.",
        source: "CRYPTO22400, CRYPTO22450, CRYPTO22500",
    },
    RuleText {
        when: |settings, _| chose(settings, "person", "individual"),
        text: "Losses of a year go against its gains first; those of earlier years only down to \
               the exempt amount. In 2024-25 losses and the exempt amount go against gains from \
               30 October 2024 first, which are taxed higher.",
        source: "TCGA 1992 s. 1(3), 1F, 1K; CG18030; Finance Act 2025 s. 7",
    },
    without_purchase("practice; the burden of proving cost is the taxpayer's"),
    RuleText {
        when: |settings, applied| {
            of_person(settings, applied) && chose(settings, "margin", "capital")
        },
        text: "Results of margin positions, less their fees, are capital gains and losses: on \
               SA108 from 2024-25 on among other property, which a contract about coins is, and \
               not among cryptoassets, each a line of its own with a gain as proceeds and a loss \
               as cost. The law says so of futures and options that are dealt in on a recognised \
               exchange, or over the counter with an authorised person, and are no trade; \
               elsewhere HMRC leaves it open. The option margin decides.",
        source: "TCGA 1992 s. 143, 144; no direct guidance on cryptoassets",
    },
    RuleText {
        when: |settings, applied| {
            of_person(settings, applied) && chose(settings, "margin", "income")
        },
        text: "Results of margin positions, less their fees, are no capital gains and losses: \
               their sum is miscellaneous income. Futures and options that are dealt in on a \
               recognised exchange, or over the counter with an authorised person, give gains and \
               losses by law where they are no trade; elsewhere HMRC leaves it open. The option \
               margin decides.",
        source: "ITTOIA 2005 s. 687; TCGA 1992 s. 143; no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.margin && chose(settings, "person", "company"),
        text: "Margin results of a company are taken as stated, less their fees, and are in no \
               figure: what derivative contracts bring it is income under CTA 2009 Part 7 and no \
               chargeable gain, whatever the option margin says. A row does not tell whether its \
               result came from such a contract.",
        source: "CTA 2009 Part 7; CG56004, BIM56900",
    },
];

/// Whether there are margin results, and they are no company's.
fn of_person(settings: &Settings, applied: &Applied) -> bool {
    applied.margin && chose(settings, "person", "individual")
}
