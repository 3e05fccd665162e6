//! Trades of Bitfinex.
//!
//! Columns checked against BittyTax (`conv/parsers/bitfinex.py`) and everytrade (the headers with
//! and without `FEE PERC`), rows with a year of four figures against an example that another
//! importer documents. A date of three pairs of figures is read as day, month and year, which the
//! export offers among other orders and which could not be checked. The symbols of its own could
//! not be checked either.

use packtrain_core::ledger::{Leg, Row};

use crate::import::Source;
use crate::import::entry;
use crate::import::join;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static TRADES: Source = Source {
    name: "bitfinex",
    label: "Bitfinex",
    needed: &[
        "#",
        "pair",
        "amount",
        "price",
        "fee",
        "fee_currency",
        "date",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: Some(join::numbered),
};

const COLUMNS: &[&str] = &[
    "#",
    "pair",
    "amount",
    "price",
    "fee",
    "fee_currency",
    "date",
];
pub(super) const FORMS: &[&str] = &["%d-%m-%y %H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f"];

/// Symbols of its own.
const OWN_NAMES: &[(&str, &str)] = &[
    ("UST", "USDT"),
    ("UDC", "USDC"),
    ("IOT", "IOTA"),
    ("DSH", "DASH"),
    ("QTM", "QTUM"),
    ("DAT", "DATA"),
    ("EUT", "EURT"),
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(6, FORMS);
    let amount = sheet.number(2).good();
    let price = sheet.size(3).good();
    let fee = sheet.size(4).good();
    let fee_asset = name(sheet.cell(5)).to_owned();
    let id = sheet.text(0);
    let pair = sheet.cell(1).to_owned();
    let halves = pair.split_once('/').or_else(|| pair.split_once(':'));
    let halves = halves.or_else(|| pair.split_at_checked(3).filter(|_| pair.len() == 6));
    let Some((base, quote)) = halves else {
        let help = "expected two symbols, such as BTC/USD";
        let message = format!("{pair:?} is no pair of assets");
        sheet.flaw(Some(1), Flaw::new("asset_missing", message, help));
        return None;
    };
    let (base, quote) = (sheet.shared(name(base)), sheet.shared(name(quote)));
    let amount = amount?;
    let Ok(total) = amount.abs().checked_mul(price?) else {
        let message = "amount times price has too many digits";
        let help = "write the row in the product's own format";
        sheet.flaw(Some(3), Flaw::new("amount_too_precise", message, help));
        return None;
    };
    let base = Leg {
        amount: amount.abs(),
        asset: base,
    };
    let quote = Leg {
        amount: total,
        asset: quote,
    };
    let (sent, received) = if amount.is_negative() {
        (base, quote)
    } else {
        (quote, base)
    };
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    row.id = id.map_or(row.id, |id| format!("bitfinex-{id}").into());
    (row.sent, row.received) = (Some(sent), Some(received));
    row.fee = fee.map(|amount| Leg {
        amount,
        asset: sheet.shared(&fee_asset),
    });
    sheet.is_good().then_some(row)
}

pub(super) fn name(symbol: &str) -> &str {
    let own = OWN_NAMES.iter().find(|(own, _)| *own == symbol);
    own.map_or(symbol, |(_, usual)| usual)
}
