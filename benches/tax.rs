//! How long the tax engine takes, without a process, a file or a report around it: reading alone,
//! and computing alone by each method. The same seed makes the same ledgers everywhere.
//!
//! `packtrain bench tax` measures the command that people run; this finds out which half of it
//! became slower.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use packtrain_core::money::Currency;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::request::{Country, Method, Request, Scope};
use packtrain_tax::synthetic::{self, Plan, Shape};
use packtrain_tax::{LedgerFile, compare, compute};

const SEED: u64 = 1;
const ROWS: u32 = 10_000;

fn bytes(shape: Shape, currency: Currency) -> Vec<u8> {
    let mut bytes = Vec::new();
    let plan = Plan {
        shape,
        rows: ROWS,
        seed: SEED,
        currency,
    };
    synthetic::write(plan, &mut bytes).expect("a vector takes all bytes");
    bytes
}

fn ledger(shape: Shape, currency: Currency) -> [LedgerFile; 1] {
    let bytes = bytes(shape, currency);
    let import = import::read(&bytes, Limits::default()).expect("made-up ledgers are ledgers");
    assert_eq!(
        import.errors,
        [],
        "a bench of fewer rows would be a faster one"
    );
    [import.into_ledger("ledger.csv")]
}

/// Bytes to rows.
fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group.throughput(Throughput::Elements(ROWS.into()));
    for shape in [Shape::Trader, Shape::Staker, Shape::OneAsset, Shape::Mover] {
        let bytes = bytes(shape, Currency::USD);
        let id = BenchmarkId::from_parameter(shape.as_str());
        group.bench_with_input(id, &bytes, |bencher, bytes| {
            bencher.iter(|| import::read(bytes, Limits::default()));
        });
    }
}

/// Rows to an outcome, sorting and matching included.
fn computed(criterion: &mut Criterion) {
    const CASES: &[(Shape, Country, Currency, Method)] = &[
        (Shape::Trader, Country::Us, Currency::USD, Method::Fifo),
        (Shape::Trader, Country::Us, Currency::USD, Method::Lifo),
        (Shape::Trader, Country::Us, Currency::USD, Method::Hifo),
        (Shape::Trader, Country::Us, Currency::USD, Method::Lofo),
        (Shape::Trader, Country::Ca, Currency::CAD, Method::Acb),
        (Shape::Staker, Country::Us, Currency::USD, Method::Fifo),
        (Shape::Staker, Country::Us, Currency::USD, Method::Hifo),
        (Shape::Staker, Country::Us, Currency::USD, Method::Lofo),
        (Shape::OneAsset, Country::Uk, Currency::GBP, Method::S104),
        (Shape::Mover, Country::Us, Currency::USD, Method::Fifo),
        (Shape::Mover, Country::Us, Currency::USD, Method::Hifo),
    ];
    let mut group = criterion.benchmark_group("compute");
    group.throughput(Throughput::Elements(ROWS.into()));
    for (shape, country, currency, method) in CASES {
        let ledgers = ledger(*shape, *currency);
        let request = Request {
            method: Some(*method),
            // Many wallets are dear where each has lots of its own.
            scope: (*shape == Shape::Mover).then_some(Scope::Wallet),
            ..Request::default()
        };
        compute(&ledgers, *country, &request).expect("made-up ledgers are computed");
        let id = BenchmarkId::new(shape.as_str(), method);
        group.bench_with_input(id, &ledgers, |bencher, ledgers| {
            bencher.iter(|| compute(ledgers, *country, &request));
        });
    }
}

/// All methods of a country, side by side on the cores that are there.
fn compared(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("compare");
    group.throughput(Throughput::Elements(ROWS.into()));
    let (ledgers, request) = (ledger(Shape::Trader, Currency::USD), Request::default());
    group.bench_function("trader/us", |bencher| {
        bencher.iter(|| compare(&ledgers, Country::Us, &request));
    });
}

/// A few minutes for all of them; the command line may ask for more.
fn short() -> Criterion {
    Criterion::default()
        .sample_size(20)
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
}

criterion_group! {
    name = tax;
    config = short();
    targets = parse, computed, compared
}
criterion_main!(tax);
