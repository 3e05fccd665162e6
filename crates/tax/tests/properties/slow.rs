//! A slow engine that looks at every part for every row.

use std::collections::BTreeMap;

use chrono::{DateTime, Datelike, Utc};
use packtrain_core::ledger::{Row, RowKind};
use packtrain_core::money::Money;
use packtrain_core::quantity::Quantity;
use packtrain_tax::request::{Method, Scope};

use super::usd;

/// A slow engine that looks at all parts for each step and sorts whenever it likes.
pub(super) struct Slow {
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
pub(super) type Line = (String, Option<String>, Quantity, Money);

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
    /// What each row used of which lot.
    pub(super) fn run(rows: &[Row], method: Method, scope: Option<Scope>) -> Vec<Line> {
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
        if row.rare.to_wallet.as_ref() == Some(&row.wallet) {
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
                let to = row.rare.to_wallet.as_ref().unwrap().to_string();
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
pub(super) fn merged(
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
