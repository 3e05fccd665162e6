//! Deposits and withdrawals of Bitfinex, and its ledger.
//!
//! Columns checked against BittyTax (`conv/parsers/bitfinex.py`: both forms of the movements, with
//! and without `NOTE`, and of the ledger, with and without `#`). A movement is negative where it
//! leaves, its fee comes on top, and one that is not completed moved nothing.
//!
//! The ledger repeats what the files of trades and movements tell, in sentences. It is read for
//! what stands nowhere else: rewards for referred users, whose two sentences BittyTax has, and
//! interest of lending, whose sentence is that of the exchange's own pages and programs for it.
//! The sentences of other files are known by how they begin, and not to be sure all of them: a
//! sentence that is not known is an error with its line.

use packtrain_core::ledger::{Leg, Row, RowKind};
use packtrain_core::quantity::Quantity;

use super::bitfinex::{FORMS, name};
use crate::import::Source;
use crate::import::entry;
use crate::import::join;
use crate::import::sheet::Sheet;

pub(super) static MOVEMENTS: Source = Source {
    name: "bitfinex-movements",
    label: "Bitfinex",
    needed: &[
        "date",
        "currency",
        "status",
        "amount",
        "fees",
        "description",
        "transaction_id",
    ],
    known: MOVEMENT_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: movement,
    join: Some(join::numbered),
};

pub(super) static LEDGER: Source = Source {
    name: "bitfinex-ledger",
    label: "Bitfinex",
    needed: &[
        "description",
        "currency",
        "amount",
        "balance",
        "date",
        "wallet",
    ],
    known: LEDGER_COLUMNS,
    id: None,
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: entry_of_ledger,
    join: Some(join::numbered),
};

const MOVEMENT_COLUMNS: &[&str] = &[
    "#",
    "date",
    "currency",
    "status",
    "amount",
    "fees",
    "description",
    "transaction_id",
    "note",
];
const STATUS: usize = 3;

const LEDGER_COLUMNS: &[&str] = &[
    "#",
    "description",
    "currency",
    "amount",
    "balance",
    "date",
    "wallet",
];
const DESCRIPTION: usize = 1;

/// How movements stand that are not completed, or never will be.
const OPEN: &[&str] = &["CANCEL", "PENDING", "PROCESSING", "UNCONFIRMED"];

/// What a sentence of the ledger begins with, and what it is: none where another file tells it, or
/// the units stay in the account.
const SENTENCES: &[(&str, Option<RowKind>)] = &[
    ("Earned fees from user", Some(RowKind::Reward)),
    ("Affiliate Rebate", Some(RowKind::Reward)),
    ("Margin Funding Payment", Some(RowKind::Interest)),
    ("Exchange ", None),
    ("Trading fees for", None),
    ("Deposit ", None),
    ("Transfer of ", None),
];
/// The same for sentences that begin with the name of a coin.
const WITHDRAWAL: &str = " Withdrawal";

fn movement(sheet: &mut Sheet<'_>) -> Option<Row> {
    let status = sheet.cell(STATUS);
    if status != "COMPLETED" {
        if !OPEN.iter().any(|open| status.starts_with(open)) {
            entry::unknown(sheet, STATUS, "status");
        }
        return None;
    }
    let at = sheet.time(1, FORMS);
    let amount = sheet.number(4).good();
    let fee = sheet.size(5).good();
    let (id, tx_hash, note) = (sheet.text(0), sheet.text(7), sheet.note(8));
    let symbol = name(sheet.cell(2)).to_owned();
    let asset = sheet.shared(&symbol);
    let amount = amount.filter(|amount| !amount.is_zero())?;
    let leg = |amount: Quantity| Leg {
        amount: amount.abs(),
        asset: asset.clone(),
    };
    let kind = match amount.is_negative() {
        true => RowKind::Withdrawal,
        false => RowKind::Deposit,
    };
    let mut row = entry::row(sheet, at?, kind);
    row.id = id.map_or(row.id, |id| format!("bitfinex-movements-{id}").into());
    match kind {
        RowKind::Withdrawal => row.sent = Some(leg(amount)),
        _ => row.received = Some(leg(amount)),
    }
    row.fee = fee.map(leg);
    (row.tx_hash, row.note) = (tx_hash, note);
    sheet.is_good().then_some(row)
}

fn entry_of_ledger(sheet: &mut Sheet<'_>) -> Option<Row> {
    let sentence = sheet.cell(DESCRIPTION);
    let known = SENTENCES
        .iter()
        .find(|(start, _)| sentence.starts_with(start))
        .map(|(_, kind)| *kind);
    let is_withdrawal = || sentence.contains(WITHDRAWAL).then_some(None);
    let Some(kind) = known.or_else(is_withdrawal) else {
        entry::unknown(sheet, DESCRIPTION, "description");
        return None;
    };
    let kind = kind?;
    let at = sheet.time(5, FORMS);
    let amount = sheet.number(3).good();
    let (id, note) = (sheet.text(0), sheet.note(DESCRIPTION));
    let symbol = name(sheet.cell(2)).to_owned();
    let asset = sheet.shared(&symbol);
    let amount = amount?;
    if amount.is_zero() {
        return None;
    }
    if amount.is_negative() {
        entry::unknown(sheet, DESCRIPTION, "description of its sign");
        return None;
    }
    let mut row = entry::row(sheet, at?, kind);
    row.id = id.map_or(row.id, |id| format!("bitfinex-ledger-{id}").into());
    row.note = note;
    row.received = Some(Leg { amount, asset });
    sheet.is_good().then_some(row)
}
