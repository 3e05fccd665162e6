//! What holds for every ledger: nothing is lost, and the fast engine agrees with slow ones.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod agree;
mod kept;
mod ledgers;
mod mixed;
mod order;
mod slow;
mod units;

use packtrain_core::money::{Currency, Money};
use packtrain_core::quantity::Quantity;
use packtrain_tax::outcome::Outcome;
use packtrain_tax::request::{Country, Method, Request, Scope};
use packtrain_tax::{LedgerFile, compute};

/// The methods of lots.
const LOTS: [Method; 4] = [Method::Fifo, Method::Lifo, Method::Hifo, Method::Lofo];

const SCOPES: [Option<Scope>; 3] = [None, Some(Scope::Universal), Some(Scope::Wallet)];

fn usd(cents: i128) -> Money {
    Money::from_quantity(Quantity::from_units(cents, 2).unwrap(), Currency::USD).unwrap()
}

fn outcome(ledgers: &[LedgerFile], method: Method, scope: Option<Scope>) -> Outcome {
    let request = Request {
        method: Some(method),
        scope,
        ..Request::default()
    };
    compute(ledgers, Country::Us, &request).unwrap()
}

fn sum(amounts: impl Iterator<Item = Money>) -> Money {
    amounts.fold(usd(0), |sum, money| sum.checked_add(money).unwrap())
}

fn units(amounts: impl Iterator<Item = Quantity>) -> Quantity {
    amounts.fold(Quantity::ZERO, |sum, quantity| {
        sum.checked_add(quantity).unwrap()
    })
}
