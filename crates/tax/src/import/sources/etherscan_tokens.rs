//! Block explorers of the Etherscan family: transfers of ERC-20 tokens.
//!
//! Columns checked against BittyTax (`conv/parsers/etherscan.py`, the current file and the older
//! one with `Txhash` and `Value`) and kernelwhisperer/privatefolio (its importer of Etherscan's
//! ERC-20 files). The rows do not say whose they are: see [`crate::import::owner`]. Fees stand in
//! the file of normal transactions.

use packtrain_core::ledger::{Leg, Row};
use packtrain_core::money::{Currency, Money};

use crate::import::Source;
use crate::import::chain;
use crate::import::sheet::Sheet;

pub(super) static TOKENS: Source = Source {
    name: "etherscan-tokens",
    label: "Ethereum",
    needed: &[
        "transaction_hash|txhash",
        "unixtimestamp",
        "from",
        "to",
        "tokenvalue|value",
        "contractaddress",
        "tokenname",
        "tokensymbol",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("from", "to")),
    zone: chrono_tz::UTC,
    read,
    join: Some(chain::tokens),
};

const COLUMNS: &[&str] = &[
    "transaction_hash|txhash",
    "unixtimestamp",
    "from",
    "to",
    "tokenvalue|value",
    "usdvaluedayoftx",
    "contractaddress",
    "tokensymbol",
    "tokenname",
];
const HASH: usize = 0;
const TIME: usize = 1;
const FROM: usize = 2;
const TO: usize = 3;
const AMOUNT: usize = 4;
const VALUE: usize = 5;
const CONTRACT: usize = 6;
const SYMBOL: usize = 7;

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.seconds(TIME);
    let amount = sheet.size(AMOUNT).good();
    let hash = sheet.text(HASH);
    let value = chain::price(sheet, VALUE);
    let value = value.and_then(|value| Money::from_quantity(value, Currency::USD).ok());
    if amount.is_none() && sheet.is_good() {
        // Transfers of nothing are made by strangers to get their address into the list.
        return None;
    }
    let asset = chain::token(sheet, SYMBOL, CONTRACT)?;
    let leg = Leg {
        amount: amount?,
        asset,
    };
    let mut row = chain::transfer(sheet, at?, (FROM, TO), leg)?;
    (row.tx_hash, row.value) = (hash, value);
    sheet.is_good().then_some(row)
}
