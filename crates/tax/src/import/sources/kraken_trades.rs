//! Kraken's trades file, which has one record for each fill.
//!
//! Columns and the form of the rows checked against BittyTax (`conv/parsers/kraken.py`, with and
//! without the columns after `ledgers`) and provinzio/CoinTaxman (`test/kraken-trades.csv`). Cost
//! and fee are in the quote's asset, and the fee comes on top of the cost; where an account asks
//! for fees in the base asset the ledgers file tells it and this one does not. The ledgers file
//! holds the same trades: give one of the two.

use packtrain_core::ledger::{Leg, Row};

use super::kraken::{OLD_NAMES, name};
use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static TRADES: Source = Source {
    name: "kraken-trades",
    label: "Kraken",
    needed: &[
        "txid",
        "ordertxid",
        "pair",
        "time",
        "type",
        "ordertype",
        "cost",
        "fee",
        "vol",
    ],
    known: COLUMNS,
    id: Some("txid"),
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "txid",
    "ordertxid",
    "pair",
    "time",
    "type",
    "ordertype",
    "cost",
    "fee",
    "vol",
    "margin",
];
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S%.f"];

/// What pairs without a mark end with.
const QUOTES: &[&str] = &[
    "AED", "AUD", "CAD", "CHF", "DAI", "DOT", "ETH", "EUR", "GBP", "JPY", "PYUSD", "USD", "USDC",
    "USDT", "XBT",
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let id = sheet.row_id(0);
    let at = sheet.time(3, FORMS);
    let cost = sheet.size(6).good();
    let fee = sheet.size(7).good();
    let volume = sheet.size(8).good();
    if sheet.size(9).good().is_some() {
        let message = "a fill of a margin position, not of units that were bought";
        let help = "use the ledgers file: it has what the position came to";
        sheet.flaw(Some(9), Flaw::new("type_unknown", message, help));
        return None;
    }
    let is_sale = match sheet.cell(4) {
        "buy" => false,
        "sell" => true,
        _ => {
            entry::unknown(sheet, 4, "type");
            return None;
        }
    };
    let text = sheet.cell(2).to_owned();
    let Some((base, quote)) = halves(&text) else {
        entry::no_pair(sheet, 2);
        return None;
    };
    let (base, quote) = (sheet.shared(name(base)), sheet.shared(name(quote)));
    let leg = |amount, asset: &_| Leg {
        amount,
        asset: packtrain_core::ledger::Asset::clone(asset),
    };
    let base = volume.map(|amount| leg(amount, &base));
    let paid = cost.map(|amount| leg(amount, &quote));
    let (base, paid) = entry::both(sheet, (base, 8), (paid, 6))?;
    let (sent, received) = entry::sides(is_sale, base, paid);
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    row.id = id.unwrap_or(row.id);
    (row.sent, row.received) = (Some(sent), Some(received));
    row.fee = fee.map(|amount| leg(amount, &quote));
    sheet.is_good().then_some(row)
}

/// The two assets of a pair. Names of four letters stand together, as in `XXBTZEUR`; so the `Z`
/// of `XTZEUR` is the base's.
fn halves(pair: &str) -> Option<(&str, &str)> {
    let is_old = |name: &str| name.len() == 4 && OLD_NAMES.iter().any(|(old, _)| *old == name);
    let old = pair.split_at_checked(pair.len().saturating_sub(4));
    let old = old.filter(|(base, quote)| is_old(quote) && (is_old(base) || *base == "USDT"));
    old.or_else(|| entry::pair(pair, QUOTES))
}
