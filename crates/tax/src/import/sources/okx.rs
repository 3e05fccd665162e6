//! OKX: the history of the trading account, which has a record for each change of a balance, and
//! that of the funding account.
//!
//! Columns and rows checked against BittyTax (`conv/parsers/okx.py`) and the tests that everytrade
//! keeps of its importers (`OkxBeanV2_2Test`: rows of a real export). `Balance Change` is what is
//! left after the fee, and a fee that was paid is negative. The line over the header names the zone
//! of the times; without one they are taken as UTC. Both accounts are one here, so moves between
//! them are left out. Trade types other than Spot and Transfer, and words of the funding history
//! that none of these explains, are errors.

use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::quantity::Quantity;

use crate::import::Source;
use crate::import::entry;
use crate::import::join::{self, Joined, groups};
use crate::import::sheet::{Flaw, Sheet};

pub(super) static TRADING: Source = Source {
    name: "okx",
    label: "OKX",
    needed: &[
        "id",
        "order_id",
        "time",
        "trade_type",
        "action",
        "fee",
        "fee_unit",
        "balance_change",
        "balance_unit",
    ],
    known: TRADING_COLUMNS,
    id: Some("id"),
    words: &[],
    owner: None,
    zone: chrono_tz::UTC,
    read: change,
    join: Some(orders),
};

pub(super) static FUNDING: Source = Source {
    name: "okx-funding",
    label: "OKX",
    needed: &[
        "id",
        "time",
        "type",
        "amount",
        "before_balance",
        "after_balance",
        "symbol",
    ],
    known: FUNDING_COLUMNS,
    id: Some("id"),
    words: &[FUNDING_TYPE],
    owner: None,
    zone: chrono_tz::UTC,
    read: funding,
    join: None,
};

const TRADING_COLUMNS: &[&str] = &[
    "id",
    "order_id",
    "time",
    "trade_type",
    "action",
    "fee",
    "fee_unit",
    "balance_change",
    "balance_unit",
];
const FUNDING_COLUMNS: &[&str] = &["id", "time", "type", "amount", "fee", "symbol"];
const FUNDING_TYPE: usize = 2;
const FORMS: &[&str] = &["%Y-%m-%d %H:%M:%S%.f"];

fn change(sheet: &mut Sheet<'_>) -> Option<Row> {
    match (sheet.cell(3), sheet.cell(4)) {
        ("Spot", "Buy" | "Sell") => {}
        ("Transfer", _) => return None,
        ("Spot", _) => {
            entry::unknown(sheet, 4, "action");
            return None;
        }
        _ => {
            entry::unknown(sheet, 3, "trade type");
            return None;
        }
    }
    let (id, order) = (sheet.row_id(0), sheet.text(1));
    let at = sheet.time(2, FORMS);
    let fee = sheet.number(5).good().unwrap_or(Quantity::ZERO);
    let fee_unit = sheet.cell(6).to_owned();
    let change = sheet.number(7).good();
    let unit = sheet.name(8).good();
    let (change, unit) = (change?, unit?);
    let mut row = entry::row(sheet, at?, RowKind::Trade);
    row.id = id.unwrap_or(row.id);
    // Joins the halves; no hash of a chain.
    row.tx_hash = order;
    // The change of the balance is net of a fee in the same asset.
    let is_paid = fee.is_negative();
    let gross = match is_paid && *fee_unit == *unit {
        true => change.checked_sub(fee).ok()?,
        false => change,
    };
    let leg = Leg {
        amount: gross.abs(),
        asset: unit,
    };
    match gross.is_negative() {
        true => row.sent = Some(leg),
        false => row.received = Some(leg),
    }
    row.fee = is_paid.then(|| Leg {
        amount: fee.abs(),
        asset: sheet.shared(&fee_unit),
    });
    sheet.is_good().then_some(row)
}

/// Puts the changes of one order in one moment together.
fn orders(rows: Vec<Row>) -> Joined {
    let mut joined = Joined::default();
    let key = |row: &Row| Some(format!("{:?} {}", row.tx_hash, row.at.to_rfc3339()));
    for group in groups(rows, key) {
        let line = group[0].line;
        match join::net(group) {
            Some(rows) => joined.rows.extend(rows),
            None => {
                let message = "the changes of this order in this moment are no trade of two assets";
                let help = "export the whole time again: the other half of the trade is missing";
                let flaw = Flaw::new("half_missing", message, help);
                joined.flaws.push((line, flaw));
            }
        }
    }
    joined.rows.iter_mut().for_each(|row| row.tx_hash = None);
    joined
}

fn funding(sheet: &mut Sheet<'_>) -> Option<Row> {
    let kind = match sheet.cell(FUNDING_TYPE) {
        "Deposit" => RowKind::Deposit,
        "Withdrawal" => RowKind::Withdrawal,
        "Staking Yield" => RowKind::Staking,
        "Fee rebate" => RowKind::Reward,
        // Units that are staked or saved stay the person's own.
        "Stake"
        | "Redeem staking"
        | "Savings subscription"
        | "Savings redemption"
        | "From unified trading account"
        | "To unified trading account" => return None,
        _ => {
            entry::unknown(sheet, FUNDING_TYPE, "type");
            return None;
        }
    };
    if entry::is_nothing(sheet, 3) {
        return None;
    }
    let id = sheet.row_id(0);
    let at = sheet.time(1, FORMS);
    let leg = sheet.unsigned_leg(3, 5).good();
    let fee = sheet.size(4).good();
    let asset: Option<Asset> = sheet.name(5).good();
    let mut row = entry::row(sheet, at?, kind);
    row.id = id.unwrap_or(row.id);
    match kind {
        RowKind::Withdrawal => {
            row.sent = leg;
            row.fee = fee.zip(asset).map(|(amount, asset)| Leg { amount, asset });
        }
        _ => row.received = leg,
    }
    sheet.is_good().then_some(row)
}
