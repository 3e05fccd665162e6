//! The pools of the United Kingdom and Canada against slow programs that count unit by unit.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use chrono::{Days, NaiveDate, TimeZone, Utc};
use packtrain_core::ledger::{Asset, Leg, Rare, Row, RowKind};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::Outcome;
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, compute};
use proptest::prelude::*;

/// An exact fraction.
#[derive(Debug, Clone, Copy)]
struct Ratio(i128, i128);

impl Ratio {
    const ZERO: Self = Self(0, 1);

    fn of(numerator: i128, denominator: i128) -> Self {
        let (mut a, mut b) = (numerator.abs(), denominator);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Self(numerator / a.max(1), denominator / a.max(1))
    }

    fn plus(self, other: Self) -> Self {
        Self::of(self.0 * other.1 + other.0 * self.1, self.1 * other.1)
    }

    fn minus(self, other: Self) -> Self {
        self.plus(Self(-other.0, other.1))
    }

    fn times(self, numerator: i128, denominator: i128) -> Self {
        Self::of(self.0 * numerator, self.1 * denominator)
    }

    /// In millionths, to the nearest.
    fn micros(self) -> i128 {
        (self.0 * 1_000_000 * 2 + self.1 * self.0.signum()) / (self.1 * 2)
    }
}

/// One row: so many days after the one before, bought or sold, so many units, at a price.
#[derive(Debug, Clone, Copy)]
struct Step {
    days: u64,
    buys: bool,
    units: i128,
    price: i128,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    // Most rows stand on the day of the row before, or at the edges of what is near.
    let days = prop::sample::select(vec![0, 0, 0, 0, 1, 8, 9, 10, 15, 29, 30, 31]);
    let step = (days, any::<bool>(), 1_i128..6, 1_i128..50);
    let step = step.prop_map(|(days, buys, units, price)| Step {
        days,
        buys,
        units,
        price,
    });
    prop::collection::vec(step, 1..14)
}

/// The steps with their days, none selling more than was bought before.
fn covered(steps: Vec<Step>) -> Vec<(u64, Step)> {
    let (mut day, mut held) = (0, 0);
    let mut rows = Vec::new();
    for mut step in steps {
        day += step.days;
        if !step.buys {
            step.units = step.units.min(held);
        }
        held += if step.buys { step.units } else { -step.units };
        if step.units > 0 {
            rows.push((day, step));
        }
    }
    rows
}

fn outcome(country: Country, currency: Currency, rows: &[(u64, Step)]) -> Outcome {
    asked(country, currency, rows, &Request::default())
}

fn asked(country: Country, currency: Currency, rows: &[(u64, Step)], request: &Request) -> Outcome {
    let money = |amount: i128| Money::parse(&amount.to_string(), currency).unwrap();
    let row = |(index, (day, step)): (usize, &(u64, Step))| {
        let units = Leg {
            amount: Quantity::from_units(step.units, 0).unwrap(),
            asset: Asset::from("BTC"),
        };
        // Ten hours on, so that the local date is the same in London and Toronto.
        let noon = Utc.with_ymd_and_hms(2023, 5, 1, 15, 0, 0).unwrap();
        Row {
            id: format!("r{index}").into(),
            line: u32::try_from(index + 2).unwrap(),
            at: noon + Days::new(*day),
            kind: if step.buys {
                RowKind::Buy
            } else {
                RowKind::Sell
            },
            wallet: Asset::from("main"),
            sent: (!step.buys).then(|| units.clone()),
            received: step.buys.then_some(units),
            fee: None,
            value: Some(money(step.units * step.price)),
            currency,
            tx_hash: None,
            note: None,
            rare: Rare::NONE,
        }
    };
    let ledger = LedgerFile {
        name: "ledger".to_owned(),
        rows: rows.iter().enumerate().map(row).collect(),
        ..LedgerFile::default()
    };
    compute(&[ledger], country, request).unwrap()
}

fn date(day: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2023, 5, 1).unwrap() + Days::new(day)
}

/// In millionths, to the nearest.
fn micros(money: Money) -> i128 {
    let text = money.to_fixed(6).replace('.', "");
    text.parse().unwrap()
}

/// Units and cost by day, rule and day of the purchase.
type Matched = BTreeMap<(u64, &'static str, Option<u64>), (i128, Ratio)>;

/// What the law says, unit by unit; `near` are the days whose purchases a disposal is matched
/// with before the pool, in their order.
fn matched_by_hand(
    rows: &[(u64, Step)],
    (rule, near): (&'static str, fn(u64) -> Vec<u64>),
) -> Matched {
    let mut bought: BTreeMap<u64, (i128, Ratio)> = BTreeMap::new();
    let mut sold: BTreeMap<u64, i128> = BTreeMap::new();
    for (day, step) in rows {
        if step.buys {
            let sum = bought.entry(*day).or_insert((0, Ratio::ZERO));
            sum.0 += step.units;
            sum.1 = sum.1.plus(Ratio(step.units * step.price, 1));
        } else {
            *sold.entry(*day).or_default() += step.units;
        }
    }
    // What a unit bought on a day cost, whatever it is matched with.
    let unit: BTreeMap<u64, Ratio> = (bought.iter())
        .map(|(day, (units, cost))| (*day, cost.times(1, *units)))
        .collect();
    let mut free: BTreeMap<u64, i128> = bought.iter().map(|(day, sum)| (*day, sum.0)).collect();
    let mut used = BTreeMap::new();
    let mut use_up = |key, cost: Ratio| {
        let entry = used.entry(key).or_insert((0, Ratio::ZERO));
        *entry = (entry.0 + 1, entry.1.plus(cost));
    };
    let take = |free: &mut BTreeMap<u64, i128>, day: u64| match free.get_mut(&day) {
        Some(left) if *left > 0 => {
            *left -= 1;
            true
        }
        _ => false,
    };
    let mut open = BTreeMap::new();
    for (day, units) in &sold {
        let mut left = *units;
        while left > 0 && take(&mut free, *day) {
            use_up((*day, "same-day", Some(*day)), unit[day]);
            left -= 1;
        }
        open.insert(*day, left);
    }
    for (day, left) in &mut open {
        for other in near(*day) {
            while *left > 0 && take(&mut free, other) {
                use_up((*day, rule, Some(other)), unit[&other]);
                *left -= 1;
            }
        }
    }
    let (mut pool, mut cost) = (0, Ratio::ZERO);
    let last = rows.last().map_or(0, |(day, _)| *day);
    for day in 0..=last {
        if let Some(units) = free.get(&day).filter(|units| **units > 0) {
            pool += units;
            cost = cost.plus(unit[&day].times(*units, 1));
        }
        for _ in 0..open.get(&day).copied().unwrap_or_default() {
            let one = cost.times(1, pool);
            use_up((day, "s104", None), one);
            (pool, cost) = (pool - 1, cost.minus(one));
        }
    }
    used
}

/// Day, rule and day of the purchase, with units and cost in millionths.
type Lines = BTreeMap<(NaiveDate, &'static str, Option<NaiveDate>), (i128, i128)>;

fn lines(outcome: &Outcome) -> Lines {
    let mut lines = BTreeMap::new();
    for line in &outcome.disposals {
        let key = (line.date, line.rule, line.acquired);
        let units: i128 = line.quantity.to_string().parse().unwrap();
        let other = lines.insert(key, (units, micros(line.cost)));
        assert!(other.is_none(), "two lines of {key:?}");
    }
    lines
}

fn dated(matched: Matched) -> Lines {
    let lines = matched
        .into_iter()
        .map(|((day, rule, bought), (units, cost))| {
            ((date(day), rule, bought.map(date)), (units, cost.micros()))
        });
    lines.collect()
}

/// Cost, and loss denied, of each sale: what the law says, with all rows looked at for each.
fn averaged_by_hand(rows: &[(u64, Step)]) -> Vec<(Ratio, Ratio)> {
    let (mut pool, mut cost) = (0, Ratio::ZERO);
    // What the denied losses of sales before add to the cost of each purchase.
    let mut added = vec![Ratio::ZERO; rows.len()];
    let mut sales = Vec::new();
    for (index, (day, step)) in rows.iter().enumerate() {
        if step.buys {
            cost = cost
                .plus(Ratio(step.units * step.price, 1))
                .plus(added[index]);
            pool += step.units;
            continue;
        }
        let own = cost.times(step.units, pool);
        (pool, cost) = (pool - step.units, cost.minus(own));
        let loss = own.minus(Ratio(step.units * step.price, 1));
        let near = |other: &&(u64, Step)| other.1.buys && other.0.abs_diff(*day) <= 30;
        let bought: i128 = rows.iter().filter(near).map(|(_, other)| other.units).sum();
        let until = rows.iter().filter(|(other, _)| *other <= day + 30);
        let held: i128 = until
            .map(|(_, other)| {
                if other.buys {
                    other.units
                } else {
                    -other.units
                }
            })
            .sum();
        let again = step.units.min(bought).min(held);
        let mut denied = Ratio::ZERO;
        if loss.0 > 0 && again > 0 {
            denied = loss.times(again, step.units);
            // Unit by unit: the one that replaces it is there already, or is bought next.
            let before: i128 = rows[..index]
                .iter()
                .filter(near)
                .map(|row| row.1.units)
                .sum();
            let next = (index + 1..rows.len()).find(|other| rows[*other].1.buys);
            for unit in 0..again {
                let part = denied.times(1, again);
                if unit < before.min(pool) {
                    cost = cost.plus(part);
                } else {
                    let next = next.expect("a replacement is bought before or after");
                    added[next] = added[next].plus(part);
                }
            }
        }
        sales.push((own, denied));
    }
    sales
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn matching_agrees_with_one_that_counts_unit_by_unit(steps in steps()) {
        let rows = covered(steps);
        let outcome = outcome(Country::Uk, Currency::GBP, &rows);
        let expected = matched_by_hand(&rows, ("30-day", |day| (day + 1..=day + 30).collect()));
        prop_assert_eq!(lines(&outcome), dated(expected));
        prop_assert!(outcome.warnings.is_empty());
    }

    #[test]
    fn matching_of_a_company_agrees_with_one_that_counts_unit_by_unit(steps in steps()) {
        let rows = covered(steps);
        let options = [("person".to_owned(), "company".to_owned())].into();
        let request = Request { options, ..Request::default() };
        let outcome = asked(Country::Uk, Currency::GBP, &rows, &request);
        // A period of ten days that ends with the day of the disposal.
        let near = |day: u64| (day.saturating_sub(9)..day).collect();
        prop_assert_eq!(lines(&outcome), dated(matched_by_hand(&rows, ("10-day", near))));
        prop_assert!(outcome.warnings.is_empty());
    }

    #[test]
    fn the_average_and_denied_losses_agree_with_ones_that_look_at_all_rows(steps in steps()) {
        let rows = covered(steps);
        let outcome = outcome(Country::Ca, Currency::CAD, &rows);
        let found: Vec<_> = (outcome.disposals.iter())
            .map(|line| (micros(line.cost), micros(line.denied_loss)))
            .collect();
        let expected: Vec<_> = (averaged_by_hand(&rows).into_iter())
            .map(|(cost, denied)| (cost.micros(), denied.micros()))
            .collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn no_unit_and_no_cost_is_lost_or_made_in_a_pool(steps in steps()) {
        let rows = covered(steps);
        for (country, currency) in [(Country::Uk, Currency::GBP), (Country::Ca, Currency::CAD)] {
            let outcome = outcome(country, currency, &rows);
            let none = Money::zero(currency);
            let sum = |all: Vec<Money>| {
                all.into_iter().fold(none, |sum, money| sum.checked_add(money).unwrap())
            };
            let spent: i128 = rows.iter().filter(|(_, step)| step.buys)
                .map(|(_, step)| step.units * step.price)
                .sum();
            let out = sum(outcome.disposals.iter().map(|line| line.cost).collect());
            let held = sum(outcome.holdings.iter().map(|holding| holding.cost).collect());
            // What is denied stays in the pool; with an empty pool it waits for a purchase.
            let denied = sum(outcome.disposals.iter().map(|line| line.denied_loss).collect());
            let spent = Money::parse(&spent.to_string(), currency).unwrap();
            let kept = out.checked_add(held).unwrap().checked_sub(denied).unwrap();
            prop_assert_eq!(kept, spent);
        }
    }
}
