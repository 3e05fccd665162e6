//! What a report on Spain says about its rules.

use super::super::notes::{
    ALWAYS, CONVERTED, LOANS_AS_BORROWED, LOST_ON_THE_WAY, MATCHED_BY_AMOUNT, POOL_CARRIES,
    POOL_IS_A_SWAP, RuleText, SECOND_CIRCLE, WRAP_CARRIES, WRAP_IS_A_SWAP, chose, fees_in_kind,
    loans_at_market, lost, margin_apart_from, without_purchase,
};

pub(super) const RULES: &[RuleText] = &[
    SECOND_CIRCLE,
    CONVERTED,
    RuleText {
        when: ALWAYS,
        text: "Virtual currencies are goods: a sale, swap or payment is a transfer, with a gain or \
               loss of the value received less that of acquisition. Dates and tax years are local \
               dates in {timezone}. The laws of the Basque Country and Navarre are not in these \
               rules.",
        source: "LIRPF art. 33.1, 34.1 a, 35; DGT V0999-18",
    },
    RuleText {
        when: ALWAYS,
        text: "First in, first out over all wallets and platforms: coins of one kind are alike \
               wherever they are kept.",
        source: "DGT V1604-18, V0975-22, V0648-24",
    },
    RuleText {
        when: ALWAYS,
        text: "Gains and losses of a year go together into the savings base, from 2015. What is \
               left of a loss goes against gains of the next four years, the oldest first. Before \
               that it goes against up to 25 % of income from movable capital, and gains outside \
               of these records count too; neither is done here. Losses from before the records \
               are not known here.",
        source: "LIRPF art. 46 b, 49.1 b, as of Ley 26/2014",
    },
    RuleText {
        when: |_, applied| applied.named_lots,
        text: "Units named in a row are used before the order. The authority knows the order \
               alone.",
        source: "DGT V0975-22",
    },
    RuleText {
        when: |_, applied| applied.losses,
        text: "Whether a loss has to wait when the same coin is bought again within a year is not \
               settled for virtual currencies; here it stands.",
        source: "LIRPF art. 33.5 e to g; no direct guidance",
    },
    RuleText {
        when: |_, applied| applied.costs,
        text: "Fees of buying and selling that the taxpayer bears belong to the values of \
               acquisition and of transfer.",
        source: "LIRPF art. 35; DGT V1604-18",
    },
    RuleText {
        when: |settings, applied| applied.swaps && chose(settings, "swap_fee", "disposal"),
        text: "A swap is an exchange of goods at the market value in the row, which should be the \
               greater of what is given and what is received; its costs belong to what is given. \
               The option swap_fee decides.",
        source: "LIRPF art. 37.1 h; DGT V0999-18",
    },
    RuleText {
        when: |settings, applied| applied.swaps && chose(settings, "swap_fee", "split"),
        text: "A swap is an exchange of goods at the market value in the row, which should be the \
               greater of what is given and what is received; its costs belong half to each, as \
               asked.",
        source: "LIRPF art. 37.1 h; DGT V0999-18",
    },
    fees_in_kind!("transferred", "practice; LIRPF art. 37.1 h on exchanges"),
    RuleText {
        when: |_, applied| applied.transfers,
        text: "Moving units between own wallets is no transfer in the sense of the tax.",
        source: "LIRPF art. 33.1; DGT V1604-18",
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
        text: "Rewards count at their value on receipt, which is then their cost: staking and \
               interest as income from movable capital, airdrops as gains of the general base, \
               mining as an economic activity. A chain split is taken as an airdrop; there is no \
               guidance on it.",
        source: "DGT V1766-22, V1948-21, V3625-16",
    },
    RuleText {
        when: |_, applied| applied.gifts_received,
        text: "A gift received costs its value for the tax on gifts, which a row states as its \
               value.",
        source: "LIRPF art. 36",
    },
    RuleText {
        when: |_, applied| applied.given_away || applied.given_to_spouse,
        text: "A gift is a transfer at market value. A gain on it is taxed; a loss does not count.",
        source: "LIRPF art. 33.5 c, 36; Supreme Court, 12 April 2024, 616/2024",
    },
    RuleText {
        when: |_, applied| applied.donated,
        text: "A donation is taken as one to a charity of art. 68.3: no gain is taxed, and no loss \
               counts. Enter a gift to anybody else as a gift.",
        source: "LIRPF art. 33.4 a, 33.5 c",
    },
    lost("no direct guidance"),
    without_purchase(
        "practice; the burden of proving cost is the taxpayer's (LGT art. 105.1, 106.1)",
    ),
    margin_apart_from!(
        "transfers of coins",
        "By secondary pages they are capital gains and losses of the savings base; its boxes were \
         not confirmed.",
        "LIRPF art. 33, 37.1 m, as read in secondary pages, boxes not confirmed"
    ),
];
