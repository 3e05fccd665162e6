//! rotki's generic files: trades, and events.
//!
//! Columns and types checked against rotki itself (`data_import/importers/rotki_trades.py` and
//! `rotki_events.py`) and the examples of its documentation. Trades had `Base Currency`, `Type`,
//! `Buy Amount` and `Sell Amount` before they had what was spent and received. Times are
//! milliseconds since 1970. Assets may be identifiers such as `eip155:1/erc20:0x...` and keep them.

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
        "spend_currency",
        "receive_currency",
        "spend_amount",
        "receive_amount",
        "timestamp",
    ],
    known: TRADE_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: trade,
    join: None,
};

pub(super) static OLDER_TRADES: Source = Source {
    name: "rotki-trades-older",
    label: "rotki",
    needed: &[
        "location",
        "base_currency",
        "quote_currency",
        "type",
        "buy_amount",
        "sell_amount",
        "timestamp",
    ],
    known: OLDER_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: older,
    join: None,
};

pub(super) static EVENTS: Source = Source {
    name: "rotki-events",
    label: "rotki",
    needed: &["type", "location", "currency", "amount", "timestamp"],
    known: EVENT_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: event,
    join: None,
};

const TRADE_COLUMNS: &[&str] = &[
    "location",
    "fee",
    "fee_currency",
    "description",
    "timestamp",
    "spend_currency",
    "receive_currency",
    "spend_amount",
    "receive_amount",
];
const OLDER_COLUMNS: &[&str] = &[
    "location",
    "fee",
    "fee_currency",
    "description",
    "timestamp",
    "base_currency",
    "quote_currency",
    "type",
    "buy_amount",
    "sell_amount",
];
const EVENT_COLUMNS: &[&str] = &[
    "location",
    "fee",
    "fee_currency",
    "description",
    "timestamp",
    "type",
    "currency",
    "amount",
];
const LOCATION: usize = 0;
const FEE: (usize, usize) = (1, 2);
const NOTE: usize = 3;
const TIME: usize = 4;

fn trade(sheet: &mut Sheet<'_>) -> Option<Row> {
    let sent = sheet.unsigned_leg(7, 5).good();
    let received = sheet.unsigned_leg(8, 6).good();
    exchanged(sheet, sent, received)
}

fn older(sheet: &mut Sheet<'_>) -> Option<Row> {
    // The base is bought or sold; the amounts are those of what came and what went.
    let (received, sent) = match sheet.cell(7).to_lowercase().as_str() {
        "buy" => (5, 6),
        "sell" => (6, 5),
        _ => {
            entry::unknown(sheet, 7, "type");
            return None;
        }
    };
    let received = sheet.unsigned_leg(8, received).good();
    let sent = sheet.unsigned_leg(9, sent).good();
    exchanged(sheet, sent, received)
}

fn exchanged(sheet: &mut Sheet<'_>, sent: Option<Leg>, received: Option<Leg>) -> Option<Row> {
    let at = milliseconds(sheet);
    let columns = match sheet.source() {
        "rotki-trades" => (7, 8),
        _ => (9, 8),
    };
    let (sent, received) = entry::both(sheet, (sent, columns.0), (received, columns.1))?;
    let row = entry::row(sheet, at?, entry::exchange(&sent, &received));
    let mut row = with_place(sheet, row);
    (row.sent, row.received) = (Some(sent), Some(received));
    sheet.is_good().then_some(row)
}

fn event(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = milliseconds(sheet);
    let leg = sheet.unsigned_leg(7, 6).good();
    let kind = match sheet.cell(5).to_lowercase().as_str() {
        "deposit" => RowKind::Deposit,
        "withdrawal" => RowKind::Withdrawal,
        "staking" => RowKind::Staking,
        "income" => RowKind::Income,
        "loss" => RowKind::Lost,
        "spend" => RowKind::Spend,
        _ => {
            entry::unknown(sheet, 5, "type");
            return None;
        }
    };
    if entry::is_nothing(sheet, 7) {
        return None;
    }
    let row = entry::row(sheet, at?, kind);
    let mut row = with_place(sheet, row);
    match kind {
        RowKind::Withdrawal | RowKind::Lost | RowKind::Spend => row.sent = leg,
        _ => row.received = leg,
    }
    sheet.is_good().then_some(row)
}

/// A row with its place, fee and note.
fn with_place(sheet: &mut Sheet<'_>, mut row: Row) -> Row {
    row.wallet = sheet.name(LOCATION).good().unwrap_or(row.wallet);
    row.fee = sheet.unsigned_leg(FEE.0, FEE.1).good();
    row.note = sheet.note(NOTE);
    row
}

fn milliseconds(sheet: &mut Sheet<'_>) -> Option<Timestamp> {
    let at = sheet.cell(TIME).parse().ok();
    if let Some(at) = at.and_then(Timestamp::from_timestamp_millis) {
        return sheet.of_a_row(TIME, at);
    }
    let help = "expected milliseconds since 1970, such as 1672570800000";
    let flaw = Flaw::new("timestamp_malformed", "not a time of this export", help);
    sheet.flaw(Some(TIME), flaw);
    None
}
