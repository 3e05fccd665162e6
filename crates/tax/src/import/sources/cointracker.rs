//! CoinTracker's file of own transactions.

use packtrain_core::ledger::{Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "cointracker",
    label: "CoinTracker",
    needed: &[
        "date",
        "received_quantity",
        "received_currency",
        "sent_quantity",
        "sent_currency",
        "tag",
    ],
    known: COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "date",
    "received_quantity",
    "received_currency",
    "sent_quantity",
    "sent_currency",
    "fee_amount",
    "fee_currency",
    "tag",
];
const FORMS: &[&str] = &["%m/%d/%Y %H:%M:%S", "%m/%d/%Y %H:%M"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let received = sheet.unsigned_leg(1, 2).good();
    let sent = sheet.unsigned_leg(3, 4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let tag = sheet.cell(7).to_lowercase();
    let kind = match (&sent, &received) {
        (Some(sent), Some(received)) => Some(entry::exchange(sent, received)),
        (Some(_), None) => Some(match tag.as_str() {
            "gift" => RowKind::GiftOut,
            "lost" => RowKind::Lost,
            "stolen" => RowKind::Stolen,
            "donation" | "donated" => RowKind::Donation,
            "payment" => RowKind::Spend,
            _ => RowKind::Withdrawal,
        }),
        (None, Some(_)) => Some(match tag.as_str() {
            "gift" => RowKind::GiftIn,
            "airdrop" | "airdropped" => RowKind::Airdrop,
            "fork" => RowKind::Fork,
            "mined" => RowKind::Mining,
            "staked" | "staking_reward" => RowKind::Staking,
            "interest_payment" => RowKind::Interest,
            "payment" | "other_income" => RowKind::Income,
            _ => RowKind::Deposit,
        }),
        (None, None) => None,
    };
    if kind.is_none() && sheet.is_good() {
        let help = "fill Received Quantity or Sent Quantity";
        let message = "nothing was sent and nothing received";
        sheet.flaw(Some(1), Flaw::new("amounts_missing", message, help));
    }
    let mut row = entry::row(sheet, at?, kind?);
    (row.sent, row.received, row.fee) = (sent, received, fee);
    sheet.is_good().then_some(row)
}
