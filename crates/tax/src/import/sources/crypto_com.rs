//! The app of Crypto.com.
//!
//! Columns and kinds checked against BittyTax (`conv/parsers/cryptocom.py`) and rotki
//! (`data_import/importers/cryptocom.py`). The file has no fees. What is converted or swapped comes
//! as records of what was debited and what was credited: each is read against the money that its
//! native columns tell. Kinds that neither of them knows are errors, but for `viban_withdrawal`,
//! `staking_reward` and `lockup_upgrade`, which could not be checked.

use packtrain_core::ledger::{Row, RowKind};
use packtrain_core::money::Money;

use crate::import::Source;
use crate::import::cells::Cell;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "crypto-com",
    label: "Crypto.com",
    needed: &[
        "timestamp_(utc)",
        "currency",
        "amount",
        "native_currency",
        "native_amount",
        "transaction_kind",
    ],
    known: COLUMNS,
    id: None,
    words: &[KIND],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "timestamp_(utc)",
    "transaction_description",
    "currency",
    "amount",
    "to_currency",
    "to_amount",
    "native_currency",
    "native_amount",
    "transaction_kind",
    "transaction_hash",
];
const KIND: usize = 8;
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let leaves = sheet
        .number(3)
        .good()
        .is_some_and(|amount| amount.is_negative());
    let leg = sheet.unsigned_leg(3, 2).good();
    let other = sheet.unsigned_leg(5, 4).good();
    let worth = sheet.size(7);
    let currency = sheet.currency(6);
    let (note, tx_hash) = (sheet.note(1), sheet.text(9));
    let description = sheet.cell(1).to_owned();
    let Some(kind) = kind(sheet.cell(KIND), &description, leaves) else {
        entry::unknown(sheet, KIND, "kind");
        return None;
    };
    let mut row = entry::row(sheet, at?, kind?);
    (row.note, row.tx_hash) = (note, tx_hash);
    match (leg, other) {
        (Some(sent), Some(received)) => {
            row.kind = entry::exchange(&sent, &received);
            (row.sent, row.received) = (Some(sent), Some(received));
        }
        (Some(leg), None) if leaves => row.sent = Some(leg),
        (leg, _) => row.received = Some(leg?),
    }
    let worth = match (worth, currency) {
        (Cell::Good(worth), Cell::Good(currency)) => Some((entry::as_money(worth), currency)),
        _ => None,
    };
    let is_exchange = matches!(row.kind, RowKind::Buy | RowKind::Sell | RowKind::Trade);
    if is_exchange && (row.sent.is_none() || row.received.is_none()) {
        // With a card, from an account or of a swap: the money stands in the native columns alone.
        let money = worth.map(|(worth, currency)| entry::money_leg(worth, currency));
        if money.is_none() && sheet.is_good() {
            let help = "export the file again: Native Amount tells the other half";
            let flaw = Flaw::new("half_missing", "the other half is not told", help);
            sheet.flaw(Some(7), flaw);
        }
        let money = money?;
        let (sent, received) = (&mut row.sent, &mut row.received);
        let missing = if sent.is_none() { sent } else { received };
        *missing = Some(money);
    } else if let Some((worth, currency)) = worth {
        entry::set_value(&mut row, Money::from_quantity(worth, currency).ok());
    }
    if let (true, Some(sent), Some(received)) = (is_exchange, &row.sent, &row.received) {
        row.kind = entry::exchange(sent, received);
    }
    sheet.is_good().then_some(row)
}

/// Kinds of exchanges of the two assets that the record has.
const TRADES: &[&str] = &[
    "crypto_exchange",
    "crypto_to_van_sell_order",
    "crypto_viban_exchange",
    "recurring_buy_order",
    "trading.limit_order.fiat_wallet.sell_commit",
    "van_purchase",
    "viban_purchase",
];
const INTEREST: &[&str] = &[
    "crypto_earn_extra_interest_paid",
    "crypto_earn_interest_paid",
    "finance.dpos.compound_interest.crypto_wallet",
    "finance.dpos.non_compound_interest.crypto_wallet",
    "finance.lockup.dpos_compound_interest.crypto_wallet",
    "mco_stake_reward",
    "staking_reward",
    "supercharger_reward_to_app_credited",
];
const REWARDS: &[&str] = &[
    "campaign_reward",
    "crypto_payment_refund",
    "gift_card_reward",
    "pay_checkout_reward",
    "referral_bonus",
    "referral_card_cashback",
    "referral_gift",
    "reimbursement",
    "rewards_platform_deposit_credited",
    "transfer_cashback",
];
const WITHIN: &[&str] = &[
    "airdrop_locked",
    "council_node_deposit_created",
    "crypto_earn_program_created",
    "crypto_earn_program_withdrawn",
    "finance.dpos.staking.crypto_wallet",
    "finance.dpos.unstaking.crypto_wallet",
    "finance.lockup.dpos_lock.crypto_wallet",
    "lockup_lock",
    "lockup_unlock",
    "lockup_upgrade",
    "supercharger_deposit",
    "supercharger_withdrawal",
    "trading.limit_order.cash_account.purchase_lock",
    "trading.limit_order.cash_account.purchase_unlock",
    "trading.limit_order.fiat_wallet.purchase_lock",
    "trading.limit_order.fiat_wallet.purchase_unlock",
    "trading.limit_order.fiat_wallet.sell_lock",
];

/// What a kind is; none for one that is unknown, and nothing for one within the account.
fn kind(word: &str, description: &str, leaves: bool) -> Option<Option<RowKind>> {
    let is_in = |words: &[&str]| words.contains(&word);
    Some(Some(match word {
        _ if is_in(WITHIN) => return Some(None),
        _ if is_in(TRADES) => RowKind::Trade,
        _ if word.ends_with("_debited") && is_swap(word) && leaves => RowKind::Sell,
        _ if word.ends_with("_credited") && is_swap(word) => RowKind::Buy,
        "crypto_purchase" => RowKind::Buy,
        "card_top_up" => RowKind::Sell,
        "crypto_deposit" | "viban_deposit" | "exchange_to_crypto_transfer" => RowKind::Deposit,
        "crypto_withdrawal" | "viban_withdrawal" => RowKind::Withdrawal,
        "crypto_to_exchange_transfer" => RowKind::Withdrawal,
        "card_cashback_reverted" | "crypto_payment" | "reimbursement_reverted" if leaves => {
            RowKind::Spend
        }
        "crypto_transfer" if leaves => RowKind::GiftOut,
        "crypto_transfer" => RowKind::GiftIn,
        "admin_wallet_credited" | "airdrop_to_exchange_transfer" => RowKind::Airdrop,
        _ if is_in(INTEREST) && !leaves => RowKind::Interest,
        _ if is_in(REWARDS) && !leaves => RowKind::Reward,
        // Files of the money account have no kinds.
        "" if description.contains("Deposit") => RowKind::Deposit,
        "" if description.contains("Withdrawal") => RowKind::Withdrawal,
        _ => return None,
    }))
}

/// Whether a credit is one half of a swap.
fn is_swap(word: &str) -> bool {
    let start = word
        .strip_suffix("_credited")
        .or_else(|| word.strip_suffix("_debited"));
    let start = start.unwrap_or_default();
    matches!(
        start,
        "crypto_wallet_swap"
            | "dust_conversion"
            | "dynamic_coin_swap"
            | "interest_swap"
            | "lockup_swap"
    )
}
