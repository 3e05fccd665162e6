//! Filled spot orders and fills of KuCoin.
//!
//! Columns checked against BittyTax (`conv/parsers/kucoin.py`) and rotki
//! (`data_import/importers/kucoin.py`): the present export in its forms, with the zone in the name
//! of the time's column, and the older one with `tradeCreatedAt`. Where the name has no zone the
//! times are those of UTC+8. Orders that were not filled have no amounts and are left out.

use packtrain_core::ledger::{Leg, Row};

use crate::import::Source;
use crate::import::entry;
use crate::import::join;
use crate::import::sheet::Sheet;

pub(super) static ORDERS: Source = Source {
    name: "kucoin",
    label: "KuCoin",
    needed: &[
        "symbol",
        "side",
        "filled_amount|size",
        "filled_volume|funds",
        "fee",
        "fee_currency|feecurrency",
        "filled_time(*)|filled_time|tradecreatedat",
    ],
    known: COLUMNS,
    id: None,
    words: &[],
    owner: None,
    // Where the name of the time's column tells no zone.
    zone: chrono_tz::Asia::Singapore,
    read,
    join: Some(join::numbered),
};

const COLUMNS: &[&str] = &[
    "order_id|orderid",
    "symbol",
    "side",
    "filled_amount|size",
    "filled_volume|funds",
    "fee",
    "fee_currency|feecurrency",
    "filled_time(*)|filled_time|tradecreatedat",
];
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(7, FORMS);
    let filled = sheet.size(3).good();
    let volume = sheet.size(4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let id = sheet.row_id(0);
    let symbol = sheet.cell(1).to_owned();
    let is_sale = match sheet.cell(2).to_lowercase().as_str() {
        "buy" => false,
        "sell" => true,
        _ => {
            entry::unknown(sheet, 2, "side");
            return None;
        }
    };
    let Some((base, quote)) = entry::pair(&symbol, &[]) else {
        entry::no_pair(sheet, 1);
        return None;
    };
    let (base, quote) = (sheet.shared(base), sheet.shared(quote));
    let leg = |amount: Option<_>, asset| amount.map(|amount| Leg { amount, asset });
    let (base, quote) = (leg(filled, base), leg(volume, quote));
    let (base, quote) = entry::both(sheet, (base, 3), (quote, 4))?;
    let (sent, received) = entry::sides(is_sale, base, quote);
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    row.id = id.unwrap_or(row.id);
    (row.sent, row.received, row.fee) = (Some(sent), Some(received), fee);
    sheet.is_good().then_some(row)
}
