//! The app of Crypto.com.

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
    let Some(kind) = kind(sheet.cell(8), leaves) else {
        let message = format!("unknown kind {:?}", sheet.cell(8));
        let help = "tell us of it; until then write the row in the product's own format";
        sheet.flaw(Some(8), Flaw::new("type_unknown", message, help));
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
    if let (Cell::Good(worth), Cell::Good(currency)) = (worth, currency) {
        let money = Money::from_quantity(worth, currency).ok();
        // Bought with a card or sold to an account: the money stands in the native columns alone.
        match (row.kind, row.sent.is_some()) {
            (RowKind::Buy, false) => row.sent = Some(entry::money_leg(worth, currency)),
            (RowKind::Sell, true) if row.received.is_none() => {
                row.received = Some(entry::money_leg(worth, currency));
            }
            _ => entry::set_value(&mut row, money),
        }
    }
    sheet.is_good().then_some(row)
}

/// What a kind is; none for one that is unknown, and nothing for one within the account.
fn kind(word: &str, leaves: bool) -> Option<Option<RowKind>> {
    Some(match word {
        "crypto_purchase" | "recurring_buy_order" | "van_purchase" => Some(RowKind::Buy),
        "viban_purchase"
        | "crypto_exchange"
        | "crypto_viban_exchange"
        | "dust_conversion_debited"
        | "trading.limit_order.crypto_wallet.fund_lock" => Some(RowKind::Trade),
        "card_top_up" | "crypto_to_van_sell_order" => Some(RowKind::Sell),
        "crypto_deposit" | "viban_deposit" | "exchange_to_crypto_transfer" => {
            Some(RowKind::Deposit)
        }
        "crypto_withdrawal" | "viban_withdrawal" | "crypto_to_exchange_transfer" => {
            Some(RowKind::Withdrawal)
        }
        "crypto_earn_interest_paid" | "crypto_earn_extra_interest_paid" => Some(RowKind::Interest),
        "mco_stake_reward"
        | "finance.crypto_earn.loyalty_program_extra_interest_paid.crypto_wallet"
        | "staking_reward" => Some(RowKind::Staking),
        "referral_card_cashback"
        | "reimbursement"
        | "referral_gift"
        | "referral_bonus"
        | "campaign_reward"
        | "gift_card_reward"
        | "rewards_platform_deposit_credited"
        | "card_cashback_reverted"
        | "reimbursement_reverted" => Some(if leaves {
            RowKind::Spend
        } else {
            RowKind::Reward
        }),
        "crypto_payment" | "pay_checkout_reward" if leaves => Some(RowKind::Spend),
        "crypto_payment" | "pay_checkout_reward" => Some(RowKind::Reward),
        "crypto_transfer" if leaves => Some(RowKind::GiftOut),
        "crypto_transfer" => Some(RowKind::GiftIn),
        "airdrop_to_exchange_transfer" | "admin_wallet_credited" => Some(RowKind::Airdrop),
        "crypto_earn_program_created"
        | "crypto_earn_program_withdrawn"
        | "lockup_lock"
        | "lockup_unlock"
        | "lockup_upgrade"
        | "supercharger_deposit"
        | "supercharger_withdrawal"
        | "council_node_deposit_created" => None,
        _ => return None,
    })
}
