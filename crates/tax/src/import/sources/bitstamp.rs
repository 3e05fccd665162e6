//! Bitstamp's transactions.

use packtrain_core::ledger::{Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "bitstamp",
    label: "Bitstamp",
    needed: &[
        "type", "datetime", "amount", "value", "rate", "fee", "sub_type",
    ],
    known: COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &["type", "datetime", "amount", "value", "fee", "sub_type"];
const FORMS: &[&str] = &[
    "%b. %d, %Y, %I:%M %p",
    "%B %d, %Y, %I:%M %p",
    "%Y-%m-%d %H:%M:%S",
];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(1, FORMS);
    let amount = sheet.amount_with_symbol(2);
    let value = sheet.amount_with_symbol(3);
    let fee = sheet.amount_with_symbol(4);
    let kind = match (sheet.cell(0), sheet.cell(5)) {
        ("Market", "Buy") => RowKind::Buy,
        ("Market", "Sell") => RowKind::Sell,
        ("Deposit", _) => RowKind::Deposit,
        ("Withdrawal", _) => RowKind::Withdrawal,
        ("Staking reward" | "Staking Reward", _) => RowKind::Staking,
        ("Referral reward" | "Referral Reward", _) => RowKind::Reward,
        ("Card Deposit", _) => RowKind::Deposit,
        // Between the main account and its parts.
        (
            "Sub Account Transfer"
            | "Started generating staking rewards"
            | "Stopped generating staking rewards",
            _,
        ) => return None,
        (other, _) => {
            let message = format!("unknown type {other:?}");
            let help = "tell us of it; until then write the row in the product's own format";
            sheet.flaw(Some(0), Flaw::new("type_unknown", message, help));
            return None;
        }
    };
    let mut row = entry::row(sheet, at?, kind);
    let amount = amount?;
    match kind {
        RowKind::Buy => (row.sent, row.received) = (Some(value?), Some(amount)),
        RowKind::Sell => (row.sent, row.received) = (Some(amount), Some(value?)),
        RowKind::Withdrawal => row.sent = Some(amount),
        _ => row.received = Some(amount),
    }
    if let (Some(sent), Some(received)) = (&row.sent, &row.received) {
        row.kind = entry::exchange(sent, received);
    }
    row.fee = fee.filter(|fee| !fee.amount.is_zero());
    sheet.is_good().then_some(row)
}
