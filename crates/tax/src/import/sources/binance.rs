//! Binance's transaction history, which has a record for each change of a balance.
//!
//! Columns and operations checked against BittyTax (`conv/parsers/binance`, its statements parser)
//! and rotki (`data_import/importers/binance.py`). `UTC_Time` is called `Time` in newer files, with
//! a year of two figures. Operations that neither of them knows, and those whose meaning they do
//! not agree on, such as token swaps and `Asset - Transfer`, are errors. The results of margin and
//! futures accounts could not be checked.

use packtrain_core::ledger::{Leg, Row, RowKind};

use crate::import::Source;
use crate::import::entry;
use crate::import::join::{self, Joined, groups};
use crate::import::sheet::{Flaw, Sheet};

pub(super) static HISTORY: Source = Source {
    name: "binance",
    label: "Binance",
    needed: &["utc_time|time", "account", "operation", "coin", "change"],
    known: COLUMNS,
    id: None,
    words: &[OPERATION],
    owner: None,
    zone: chrono_tz::UTC,
    read: change,
    join: Some(join),
};

const COLUMNS: &[&str] = &[
    "utc_time|time",
    "account",
    "operation",
    "coin",
    "change",
    "remark",
];
const OPERATION: usize = 2;
/// The short year first: a year of four figures does not fit it, but two figures fit any year.
const FORMS: &[&str] = &["%y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S"];

/// Operations that are halves of a trade at the moment of its other half.
const HALVES: &[&str] = &[
    "asset conversion transfer",
    "binance convert",
    "bnb fee deduction",
    "buy",
    "buy crypto with card",
    "eth 2.0 staking",
    "large otc trading",
    "leverage token redemption",
    "liquid swap sell",
    "sell",
    "small assets exchange bnb",
    "stablecoins auto_conversion",
    "swap farming transaction",
    "transaction buy",
    "transaction related",
    "transaction revenue",
    "transaction sold",
    "transaction spend",
];
const FEES: &[&str] = &["fee", "transaction fee"];
const DEPOSITS: &[&str] = &[
    "buy crypto",
    "deposit",
    "fiat deposit",
    "fiat ocbs _ add fiat and fees",
];
const WITHDRAWALS: &[&str] = &["fiat withdraw", "fiat withdrawal", "send", "withdraw"];
const STAKING: &[&str] = &[
    "bnb vault rewards",
    "dot slot auction rewards",
    "eth 2.0 staking rewards",
    "launchpool earnings withdrawal",
    "liquid swap rewards",
    "pos savings interest",
    "simple earn locked rewards",
    "staking rewards",
    "swap farming rewards",
];
const INTEREST: &[&str] = &[
    "launchpool interest",
    "pool distribution",
    "savings distribution",
    "savings interest",
    "simple earn flexible interest",
];
const AIRDROPS: &[&str] = &[
    "airdrop assets",
    "campaign related reward",
    "cash voucher distribution",
    "distribution",
    "hodler airdrops distribution",
    "launchpool airdrop",
    "megadrop rewards",
    "mission reward distribution",
    "simple earn flexible airdrop",
];
const REWARDS: &[&str] = &[
    "binance card cashback",
    "commission fee shared with you",
    "commission history",
    "commission rebate",
    "referral commission",
    "referral kickback",
    "referrer rebates",
];
/// Between parts of the same account.
const WITHIN: &[&str] = &[
    "launchpad subscribe",
    "launchpool subscription/redemption",
    "main and funding account transfer",
    "pos savings purchase",
    "pos savings redemption",
    "savings principal redemption",
    "savings purchase",
    "simple earn flexible redemption",
    "simple earn flexible subscription",
    "simple earn locked redemption",
    "simple earn locked subscription",
    "staking purchase",
    "staking redemption",
    "transfer between main account/futures and margin account",
    "transfer between main and funding wallet",
    "transfer between spot account and cm futures account",
    "transfer between spot account and um futures account",
    "transfer_in",
    "transfer_out",
];

fn change(sheet: &mut Sheet<'_>) -> Option<Row> {
    let at = sheet.time(0, FORMS);
    let amount = sheet.number(4).good();
    let asset = sheet.name(3).good();
    let note = sheet.note(5);
    let word = sheet.cell(OPERATION).to_lowercase().replace('-', "_");
    let (amount, asset) = (amount?, asset?);
    let leaves = amount.is_negative();
    let Some(kind) = kind(&word, leaves) else {
        entry::unknown(sheet, OPERATION, "operation");
        return None;
    };
    let mut row = entry::row(sheet, at?, kind?);
    let leg = Leg {
        amount: amount.abs(),
        asset,
    };
    match (row.kind, leaves) {
        (RowKind::Fee, _) => row.fee = Some(leg),
        (_, true) => row.sent = Some(leg),
        (_, false) => row.received = Some(leg),
    }
    row.note = note;
    sheet.is_good().then_some(row)
}

/// What an operation is; none for one that is unknown or goes the wrong way, and nothing for one
/// between parts of the same account.
fn kind(word: &str, leaves: bool) -> Option<Option<RowKind>> {
    let is_in = |words: &[&str]| words.contains(&word);
    Some(Some(match word {
        _ if is_in(WITHIN) => return Some(None),
        _ if is_in(HALVES) => RowKind::Trade,
        _ if is_in(FEES) => RowKind::Fee,
        _ if is_in(WITHDRAWALS) && leaves => RowKind::Withdrawal,
        "binance card spending" | "funding fee" | "realized profit and loss" if leaves => {
            RowKind::Spend
        }
        _ if leaves => return None,
        _ if is_in(DEPOSITS) => RowKind::Deposit,
        _ if is_in(STAKING) => RowKind::Staking,
        _ if is_in(INTEREST) => RowKind::Interest,
        _ if is_in(AIRDROPS) => RowKind::Airdrop,
        _ if is_in(REWARDS) => RowKind::Reward,
        "super bnb mining" => RowKind::Mining,
        "crypto box" => RowKind::GiftIn,
        "binance card spending" => RowKind::Reward,
        "funding fee" | "realized profit and loss" => RowKind::Income,
        _ => return None,
    }))
}

/// Halves of one moment are one trade, with the fees of that moment.
fn join(rows: Vec<Row>) -> Joined {
    let mut joined = Joined::default();
    let is_part = |row: &Row| matches!(row.kind, RowKind::Trade | RowKind::Fee);
    let key = |row: &Row| is_part(row).then(|| row.at.to_rfc3339());
    for group in groups(rows, key) {
        let line = group[0].line;
        if !group.iter().any(|row| row.kind == RowKind::Trade) {
            joined.rows.extend(group);
            continue;
        }
        match join::net(group) {
            Some(rows) => joined.rows.extend(rows),
            None => {
                let message = "the changes of this moment are no trade of one asset for another";
                let help = "use the export of spot trades for it";
                joined
                    .flaws
                    .push((line, Flaw::new("half_missing", message, help)));
            }
        }
    }
    joined
}
