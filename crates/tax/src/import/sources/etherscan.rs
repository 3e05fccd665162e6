//! Block explorers of the Etherscan family: normal and internal transactions.
//!
//! Columns checked against BittyTax (`conv/parsers/etherscan.py`) and kernelwhisperer/privatefolio
//! (its importer of Etherscan's files). `Txhash` is the older name of `Transaction Hash`. What came
//! in and what went out have columns of their own; for a row without an amount only the addresses
//! tell who pays the fee. The price is that of the day, in dollars.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::{Currency, Money};

use crate::import::Source;
use crate::import::chain::{self, Way};
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};
use crate::import::wrapped;

pub(super) static NORMAL: Source = Source {
    name: "etherscan",
    label: "Ethereum",
    needed: &[
        "transaction_hash|txhash",
        "unixtimestamp",
        "from",
        "to",
        "value_in(*)",
        "value_out(*)",
        "txnfee(*)",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("from", "to")),
    zone: chrono_tz::UTC,
    read: normal,
    join: None,
};

pub(super) static INTERNAL: Source = Source {
    name: "etherscan-internal",
    label: "Ethereum",
    needed: &[
        "transaction_hash|txhash",
        "unixtimestamp",
        "from",
        "txto",
        "value_in(*)",
        "value_out(*)",
        "parenttxfrom",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("from", "txto")),
    zone: chrono_tz::UTC,
    read: internal,
    join: None,
};

const COLUMNS: &[&str] = &[
    "transaction_hash|txhash",
    "unixtimestamp",
    "from",
    "to|txto",
    "value_in(*)",
    "value_out(*)",
    "txnfee(*)",
    "historical_$price/*",
    "status",
    "errcode",
    "method|type",
];
const HASH: usize = 0;
const TIME: usize = 1;
const FROM: usize = 2;
const TO: usize = 3;
const IN: usize = 4;
const OUT: usize = 5;
const FEE: usize = 6;
const PRICE: usize = 7;
const STATUS: usize = 8;
const ERROR: usize = 9;
const METHOD: usize = 10;

fn normal(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.seconds(TIME);
    let (received, sent, fee) = (leg(sheet, IN), leg(sheet, OUT), leg(sheet, FEE));
    let has_failed = has_failed(sheet)?;
    let hash = sheet.text(HASH);
    let note = sheet.note(METHOD);
    let (kind, column) = match (&sent, &received) {
        // Somebody else's transaction that failed brought nothing and cost them the fee.
        (None, Some(_)) if has_failed => return None,
        (None, Some(_)) => (RowKind::Deposit, TO),
        (Some(_), _) if !has_failed => (RowKind::Withdrawal, FROM),
        // Nothing moved, or nothing stayed moved: who sends pays the fee.
        _ => match chain::way(sheet, FROM, TO)? {
            Way::In => return None,
            Way::Out | Way::Within => (RowKind::Fee, FROM),
        },
    };
    let mut row = entry::row(sheet, at?, kind);
    (row.tx_hash, row.note) = (hash, note);
    row.wallet = wallet(sheet, column);
    match kind {
        RowKind::Withdrawal => (row.sent, row.fee) = (sent, fee),
        RowKind::Deposit => row.received = received,
        _ => row.fee = Some(fee?),
    }
    wrapped::tell(sheet, &mut row, TO);
    price(sheet, &mut row);
    sheet.is_good().then_some(row)
}

fn internal(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.seconds(TIME);
    let (received, sent) = (leg(sheet, IN), leg(sheet, OUT));
    if has_failed(sheet)? {
        return None;
    }
    let hash = sheet.text(HASH);
    let (kind, column) = match sent.is_some() {
        true => (RowKind::Withdrawal, FROM),
        false => (RowKind::Deposit, TO),
    };
    let mut row = entry::row(sheet, at?, kind);
    row.tx_hash = hash;
    row.wallet = wallet(sheet, column);
    (row.sent, row.received) = match sent {
        Some(sent) => (Some(sent), None),
        None => (None, Some(received?)),
    };
    let other = if row.sent.is_some() { TO } else { FROM };
    wrapped::tell(sheet, &mut row, other);
    price(sheet, &mut row);
    sheet.is_good().then_some(row)
}

/// The address in a column, or the wallet that was given.
fn wallet(sheet: &mut Sheet<'_>, column: usize) -> Asset {
    let address = sheet.cell(column).to_owned();
    sheet.wallet_of(&address)
}

/// Whether the transaction failed; none, with its error, where the word for it is unknown.
fn has_failed(sheet: &mut Sheet<'_>) -> Option<bool> {
    let status = sheet.cell(STATUS);
    let is_error = match status {
        "" | "0" | "Success" => false,
        // Internal transactions have a figure for it.
        "1" => true,
        word if word.starts_with("Error") || word.starts_with("Fail") => true,
        word => {
            let message = format!("unknown status {word:?}");
            let help = "tell us of it; until then write the row in the product's own format";
            sheet.flaw(Some(STATUS), Flaw::new("type_unknown", message, help));
            return None;
        }
    };
    Some(is_error || !sheet.cell(ERROR).is_empty())
}

/// An amount in the coin that the name of its column tells; none where it is nothing.
fn leg(sheet: &mut Sheet<'_>, column: usize) -> Option<Leg> {
    let amount = sheet.size(column).good()?;
    let asset: Asset = sheet.unit(column)?;
    Some(Leg { amount, asset })
}

/// Values a row and its fee at the price of the day, where the file has one.
fn price(sheet: &mut Sheet<'_>, row: &mut Row) {
    let Some(price) = chain::price(sheet, PRICE) else {
        return;
    };
    let worth = |leg: &Leg| {
        let amount = entry::as_money(leg.amount.checked_mul(price).ok()?);
        Money::from_quantity(amount, Currency::USD).ok()
    };
    let leg = row.sent.as_ref().or(row.received.as_ref());
    row.value = leg.and_then(worth);
    let fee_value = row.fee.as_ref().and_then(worth);
    entry::set_fee_value(row, fee_value);
}
