//! The engine on small ledgers: each test is named as the rule that it proves.

mod allocation;
mod copies;
mod findings;
mod kinds;
mod lots;
mod margin;
mod options;
mod portfolio;
mod rules;
mod scopes;
mod settle;
mod sources;
mod stakes;
mod transfers;
mod twice;
mod watch;
mod wealth;
mod whole;

use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::AmountError;

use super::*;
use crate::import::{self, Limits};
use crate::outcome::{Choice, Disposal, Term, ValueFrom, WarningCode};
use crate::request::{Method, Scope};

const HEADER: &str = "id,timestamp,type,wallet,to_wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,fee_amount,fee_asset,value,fee_value,currency,basis,acquired,\
                      tx_hash,lots";

/// A ledger of rows in a short form: `id day kind wallet>to sent received fee key=value...`.
///
/// An amount is `1BTC` or `-`; a day is `2024-03-10`, at noon UTC.
fn ledger(rows: &[&str]) -> LedgerFile {
    let mut text = format!("{HEADER}\n");
    for row in rows {
        let mut parts = row.split_whitespace();
        let mut next = || parts.next().unwrap();
        let (id, day, kind, wallets) = (next(), next(), next(), next());
        let (from, to) = wallets.split_once('>').unwrap_or((wallets, ""));
        let legs = [next(), next(), next()].map(|leg| {
            let end = leg.find(|letter: char| letter.is_alphabetic()).unwrap_or(0);
            let (amount, asset) = leg.split_at(end);
            if leg == "-" {
                ",".to_owned()
            } else {
                format!("{amount},{asset}")
            }
        });
        let more: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let cell = |name: &str| {
            more.iter()
                .find(|(key, _)| *key == name)
                .map_or("", |(_, v)| v)
        };
        let day = if day.contains('T') {
            day.to_owned()
        } else {
            format!("{day}T12:00:00Z")
        };
        let (legs, currency) = (legs.join(","), cell("currency"));
        let currency = if currency.is_empty() { "USD" } else { currency };
        text.push_str(&format!(
            "{id},{day},{kind},{from},{to},{legs},{},{},{currency},{},{},{},{}\n",
            cell("value"),
            cell("fee_value"),
            cell("basis"),
            cell("acquired"),
            cell("hash"),
            cell("lots"),
        ));
    }
    let import = import::read(text.as_bytes(), Limits::default()).unwrap();
    assert_eq!(import.errors, []);
    import.into_ledger("ledger.csv")
}

fn outcome(rows: &[&str], method: Method, scope: Option<Scope>) -> Outcome {
    let request = Request {
        method: Some(method),
        scope,
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Us, &request).unwrap()
}

/// By the default method and the dated rule, with an option.
fn with_option(rows: &[&str], name: &str, value: &str) -> Outcome {
    let request = Request {
        options: [(name.to_owned(), value.to_owned())].into(),
        ..Request::default()
    };
    compute(&[ledger(rows)], Country::Us, &request).unwrap()
}

/// By the default method and the dated rule.
fn usual(rows: &[&str]) -> Outcome {
    outcome(rows, Method::Fifo, None)
}

/// Lot, quantity, cost and gain of each line.
fn lines(outcome: &Outcome) -> Vec<String> {
    let line = |line: &Disposal| {
        let lot = line.lot.as_deref().unwrap_or("-");
        let (cost, gain) = (line.cost.to_cents(), line.gain.to_cents());
        format!("{}<{lot} {} {cost} {gain}", line.id, line.quantity)
    };
    outcome.disposals.iter().map(line).collect()
}

fn warnings(outcome: &Outcome) -> Vec<(&str, &str, String)> {
    let warning = |w: &'_ crate::outcome::Warning| w.at_stake.to_cents();
    outcome
        .warnings
        .iter()
        .map(|w| (w.code.as_str(), &*w.id, warning(w)))
        .collect()
}

/// Asset, wallet, quantity and cost of what is left.
fn holdings(outcome: &Outcome) -> Vec<String> {
    let holdings = outcome.holdings.iter();
    holdings
        .map(|h| {
            let wallet = h.wallet.as_deref().unwrap_or("*");
            format!("{} {wallet} {} {}", h.asset, h.quantity, h.cost.to_cents())
        })
        .collect()
}
