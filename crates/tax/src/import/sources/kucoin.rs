//! Filled spot orders of KuCoin.

use packtrain_core::ledger::{Leg, Row};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static ORDERS: Source = Source {
    name: "kucoin",
    label: "KuCoin",
    needed: &[
        "order_id",
        "symbol",
        "side",
        "filled_amount",
        "filled_volume",
        "fee",
        "fee_currency",
    ],
    known: COLUMNS,
    id: None,
    // The name of the time's column tells the zone; see `read`.
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "order_id",
    "symbol",
    "side",
    "filled_amount",
    "filled_volume",
    "fee",
    "fee_currency",
    "filled_time(utc)",
    "filled_time(utc+08:00)",
];
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = match sheet.cell(8).is_empty() {
        true => sheet.time(7, FORMS),
        false => sheet.time_in(8, FORMS, chrono_tz::Asia::Shanghai),
    };
    let filled = sheet.size(3).good();
    let volume = sheet.size(4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let id = sheet.text(0);
    let symbol = sheet.cell(1).to_owned();
    let is_sale = match sheet.cell(2).to_lowercase().as_str() {
        "buy" => false,
        "sell" => true,
        _ => {
            let message = format!("unknown side {:?}", sheet.cell(2));
            sheet.flaw(
                Some(2),
                Flaw::new("type_unknown", message, "expected BUY or SELL"),
            );
            return None;
        }
    };
    let Some((base, quote)) = symbol.split_once('-') else {
        let help = "expected two symbols, such as BTC-USDT";
        let message = format!("{symbol:?} is no pair of assets");
        sheet.flaw(Some(1), Flaw::new("asset_missing", message, help));
        return None;
    };
    let base = Leg {
        amount: filled?,
        asset: sheet.shared(base),
    };
    let quote = Leg {
        amount: volume?,
        asset: sheet.shared(quote),
    };
    let (sent, received) = if is_sale {
        (base, quote)
    } else {
        (quote, base)
    };
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    row.id = id.unwrap_or(row.id);
    (row.sent, row.received, row.fee) = (Some(sent), Some(received), fee);
    sheet.is_good().then_some(row)
}
