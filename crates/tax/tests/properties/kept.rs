//! Units in are units out and held, and so is their cost, to the last unit.

use std::collections::BTreeMap;

use packtrain_core::ledger::{Asset, Row, RowKind};
use packtrain_core::money::Currency;
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::compute;
use packtrain_tax::outcome::Outcome;
use packtrain_tax::request::{Country, Request, Scope};
use proptest::prelude::*;

use super::ledgers::{Step, ledger, rows, steps};
use super::{LOTS, SCOPES, outcome, sum, units};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_unit_and_no_cost_is_lost_or_made(steps in steps()) {
        let rows = rows(&steps);
        let bought = || rows.iter().filter(|row| row.received.is_some());
        for method in &LOTS {
            for scope in SCOPES {
                let outcome = outcome(&[ledger(&rows)], *method, scope);
                let cost_in = sum(bought().map(|row| row.value.unwrap()));
                let cost_out = sum(outcome.disposals.iter().map(|line| line.cost));
                let cost_held = sum(outcome.holdings.iter().map(|holding| holding.cost));
                prop_assert_eq!(cost_in, cost_out.checked_add(cost_held).unwrap());
                let sold = |row: &Row| row.kind == RowKind::Sell;
                let sales = rows.iter().filter(|row| sold(row));
                let sold = units(sales.clone().map(|row| row.sent.as_ref().unwrap().amount));
                let lines = || outcome.disposals.iter();
                prop_assert_eq!(sold, units(lines().map(|line| line.quantity)));
                prop_assert_eq!(
                    sum(sales.map(|row| row.value.unwrap())),
                    sum(lines().map(|line| line.proceeds))
                );
                let nets = sum(outcome.totals.values().map(|totals| totals.net));
                prop_assert_eq!(sum(lines().map(|line| line.gain)), nets);
                if scope == Some(Scope::Universal) {
                    let amounts = bought().map(|row| row.received.as_ref().unwrap().amount);
                    let known = lines().filter(|line| line.lot.is_some());
                    let known = units(known.map(|line| line.quantity));
                    let held = units(outcome.holdings.iter().map(|holding| holding.quantity));
                    prop_assert_eq!(units(amounts), known.checked_add(held).unwrap());
                }
            }
        }
    }

    #[test]
    fn each_asset_and_each_wallet_holds_what_came_in_less_what_left(steps in steps()) {
        let rows = covered(rows(&steps));
        let mut expected: BTreeMap<(String, String), Quantity> = BTreeMap::new();
        for row in &rows {
            for (wallet, amount) in moved(row) {
                let asset = row.sent.as_ref().or(row.received.as_ref()).unwrap();
                let held = expected.entry((asset.asset.to_string(), wallet.to_string()));
                let held = held.or_insert(Quantity::ZERO);
                *held = held.checked_add(amount).unwrap();
            }
        }
        let mut of_asset: BTreeMap<String, Quantity> = BTreeMap::new();
        for ((asset, _), amount) in &expected {
            let held = of_asset.entry(asset.clone()).or_insert(Quantity::ZERO);
            *held = held.checked_add(*amount).unwrap();
        }
        expected.retain(|_, amount| !amount.is_zero());
        of_asset.retain(|_, amount| !amount.is_zero());
        for method in LOTS {
            let by_wallet = outcome(&[ledger(&rows)], method, Some(Scope::Wallet));
            let held = by_wallet.holdings.iter().map(|holding| {
                let wallet = holding.wallet.as_ref().unwrap().to_string();
                ((holding.asset.to_string(), wallet), holding.quantity)
            });
            prop_assert_eq!(held.collect::<BTreeMap<_, _>>(), expected.clone());
            prop_assert!(by_wallet.disposals.iter().all(|line| line.lot.is_some()));
            let as_one = outcome(&[ledger(&rows)], method, Some(Scope::Universal));
            let held = as_one.holdings.iter();
            let held = held.map(|holding| (holding.asset.to_string(), holding.quantity));
            prop_assert_eq!(held.collect::<BTreeMap<_, _>>(), of_asset.clone());
        }
    }
}

/// What a row brings to wallets, and takes from them.
fn moved(row: &Row) -> Vec<(Asset, Quantity)> {
    let none = Quantity::ZERO;
    let mut moved = Vec::new();
    if let Some(leg) = &row.received {
        moved.push((row.wallet.clone(), leg.amount));
    }
    if let Some(leg) = &row.sent {
        moved.push((row.wallet.clone(), none.checked_sub(leg.amount).unwrap()));
        if let Some(to) = &row.rare.to_wallet {
            moved.push((to.clone(), leg.amount));
        }
    }
    moved
}

/// The rows without those that take more out of a wallet than it holds.
fn covered(rows: Vec<Row>) -> Vec<Row> {
    let mut held: BTreeMap<(Asset, Asset), Quantity> = BTreeMap::new();
    let is_covered = |row: &Row| {
        let leg = row.sent.as_ref().or(row.received.as_ref()).unwrap();
        let place = (leg.asset.clone(), row.wallet.clone());
        let there = held.get(&place).copied().unwrap_or(Quantity::ZERO);
        if row.sent.is_some() && there < leg.amount {
            return false;
        }
        for (wallet, amount) in moved(row) {
            let held = held.entry((leg.asset.clone(), wallet));
            let held = held.or_insert(Quantity::ZERO);
            *held = held.checked_add(amount).unwrap();
        }
        true
    };
    let mut is_covered = is_covered;
    rows.into_iter().filter(|row| is_covered(row)).collect()
}

/// Sales of odd parts of odd lots, with amounts of 18 decimals; the same in each run.
fn partial_sales(sales: usize) -> Vec<Row> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        i128::from(state % below)
    };
    let mut steps = Vec::with_capacity(sales + sales / 10);
    let mut held = 0_i128;
    while steps.len() < sales + sales / 10 {
        let buys = steps.len() % 11 == 0 || held == 0;
        // A lot is worth about ten sales, so that most sales are parts of one.
        let units = if buys {
            next(9_000_000_000_000_000_000) + 1_000_000_000_000_000_003
        } else {
            (next(900_000_000_000_000_000) + 1).min(held)
        };
        held += if buys { units } else { -units };
        steps.push(Step {
            kind: if buys { 0 } else { 9 },
            asset: 0,
            wallet: 0,
            to: 0,
            amount: (units, 18),
            price: next(39) + 1,
            hours: 1,
        });
    }
    rows(&steps)
}

fn assert_nothing_is_lost(rows: &[Row], outcome: &Outcome) {
    let zero = Money::zero(outcome.settings.currency);
    let money = |all: &mut dyn Iterator<Item = Money>| {
        all.fold(zero, |sum, money| sum.checked_add(money).unwrap())
    };
    let bought = || rows.iter().filter(|row| row.kind == RowKind::Buy);
    let lines = || outcome.disposals.iter();
    let cost_in = money(&mut bought().map(|row| row.value.unwrap()));
    let cost_out = money(&mut lines().map(|line| line.cost));
    let denied = money(&mut lines().map(|line| line.denied_loss));
    let cost_held = money(&mut outcome.holdings.iter().map(|held| held.cost));
    let kept = cost_out.checked_add(cost_held).unwrap();
    assert_eq!(kept, cost_in.checked_add(denied).unwrap());
    let units_in = units(bought().map(|row| row.received.as_ref().unwrap().amount));
    let units_out = units(lines().map(|line| line.quantity));
    let units_held = units(outcome.holdings.iter().map(|held| held.quantity));
    assert_eq!(units_in, units_out.checked_add(units_held).unwrap());
    let sales = rows.iter().filter(|row| row.kind == RowKind::Sell);
    let proceeds = money(&mut sales.map(|row| row.value.unwrap()));
    assert_eq!(proceeds, money(&mut lines().map(|line| line.proceeds)));
    assert!(
        outcome
            .warnings
            .iter()
            .all(|warning| warning.at_stake.is_zero())
    );
}

#[test]
fn no_unit_and_no_cost_is_lost_over_100_000_partial_sales() {
    let rows = partial_sales(100_000);
    for method in LOTS {
        let outcome = outcome(&[ledger(&rows)], method, None);
        assert!(outcome.disposals.len() > 100_000);
        assert_nothing_is_lost(&rows, &outcome);
    }
}

#[test]
fn no_unit_and_no_cost_is_lost_over_100_000_partial_sales_from_a_pool() {
    for (country, currency) in [(Country::Uk, Currency::GBP), (Country::Ca, Currency::CAD)] {
        let mut rows = partial_sales(100_000);
        for row in &mut rows {
            let value = row.value.unwrap().to_plain();
            (row.currency, row.value) = (currency, Money::parse(&value, currency).ok());
        }
        let outcome = compute(&[ledger(&rows)], country, &Request::default()).unwrap();
        assert_nothing_is_lost(&rows, &outcome);
    }
}
