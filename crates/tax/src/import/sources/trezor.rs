//! The transactions of an account in Trezor Suite.
//!
//! Columns and the words RECV, SENT, SELF and FAILED checked against BittyTax
//! (`conv/parsers/trezorsuite.py`), everytrade (`TrezorSuiteBeanV1Test`, with either mark between
//! cells) and importers that describe real files: an output is a row, the fee stands in the first
//! of a transaction's rows alone and comes on top, an NFT has `ID 7` for its amount, and what an
//! own transaction brought is `SENT` too, with the account's address. The words CONTRACT and JOINT
//! could not be checked. The older file without the amount's unit does not name its coin and is not
//! read.

use std::collections::HashSet;

use packtrain_core::ledger::{Asset, Leg, Rare, Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;

use crate::import::Source;
use crate::import::chain;
use crate::import::entry;
use crate::import::join::Joined;
use crate::import::sheet::Sheet;

pub(super) static SOURCE: Source = Source {
    name: "trezor",
    label: "Trezor",
    needed: &[
        "timestamp",
        "type",
        "transaction_id",
        "fee",
        "fee_unit",
        "amount",
        "amount_unit",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: Some(join),
};

const COLUMNS: &[&str] = &[
    "timestamp",
    "type",
    "transaction_id",
    "fee",
    "fee_unit",
    "label",
    "amount",
    "amount_unit",
    "fiat_($)",
    "address",
];
const AMOUNT: usize = 6;
const UNIT: usize = 7;
const FIAT: usize = 8;
const ADDRESS: usize = 9;

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.seconds(0);
    let leg = leg(sheet);
    let fee = sheet.unsigned_leg(3, 4).good();
    let fiat = sheet.size(FIAT).good();
    let currency = sheet.unit(FIAT).and_then(|unit| unit.parse().ok());
    let (hash, note) = (sheet.text(2), sheet.note(5));
    let address = sheet.name(ADDRESS).good();
    let kind = match sheet.cell(1) {
        "RECV" => RowKind::Deposit,
        // A contract that was called moved nothing and cost its fee.
        "SENT" if leg.is_none() => RowKind::Fee,
        "SENT" => RowKind::Withdrawal,
        // The person paid themselves, or called a contract, or failed: the fee is gone.
        "SELF" | "FAILED" | "CONTRACT" | "JOINT" => RowKind::Fee,
        _ => {
            entry::unknown(sheet, 1, "type");
            return None;
        }
    };
    let mut row = entry::row(sheet, at?, kind);
    (row.tx_hash, row.note) = (hash, note);
    match kind {
        RowKind::Deposit => row.received = Some(leg?),
        RowKind::Withdrawal => (row.sent, row.fee) = (leg, fee),
        _ => row.fee = Some(fee?),
    }
    if kind != RowKind::Fee {
        let money = fiat.map(entry::as_money).zip(currency);
        let money = money.and_then(|(fiat, currency)| Money::from_quantity(fiat, currency).ok());
        entry::set_value(&mut row, money);
        // Tells the join whose it is.
        row.rare.to_wallet = address;
    }
    sheet.is_good().then_some(row)
}

/// What moved: an amount, or an NFT by its id.
fn leg(sheet: &mut Sheet<'_>) -> Option<Leg> {
    let Some(id) = sheet.cell(AMOUNT).strip_prefix("ID ") else {
        return sheet.unsigned_leg(AMOUNT, UNIT).good();
    };
    let word = format!("{}#{}", sheet.cell(UNIT), id.trim());
    Some(Leg {
        amount: Quantity::from_units(1, 0).ok()?,
        asset: sheet.shared(&word),
    })
}

/// Turns what own transactions brought, and joins swaps.
fn join(mut rows: Vec<Row>) -> Joined {
    let is_in = |row: &&Row| row.kind == RowKind::Deposit;
    let own: HashSet<Asset> = rows
        .iter()
        .filter(is_in)
        .filter_map(|row| row.rare.to_wallet.clone())
        .collect();
    for row in &mut rows {
        let told = std::mem::replace(&mut row.rare, Rare::NONE);
        let is_own = told.to_wallet.as_ref().is_some_and(|it| own.contains(it));
        if is_own && row.kind == RowKind::Withdrawal && row.fee.is_none() {
            row.kind = RowKind::Deposit;
            row.received = row.sent.take();
        }
    }
    chain::swaps(rows)
}
