//! Which rules came to bear in a computation, and what a report says about each.

use std::collections::{BTreeMap, BTreeSet};

use packtrain_core::ledger::RowKind;

use super::filled::{allocated, statements, waiting};
pub(crate) use super::margin::{margin_apart_from, margin_is_capital, margin_is_income};
use super::{Circle, Jurisdiction};
use crate::outcome::{Outcome, RuleNote};
use crate::request::Settings;

/// Which rules came to bear in a computation; each asks for its note.
#[derive(Debug, Clone, Default)]
pub(crate) struct Applied {
    pub(crate) universal: bool,
    pub(crate) wallet: bool,
    /// Units that changed wallets when lots were allocated to wallets, by asset.
    pub(crate) allocated: Option<BTreeMap<String, String>>,
    /// The same of assets that the person allocated unit by unit.
    pub(crate) allocated_units: Option<BTreeMap<String, String>>,
    pub(crate) named_lots: bool,
    pub(crate) swaps: bool,
    pub(crate) converted: bool,
    pub(crate) costs: bool,
    pub(crate) fees_in_kind: bool,
    pub(crate) transfer_fees: bool,
    pub(crate) transfers: bool,
    pub(crate) transfer_differences: bool,
    pub(crate) matched_by_amount: bool,
    pub(crate) income: bool,
    pub(crate) staking: bool,
    /// Units of rewards that waited at the end, by asset.
    pub(crate) waiting: BTreeMap<String, String>,
    pub(crate) untaxed_receipts: bool,
    pub(crate) gifts_received: bool,
    pub(crate) given_away: bool,
    pub(crate) given_to_spouse: bool,
    pub(crate) donated: bool,
    pub(crate) lost: bool,
    pub(crate) losses: bool,
    pub(crate) denied_losses: bool,
    pub(crate) wraps: bool,
    pub(crate) pools_of_liquidity: bool,
    pub(crate) loans: bool,
    pub(crate) missing_basis: bool,
    pub(crate) margin: bool,
    /// Wallets that units were sold from, where an option names wallets.
    pub(crate) wallets: BTreeSet<String>,
}

/// A rule in words, and when it is worth them.
pub(crate) struct RuleText {
    pub(crate) when: fn(&Settings, &Applied) -> bool,
    /// In one or two sentences. `{timezone}`, `{allocated}`, `{allocated_units}`, `{waiting}` and
    /// `{statements}` are filled in.
    pub(crate) text: &'static str,
    pub(crate) source: &'static str,
}

/// A rule that every report of the country names.
pub(crate) const ALWAYS: fn(&Settings, &Applied) -> bool = |_, _| true;

/// A country of the second circle, which every report of it says.
pub(crate) const SECOND_CIRCLE: RuleText = RuleText {
    when: ALWAYS,
    text: Circle::SECOND,
    source: "docs/tax.md, Countries",
};

/// Money in other currencies, which every country treats alike.
pub(crate) const CONVERTED: RuleText = RuleText {
    when: |_, applied| applied.converted,
    text: "Money in other currencies is converted at the euro reference rates of the European \
           Central Bank of the local date, or of the last business day before it; where there is \
           none, by the person's own list of prices, as the line says.",
    source: "European Central Bank, euro foreign exchange reference rates",
};

/// Halves of a transfer without a common hash, which are found alike in every country.
pub(crate) const MATCHED_BY_AMOUNT: RuleText = RuleText {
    when: |_, applied| applied.matched_by_amount,
    text: "Withdrawals and deposits without a common transaction hash are taken as one \
           transfer where a deposit of the same asset follows in another wallet within 48 \
           hours, with at most 5 % fewer units.",
    source: "practice",
};

/// What a transfer lost on its way.
pub(crate) const LOST_ON_THE_WAY: RuleText = RuleText {
    when: |_, applied| applied.transfer_differences,
    text: "Units that were sent and did not arrive are taken as the network's fee.",
    source: "practice",
};

/// Wrapping that carries over, where there is no guidance.
pub(crate) const WRAP_CARRIES: RuleText = RuleText {
    when: |settings, applied| applied.wraps && chose(settings, "wrap", "carry"),
    text: "Wrapping unit for unit carries cost and date over. There is no guidance; the option \
           wrap decides.",
    source: "no direct guidance",
};

/// Wrapping that is a swap because the person asked for it.
pub(crate) const WRAP_IS_A_SWAP: RuleText = RuleText {
    when: |settings, applied| applied.wraps && chose(settings, "wrap", "trade"),
    text: "Wrapping and unwrapping is a swap, as asked. There is no guidance.",
    source: "no direct guidance",
};

/// Pools of liquidity that are swapped into, where there is no guidance.
pub(crate) const POOL_IS_A_SWAP: RuleText = RuleText {
    when: |settings, applied| applied.pools_of_liquidity && chose(settings, "lp", "trade"),
    text: "Putting units into a liquidity pool and taking them out are swaps. There is no \
           guidance; the option lp decides.",
    source: "no direct guidance",
};

/// Pools of liquidity whose shares take costs over because the person asked for it.
pub(crate) const POOL_CARRIES: RuleText = RuleText {
    when: |settings, applied| applied.pools_of_liquidity && chose(settings, "lp", "carry"),
    text: "A share in a liquidity pool takes over the cost of the units put in, as asked. What \
           several rows of one transaction put in or take out is swapped all the same.",
    source: "no direct guidance",
};

/// A transfer's fee that is sold, as the country's authority or practice has it.
pub(crate) const fn transfer_fee_sold(source: &'static str) -> RuleText {
    RuleText {
        when: |settings, applied| {
            applied.transfer_fees && chose(settings, "transfer_fee", "disposal")
        },
        text: "The network's fee of a transfer between own wallets, paid in units, is a disposal \
               of them at their value, which joins no cost. The option transfer_fee decides.",
        source,
    }
}

/// A transfer's fee whose cost goes on.
pub(crate) const TRANSFER_FEE_JOINS: RuleText = RuleText {
    when: |settings, applied| applied.transfer_fees && chose(settings, "transfer_fee", "cost"),
    text: "The network's fee of a transfer between own wallets, paid in units, is no disposal: \
           what these units had cost joins the cost of the units moved, as asked; where sales from \
           other wallets had used up their lots, that of the units where they went, or else of the \
           lot that goes next.",
    source: "no direct guidance",
};

/// A transfer's fee whose cost is lost.
pub(crate) const TRANSFER_FEE_LOST: RuleText = RuleText {
    when: |settings, applied| applied.transfer_fees && chose(settings, "transfer_fee", "lost"),
    text: "The network's fee of a transfer between own wallets, paid in units, is no disposal: \
           these units are listed with what they had cost, which is deducted nowhere, as asked.",
    source: "no direct guidance",
};

/// Rewards of staking that are income when they are credited.
pub(crate) const fn staking_on_receipt(source: &'static str) -> RuleText {
    RuleText {
        when: |settings, applied| applied.staking && chose(settings, "staking", "receipt"),
        text: "Rewards of staking are income when they are credited: the time in the records is \
               taken as that from which on the person could dispose of them. The option staking \
               decides.",
        source,
    }
}

/// Rewards of staking that are income when they leave their wallet.
pub(crate) const fn staking_on_withdrawal(source: &'static str) -> RuleText {
    RuleText {
        when: |settings, applied| applied.staking && chose(settings, "staking", "withdrawal"),
        text: "Rewards of staking are income, at their value then, when they first leave the \
               wallet in which they were credited: until then they are taken as out of the \
               person's reach, as asked. What leaves such a wallet is its rewards first, the \
               oldest first. {waiting}",
        source,
    }
}

/// Loans where no authority has spoken.
pub(crate) const LOANS_AS_BORROWED: RuleText = RuleText {
    when: |settings, applied| applied.loans && chose(settings, "loan", "as_borrowed"),
    text: "Borrowed units cost what they were worth then; paying them back settles the debt at \
           that value. The option loan decides.",
    source: "no direct guidance",
};

/// A swap whose costs belong to the disposal, in the country's word for one.
macro_rules! swap_costs_of_disposal {
    ($disposal:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |settings, applied| {
                applied.swaps && $crate::jurisdiction::chose(settings, "swap_fee", "disposal")
            },
            text: concat!(
                "A swap is a ",
                $disposal,
                " at market value and a purchase at that value; its costs belong to the ",
                $disposal,
                ". The option swap_fee decides."
            ),
            source: $source,
        }
    };
}
pub(crate) use swap_costs_of_disposal;

/// A swap whose costs belong half to each side, in the country's word for a disposal.
macro_rules! swap_costs_split {
    ($disposal:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |settings, applied| {
                applied.swaps && $crate::jurisdiction::chose(settings, "swap_fee", "split")
            },
            text: concat!(
                "A swap is a ",
                $disposal,
                " at market value and a purchase at that value; its costs belong half to each, \
                 as asked."
            ),
            source: $source,
        }
    };
}
pub(crate) use swap_costs_split;

/// Loans that are paid back by a disposal, in the country's word for one.
macro_rules! loans_at_market {
    ($disposal:literal) => {
        $crate::jurisdiction::notes::RuleText {
            when: |settings, applied| {
                applied.loans && $crate::jurisdiction::chose(settings, "loan", "market")
            },
            text: concat!(
                "Borrowed units cost what they were worth then; paying them back is a ",
                $disposal,
                " at the market value of the day, as asked."
            ),
            source: "no direct guidance",
        }
    };
}
pub(crate) use loans_at_market;

/// Fees in units, which are disposed of, in the country's word for that.
macro_rules! fees_in_kind {
    ($disposed_of:literal, $source:expr) => {
        $crate::jurisdiction::notes::RuleText {
            when: |_, applied| applied.fees_in_kind,
            text: concat!(
                "Units given as a fee are themselves ",
                $disposed_of,
                " at their value."
            ),
            source: $source,
        }
    };
}
pub(crate) use fees_in_kind;

/// Theft and loss, where nothing more is to be said of them.
pub(crate) const fn lost(source: &'static str) -> RuleText {
    RuleText {
        when: |_, applied| applied.lost,
        text: "Theft and loss are listed and not deducted.",
        source,
    }
}

/// Units without a purchase, where nothing more is to be said of them.
pub(crate) const fn without_purchase(source: &'static str) -> RuleText {
    RuleText {
        when: |_, applied| applied.missing_basis,
        text: "Units without a purchase on record have zero cost.",
        source,
    }
}

/// Whether an option has a value.
pub(crate) fn chose(settings: &Settings, option: &str, value: &str) -> bool {
    settings
        .options
        .get(option)
        .is_some_and(|chosen| chosen == value)
}

impl Jurisdiction {
    /// Which of the rules that an outcome used speak of rows of a kind.
    ///
    /// `is_swap` is whether the row gives an asset for another.
    pub fn notes_on<'o>(
        &self,
        outcome: &'o Outcome,
        kind: RowKind,
        is_swap: bool,
    ) -> Vec<&'o RuleNote> {
        let settings = &outcome.settings;
        let (always, by_row) = (Applied::default(), self.applied_by(settings, kind, is_swap));
        let speaks =
            |rule: &RuleText| (rule.when)(settings, &by_row) && !(rule.when)(settings, &always);
        let used = outcome.rules_used.iter();
        used.filter(|note| self.rules.get(note.rule).is_some_and(speaks))
            .collect()
    }

    fn applied_by(&self, settings: &Settings, kind: RowKind, is_swap: bool) -> Applied {
        let mut untaxed = self.treatment.untaxed.iter();
        let is_untaxed =
            untaxed.any(|(one, _)| *one == kind) && !chose(settings, "rewards", "income");
        let is_wrap = matches!(kind, RowKind::Wrap | RowKind::Unwrap);
        let is_pool = matches!(kind, RowKind::LpDeposit | RowKind::LpWithdraw);
        Applied {
            swaps: is_swap && !is_wrap && !is_pool,
            transfers: matches!(
                kind,
                RowKind::Transfer | RowKind::Bridge | RowKind::Deposit | RowKind::Withdrawal
            ),
            income: kind.is_income() && !is_untaxed,
            staking: kind == RowKind::Staking,
            untaxed_receipts: is_untaxed,
            gifts_received: kind == RowKind::GiftIn,
            given_away: kind == RowKind::GiftOut,
            given_to_spouse: kind == RowKind::GiftSpouse,
            donated: kind == RowKind::Donation,
            lost: matches!(kind, RowKind::Lost | RowKind::Stolen),
            wraps: is_wrap,
            pools_of_liquidity: is_pool,
            loans: matches!(kind, RowKind::Borrow | RowKind::Repay),
            margin: kind == RowKind::MarginPnl,
            fees_in_kind: kind == RowKind::Fee,
            ..Applied::default()
        }
    }

    /// The rules that were applied, in words.
    pub(crate) fn notes(&self, settings: &Settings, applied: &Applied) -> Vec<RuleNote> {
        let used = self
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| (rule.when)(settings, applied));
        used.map(|(place, rule)| RuleNote {
            rule: place,
            text: rule
                .text
                .replace("{timezone}", settings.timezone.name())
                .replace("{allocated}", &allocated(applied.allocated.as_ref()))
                .replace(
                    "{allocated_units}",
                    &allocated(applied.allocated_units.as_ref()),
                )
                .replace("{waiting}", &waiting(&applied.waiting))
                .replace("{statements}", &statements(settings, &applied.wallets)),
            source: rule.source,
        })
        .collect()
    }
}
