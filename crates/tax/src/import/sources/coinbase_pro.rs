//! Fills of Coinbase Pro, Advanced and Exchange.
//!
//! Columns and rows checked against fills of real exports that public importers keep (among them
//! the tests of perfi): the fee is in the quote's asset and comes on top of size times price.

use packtrain_core::ledger::{Leg, Row};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

/// The wallet of fills, whose account is the one of Coinbase's history.
pub(super) const ADVANCED: &str = "Coinbase Advanced";

pub(super) static FILLS: Source = Source {
    name: "coinbase-fills",
    label: ADVANCED,
    needed: &[
        "trade_id",
        "product",
        "side",
        "created_at",
        "size",
        "price",
        "fee",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "trade_id",
    "product",
    "side",
    "created_at",
    "size",
    "price",
    "fee",
    "portfolio",
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(3, &[]);
    let size = sheet.size(4).good();
    let price = sheet.size(5).good();
    let fee = sheet.size(6).good();
    let id = sheet.text(0);
    let product = sheet.cell(1).to_owned();
    let is_sale = match sheet.cell(2).to_uppercase().as_str() {
        "BUY" => false,
        "SELL" => true,
        _ => {
            let message = format!("unknown side {:?}", sheet.cell(2));
            sheet.flaw(
                Some(2),
                Flaw::new("type_unknown", message, "expected BUY or SELL"),
            );
            return None;
        }
    };
    let Some((base, quote)) = product.split_once('-') else {
        let help = "expected two symbols, such as BTC-USD";
        let message = format!("{product:?} is no pair of assets");
        sheet.flaw(Some(1), Flaw::new("asset_missing", message, help));
        return None;
    };
    let (base, quote) = (sheet.shared(base), sheet.shared(quote));
    let size = size?;
    let Ok(total) = size.checked_mul(price?) else {
        let message = "size times price has too many digits";
        let help = "write the row in the product's own format";
        sheet.flaw(Some(5), Flaw::new("amount_too_precise", message, help));
        return None;
    };
    let base = Leg {
        amount: size,
        asset: base,
    };
    let fee = fee.map(|amount| Leg {
        amount,
        asset: packtrain_core::ledger::Asset::clone(&quote),
    });
    let quote = Leg {
        amount: total,
        asset: quote,
    };
    let (sent, received) = if is_sale {
        (base, quote)
    } else {
        (quote, base)
    };
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    row.id = id.map_or(row.id, |id| format!("{product}-{id}").into());
    (row.sent, row.received, row.fee) = (Some(sent), Some(received), fee);
    sheet.is_good().then_some(row)
}
