//! Block explorers of the Etherscan family: transfers of ERC-721 and ERC-1155 tokens.
//!
//! Columns checked against BittyTax (`conv/parsers/etherscan.py`, the current file and the older
//! ones with `TokenId` and without `Type` and `Quantity`). The rows do not say whose they are: see
//! [`crate::import::owner`]. What was paid for an NFT stands in the files of coins and tokens.

use packtrain_core::ledger::{Leg, Row};
use packtrain_core::quantity::Quantity;

use crate::import::Source;
use crate::import::cells::Cell;
use crate::import::chain;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static NFTS: Source = Source {
    name: "etherscan-nfts",
    label: "Ethereum",
    needed: &[
        "transaction_hash|txhash",
        "unixtimestamp",
        "from",
        "to",
        "contractaddress",
        "tokenname",
        "token_id|tokenid",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: Some(("from", "to")),
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "transaction_hash|txhash",
    "unixtimestamp",
    "from",
    "to",
    "contractaddress",
    "tokenname",
    "tokensymbol",
    "token_id|tokenid",
    "type",
    "quantity",
];
const HASH: usize = 0;
const TIME: usize = 1;
const FROM: usize = 2;
const TO: usize = 3;
const CONTRACT: usize = 4;
const NAME: usize = 5;
const SYMBOL: usize = 6;
const ID: usize = 7;
const TYPE: usize = 8;
const QUANTITY: usize = 9;

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.seconds(TIME);
    let hash = sheet.text(HASH);
    let quantity = sheet.size(QUANTITY);
    // The older file has neither: each of its rows is one token.
    if !matches!(sheet.cell(TYPE), "" | "721" | "1155") {
        let message = format!("unknown type {:?}", sheet.cell(TYPE));
        sheet.flaw(
            Some(TYPE),
            Flaw::new("type_unknown", message, "expected 721 or 1155"),
        );
        return None;
    }
    let amount = match quantity {
        Cell::Good(quantity) => quantity,
        Cell::Absent => Quantity::from_units(1, 0).ok()?,
        Cell::Bad => return None,
    };
    let names = [NAME, SYMBOL, CONTRACT].map(|column| sheet.cell(column));
    let name = names.into_iter().find(|name| !name.is_empty());
    let word = format!("{}#{}", name.unwrap_or_default(), sheet.cell(ID));
    if sheet.cell(ID).is_empty() {
        let help = "export the file again: every NFT has an id";
        sheet.flaw(
            Some(ID),
            Flaw::new("asset_missing", "the token has no id", help),
        );
        return None;
    }
    let asset = sheet.shared(&word);
    let mut row = chain::transfer(sheet, at?, (FROM, TO), Leg { amount, asset })?;
    row.tx_hash = hash;
    sheet.is_good().then_some(row)
}
