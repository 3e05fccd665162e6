//! Blockscout: transactions, internal transactions and transfers of tokens.
//!
//! Columns and their meaning checked against the program that writes the files,
//! blockscout/blockscout (`chain/csv_export/address/*.ex`), and BittyTax
//! (`conv/parsers/blockscout.py`). Despite its name `UnixTimestamp` holds a date and time in UTC;
//! amounts are in the coin's smallest unit. No column names the coin: write it into the names of
//! `Value` and `Fee`, as in `Value(ETH)`, or give it. Values are at the closing price of the day,
//! in dollars.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::{Currency, Money};
use packtrain_core::time::Timestamp;

use crate::import::Source;
use crate::import::cells::Cell;
use crate::import::chain::{self, Way};
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};
use crate::import::wrapped;

pub(super) static TRANSACTIONS: Source = Source {
    name: "blockscout",
    label: "Blockscout",
    needed: &[
        "txhash",
        "blocknumber",
        "unixtimestamp",
        "fromaddress",
        "toaddress",
        "type",
        "value|value(*)",
        "fee|fee(*)",
        "status",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("fromaddress", "toaddress")),
    zone: chrono_tz::UTC,
    read: transaction,
    join: None,
};

pub(super) static INTERNAL: Source = Source {
    name: "blockscout-internal",
    label: "Blockscout",
    needed: &[
        "txhash",
        "blocknumber",
        "unixtimestamp",
        "fromaddress",
        "toaddress",
        "type",
        "calltype",
        "txindex",
        "value|value(*)",
        "errcode",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("fromaddress", "toaddress")),
    zone: chrono_tz::UTC,
    read: internal,
    join: None,
};

pub(super) static TOKENS: Source = Source {
    name: "blockscout-tokens",
    label: "Blockscout",
    needed: &[
        "txhash",
        "unixtimestamp",
        "fromaddress",
        "toaddress",
        "tokencontractaddress",
        "type",
        "tokensymbol",
        "tokenstransferred",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("fromaddress", "toaddress")),
    zone: chrono_tz::UTC,
    read: token,
    join: Some(chain::tokens),
};

const COLUMNS: &[&str] = &[
    "txhash",
    "unixtimestamp",
    "fromaddress",
    "toaddress",
    "type",
    "value|value(*)",
    "fee|fee(*)",
    "status",
    "errcode",
    "txdateclosingprice",
    "methodname",
    "calltype",
    "tokencontractaddress",
    "tokensymbol",
    "tokenstransferred",
];
const HASH: usize = 0;
const TIME: usize = 1;
const FROM: usize = 2;
const TO: usize = 3;
const TYPE: usize = 4;
const VALUE: usize = 5;
const FEE: usize = 6;
const STATUS: usize = 7;
const ERROR: usize = 8;
const PRICE: usize = 9;
const METHOD: usize = 10;
const CALL: usize = 11;
const CONTRACT: usize = 12;
const SYMBOL: usize = 13;
const TOKENS_MOVED: usize = 14;

const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S%.fZ", "%Y-%m-%d %H:%M:%S%.f"];
/// Decimals of the coin of a chain that is like Ethereum.
const WEI: i32 = 18;

fn transaction(sheet: &mut Sheet<'_>) -> Option<Row> {
    let way = told(sheet)?;
    let has_failed = match sheet.cell(STATUS) {
        "ok" => false,
        "error" => true,
        // Not in a block yet: the fee is a guess, and it will stand again.
        "" => return None,
        other => {
            let message = format!("unknown status {other:?}");
            return unknown(sheet, STATUS, &message);
        }
    };
    let at = time(sheet);
    let (amount, fee) = (coins(sheet, VALUE), coins(sheet, FEE));
    let (hash, note) = (sheet.text(HASH), sheet.note(METHOD));
    let price = chain::price(sheet, PRICE);
    let mut row = match (way, amount) {
        (Way::In, None) => return None,
        (Way::In, Some(_)) if has_failed => return None,
        (Way::In | Way::Out, Some(leg)) if !has_failed => {
            chain::moved(sheet, at?, (FROM, TO), way, leg)?
        }
        _ => {
            let mut row = entry::row(sheet, at?, RowKind::Fee);
            let address = sheet.cell(FROM).to_owned();
            row.wallet = sheet.wallet_of(&address);
            row
        }
    };
    if way != Way::In {
        row.fee = fee;
    }
    wrapped::tell(sheet, &mut row, TO);
    if row.kind == RowKind::Fee && row.fee.is_none() {
        return None;
    }
    let worth = |leg: &Leg| {
        let amount = entry::as_money(leg.amount.checked_mul(price?).ok()?);
        Money::from_quantity(amount, Currency::USD).ok()
    };
    row.value = row.sent.as_ref().or(row.received.as_ref()).and_then(worth);
    let fee_value = row.fee.as_ref().and_then(worth);
    entry::set_fee_value(&mut row, fee_value);
    (row.tx_hash, row.note) = (hash, note);
    sheet.is_good().then_some(row)
}

fn internal(sheet: &mut Sheet<'_>) -> Option<Row> {
    match sheet.cell(TYPE) {
        "call" | "create" | "create2" | "reward" | "selfdestruct" => {}
        other => {
            let message = format!("unknown type {other:?}");
            return unknown(sheet, TYPE, &message);
        }
    }
    // Code that runs in the name of another repeats the value and moves none.
    let is_borrowed = matches!(sheet.cell(CALL), "delegatecall" | "callcode" | "staticcall");
    if is_borrowed || !sheet.cell(ERROR).is_empty() {
        return None;
    }
    let at = time(sheet);
    let hash = sheet.text(HASH);
    let leg = coins(sheet, VALUE)?;
    let mut row = chain::transfer(sheet, at?, (FROM, TO), leg)?;
    let other = if row.sent.is_some() { TO } else { FROM };
    wrapped::tell(sheet, &mut row, other);
    row.tx_hash = hash;
    sheet.is_good().then_some(row)
}

fn token(sheet: &mut Sheet<'_>) -> Option<Row> {
    if sheet.cell(STATUS) == "error" {
        return None;
    }
    let way = told(sheet)?;
    let at = time(sheet);
    let hash = sheet.text(HASH);
    let decimals = sheet.cell_of_key("tokendecimals").unwrap_or_default();
    let decimals: Option<i32> = decimals.parse().ok();
    let (Some(decimals), Cell::Good(units)) = (decimals, sheet.size(TOKENS_MOVED)) else {
        if sheet.is_good() {
            let message = "how many tokens these are is not told";
            let help = "the file must have TokenDecimals and an amount: NFTs and older exports do \
                        not";
            sheet.flaw(
                Some(TOKENS_MOVED),
                Flaw::new("amount_missing", message, help),
            );
        }
        return None;
    };
    let asset = chain::token(sheet, SYMBOL, CONTRACT)?;
    let amount = units.times_ten_to(-decimals).ok()?;
    let mut row = chain::moved(sheet, at?, (FROM, TO), way, Leg { amount, asset })?;
    row.tx_hash = hash;
    sheet.is_good().then_some(row)
}

/// Which way the row goes, by the file's own word. What goes to the address that sends it is
/// `OUT` there.
fn told(sheet: &mut Sheet<'_>) -> Option<Way> {
    let is_within = sheet.cell(FROM).eq_ignore_ascii_case(sheet.cell(TO));
    match sheet.cell(TYPE) {
        "OUT" if is_within => Some(Way::Within),
        "OUT" => Some(Way::Out),
        "IN" => Some(Way::In),
        other => {
            let message = format!("unknown type {other:?}");
            unknown(sheet, TYPE, &message)
        }
    }
}

fn unknown<T>(sheet: &mut Sheet<'_>, column: usize, message: &str) -> Option<T> {
    let help = "tell us of it; until then write the row in the product's own format";
    sheet.flaw(Some(column), Flaw::new("type_unknown", message, help));
    None
}

fn time(sheet: &mut Sheet<'_>) -> Option<Timestamp> {
    match sheet.cell(TIME).bytes().all(|byte| byte.is_ascii_digit()) {
        true => sheet.seconds(TIME),
        false => sheet.time(TIME, FORMS),
    }
}

/// An amount of the chain's coin.
fn coins(sheet: &mut Sheet<'_>, column: usize) -> Option<Leg> {
    let wei = sheet.size(column).good()?;
    let named = sheet.unit(VALUE).or_else(|| sheet.unit(FEE));
    let asset: Option<Asset> = match (named, sheet.coin()) {
        (Some(named), _) => Some(named),
        (None, Some(coin)) => Some(sheet.shared(coin)),
        (None, None) => None,
    };
    let Some(asset) = asset else {
        let message = "the file does not name the chain's coin";
        let help = "write it into the name of the column, such as Value(ETH)";
        sheet.flaw(Some(column), Flaw::new("asset_missing", message, help));
        return None;
    };
    Some(Leg {
        amount: wei.times_ten_to(-WEI).ok()?,
        asset,
    })
}
