//! Deposits and withdrawals of KuCoin, and what its Earn products paid.
//!
//! Columns checked against BittyTax (`conv/parsers/kucoin.py`): the files of deposits and of
//! withdrawals with and without a hash, and those of its bundle, with the zone in the name of the
//! time's column, or without one and then in UTC+8; and the bundle's history of profits. A file
//! with the address to which units were withdrawn is that of withdrawals. Fees come on top of
//! amounts; what did not succeed moved nothing, and only the word for success is known. What Earn
//! paid is staking, as BittyTax reads it; the product and the kind of earnings are kept as the
//! note, by which a person's rule can tell lending from it.

use packtrain_core::ledger::{Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::join;
use crate::import::sheet::Sheet;

pub(super) static TRANSFERS: Source = Source {
    name: "kucoin-transfers",
    label: "KuCoin",
    needed: &[
        "uid",
        "account_type",
        "time(*)|time",
        "coin",
        "amount",
        "fee",
        "transfer_network",
        "status",
    ],
    known: TRANSFER_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    // Where the name of the time's column tells no zone.
    zone: chrono_tz::Asia::Singapore,
    read: transfer,
    join: None,
};

pub(super) static EARN: Source = Source {
    name: "kucoin-earn",
    label: "KuCoin",
    needed: &[
        "uid",
        "order_id",
        "time(*)|time",
        "staked_coin",
        "product_type",
        "earnings_coin",
        "earnings_type",
        "amount",
    ],
    known: EARN_COLUMNS,
    id: None,
    words: &[PRODUCT, EARNINGS],
    owner: None,
    zone: chrono_tz::Asia::Singapore,
    read: earned,
    join: Some(join::numbered),
};

const TRANSFER_COLUMNS: &[&str] = &[
    "time(*)|time",
    "coin",
    "amount",
    "fee",
    "hash",
    "withdrawal_address/account",
    "transfer_network",
    "status",
    "remarks",
];
const WITHDRAWN_TO: usize = 5;
const STATUS: usize = 7;

const EARN_COLUMNS: &[&str] = &[
    "order_id",
    "time(*)|time",
    "product_type",
    "earnings_coin",
    "earnings_type",
    "amount",
];
const PRODUCT: usize = 2;
const EARNINGS: usize = 4;

const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S"];

fn transfer(sheet: &mut Sheet<'_>) -> Option<Row> {
    match sheet.cell(STATUS) {
        "SUCCESS" => {}
        "FAILURE" | "FAILED" | "CANCELED" | "CANCELLED" | "PROCESSING" | "WALLET_PROCESSING" => {
            return None;
        }
        _ => {
            entry::unknown(sheet, STATUS, "status");
            return None;
        }
    }
    let at = sheet.time(0, FORMS);
    let leg = sheet.unsigned_leg(2, 1).good();
    let fee = sheet.unsigned_leg(3, 1).good();
    let (tx_hash, note) = (sheet.text(4), sheet.note(8));
    let kind = match sheet.has(WITHDRAWN_TO) {
        true => RowKind::Withdrawal,
        false => RowKind::Deposit,
    };
    let mut row = entry::row(sheet, at?, kind);
    match kind {
        RowKind::Withdrawal => row.sent = leg,
        _ => row.received = leg,
    }
    (row.fee, row.tx_hash, row.note) = (fee, tx_hash, note);
    sheet.is_good().then_some(row)
}

fn earned(sheet: &mut Sheet<'_>) -> Option<Row> {
    let id = sheet.text(0);
    let at = sheet.time(1, FORMS);
    let leg = sheet.unsigned_leg(5, 3).good();
    if leg.is_none() && entry::is_nothing(sheet, 5) {
        return None;
    }
    let mut row = entry::row(sheet, at?, RowKind::Staking);
    row.id = id.map_or(row.id, |id| format!("kucoin-earn-{id}").into());
    row.received = leg;
    sheet.is_good().then_some(row)
}
