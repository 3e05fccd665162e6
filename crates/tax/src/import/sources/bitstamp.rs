//! Bitstamp's transactions: the export with a column for each currency, and the older one.
//!
//! Columns checked against BittyTax (`conv/parsers/bitstamp.py`), everytrade (`BitstampBeanV1` and
//! `BitstampBeanV2`) and rows of real exports that others keep. The older one has an amount and its
//! currency in one cell and times such as `Sep. 30, 2016, 02:32 AM`, whose zone could not be
//! checked: they are taken as UTC. The words for sub accounts, cards and referrals could not be
//! checked either.

use packtrain_core::ledger::{Leg, Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::Sheet;

pub(super) static SOURCE: Source = Source {
    name: "bitstamp",
    label: "Bitstamp",
    needed: &[
        "type",
        "datetime",
        "account",
        "amount",
        "value",
        "rate",
        "fee",
        "sub_type|subtype",
    ],
    known: COLUMNS,
    id: None,
    words: &[TYPE, SUBTYPE],
    owner: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "type",
    "datetime",
    "amount",
    "value",
    "fee",
    "sub_type|subtype",
    "amount_currency",
    "value_currency",
    "fee_currency",
    "id",
];
const TYPE: usize = 0;
const AMOUNT: (usize, usize) = (2, 6);
const VALUE: (usize, usize) = (3, 7);
const FEE: (usize, usize) = (4, 8);
const SUBTYPE: usize = 5;
const ID: usize = 9;
const FORMS: &[&str] = &["%b. %d, %Y, %I:%M %p", "%B %d, %Y, %I:%M %p"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(1, FORMS);
    let (amount, value) = (leg(sheet, AMOUNT), leg(sheet, VALUE));
    let fee = leg(sheet, FEE).filter(|fee| !fee.amount.is_zero());
    let id = sheet.text(ID);
    let kind = match (sheet.cell(TYPE), sheet.cell(SUBTYPE)) {
        ("Market", "Buy") => RowKind::Buy,
        ("Market", "Sell") => RowKind::Sell,
        ("Deposit" | "Ripple deposit" | "Card Deposit", _) => RowKind::Deposit,
        ("Withdrawal" | "Ripple payment", _) => RowKind::Withdrawal,
        ("Staking reward" | "Staking Reward", _) => RowKind::Staking,
        ("Referral reward" | "Referral Reward", _) => RowKind::Reward,
        // Between the main account and its parts.
        (
            "Sub Account Transfer"
            | "Started generating staking rewards"
            | "Stopped generating staking rewards",
            _,
        ) => return None,
        ("Market", _) => {
            entry::unknown(sheet, SUBTYPE, "sub type");
            return None;
        }
        _ => {
            entry::unknown(sheet, TYPE, "type");
            return None;
        }
    };
    let mut row = entry::row(sheet, at?, kind);
    match kind {
        RowKind::Buy | RowKind::Sell => {
            let halves = ((amount, AMOUNT.0), (value, VALUE.0));
            let (amount, value) = entry::both(sheet, halves.0, halves.1)?;
            let (sent, received) = entry::sides(kind == RowKind::Sell, amount, value);
            row.kind = entry::exchange(&sent, &received);
            (row.sent, row.received) = (Some(sent), Some(received));
        }
        RowKind::Withdrawal => row.sent = amount,
        _ => row.received = amount,
    }
    row.id = id.map_or(row.id, |id| format!("bitstamp-{id}").into());
    row.fee = fee;
    sheet.is_good().then_some(row)
}

/// An amount with its currency, in a column of its own or in the same cell.
fn leg(sheet: &mut Sheet<'_>, (amount, currency): (usize, usize)) -> Option<Leg> {
    match sheet.cell(currency).is_empty() {
        true => sheet.amount_with_symbol(amount, ""),
        false => sheet.unsigned_leg(amount, currency).good(),
    }
}
