//! rotki's generic files: trades, and events.

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::time::Timestamp;

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static TRADES: Source = Source {
    name: "rotki-trades",
    label: "rotki",
    needed: &[
        "location",
        "base",
        "quote",
        "type",
        "amount",
        "price",
        "timestamp",
    ],
    known: TRADE_COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read: trade,
    join: None,
};

pub(super) static EVENTS: Source = Source {
    name: "rotki-events",
    label: "rotki",
    needed: &["type", "location", "currency", "amount", "timestamp"],
    known: EVENT_COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read: event,
    join: None,
};

const TRADE_COLUMNS: &[&str] = &[
    "location",
    "base",
    "quote",
    "type",
    "amount",
    "price",
    "fee",
    "fee_currency",
    "description",
    "timestamp",
];
const EVENT_COLUMNS: &[&str] = &[
    "type",
    "location",
    "currency",
    "amount",
    "fee",
    "fee_currency",
    "description",
    "timestamp",
];

fn trade(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = milliseconds(sheet, 9);
    let base = sheet.unsigned_leg(4, 1).good();
    let price = sheet.size(5).good();
    let quote = sheet.name(2).good();
    let fee = sheet.unsigned_leg(6, 7).good();
    let location = sheet.name(0).good();
    let note = sheet.note(8);
    let is_sale = match sheet.cell(3).to_lowercase().as_str() {
        "buy" | "settlement buy" => false,
        "sell" | "settlement sell" => true,
        _ => {
            let message = format!("unknown type {:?}", sheet.cell(3));
            sheet.flaw(
                Some(3),
                Flaw::new("type_unknown", message, "expected buy or sell"),
            );
            return None;
        }
    };
    let (base, quote) = (base?, quote?);
    let Ok(amount) = base.amount.checked_mul(price?) else {
        let message = "amount times price has too many digits";
        let help = "round the price, or write the row in the product's own format";
        sheet.flaw(Some(5), Flaw::new("amount_too_precise", message, help));
        return None;
    };
    let quote = Leg {
        amount,
        asset: quote,
    };
    let (sent, received) = if is_sale {
        (base, quote)
    } else {
        (quote, base)
    };
    let mut row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    row.wallet = location.unwrap_or(row.wallet);
    (row.sent, row.received, row.fee, row.note) = (Some(sent), Some(received), fee, note);
    sheet.is_good().then_some(row)
}

fn event(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = milliseconds(sheet, 7);
    let leg = sheet.unsigned_leg(3, 2).good();
    let fee = sheet.unsigned_leg(4, 5).good();
    let location = sheet.name(1).good();
    let note = sheet.note(6);
    let kind = match sheet.cell(0).to_lowercase().as_str() {
        "deposit" => RowKind::Deposit,
        "withdrawal" => RowKind::Withdrawal,
        "staking" | "staking reward" => RowKind::Staking,
        "income" | "invest" => RowKind::Income,
        "airdrop" => RowKind::Airdrop,
        "loss" => RowKind::Lost,
        "spend" => RowKind::Spend,
        _ => {
            let message = format!("unknown type {:?}", sheet.cell(0));
            let help = "expected Deposit, Withdrawal, Income, Loss, Spend, Staking or Airdrop";
            sheet.flaw(Some(0), Flaw::new("type_unknown", message, help));
            return None;
        }
    };
    let mut row = entry::row(sheet, at?, kind);
    row.wallet = location.unwrap_or(row.wallet);
    match kind {
        RowKind::Withdrawal | RowKind::Lost | RowKind::Spend => row.sent = Some(leg?),
        _ => row.received = Some(leg?),
    }
    (row.fee, row.note) = (fee, note);
    sheet.is_good().then_some(row)
}

/// Milliseconds since 1970.
fn milliseconds(sheet: &mut Sheet<'_>, column: usize) -> Option<Timestamp> {
    let at = sheet.cell(column).parse().ok();
    let at = at.and_then(Timestamp::from_timestamp_millis);
    if at.is_none() {
        let help = "expected milliseconds since 1970, such as 1672570800000";
        let flaw = Flaw::new("timestamp_malformed", "not a time of this export", help);
        sheet.flaw(Some(column), flaw);
    }
    at
}
