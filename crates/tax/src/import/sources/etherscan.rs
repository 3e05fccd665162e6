//! Block explorers of the Etherscan family, and Blockscout: normal transactions, internal ones,
//! and transfers of tokens and NFTs. The files do not say whose they are but in the columns for
//! what came in and what went out, or by the address that is given as the wallet.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::time::Timestamp;

use crate::import::Source;
use crate::import::entry;
use crate::import::sheet::{Flaw, Sheet};

pub(super) static NORMAL: Source = Source {
    name: "etherscan",
    label: "Ethereum",
    needed: &[
        "transaction_hash",
        "unixtimestamp",
        "from",
        "to",
        "value_in(*)",
        "value_out(*)",
        "txnfee(*)",
    ],
    known: COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read: normal,
    join: None,
};

pub(super) static INTERNAL: Source = Source {
    name: "etherscan-internal",
    label: "Ethereum",
    needed: &[
        "transaction_hash",
        "unixtimestamp",
        "from",
        "txto",
        "value_in(*)",
        "value_out(*)",
        "parenttxfrom",
    ],
    known: COLUMNS,
    id: None,
    zone: chrono_tz::UTC,
    read: internal,
    join: None,
};

const COLUMNS: &[&str] = &[
    "transaction_hash",
    "unixtimestamp",
    "value_in(*)",
    "value_out(*)",
    "txnfee(*)",
    "status",
    "errcode",
    "method",
];
const HASH: usize = 0;
const TIME: usize = 1;
const IN: usize = 2;
const OUT: usize = 3;
const FEE: usize = 4;
const STATUS: usize = 5;
const ERROR: usize = 6;
const METHOD: usize = 7;

fn normal(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = seconds(sheet, TIME);
    let received = leg(sheet, IN);
    let sent = leg(sheet, OUT);
    let fee = leg(sheet, FEE);
    let has_failed = has_failed(sheet);
    let hash = sheet.text(HASH);
    let note = sheet.note(METHOD);
    let kind = match (&sent, &received) {
        // Only who sends pays the fee, also where the transaction failed.
        _ if has_failed => RowKind::Fee,
        (Some(_), _) => RowKind::Withdrawal,
        (None, Some(_)) => RowKind::Deposit,
        (None, None) => RowKind::Fee,
    };
    let mut row = entry::row(sheet, at?, kind);
    (row.tx_hash, row.note) = (hash, note);
    match kind {
        RowKind::Withdrawal => (row.sent, row.fee) = (sent, fee),
        RowKind::Deposit => row.received = received,
        _ => row.fee = Some(fee?),
    }
    sheet.is_good().then_some(row)
}

fn internal(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = seconds(sheet, TIME);
    let received = leg(sheet, IN);
    let sent = leg(sheet, OUT);
    if has_failed(sheet) {
        return None;
    }
    let hash = sheet.text(HASH);
    let kind = if sent.is_some() {
        RowKind::Withdrawal
    } else {
        RowKind::Deposit
    };
    let mut row = entry::row(sheet, at?, kind);
    row.tx_hash = hash;
    (row.sent, row.received) = match sent {
        Some(sent) => (Some(sent), None),
        None => (None, Some(received?)),
    };
    sheet.is_good().then_some(row)
}

fn has_failed(sheet: &Sheet<'_>) -> bool {
    let is_error = |column| matches!(sheet.cell(column), "Error" | "1" | "Error(0)" | "Fail");
    is_error(STATUS) || !sheet.cell(ERROR).is_empty()
}

/// An amount in the coin that the name of its column tells; none where it is nothing.
fn leg(sheet: &mut Sheet<'_>, column: usize) -> Option<Leg> {
    let amount = sheet.size(column).good()?;
    let asset: Asset = sheet.unit(column)?;
    Some(Leg { amount, asset })
}

/// Seconds since 1970.
pub(super) fn seconds(sheet: &mut Sheet<'_>, column: usize) -> Option<Timestamp> {
    let at = sheet.cell(column).parse().ok();
    let at = at.and_then(|seconds| Timestamp::from_timestamp(seconds, 0));
    if at.is_none() {
        let help = "expected seconds since 1970, such as 1672570800";
        let flaw = Flaw::new("timestamp_malformed", "not a time of this export", help);
        sheet.flaw(Some(column), flaw);
    }
    at
}
