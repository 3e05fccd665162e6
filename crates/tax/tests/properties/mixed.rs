//! Ledgers of every kind of row, under the law of many countries: units and costs are kept.

use std::collections::BTreeMap;

use chrono::{DateTime, Duration, Utc};
use packtrain_core::ledger::{Asset, Leg, RareParts, Row, RowKind};
use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_tax::compute;
use packtrain_tax::outcome::Outcome;
use packtrain_tax::request::{Country, Method, Request, Scope};
use proptest::prelude::*;

use super::ledgers::ledger;

const ASSETS: [&str; 3] = ["BTC", "ETH", "SOL"];
const WALLETS: [&str; 3] = ["A", "B", "C"];
/// The coin in which fees are paid.
const FEE_COIN: &str = "BNB";
/// What an asset is wrapped into, and the share in a pool that it is put into.
const WRAPPED: &str = "W";
const SHARE: &str = "LP-";

/// Laws that keep costs of lots or of pools, each with its method and scope; none is the country's
/// own.
pub(super) const LAWS: [(Country, Currency, Option<Method>, Option<Scope>); 14] = [
    (Country::Us, Currency::USD, Some(Method::Fifo), None),
    (
        Country::Us,
        Currency::USD,
        Some(Method::Lifo),
        Some(Scope::Wallet),
    ),
    (
        Country::Us,
        Currency::USD,
        Some(Method::Hifo),
        Some(Scope::Universal),
    ),
    (
        Country::Us,
        Currency::USD,
        Some(Method::Lofo),
        Some(Scope::Wallet),
    ),
    (Country::Uk, Currency::GBP, None, None),
    (Country::De, Currency::EUR, None, None),
    (Country::De, Currency::EUR, Some(Method::Lifo), None),
    (Country::Ca, Currency::CAD, None, None),
    (Country::Au, Currency::AUD, None, None),
    (Country::Au, Currency::AUD, Some(Method::Hifo), None),
    (Country::Es, Currency::EUR, None, None),
    (Country::It, Currency::EUR, None, None),
    (Country::In, Currency::INR, None, None),
    (Country::Jp, Currency::JPY, None, None),
];

/// One step of a made-up ledger.
#[derive(Debug, Clone)]
pub(super) struct Step {
    kind: usize,
    asset: usize,
    other: usize,
    wallet: usize,
    to: usize,
    amount: (i128, u32),
    price: i128,
    hours: i64,
    has_fee: bool,
}

const KINDS: [RowKind; 26] = [
    RowKind::Buy,
    RowKind::Buy,
    RowKind::Buy,
    RowKind::Sell,
    RowKind::Trade,
    RowKind::Trade,
    RowKind::Spend,
    RowKind::Transfer,
    RowKind::Bridge,
    RowKind::Withdrawal,
    RowKind::Wrap,
    RowKind::Unwrap,
    RowKind::LpDeposit,
    RowKind::LpWithdraw,
    RowKind::Borrow,
    RowKind::Repay,
    RowKind::GiftIn,
    RowKind::GiftOut,
    RowKind::GiftSpouse,
    RowKind::Donation,
    RowKind::Lost,
    RowKind::Stolen,
    RowKind::Staking,
    RowKind::Airdrop,
    RowKind::Mining,
    RowKind::Fee,
];

pub(super) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let places = (
        0..KINDS.len(),
        0..3_usize,
        1..3_usize,
        0..3_usize,
        0..3_usize,
    );
    let amounts = (
        1..500_i128,
        0..16_u32,
        1..40_i128,
        0..400_i64,
        any::<bool>(),
    );
    let step = (places, amounts).prop_map(
        |((kind, asset, other, wallet, to), (units, decimals, price, hours, has_fee))| Step {
            kind,
            asset,
            other: (asset + other) % 3,
            wallet,
            to,
            amount: match decimals < 12 {
                true => (units, 2),
                false => (units * 1_000_003, decimals - 4),
            },
            price,
            hours: if hours < 100 { 0 } else { hours },
            has_fee,
        },
    );
    prop::collection::vec(step, 1..60)
}

fn leg(amount: Quantity, asset: &str) -> Leg {
    Leg {
        amount,
        asset: Asset::from(asset),
    }
}

fn number(units: i128, decimals: u32) -> Quantity {
    Quantity::from_units(units, decimals).unwrap()
}

/// A row before it is known whether it can happen.
fn plain(id: String, at: DateTime<Utc>, kind: RowKind, wallet: &str, currency: Currency) -> Row {
    Row {
        id: id.into(),
        line: 2,
        at,
        kind,
        wallet: Asset::from(wallet),
        sent: None,
        received: None,
        fee: None,
        value: None,
        currency,
        tx_hash: None,
        note: None,
        rare: RareParts::default().into(),
    }
}

fn money(units: i128, currency: Currency) -> Money {
    Money::from_quantity(number(units, 2), currency).unwrap()
}

/// What a ledger holds while it is made: it gives nothing that it does not have.
#[derive(Default)]
struct Held {
    units: BTreeMap<(Asset, Asset), Quantity>,
    owed: BTreeMap<Asset, Quantity>,
}

impl Held {
    fn of(&self, asset: &str, wallet: &str) -> Quantity {
        let place = (Asset::from(asset), Asset::from(wallet));
        self.units.get(&place).copied().unwrap_or(Quantity::ZERO)
    }

    fn add(&mut self, leg: &Leg, wallet: &Asset, sign: bool) {
        let place = (leg.asset.clone(), wallet.clone());
        let held = self.units.entry(place).or_insert(Quantity::ZERO);
        *held = match sign {
            true => held.checked_add(leg.amount).unwrap(),
            false => held.checked_sub(leg.amount).unwrap(),
        };
    }

    /// Has a row happen.
    fn take(&mut self, row: &Row) {
        if let Some(leg) = &row.received {
            self.add(leg, &row.wallet, true);
        }
        for leg in [&row.sent, &row.fee].into_iter().flatten() {
            self.add(leg, &row.wallet, false);
        }
        if let (Some(leg), Some(to)) = (&row.sent, &row.rare.to_wallet) {
            self.add(leg, to, true);
        }
        for (asset, sign) in [(&row.received, true), (&row.sent, false)] {
            let leg = asset.as_ref().filter(|_| match sign {
                true => row.kind == RowKind::Borrow,
                false => row.kind == RowKind::Repay,
            });
            if let Some(leg) = leg {
                let owed = self.owed.entry(leg.asset.clone()).or_insert(Quantity::ZERO);
                *owed = match sign {
                    true => owed.checked_add(leg.amount).unwrap(),
                    false => owed.checked_sub(leg.amount).unwrap(),
                };
            }
        }
    }

    /// Whether a row gives no more than there is.
    fn covers(&self, row: &Row) -> bool {
        let has = |leg: &Leg| self.of(&leg.asset, &row.wallet) >= leg.amount;
        let owes = row.kind != RowKind::Repay
            || row.sent.as_ref().is_some_and(|leg| {
                self.owed
                    .get(&leg.asset)
                    .is_some_and(|owed| *owed >= leg.amount)
            });
        owes && row.sent.as_ref().is_none_or(has) && row.fee.as_ref().is_none_or(has)
    }
}

/// The rows of the steps, from June 2024 on; those that give more than there is are left out.
pub(super) fn rows(steps: &[Step], currency: Currency) -> Vec<Row> {
    let mut at: DateTime<Utc> = "2024-06-01T00:00:00Z".parse().unwrap();
    let (mut held, mut rows) = (Held::default(), Vec::new());
    for wallet in WALLETS {
        let mut row = plain(format!("fees{wallet}"), at, RowKind::Buy, wallet, currency);
        row.received = Some(leg(number(100, 0), FEE_COIN));
        row.value = Some(money(30_001, currency));
        held.take(&row);
        rows.push(row);
    }
    for (index, step) in steps.iter().enumerate() {
        at += Duration::hours(step.hours);
        let row = row(step, index, at, currency);
        if !held.covers(&row) {
            continue;
        }
        held.take(&row);
        let arrives = (row.kind == RowKind::Withdrawal).then(|| {
            at += Duration::minutes(1);
            let to = WALLETS[step.to];
            let mut half = plain(format!("d{index}"), at, RowKind::Deposit, to, currency);
            half.received = row.sent.clone();
            half.tx_hash = row.tx_hash.clone();
            half
        });
        rows.push(row);
        if let Some(half) = arrives {
            held.take(&half);
            rows.push(half);
        }
    }
    for (index, row) in rows.iter_mut().enumerate() {
        row.line = u32::try_from(index).unwrap() + 2;
    }
    rows
}

fn row(step: &Step, index: usize, at: DateTime<Utc>, currency: Currency) -> Row {
    let kind = KINDS[step.kind];
    let wallet = WALLETS[step.wallet];
    let amount = number(step.amount.0, step.amount.1);
    let asset = ASSETS[step.asset];
    let mut row = plain(format!("r{index}"), at, kind, wallet, currency);
    let (own, wrapped) = (
        leg(amount, asset),
        leg(amount, &format!("{WRAPPED}{asset}")),
    );
    let share = leg(amount, &format!("{SHARE}{asset}"));
    let value = money(step.price * 2_500 + 1, currency);
    row.value = Some(value);
    (row.sent, row.received) = match kind {
        RowKind::Trade => {
            let more = number(step.amount.0 * 3, step.amount.1);
            (Some(own), Some(leg(more, ASSETS[step.other])))
        }
        RowKind::Wrap => (Some(own), Some(wrapped)),
        RowKind::Unwrap => (Some(wrapped), Some(own)),
        RowKind::LpDeposit => (Some(own), Some(share)),
        RowKind::LpWithdraw => (Some(share), Some(own)),
        RowKind::Buy
        | RowKind::Borrow
        | RowKind::GiftIn
        | RowKind::Staking
        | RowKind::Airdrop
        | RowKind::Mining => (None, Some(own)),
        _ => (Some(own), None),
    };
    let mut rare = RareParts::default();
    match kind {
        // With one basis, whatever the law: the giver's cost is the value.
        RowKind::GiftIn => rare.basis = Some(value),
        RowKind::Transfer | RowKind::Bridge => {
            let to = WALLETS[(step.wallet + 1 + step.to % 2) % 3];
            (row.value, rare.to_wallet) = (None, Some(Asset::from(to)));
        }
        RowKind::Withdrawal => {
            (row.value, row.tx_hash) = (None, Some(format!("h{index}").into()));
        }
        _ => {}
    }
    if step.has_fee && kind != RowKind::Fee {
        row.fee = Some(leg(number(step.price, 3), FEE_COIN));
        rare.fee_value = Some(money(step.price + 6, currency));
    }
    if kind == RowKind::Withdrawal && step.to == step.wallet {
        // To itself it would be no transfer; to nowhere it is none either.
        row.kind = RowKind::Spend;
        row.value = Some(value);
    }
    row.rare = rare.into();
    row
}

fn under(law: (Country, Currency, Option<Method>, Option<Scope>), rows: &[Row]) -> Outcome {
    let (country, _, method, scope) = law;
    let request = Request {
        method,
        scope,
        ..Request::default()
    };
    compute(&[ledger(rows)], country, &request).unwrap()
}

/// What the law adds to the costs of what is held when a row of a kind brings units in: so much of
/// its value and so much of its fee, found out by one such row alone.
struct Brings {
    value: bool,
    /// Parts of a hundred.
    fee: i128,
}

impl Brings {
    fn of(law: (Country, Currency, Option<Method>, Option<Scope>), kind: RowKind) -> Self {
        let currency = law.1;
        let step = |kind: RowKind, has_fee| Step {
            kind: KINDS.iter().position(|one| *one == kind).unwrap(),
            asset: 0,
            other: 1,
            wallet: 0,
            to: 1,
            amount: (100, 2),
            price: 7,
            hours: 100,
            has_fee,
        };
        let before = match kind {
            RowKind::Unwrap => vec![step(RowKind::Buy, false), step(RowKind::Wrap, false)],
            RowKind::LpWithdraw => vec![step(RowKind::Buy, false), step(RowKind::LpDeposit, false)],
            _ => vec![step(RowKind::Buy, false)],
        };
        let held = |row: Option<bool>| {
            let mut steps = before.clone();
            steps.extend(row.map(|has_fee| step(kind, has_fee)));
            let mut rows = rows(&steps, currency);
            if let Some(last) = rows.last_mut().filter(|_| row.is_some()) {
                // Another value than the cost of what was bought.
                last.value = Some(money(90_000, currency));
                if kind == RowKind::GiftIn {
                    last.rare.basis = last.value;
                }
            }
            let outcome = under(law, &rows);
            let coin = |asset: &str| asset == FEE_COIN;
            let cost = sum(
                outcome.holdings.iter().filter(|held| !coin(&held.asset)),
                currency,
            );
            let used = outcome.disposals.iter().filter(|line| !coin(&line.asset));
            used.fold(cost, |sum, line| sum.checked_add(line.cost).unwrap())
        };
        let (before, without, with) = (held(None), held(Some(false)), held(Some(true)));
        let value = without.checked_sub(before).unwrap();
        let full = money(90_000, currency);
        assert!(
            value.is_zero() || value == full,
            "{law:?} {kind}: {value:?}"
        );
        let fee = with.checked_sub(without).unwrap();
        let hundredths = [(0, 0), (50, 650), (100, 1_300)];
        let is = |(_, fee_100): &&(i128, i128)| {
            fee.to_plain()
                == Money::from_quantity(number(*fee_100, 4), currency)
                    .unwrap()
                    .to_plain()
        };
        let fee = hundredths.iter().find(is);
        Self {
            value: !value.is_zero(),
            fee: fee.unwrap_or_else(|| panic!("{law:?} {kind}: {with:?}")).0,
        }
    }
}

fn sum<'h>(
    all: impl Iterator<Item = &'h packtrain_tax::outcome::Holding>,
    currency: Currency,
) -> Money {
    all.fold(Money::zero(currency), |sum, held| {
        sum.checked_add(held.cost).unwrap()
    })
}

/// Kinds that bring units in which were not the person's before.
const BRINGING: [RowKind; 11] = [
    RowKind::Buy,
    RowKind::Trade,
    RowKind::Wrap,
    RowKind::Unwrap,
    RowKind::LpDeposit,
    RowKind::LpWithdraw,
    RowKind::Borrow,
    RowKind::GiftIn,
    RowKind::Staking,
    RowKind::Airdrop,
    RowKind::Mining,
];

/// All that the rows add to costs.
fn cost_in(rows: &[Row], law: (Country, Currency, Option<Method>, Option<Scope>)) -> Money {
    let brings: Vec<_> = BRINGING
        .iter()
        .map(|kind| (*kind, Brings::of(law, *kind)))
        .collect();
    let mut all = Money::zero(law.1);
    for row in rows {
        let Some((_, brings)) = brings.iter().find(|(kind, _)| *kind == row.kind) else {
            continue;
        };
        if brings.value {
            all = all.checked_add(row.value.unwrap()).unwrap();
        }
        if let Some(fee) = row.rare.fee_value.filter(|_| brings.fee > 0) {
            let part = fee.share(number(brings.fee, 2), number(1, 0)).unwrap();
            all = all.checked_add(part).unwrap();
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn units_in_are_units_out_and_held_for_every_asset_and_wallet_in_every_country(
        steps in steps(),
    ) {
        for law in LAWS {
            let rows = rows(&steps, law.1);
            let mut expected = Held::default();
            rows.iter().for_each(|row| expected.take(row));
            let outcome = under(law, &rows);
            let by_wallet = outcome.holdings.iter().any(|held| held.wallet.is_some());
            let mut units: BTreeMap<(Asset, Option<Asset>), Quantity> = BTreeMap::new();
            for ((asset, wallet), amount) in &expected.units {
                let place = (asset.clone(), by_wallet.then(|| wallet.clone()));
                let sum = units.entry(place).or_insert(Quantity::ZERO);
                *sum = sum.checked_add(*amount).unwrap();
            }
            units.retain(|_, amount| !amount.is_zero());
            let held = outcome.holdings.iter();
            let held: BTreeMap<_, _> = held
                .map(|held| ((held.asset.clone(), held.wallet.clone()), held.quantity))
                .collect();
            prop_assert_eq!(held, units, "{:?}", law);
        }
    }

    #[test]
    fn cost_in_is_cost_out_and_held_to_the_last_unit_in_every_country(steps in steps()) {
        for law in LAWS {
            let rows = rows(&steps, law.1);
            let outcome = under(law, &rows);
            let mut kept = sum(outcome.holdings.iter(), law.1);
            for line in &outcome.disposals {
                kept = kept.checked_add(line.cost).unwrap();
                if outcome.settings.method == Method::Acb {
                    // A loss that the law denies is a cost of what is held.
                    kept = kept.checked_sub(line.denied_loss).unwrap();
                }
            }
            for line in &outcome.removed {
                kept = kept.checked_add(line.cost).unwrap();
            }
            prop_assert_eq!(kept, cost_in(&rows, law), "{:?}", law);
        }
    }

    #[test]
    fn the_number_of_threads_changes_nothing_in_any_country(steps in steps()) {
        let in_threads = |threads, work: &(dyn Fn() -> String + Sync)| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(work)
        };
        for country in Country::ALL {
            let rows = rows(&steps, Currency::EUR);
            let work = || {
                let outcome = compute(&[ledger(&rows)], *country, &Request::default()).unwrap();
                format!("{outcome:?}")
            };
            prop_assert_eq!(in_threads(1, &work), in_threads(5, &work), "{}", country);
        }
    }
}
