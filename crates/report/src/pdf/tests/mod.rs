//! Tests of the whole PDF, read back with lopdf.

mod contents;
mod file;
mod harvest;
mod layout;
mod links;
mod plain;
mod portfolio;
mod read;
mod settled;
mod sources;
mod tree;

use packtrain_tax::outcome::Outcome;

use super::*;
use crate::{YearSelection, sample};
use read::Read;

fn document(outcome: &Outcome) -> Document<'_> {
    Document {
        outcome,
        years: YearSelection::All,
        inputs: &[],
        inventories: &[],
        generated_at: sample::at(),
        taxpayer: Some("Mira Kowalska"),
    }
}

fn made(outcome: &Outcome) -> Read {
    Read::of(&pdf(&document(outcome), &Progress::UNWATCHED).unwrap())
}

/// Outcomes that are hard to print.
fn hard_cases() -> Vec<Outcome> {
    let mut huge = sample::outcome(30);
    huge.disposals
        .push(sample::sale("t2", "SHIB", "123456789012.34", "0.001"));
    huge.disposals[0].quantity = sample::quantity("12345678901234.123456789012345678");
    huge.disposals[0].id = "0x9f2c41b7d0a35e66c1e2d3f4a5b6c7d8e9f001122334455667788".into();
    huge.disposals[1].quantity = sample::quantity("0.000000000000000001");
    huge.disposals[2].cost = sample::usd("987654321098.76");
    huge.disposals[2].gain = sample::usd("-987654321098.76");
    huge.warnings = sample::warnings(60, &mut sample::Dice(3));
    huge.warnings[0].message = "W".repeat(700);
    huge.warnings[1].at_stake = sample::usd("987654321098.76");
    let mut loss = sample::empty();
    loss.disposals = vec![sample::sale("t2", "BTC", "100", "94000.5")];
    vec![
        sample::empty(),
        sample::summed(loss),
        sample::summed(huge),
        sample::outcome(400),
    ]
}
