//! The methods of lots against programs that keep a list of single units.

use packtrain_core::ledger::Row;
use packtrain_core::quantity::Quantity;
use packtrain_tax::request::{Method, Scope};
use proptest::prelude::*;

use super::ledgers::{Step, ledger, rows};
use super::{outcome, usd};

/// One whole unit: the row that bought it, and its price in cents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unit {
    row: usize,
    price: i128,
}

/// Whole units, bought and sold in one wallet, one row an hour.
fn whole_steps() -> impl Strategy<Value = Vec<Step>> {
    // Few prices, so that many lots have the same.
    let step = (any::<bool>(), 1..8_i128, 1..5_i128);
    let step = step.prop_map(|(buys, units, price)| Step {
        kind: if buys { 0 } else { 9 },
        asset: 0,
        wallet: 0,
        to: 0,
        amount: (units, 0),
        price,
        hours: 1,
    });
    prop::collection::vec(step, 1..40)
}

/// Rows that sell no more than is held, each bought unit at the price of its step.
fn whole_rows(steps: Vec<Step>) -> (Vec<Step>, Vec<Row>) {
    let mut held = 0;
    let mut kept = Vec::new();
    for mut step in steps {
        if step.kind == 9 {
            step.amount.0 = step.amount.0.min(held);
            held -= step.amount.0;
        } else {
            held += step.amount.0;
        }
        if step.amount.0 > 0 {
            kept.push(step);
        }
    }
    let mut rows = rows(&kept);
    for (row, step) in rows.iter_mut().zip(&kept) {
        row.value = Some(usd(step.price * 100 * step.amount.0));
    }
    (kept, rows)
}

/// The units that each sale takes: it looks for the next unit in the whole list, for each one.
fn taken(steps: &[Step], next: impl Fn(&[Unit]) -> usize) -> Vec<(usize, Vec<Unit>)> {
    let mut held: Vec<Unit> = Vec::new();
    let mut sales = Vec::new();
    for (row, step) in steps.iter().enumerate() {
        let price = step.price * 100;
        if step.kind == 9 {
            let units = (0..step.amount.0)
                .map(|_| held.remove(next(&held)))
                .collect();
            sales.push((row, units));
        } else {
            held.extend((0..step.amount.0).map(|_| Unit { row, price }));
        }
    }
    sales
}

/// Row of the sale, row of the lot, units and cost, for each run of units of one lot.
fn as_lines(sales: Vec<(usize, Vec<Unit>)>) -> Vec<(String, String, String, String)> {
    let mut lines = Vec::new();
    for (row, units) in sales {
        for part in units.chunk_by(|a, b| a.row == b.row) {
            let count = i128::try_from(part.len()).unwrap();
            let quantity = Quantity::from_units(count, 0).unwrap();
            let cost = usd(part[0].price * count);
            let lot = format!("r{}", part[0].row);
            lines.push((
                format!("r{row}"),
                lot,
                quantity.to_string(),
                cost.to_cents(),
            ));
        }
    }
    lines
}

fn lines_of_the_engine(rows: &[Row], method: Method) -> Vec<(String, String, String, String)> {
    let outcome = outcome(&[ledger(rows)], method, Some(Scope::Universal));
    let line = |line: packtrain_tax::outcome::Disposal| {
        let lot = line.lot.unwrap().to_string();
        (
            line.id.to_string(),
            lot,
            line.quantity.to_string(),
            line.cost.to_cents(),
        )
    };
    outcome.disposals.into_iter().map(line).collect()
}

/// The first of the units that have the most of something.
fn first_most<K: Ord>(held: &[Unit], key: impl Fn(&Unit) -> K) -> usize {
    let most = held.iter().map(&key).max().unwrap();
    held.iter().position(|unit| key(unit) == most).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    #[test]
    fn fifo_takes_the_unit_that_was_bought_first(steps in whole_steps()) {
        let (steps, rows) = whole_rows(steps);
        let expected = taken(&steps, |_| 0);
        prop_assert_eq!(lines_of_the_engine(&rows, Method::Fifo), as_lines(expected));
    }

    #[test]
    fn lifo_takes_the_unit_that_was_bought_last(steps in whole_steps()) {
        let (steps, rows) = whole_rows(steps);
        let expected = taken(&steps, |held| held.len() - 1);
        prop_assert_eq!(lines_of_the_engine(&rows, Method::Lifo), as_lines(expected));
    }

    #[test]
    fn hifo_takes_the_dearest_unit_and_of_these_the_oldest(steps in whole_steps()) {
        let (steps, rows) = whole_rows(steps);
        let expected = taken(&steps, |held| first_most(held, |unit| unit.price));
        prop_assert_eq!(lines_of_the_engine(&rows, Method::Hifo), as_lines(expected));
    }

    #[test]
    fn lofo_takes_the_cheapest_unit_and_of_these_the_oldest(steps in whole_steps()) {
        let (steps, rows) = whole_rows(steps);
        let expected = taken(&steps, |held| first_most(held, |unit| -unit.price));
        prop_assert_eq!(lines_of_the_engine(&rows, Method::Lofo), as_lines(expected));
    }
}
