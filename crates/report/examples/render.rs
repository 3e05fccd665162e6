//! Renders PDF, CSV and JSON into a folder, for looking at pages and for measuring.
//!
//! `render OUT COUNTRY FILE... [YEAR]...` computes CSV files; one whose name ends with `prices.csv`
//! is a list of prices.
//! `render OUT case NAME [YEAR]...` makes up an outcome that is hard to print: `one`, `loss`,
//! `huge`, `checks`, `years`, `assets`, `names`.
//! `render OUT sample LINES [YEAR]...` makes up an outcome with so many lines of disposals.
#![allow(
    clippy::print_stdout,
    reason = "an example talks to the person who runs it"
)]
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "an example for the hand"
)]
#![allow(missing_docs, reason = "an example for the hand")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{env, fs};

use packtrain_report::{
    Document, InputFile, Inventory, Progress, YearSelection, inventories, pdf, write_csv,
    write_json,
};
use packtrain_tax::outcome::{Outcome, TaxYear};
use packtrain_tax::prices::Prices;
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, compute, import};

#[path = "support/sample.rs"]
#[allow(unreachable_pub, reason = "the file is shared with the tests")]
#[allow(dead_code, reason = "the tests use the rest")]
mod sample;

fn main() {
    let args: Vec<String> = env::args().skip(1).collect();
    let [out, what, rest @ ..] = args.as_slice() else {
        return println!("render OUT (COUNTRY FILE... | case NAME | sample LINES) [YEAR]...");
    };
    let years = |words: &[String]| {
        let years = words.iter().map(|year| TaxYear(year.parse().unwrap()));
        YearSelection::of(years)
    };
    let (outcome, inputs, held, years) = match what.as_str() {
        "sample" => {
            let lines = rest[0].parse().unwrap();
            (made_up(lines), inputs(), Vec::new(), years(&rest[1..]))
        }
        "case" => (special(&rest[0]), inputs(), Vec::new(), years(&rest[1..])),
        _ => {
            let is_year = |word: &&String| word.parse::<i32>().is_ok();
            let country: Country = what.parse().unwrap();
            let is_list = |path: &&String| path.ends_with("prices.csv");
            let files = rest.iter().take_while(|word| !is_year(word));
            let ledgers = files.clone().filter(|path| !is_list(path));
            let ledgers = ledgers.map(|path| ledger(path));
            let (ledgers, inputs): (Vec<_>, Vec<_>) = ledgers.unzip();
            let started = Instant::now();
            let prices = files.clone().find(is_list);
            let prices = prices.map(|path| Prices::read(&fs::read(path).unwrap()).unwrap());
            let request = Request {
                prices: Arc::new(prices.unwrap_or_default()),
                ..Request::default()
            };
            let outcome = compute(&ledgers, country, &request).unwrap();
            println!("tax  {:>9.3?}", started.elapsed());
            let years = years(&rest[files.count()..]);
            let held = inventories(&ledgers, &request, &outcome, &years, &|| false).unwrap();
            println!("held {:>9.3?}", started.elapsed());
            (outcome, inputs, held, years)
        }
    };
    render(out, &outcome, &inputs, &held, years);
}

fn render(
    out: &str,
    outcome: &Outcome,
    inputs: &[InputFile],
    inventories: &[Inventory],
    years: YearSelection,
) {
    let document = Document {
        outcome,
        years,
        inputs,
        inventories,
        generated_at: sample::at(),
        taxpayer: Some("Mira Kowalska"),
    };
    fs::create_dir_all(out).unwrap();
    let held = kib("VmRSS:");
    let pages = AtomicUsize::new(0);
    let progress = Progress {
        on_page: &|_, of| pages.store(of, Ordering::Relaxed),
        ..Progress::UNWATCHED
    };
    let bytes = measured("pdf", || pdf(&document, &progress).unwrap());
    let pages = pages.into_inner();
    println!("{pages} pages, {} bytes a page", bytes.len() / pages);
    println!(
        "memory {held} KiB before the PDF, {} KiB at its peak",
        kib("VmHWM:")
    );
    let json = measured("json", || {
        let mut json = Vec::new();
        write_json(&document, &mut json).unwrap();
        json
    });
    let csv = measured("csv", || {
        let mut csv = Vec::new();
        write_csv(&document, &mut csv).unwrap();
        csv
    });
    fs::write(format!("{out}/figures.json"), json).unwrap();
    fs::write(format!("{out}/disposals.csv"), csv).unwrap();
    fs::write(format!("{out}/report.pdf"), bytes).unwrap();
}

/// The best of a few runs, for a machine that has other things to do.
fn measured(what: &str, make: impl Fn() -> Vec<u8>) -> Vec<u8> {
    let runs = (0..3).map(|_| {
        let started = Instant::now();
        (make(), started.elapsed())
    });
    let (bytes, took) = runs.min_by_key(|(_, took)| *took).unwrap();
    println!("{what:<4} {took:>9.3?} {:>10} bytes", bytes.len());
    bytes
}

fn kib(what: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(what));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or_default()
}

fn ledger(path: &str) -> (LedgerFile, InputFile) {
    let import = import::read(&fs::read(path).unwrap(), import::Limits::default()).unwrap();
    let name = path.rsplit('/').next().unwrap().to_owned();
    let input = InputFile {
        name: name.clone(),
        sha256: import.sha256.clone(),
        rows: import.rows.len() as u64,
        bad_rows: import.bad_rows.into(),
    };
    (import.into_ledger(name), input)
}

fn made_up(lines: usize) -> Outcome {
    if lines == 0 {
        sample::empty()
    } else {
        sample::outcome(lines)
    }
}

/// Names that are hard to print.
const WALLETS: [&str; 6] = [
    "钱包 一号 (Hauptwallet)",
    "🚀🚀 to the moon 👨‍👩‍👧",
    "محفظة باردة",
    "ארנק קר",
    "Łódź Ωmega Жук",
    "A wallet with an uncommonly long name that goes on and on, in the drawer",
];

fn special(name: &str) -> Outcome {
    use sample::{day, quantity, sale};
    let mut outcome = Outcome {
        holdings: Vec::new(),
        ..sample::outcome(30)
    };
    match name {
        "one" => {
            outcome = sample::empty();
            outcome.disposals = vec![sale("t2", "BTC", "2100", "900")];
        }
        "loss" => {
            outcome.disposals = vec![
                sale("t2", "BTC", "100", "94000.5"),
                sale("t3", "ETH", "7", "9.01"),
            ]
        }
        "huge" => {
            let mut big = sale("t2", "SHIB", "123456789012.34", "99999999999.99");
            big.quantity = quantity("12345678901234.123456789012345678");
            big.id = "0x9f2c41b7d0a35e66c1e2d3f4a5b6c7d8e9f00112233445566778899aabbccdd".into();
            big.lot = Some(big.id.clone());
            big.wallet = "A wallet with an uncommonly long name that goes on and on".into();
            let mut small = sale("t3", "WEI", "0.001", "987654321098.76");
            small.quantity = quantity("0.000000000000000001");
            outcome.disposals = vec![big, small];
        }
        "names" => {
            for (place, line) in outcome.disposals.iter_mut().enumerate() {
                line.wallet = WALLETS[place % WALLETS.len()].into();
            }
        }
        "checks" => outcome.warnings = sample::warnings(180, &mut sample::Dice(3)),
        "years" => {
            let mut lines = Vec::new();
            for year in 2015..2026 {
                for mut line in sample::outcome(9).disposals {
                    line.date = day(&format!("{year}-{}", line.date.format("%m-%d")));
                    lines.push(line);
                }
            }
            outcome.disposals = lines;
        }
        "assets" => {
            let line = |n: u32| {
                sale(
                    &format!("t{n}"),
                    &format!("TOKEN{n}"),
                    &format!("{n}.5"),
                    "80",
                )
            };
            outcome.disposals = (1..1_300).map(line).collect();
        }
        other => panic!("unknown case {other}"),
    }
    sample::summed(outcome)
}

fn inputs() -> Vec<InputFile> {
    let file = |name: &str, digit: &str, rows, bad_rows| InputFile {
        name: name.to_owned(),
        sha256: digit.repeat(64),
        rows,
        bad_rows,
    };
    vec![
        file("coinbase-2025.csv", "9", 1_198, 0),
        file("kraken-ledgers.csv", "e", 3_392, 2),
    ]
}
