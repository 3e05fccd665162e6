//! Made-up ledgers of a few assets and some wallets.

use chrono::{DateTime, Duration, Utc};
use packtrain_core::ledger::{Asset, Leg, RareParts, Row, RowKind};
use packtrain_core::money::Currency;
use packtrain_core::quantity::Quantity;
use packtrain_tax::LedgerFile;
use proptest::prelude::*;

use super::usd;

const ASSETS: [&str; 2] = ["BTC", "ETH"];
/// Mostly the first four are used: with fewer, the order in which strayed lots find a wallet
/// would never matter.
const WALLETS: [&str; 20] = [
    "C", "A", "D", "B", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S",
    "T",
];

/// One step of a made-up ledger.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) kind: u8,
    pub(super) asset: usize,
    pub(super) wallet: usize,
    pub(super) to: usize,
    /// Units and the decimals they have.
    pub(super) amount: (i128, u32),
    pub(super) price: i128,
    pub(super) hours: i64,
}

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    // A few wallets, or more than the engine looks at one by one.
    prop_oneof![4 => Just(4_usize), 1 => Just(WALLETS.len())].prop_flat_map(steps_in)
}

fn steps_in(wallets: usize) -> impl Strategy<Value = Vec<Step>> {
    let step = (
        0..10_u8,
        0..2_usize,
        0..wallets,
        0..wallets,
        1..500_i128,
        0..20_u32,
        1..40_i128,
        0..200_i64,
    );
    let step = step.prop_map(
        |(kind, asset, wallet, to, units, decimals, price, hours)| Step {
            kind,
            asset,
            wallet,
            to,
            // Mostly a few hundredths; now and then a number with many decimals.
            amount: if decimals < 12 {
                (units, 2)
            } else {
                (units * 1_000_003, decimals - 4)
            },
            price,
            // Many rows of one moment.
            hours: if hours < 60 { 0 } else { hours },
        },
    );
    prop::collection::vec(step, 1..70 + wallets * 2)
}

/// The rows of the steps, from June 2024 on, so that many cross into 2025.
pub(super) fn rows(steps: &[Step]) -> Vec<Row> {
    let mut at: DateTime<Utc> = "2024-06-01T00:00:00Z".parse().unwrap();
    let row = |(index, step): (usize, &Step)| {
        at += Duration::hours(step.hours);
        let amount = Quantity::from_units(step.amount.0, step.amount.1).unwrap();
        let leg = Leg {
            amount,
            asset: Asset::from(ASSETS[step.asset]),
        };
        let kind = match step.kind {
            0..4 => RowKind::Buy,
            4 => RowKind::Staking,
            5..7 => RowKind::Transfer,
            _ => RowKind::Sell,
        };
        let leaves = matches!(kind, RowKind::Transfer | RowKind::Sell);
        Row {
            id: format!("r{index}").into(),
            line: u32::try_from(index).unwrap() + 2,
            at,
            kind,
            wallet: Asset::from(WALLETS[step.wallet]),
            sent: leaves.then(|| leg.clone()),
            received: (!leaves).then_some(leg),
            fee: None,
            value: (kind != RowKind::Transfer).then(|| usd(step.price * 2_500 + 1)),
            currency: Currency::USD,
            tx_hash: None,
            note: None,
            rare: RareParts {
                to_wallet: (kind == RowKind::Transfer).then(|| Asset::from(WALLETS[step.to])),
                ..RareParts::default()
            }
            .into(),
        }
    };
    steps.iter().enumerate().map(row).collect()
}

pub(super) fn ledger(rows: &[Row]) -> LedgerFile {
    LedgerFile {
        name: "ledger".to_owned(),
        rows: rows.to_vec(),
        ..LedgerFile::default()
    }
}
