//! The transactions of an account in Trezor Suite.
//!
//! Columns and the words RECV, SENT, SELF and FAILED checked against BittyTax
//! (`conv/parsers/trezorsuite.py`): the amount of what is sent is without its fee, and what is
//! received has none of the person's. The words CONTRACT and JOINT and the mark between cells could
//! not be checked. The older file without the amount's unit does not name its coin and is not read.

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::money::Money;

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

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
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
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
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.seconds(0);
    let leg = sheet.unsigned_leg(6, 7).good();
    let fee = sheet.unsigned_leg(3, 4).good();
    let fiat = sheet.size(8).good();
    let currency = sheet.unit(8).and_then(|unit| unit.parse().ok());
    let (hash, note) = (sheet.text(2), sheet.note(5));
    let kind = match sheet.cell(1) {
        "RECV" => RowKind::Deposit,
        "SENT" => RowKind::Withdrawal,
        // The person paid themselves, or called a contract, or failed: the fee is gone.
        "SELF" | "FAILED" | "CONTRACT" | "JOINT" => RowKind::Fee,
        other => {
            let message = format!("unknown type {other:?}");
            let help = "expected RECV, SENT, SELF or FAILED";
            sheet.flaw(Some(1), Flaw::new("type_unknown", message, help));
            return None;
        }
    };
    let mut row = entry::row(sheet, at?, kind);
    (row.tx_hash, row.note) = (hash, note);
    match kind {
        RowKind::Deposit => row.received = Some(leg?),
        RowKind::Withdrawal => (row.sent, row.fee) = (Some(leg?), fee),
        _ => row.fee = Some(fee?),
    }
    if kind != RowKind::Fee {
        let money = fiat.zip(currency);
        let money = money.and_then(|(fiat, currency)| Money::from_quantity(fiat, currency).ok());
        entry::set_value(&mut row, money);
    }
    let is_empty = |leg: &Option<Leg>| leg.as_ref().is_none_or(|leg| leg.amount.is_zero());
    if is_empty(&row.sent) && is_empty(&row.received) && is_empty(&row.fee) {
        return None;
    }
    sheet.is_good().then_some(row)
}
