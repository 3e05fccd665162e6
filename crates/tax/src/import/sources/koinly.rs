//! Koinly's universal file, which many tools write.

use packtrain_core::ledger::{Row, RowKind};
use packtrain_core::money::Money;

use crate::import::Source;
use crate::import::cells::Cell;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static SOURCE: Source = Source {
    name: "koinly",
    label: "Koinly",
    needed: &[
        "date",
        "sent_amount",
        "sent_currency",
        "received_amount",
        "received_currency",
    ],
    known: COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read,
    join: None,
};

const COLUMNS: &[&str] = &[
    "date",
    "sent_amount",
    "sent_currency",
    "received_amount",
    "received_currency",
    "fee_amount",
    "fee_currency",
    "net_worth_amount",
    "net_worth_currency",
    "label",
    "description",
    "txhash",
];
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M"];

fn read(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let sent = sheet.unsigned_leg(1, 2).good();
    let received = sheet.unsigned_leg(3, 4).good();
    let fee = sheet.unsigned_leg(5, 6).good();
    let worth = sheet.size(7);
    let currency = sheet.currency(8);
    let tx_hash = sheet.text(11);
    let note = sheet.note(10);
    let kind = match (&sent, &received) {
        (None, None) if fee.is_some() => Some(RowKind::Fee),
        (None, None) => None,
        (Some(sent), Some(received)) => Some(both(sheet.cell(9), entry::exchange(sent, received))),
        (Some(_), None) => Some(leaving(sheet.cell(9))),
        (None, Some(_)) => Some(arriving(sheet.cell(9))),
    };
    if kind.is_none() && sheet.is_good() {
        let flaw = Flaw::new(
            "amounts_missing",
            "nothing was sent and nothing received",
            "fill Sent Amount or Received Amount",
        );
        sheet.flaw(Some(1), flaw);
    }
    let mut row = entry::row(sheet, at?, kind?);
    (row.sent, row.received, row.fee) = (sent, received, fee);
    (row.tx_hash, row.note) = (tx_hash, note);
    if let (Cell::Good(worth), Cell::Good(currency)) = (worth, currency) {
        entry::set_value(&mut row, Money::from_quantity(worth, currency).ok());
    }
    sheet.is_good().then_some(row)
}

fn both(label: &str, exchange: RowKind) -> RowKind {
    match label.to_lowercase().as_str() {
        "wrap" | "swap to wrapped" => RowKind::Wrap,
        "unwrap" => RowKind::Unwrap,
        "liquidity in" | "add liquidity" => RowKind::LpDeposit,
        "liquidity out" | "remove liquidity" => RowKind::LpWithdraw,
        _ => exchange,
    }
}

fn leaving(label: &str) -> RowKind {
    match label.to_lowercase().as_str() {
        "gift" => RowKind::GiftOut,
        "lost" => RowKind::Lost,
        "stolen" => RowKind::Stolen,
        "donation" => RowKind::Donation,
        "cost" | "loan fee" | "margin fee" => RowKind::Spend,
        "loan repayment" => RowKind::Repay,
        "liquidity in" | "add liquidity" => RowKind::LpDeposit,
        _ => RowKind::Withdrawal,
    }
}

fn arriving(label: &str) -> RowKind {
    match label.to_lowercase().as_str() {
        "airdrop" => RowKind::Airdrop,
        "fork" => RowKind::Fork,
        "mining" => RowKind::Mining,
        "staking" => RowKind::Staking,
        "reward" | "cashback" => RowKind::Reward,
        "loan interest" | "lending interest" | "interest" => RowKind::Interest,
        "other income" | "salary" | "income" => RowKind::Income,
        "gift" | "received gift" => RowKind::GiftIn,
        "loan" => RowKind::Borrow,
        "liquidity out" | "remove liquidity" => RowKind::LpWithdraw,
        _ => RowKind::Deposit,
    }
}
