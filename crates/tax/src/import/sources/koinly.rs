//! Koinly's universal file, which many tools write.
//!
//! Columns checked against the files of public exporters for Koinly (among them the Algorand
//! exporter's `koinly` format), labels against Koinly's own page on them. Times are in UTC. Labels
//! that the page does not explain and no exporter uses are errors.

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
    words: &[LABEL],
    owner: None,
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
const LABEL: usize = 9;
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
    let label = sheet.cell(LABEL).to_lowercase().replace(['_', '&'], " ");
    let kind = match (&sent, &received) {
        _ if label == "ignored" => return None,
        // Units that are staked or pooled so stay the person's own; the fee is all that leaves.
        (sent, received) if stays(&label, sent.is_some(), received.is_some()) => {
            let row = entry::fee_alone(sheet, at?, fee)?;
            return Some(Row {
                tx_hash,
                note,
                ..row
            });
        }
        (None, None) if fee.is_some() => Some(RowKind::Fee),
        (None, None) => {
            entry::nothing_moved(sheet, Some(1), "fill Sent Amount or Received Amount");
            return None;
        }
        (Some(sent), Some(received)) => both(&label, entry::exchange(sent, received)),
        (Some(_), None) => leaving(&label),
        (None, Some(_)) => arriving(&label),
    };
    if kind.is_none() {
        entry::unknown(sheet, LABEL, "label");
    }
    let mut row = entry::row(sheet, at?, kind?);
    (row.sent, row.received, row.fee) = (sent, received, fee);
    (row.tx_hash, row.note) = (tx_hash, note);
    if let (Cell::Good(worth), Cell::Good(currency)) = (worth, currency) {
        let worth = entry::as_money(worth);
        entry::set_value(&mut row, Money::from_quantity(worth, currency).ok());
    }
    if row.kind == RowKind::MarginPnl {
        if row.value.is_none() {
            let help = "fill Net Worth Amount and Net Worth Currency";
            let flaw = Flaw::new("value_missing", "the result has no value", help);
            sheet.flaw(Some(7), flaw);
        }
        // The units are the result; what they are worth counts, less than nothing where they left.
        if row.sent.take().is_some() {
            row.value = row.value.map(Money::negated);
        }
        row.received = None;
    }
    sheet.is_good().then_some(row)
}

/// Whether the units of a row go into a pool or a stake that stays the person's own, or come back.
fn stays(label: &str, leaves: bool, arrives: bool) -> bool {
    match label {
        "stake" | "to pool" | "sent to pool" => leaves && !arrives,
        "unstake" | "from pool" | "received from pool" => arrives && !leaves,
        _ => false,
    }
}

/// What a label makes of an exchange; none for one that is unknown.
fn both(label: &str, exchange: RowKind) -> Option<RowKind> {
    Some(match label {
        "" | "trade" => exchange,
        // An exchange that is none in the eyes of the law, such as of a token for its successor.
        "swap" | "wrap" | "swap to wrapped" => RowKind::Wrap,
        "unwrap" => RowKind::Unwrap,
        "liquidity in" | "add liquidity" => RowKind::LpDeposit,
        "liquidity out" | "remove liquidity" => RowKind::LpWithdraw,
        _ => return None,
    })
}

fn leaving(label: &str) -> Option<RowKind> {
    Some(match label {
        "" | "transfer" => RowKind::Withdrawal,
        "gift" => RowKind::GiftOut,
        "lost" => RowKind::Lost,
        "stolen" => RowKind::Stolen,
        "donation" => RowKind::Donation,
        "cost" | "loan fee" | "margin fee" | "interest payment" => RowKind::Spend,
        "loan repayment" | "repay" => RowKind::Repay,
        "liquidity in" | "add liquidity" => RowKind::LpDeposit,
        "realized gain" | "realized p l" => RowKind::MarginPnl,
        _ => return None,
    })
}

fn arriving(label: &str) -> Option<RowKind> {
    Some(match label {
        "" | "transfer" => RowKind::Deposit,
        "airdrop" => RowKind::Airdrop,
        "fork" => RowKind::Fork,
        "mining" => RowKind::Mining,
        "staking" => RowKind::Staking,
        "reward" | "cashback" => RowKind::Reward,
        "loan interest" | "lending interest" | "interest" => RowKind::Interest,
        "other income" | "salary" | "income" => RowKind::Income,
        "gift" | "received gift" => RowKind::GiftIn,
        "loan" | "borrow" => RowKind::Borrow,
        "liquidity out" | "remove liquidity" => RowKind::LpWithdraw,
        "realized gain" | "realized p l" => RowKind::MarginPnl,
        _ => return None,
    })
}
