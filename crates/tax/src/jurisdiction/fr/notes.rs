//! What a report on France says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, RuleText, SECOND_CIRCLE, chose,
};

pub(super) const RULES: &[RuleText] = &[
    SECOND_CIRCLE,
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "A person who does not trade as a business is taxed on disposals for money, goods or \
               services. The gain is the price less its costs, less the part of the total cost of \
               all digital assets that the price before costs is of their value, those disposed of \
               among them; later disposals have that much less of the total cost. No lot has a \
               cost of its own. Dates and tax years are local dates in {timezone}.",
        source: "CGI art. 150 VH bis, III; BOI-RPPM-PVBMC-30-20 § 1 to 150; notice of form 2086",
    },
    RuleText {
        when: ALWAYS,
        text: "What is held at a disposal, in all wallets, is valued: what is disposed of at its \
               price, what stays of the same asset by the list's price of the day, else like what \
               is disposed of, other assets by the nearest price up to that day, of the list of \
               prices or the last in the records, of two as near by that of the list. Where it is \
               more than seven days old, or there is none, it is a thing to check. A price of zero \
               in the records is none, and that of a row of less than 1.00 takes the place of no \
               better one of the seven days before it. The list of prices in the PDF, and the \
               sentence in the files, name them.",
        source: "BOI-RPPM-PVBMC-30-20 § 140, 150; the rules on which prices count are practice",
    },
    RuleText {
        when: ALWAYS,
        text: "Where the prices of a year, less their costs, come to 305 or less, its gains are \
               free; the limit is that of a household and this report is of one person. Gains and \
               losses of a year are set off, and a loss goes into no other year.",
        source: "CGI art. 150 VH bis, II B and IV; form 2086, lines 51 and 52",
    },
    RuleText {
        when: ALWAYS,
        text: "The flat rate is 12.8 % and the social contributions 17.2 %, from the income of \
               2025 on 18.6 %. From 2023 on a person may ask for the scale of the income tax \
               instead (box 3CN), which is not computed. Disposals before 2019 are under another \
               law, and their years have no figures; that they use a part of the total cost as \
               later ones do is a reading of this product. NFTs, which have rules of their own \
               from 2026, are not told apart.",
        source: "CGI art. 200 C; CSS art. L136-8, as of the financing law for 2026 (secondary)",
    },
    RuleText {
        when: |_, applied| applied.swaps,
        text: "Digital assets for digital assets, stablecoins among them, are no taxed disposal: \
               they change what is held, and not the total cost. Where one states no worth, both \
               sides have the later price of the two that is on record. An exchange with a payment \
               in money besides (soulte) cannot be written in one row and is not computed.",
        source: "CGI art. 150 VH bis, II A; BOI-RPPM-PVBMC-30-10 § 80; practice on its worth",
    },
    RuleText {
        when: |settings, applied| applied.costs && chose(settings, "purchase_fee", "left_out"),
        text: "Costs of a disposal lower its price. Fees of buying are left out: the law names the \
               prices that were paid. The option purchase_fee decides.",
        source: "CGI art. 150 VH bis, III A and B; no direct guidance on fees of buying",
    },
    RuleText {
        when: |settings, applied| applied.costs && chose(settings, "purchase_fee", "cost"),
        text: "Costs of a disposal lower its price. Fees of buying, paid in money, are part of the \
               total cost, as asked.",
        source: "CGI art. 150 VH bis, III A and B; no direct guidance on fees of buying",
    },
    RuleText {
        when: |_, applied| applied.fees_in_kind,
        text: "Units given as a fee of a sale are one operation with it: they lower its price and \
               are no disposal of their own. So are those of a swap, which count for nothing, and, \
               by the same thought, those of other rows. A fee in a row of its own is a payment.",
        source: "BOI-RPPM-PVBMC-30-20 § 50; practice beyond sales and swaps",
    },
    RuleText {
        when: |settings, applied| {
            applied.transfer_fees && chose(settings, "transfer_fee", "disposal")
        },
        text: "The network's fee of a transfer between own wallets, paid in units, pays for a \
               service and is a disposal. The option transfer_fee decides.",
        source: "CGI art. 150 VH bis, I; no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.transfer_fees && chose(settings, "transfer_fee", "lost"),
        text: "The network's fee of a transfer between own wallets, paid in units, is no disposal \
               and uses no part of the total cost, as asked.",
        source: "no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets changes nothing; a withdrawal without its deposit \
               is taken as still held.",
        source: "BOI-RPPM-PVBMC-30-20 § 140",
    },
    MATCHED_BY_AMOUNT,
    LOST_ON_THE_WAY,
    RuleText {
        when: |_, applied| applied.pools_of_liquidity,
        text: "Units into a liquidity pool, out of it, and shares in it are digital assets for \
               digital assets. There is no guidance.",
        source: "CGI art. 150 VH bis, II A; no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.loans,
        text: "Borrowed units are held, and neither their receipt nor paying them back changes the \
               total cost or is a disposal; what is paid beyond them is a payment. There is no \
               guidance.",
        source: "no direct guidance",
    },
    RuleText {
        when: |settings, applied| applied.untaxed_receipts && chose(settings, "rewards", "nothing"),
        text: "Rewards of staking and lending, airdrops and units of a chain split are no income \
               when they come and add nothing to the total cost. That is not settled; the option \
               rewards decides.",
        source: "no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.income,
        text: "Receipts are listed at their value, which is part of the total cost from then on. \
               Mining is income of a business that is no trade (BNC); of other receipts that is \
               not settled.",
        source: "Conseil d'État, 26 April 2018, no. 417809; no direct guidance on other receipts",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received adds its value when given, or that of the duties on gifts, to the \
               total cost.",
        source: "CGI art. 150 VH bis, III B",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse || applied.donated,
        text: "A gift is not taxed, and uses the same part of the total cost as a sale at its \
               value would.",
        source: "CGI art. 150 VH bis, III B; BOI-RPPM-PVBMC-30-20 § 100",
    },
    RuleText {
        when: |_, applied| applied.lost,
        text: "Theft and loss are no disposal: the units are held no more, and the total cost \
               stays as it was.",
        source: "no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.missing_basis,
        text: "Units without a purchase on record add nothing to the total cost. Units sold beyond \
               the records count as held at the sale.",
        source: "BOI-RPPM-PVBMC-30-20 § 90",
    },
    RuleText {
        when: |_, applied| applied.margin,
        text: "Margin results are taken as stated, less their fees, apart from gains, and are in \
               no figure for the return; units that settle a loss are a payment of it. By \
               secondary pages gains on financial contracts have a regime of their own, that of \
               art. 150 ter; its boxes were not confirmed.",
        source: "CGI art. 150 ter, as read in secondary pages, boxes not confirmed",
    },
    RuleText {
        when: ALWAYS,
        text: "The cost beside what is left is a share of the total cost by the last values known: \
               no asset has a cost of its own.",
        source: "CGI art. 150 VH bis, III B; practice",
    },
];
