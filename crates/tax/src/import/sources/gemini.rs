//! Gemini's transaction history, saved as CSV.
//!
//! Columns and the form of the cells checked against BittyTax (`conv/parsers/gemini.py`), and rows
//! as the tests and comments of other public importers keep them (among them those of perfi). Every
//! asset has columns of its own: `BTC Amount BTC`, `Fee (BTC) BTC` (older: `Trading Fee (BTC) BTC`)
//! and a balance. What leaves stands in parentheses; the fee comes on top of the amount. A last row
//! without a date has totals. Gemini gives this file as a spreadsheet: save its first sheet as CSV.
//! Words other than Buy, Sell, Credit and Debit could not be checked and are errors.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "gemini",
    label: "Gemini",
    needed: &[
        "date",
        "time_(utc)",
        "type",
        "symbol",
        "specification",
        "liquidity_indicator",
        "trading_fee_rate_(bps)",
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
    "date",
    "time_(utc)",
    "type",
    "symbol",
    "specification",
    "tx_hash",
    "trade_id",
];
const DATE: usize = 0;
const TIME: usize = 1;
const TYPE: usize = 2;
const SYMBOL: usize = 3;
const SPECIFICATION: usize = 4;
const HASH: usize = 5;
const TRADE_ID: usize = 6;

const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S%.f"];
const DATE_CHARS: usize = "2024-03-10".len();

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    // The row of totals.
    if sheet.cell(DATE).is_empty() {
        return None;
    }
    let date = sheet.cell(DATE);
    // As a date of its own, or as the whole moment where a spreadsheet was saved.
    let text = match date.len() {
        DATE_CHARS => format!("{date} {}", sheet.cell(TIME)),
        _ => date.to_owned(),
    };
    let at = sheet.time_of(DATE, &text, FORMS);
    let symbol = sheet.cell(SYMBOL).to_owned();
    let kind = match sheet.cell(TYPE) {
        "Buy" => RowKind::Buy,
        "Sell" => RowKind::Sell,
        "Credit" => RowKind::Deposit,
        "Debit" => RowKind::Withdrawal,
        _ => {
            entry::unknown(sheet, TYPE, "type");
            return None;
        }
    };
    let (note, hash, id) = (
        sheet.note(SPECIFICATION),
        sheet.text(HASH),
        sheet.text(TRADE_ID),
    );
    let mut row = entry::row(sheet, at?, kind);
    match kind {
        RowKind::Buy | RowKind::Sell => {
            let Some((base, quote)) = halves(sheet, &symbol) else {
                entry::no_pair(sheet, SYMBOL);
                return None;
            };
            let legs = (leg(sheet, &base)?, leg(sheet, &quote)?);
            let (sent, received) = entry::sides(kind == RowKind::Sell, legs.0, legs.1);
            row.kind = entry::exchange(&sent, &received);
            (row.sent, row.received) = (Some(sent), Some(received));
            row.fee = fee(sheet, &quote).or_else(|| fee(sheet, &base));
            row.id = id.map_or(row.id, |id| format!("gemini-{id}").into());
        }
        RowKind::Deposit => row.received = Some(leg(sheet, &symbol)?),
        _ => {
            row.sent = Some(leg(sheet, &symbol)?);
            row.fee = fee(sheet, &symbol);
        }
    }
    (row.note, row.tx_hash) = (note, hash);
    sheet.is_good().then_some(row)
}

/// The two assets of a symbol such as `BTCUSD`: those whose columns have an amount in the row.
fn halves(sheet: &Sheet<'_>, symbol: &str) -> Option<(String, String)> {
    let is_filled = |asset: &str| {
        let cell = sheet.cell_of_key(&amount_key(asset));
        cell.is_some_and(|cell| !cell.is_empty())
    };
    let halves = (1..symbol.len()).filter_map(|end| symbol.split_at_checked(end));
    let mut fitting = halves.filter(|(base, quote)| is_filled(base) && is_filled(quote));
    let (base, quote) = fitting.next()?;
    Some((base.to_owned(), quote.to_owned()))
}

fn amount_key(asset: &str) -> String {
    let asset = asset.to_lowercase();
    format!("{asset}_amount_{asset}")
}

/// What the row moved of an asset.
fn leg(sheet: &mut Sheet<'_>, asset: &str) -> Option<Leg> {
    let amount = sheet.number_of_key(&amount_key(asset)).good();
    if amount.is_none() && sheet.is_good() {
        let message = format!("no amount of {asset} in the row");
        let help = "export the file again: every asset has columns of its own";
        sheet.flaw(Some(SYMBOL), Flaw::new("amount_missing", message, help));
    }
    let asset: Asset = sheet.shared(asset);
    Some(Leg {
        amount: amount?.abs(),
        asset,
    })
}

fn fee(sheet: &mut Sheet<'_>, asset: &str) -> Option<Leg> {
    let lower = asset.to_lowercase();
    let keys = [
        format!("fee_({lower})_{lower}"),
        format!("trading_fee_({lower})_{lower}"),
    ];
    let mut amounts = keys
        .iter()
        .filter_map(|key| sheet.number_of_key(key).good());
    let amount = amounts.find(|amount| !amount.is_zero())?.abs();
    let asset: Asset = sheet.shared(asset);
    Some(Leg { amount, asset })
}
