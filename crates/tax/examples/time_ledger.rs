//! Reads a ledger, computes it, and says how long each step took.
//!
//! `cargo run --release -p packtrain-tax --example time_ledger -- FILE [METHOD] [SCOPE]`

use std::io::{self, Write};
use std::time::Instant;

use packtrain_tax::compute;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::request::{Country, Request};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("the path of a ledger is missing")?;
    let request = Request {
        method: arguments.next().map(|text| text.parse()).transpose()?,
        scope: arguments.next().map(|text| text.parse()).transpose()?,
        ..Request::default()
    };
    let bytes = std::fs::read(&path)?;
    let start = Instant::now();
    let import = import::read(&bytes, Limits::default())?;
    let read = start.elapsed();
    let (rows, bad_rows) = (import.rows_total, import.bad_rows);
    let ledgers = [import.into_ledger(path)];
    let start = Instant::now();
    let outcome = compute(&ledgers, Country::Us, &request)?;
    let computed = start.elapsed();
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{rows} rows ({bad_rows} bad), read {read:?}, computed {computed:?}"
    )?;
    let (lines, warnings) = (outcome.disposals.len(), outcome.warnings.len());
    writeln!(out, "{lines} disposal lines, {warnings} warnings")?;
    for (year, totals) in &outcome.totals {
        writeln!(
            out,
            "{year}: net {}, income {}",
            totals.net.to_cents(),
            totals.income.to_cents()
        )?;
    }
    Ok(())
}
