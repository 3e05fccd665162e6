//! What holds for every ledger: nothing is lost, and the fast engine agrees with a slow one.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Duration, Utc};
use packtrain_core::ledger::{Asset, Leg, Row, RowKind};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::{Origin, Outcome};
use packtrain_tax::request::{Country, Method, Request, Scope};
use packtrain_tax::{LedgerFile, compare, compute};
use proptest::prelude::*;

const ASSETS: [&str; 2] = ["BTC", "ETH"];
/// Mostly the first four are used: with fewer, the order in which strayed lots find a wallet
/// would never matter.
const WALLETS: [&str; 20] = [
    "C", "A", "D", "B", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P", "Q", "R", "S",
    "T",
];
const SCOPES: [Option<Scope>; 3] = [None, Some(Scope::Universal), Some(Scope::Wallet)];

/// One step of a made-up ledger.
#[derive(Debug, Clone)]
struct Step {
    kind: u8,
    asset: usize,
    wallet: usize,
    to: usize,
    /// Units and the decimals they have.
    amount: (i128, u32),
    price: i128,
    hours: i64,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
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

fn usd(cents: i128) -> Money {
    Money::from_quantity(Quantity::from_units(cents, 2).unwrap(), Currency::USD).unwrap()
}

/// The rows of the steps, from June 2024 on, so that many cross into 2025.
fn rows(steps: &[Step]) -> Vec<Row> {
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
            to_wallet: (kind == RowKind::Transfer).then(|| Asset::from(WALLETS[step.to])),
            sent: leaves.then(|| leg.clone()),
            received: (!leaves).then_some(leg),
            fee: None,
            value: (kind != RowKind::Transfer).then(|| usd(step.price * 2_500 + 1)),
            fee_value: None,
            currency: Currency::USD,
            basis: None,
            acquired: None,
            lots: Vec::new(),
            tx_hash: None,
            note: None,
        }
    };
    steps.iter().enumerate().map(row).collect()
}

fn ledger(rows: &[Row]) -> LedgerFile {
    LedgerFile {
        name: "ledger".to_owned(),
        rows: rows.to_vec(),
        ..LedgerFile::default()
    }
}

fn outcome(ledgers: &[LedgerFile], method: Method, scope: Option<Scope>) -> Outcome {
    let request = Request {
        method: Some(method),
        scope,
        ..Request::default()
    };
    compute(ledgers, Country::Us, &request).unwrap()
}

/// The methods of lots.
const LOTS: [Method; 4] = [Method::Fifo, Method::Lifo, Method::Hifo, Method::Lofo];

/// A slow engine that looks at all parts for each step and sorts whenever it likes.
struct Slow {
    method: Method,
    scope: Option<Scope>,
    parts: Vec<Part>,
    /// Wallets of each asset in the order in which rows first moved it there.
    shelves: BTreeMap<String, Vec<String>>,
    balances: BTreeMap<(String, String), Quantity>,
    is_2025: bool,
    lines: Vec<Line>,
}

/// Row, lot, quantity and cost.
type Line = (String, Option<String>, Quantity, Money);

#[derive(Clone)]
struct Part {
    asset: String,
    wallet: String,
    /// Order of acquisition.
    age: (DateTime<Utc>, usize),
    lot: Option<String>,
    whole: (Money, Quantity),
    quantity: Quantity,
    cost: Money,
}

impl Slow {
    fn run(rows: &[Row], method: Method, scope: Option<Scope>) -> Vec<Line> {
        let mut slow = Self {
            method,
            scope,
            parts: Vec::new(),
            shelves: BTreeMap::new(),
            balances: BTreeMap::new(),
            is_2025: false,
            lines: Vec::new(),
        };
        let mut rows: Vec<_> = rows.iter().collect();
        rows.sort_by_key(|row| row.at);
        for (index, row) in rows.into_iter().enumerate() {
            slow.step(index, row);
        }
        slow.lines
    }

    fn step(&mut self, index: usize, row: &Row) {
        let local = row.at.with_timezone(&chrono_tz::America::New_York);
        if local.year() >= 2025 && !self.is_2025 {
            self.is_2025 = true;
            if self.scope.is_none() {
                self.allocate();
            }
        }
        let leg = row.sent.as_ref().or(row.received.as_ref()).unwrap();
        let (asset, wallet) = (leg.asset.to_string(), row.wallet.to_string());
        if row.to_wallet.as_ref() == Some(&row.wallet) {
            // Nothing moves, so the wallet does not count as named yet.
            return;
        }
        self.touch(&asset, &wallet);
        match row.kind {
            RowKind::Sell => {
                let (parts, missing) = self.take(&asset, &wallet, leg.amount, self.is_universal());
                self.count(&asset, &wallet, missing.checked_sub(leg.amount).unwrap());
                for part in parts {
                    self.lines
                        .push((row.id.to_string(), part.lot, part.quantity, part.cost));
                }
                if missing.is_positive() {
                    self.lines.push((row.id.to_string(), None, missing, usd(0)));
                }
            }
            RowKind::Transfer => {
                let to = row.to_wallet.as_ref().unwrap().to_string();
                self.carry((index, row), (&asset, &wallet, &to), leg.amount);
            }
            _ => {
                let lot = Some(row.id.to_string());
                self.acquire(
                    (index, row),
                    (&asset, &wallet),
                    lot,
                    leg.amount,
                    row.value.unwrap(),
                );
            }
        }
    }

    fn is_universal(&self) -> bool {
        match self.scope {
            None => !self.is_2025,
            Some(scope) => scope == Scope::Universal,
        }
    }

    fn touch(&mut self, asset: &str, wallet: &str) {
        let shelves = self.shelves.entry(asset.to_owned()).or_default();
        if !shelves.iter().any(|shelf| shelf == wallet) {
            shelves.push(wallet.to_owned());
        }
    }

    fn count(&mut self, asset: &str, wallet: &str, change: Quantity) {
        let key = (asset.to_owned(), wallet.to_owned());
        let balance = self.balances.entry(key).or_insert(Quantity::ZERO);
        *balance = balance.checked_add(change).unwrap();
    }

    fn acquire(
        &mut self,
        (index, row): (usize, &Row),
        (asset, wallet): (&str, &str),
        lot: Option<String>,
        quantity: Quantity,
        cost: Money,
    ) {
        self.count(asset, wallet, quantity);
        self.put(Part {
            asset: asset.to_owned(),
            wallet: wallet.to_owned(),
            age: (row.at, index),
            lot,
            whole: (cost, quantity),
            quantity,
            cost,
        });
    }

    fn put(&mut self, new: Part) {
        let same = |part: &&mut Part| {
            part.asset == new.asset && part.wallet == new.wallet && part.age == new.age
        };
        match self.parts.iter_mut().find(same) {
            Some(part) => {
                part.quantity = part.quantity.checked_add(new.quantity).unwrap();
                part.cost = part.cost.checked_add(new.cost).unwrap();
            }
            None => self.parts.push(new),
        }
    }

    fn carry(
        &mut self,
        (index, row): (usize, &Row),
        (asset, from, to): (&str, &str, &str),
        quantity: Quantity,
    ) {
        self.touch(asset, to);
        let (parts, missing) = self.take(asset, from, quantity, false);
        for part in parts {
            self.put(Part {
                wallet: to.to_owned(),
                ..part
            });
        }
        if self.is_universal() {
            self.count(asset, from, Quantity::ZERO.checked_sub(quantity).unwrap());
            self.count(asset, to, quantity);
        } else if missing.is_positive() {
            self.acquire((index, row), (asset, to), None, missing, usd(0));
        }
    }

    /// Takes parts in the order of the method; gives them and what was missing.
    fn take(
        &mut self,
        asset: &str,
        wallet: &str,
        wanted: Quantity,
        from_all: bool,
    ) -> (Vec<Part>, Quantity) {
        let shelves = self.shelves[asset].clone();
        let place = |part: &Part| {
            let shelf = shelves
                .iter()
                .position(|shelf| *shelf == part.wallet)
                .unwrap();
            (part.wallet != wallet, shelf)
        };
        let method = self.method;
        self.parts.sort_by(|a, b| {
            let by_method = match method {
                Method::Fifo => a.age.cmp(&b.age),
                Method::Lifo => b.age.cmp(&a.age),
                Method::Hifo => {
                    let (one, other) = (a.whole, b.whole);
                    let dearer = other.0.compare_per_unit(other.1, one.0, one.1).unwrap();
                    dearer.then(a.age.cmp(&b.age))
                }
                _ => {
                    let (one, other) = (a.whole, b.whole);
                    let cheaper = one.0.compare_per_unit(one.1, other.0, other.1).unwrap();
                    cheaper.then(a.age.cmp(&b.age))
                }
            };
            (a.asset != asset).cmp(&(b.asset != asset)).then_with(|| {
                if a.asset == asset && b.asset == asset {
                    by_method.then(place(a).cmp(&place(b)))
                } else {
                    std::cmp::Ordering::Equal
                }
            })
        });
        let (mut taken, mut missing) = (Vec::new(), wanted);
        for part in &mut self.parts {
            if part.asset != asset || !(from_all || part.wallet == wallet) || missing.is_zero() {
                continue;
            }
            let quantity = part.quantity.min(missing);
            let cost = part.cost.share(quantity, part.quantity).unwrap();
            part.quantity = part.quantity.checked_sub(quantity).unwrap();
            part.cost = part.cost.checked_sub(cost).unwrap();
            missing = missing.checked_sub(quantity).unwrap();
            taken.push(Part {
                quantity,
                cost,
                ..part.clone()
            });
        }
        self.parts.retain(|part| part.quantity.is_positive());
        (taken, missing)
    }

    /// Unit by unit in words: the oldest stay where units are, the rest goes where units lack.
    fn allocate(&mut self) {
        for (asset, shelves) in self.shelves.clone() {
            let mut room: BTreeMap<String, Quantity> = BTreeMap::new();
            for wallet in shelves {
                let balance = self.balances.get(&(asset.clone(), wallet.clone()));
                let balance = balance.copied().unwrap_or(Quantity::ZERO);
                room.insert(wallet, balance.max(Quantity::ZERO));
            }
            let mut parts: Vec<Part> = Vec::new();
            self.parts.retain(|part| {
                if part.asset == asset {
                    parts.push(part.clone());
                }
                part.asset != asset
            });
            parts.sort_by_key(|part| part.age);
            let mut homeless = Vec::new();
            for mut part in parts {
                let room = room.get_mut(&part.wallet).unwrap();
                let stays = part.quantity.min(*room);
                *room = room.checked_sub(stays).unwrap();
                let leaves = part.quantity.checked_sub(stays).unwrap();
                if leaves.is_positive() {
                    homeless.push(split(&mut part, leaves));
                }
                if stays.is_positive() {
                    self.put(part);
                }
            }
            for mut part in homeless {
                for (wallet, room) in &mut room {
                    let fits = part.quantity.min(*room);
                    if fits.is_positive() {
                        *room = room.checked_sub(fits).unwrap();
                        let piece = split(&mut part, fits);
                        self.put(Part {
                            wallet: wallet.clone(),
                            ..piece
                        });
                    }
                }
                assert!(part.quantity.is_zero());
            }
        }
    }
}

fn split(part: &mut Part, quantity: Quantity) -> Part {
    let cost = part.cost.share(quantity, part.quantity).unwrap();
    part.quantity = part.quantity.checked_sub(quantity).unwrap();
    part.cost = part.cost.checked_sub(cost).unwrap();
    Part {
        quantity,
        cost,
        ..part.clone()
    }
}

/// Lines of one row and lot as one, with the cost to 12 decimals: the two engines may cut a lot
/// in another order, which moves the last decimals from one part to the next.
fn merged(
    lines: impl Iterator<Item = Line>,
) -> BTreeMap<(String, Option<String>), (Quantity, Money)> {
    let mut merged = BTreeMap::new();
    for (row, lot, quantity, cost) in lines {
        let sum = merged.entry((row, lot)).or_insert((Quantity::ZERO, usd(0)));
        *sum = (
            sum.0.checked_add(quantity).unwrap(),
            sum.1.checked_add(cost).unwrap(),
        );
    }
    merged.values_mut().for_each(|sum| sum.1 = sum.1.round(12));
    merged
}

fn sum(amounts: impl Iterator<Item = Money>) -> Money {
    amounts.fold(usd(0), |sum, money| sum.checked_add(money).unwrap())
}

fn units(amounts: impl Iterator<Item = Quantity>) -> Quantity {
    amounts.fold(Quantity::ZERO, |sum, quantity| {
        sum.checked_add(quantity).unwrap()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_engine_agrees_with_one_that_looks_at_every_part(steps in steps()) {
        let rows = rows(&steps);
        for method in &LOTS {
            for scope in SCOPES {
                let fast = outcome(&[ledger(&rows)], *method, scope);
                let fast = fast.disposals.into_iter().map(|line| {
                    (line.id.into(), line.lot.map(Into::into), line.quantity, line.cost)
                });
                let slow = Slow::run(&rows, *method, scope);
                prop_assert_eq!(merged(fast), merged(slow.into_iter()), "{} {:?}", method, scope);
            }
        }
    }

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
    fn a_file_cut_in_two_gives_the_same_outcome(
        steps in steps(), cut in 0_usize..110, turn in 0_usize..110,
    ) {
        let mut rows = rows(&steps);
        // Rows need not stand in order of time.
        let count = rows.len();
        rows.rotate_left(turn % count);
        let cut = cut % count;
        let text = |ledgers: &[LedgerFile], method| {
            let mut outcome = outcome(ledgers, method, None);
            outcome.disposals.iter_mut().for_each(|line| line.origin = Origin::default());
            outcome.income.iter_mut().for_each(|line| line.origin = Origin::default());
            outcome.warnings.iter_mut().for_each(|warning| warning.origin = Origin::default());
            let warnings = outcome.warnings.drain(..);
            let mut warnings: Vec<_> = warnings.map(|warning| format!("{warning:?}")).collect();
            warnings.sort();
            format!("{outcome:?} {warnings:?}")
        };
        for method in &LOTS {
            let whole = text(&[ledger(&rows)], *method);
            let parts = [ledger(&rows[..cut]), ledger(&rows[cut..])];
            prop_assert_eq!(whole, text(&parts, *method));
        }
    }

    #[test]
    fn rows_of_one_moment_keep_the_order_of_the_file(
        prices in prop::collection::vec(1..9_i128, 1..20),
    ) {
        let step = |price: &i128, kind| Step {
            kind, asset: 0, wallet: 0, to: 0, amount: (100, 2), price: *price, hours: 0,
        };
        let mut steps: Vec<_> = prices.iter().map(|price| step(price, 0)).collect();
        let all = 100 * i128::try_from(prices.len()).unwrap();
        steps.push(Step { amount: (all, 2), ..step(&1, 9) });
        let rows = rows(&steps);
        let lots = |method| -> Vec<String> {
            let lines = outcome(&[ledger(&rows)], method, None).disposals;
            lines.into_iter().map(|line| line.lot.unwrap().into()).collect()
        };
        let mut expected: Vec<_> = (0..prices.len()).map(|index| format!("r{index}")).collect();
        prop_assert_eq!(lots(Method::Fifo), expected.clone());
        expected.reverse();
        prop_assert_eq!(lots(Method::Lifo), expected.clone());
        expected.reverse();
        // Stable: of equal prices the first in the file goes first.
        expected.sort_by_key(|id| std::cmp::Reverse(prices[id[1..].parse::<usize>().unwrap()]));
        prop_assert_eq!(lots(Method::Hifo), expected);
    }

    #[test]
    fn all_methods_compared_at_once_are_each_as_on_their_own(steps in steps()) {
        let ledgers = [ledger(&rows(&steps))];
        let compared = compare(&ledgers, Country::Us, &Request::default()).unwrap();
        prop_assert_eq!(compared.iter().map(|one| one.method).collect::<Vec<_>>(), LOTS);
        for one in compared {
            let alone = outcome(&ledgers, one.method, None);
            prop_assert_eq!(one.totals, alone.totals);
            prop_assert_eq!(one.assessments, alone.assessments);
        }
    }
}
