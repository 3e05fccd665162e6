//! Where prices come from and what could be sold, as it reads on paper.

use std::sync::Arc;

use packtrain_tax::import::{self, Limits};
use packtrain_tax::prices::Prices;
use packtrain_tax::request::{Country, Request};

use super::*;
use crate::inventories;

const LEDGER: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,currency\n\
                      b,2024-01-13T17:00:00Z,buy,A,1000,EUR,10,ETH,USD\n\
                      r,2024-02-12T17:00:00Z,staking,A,,,2,SOL,USD\n\
                      s,2024-06-01T17:00:00Z,sell,A,4,ETH,100,USD,USD\n";

#[test]
fn prices_of_income_and_of_costs_are_listed_and_open_lots_are_what_could_be_sold() {
    let ledgers = [import::read(LEDGER.as_bytes(), Limits::default())
        .unwrap()
        .into_ledger("a.csv")];
    let prices = b"date,asset,currency,price\n2024-02-10,SOL,USD,107\n";
    let request = Request {
        prices: Arc::new(Prices::read(prices).unwrap()),
        ..Request::default()
    };
    let outcome = packtrain_tax::compute(&ledgers, Country::Us, &request).unwrap();
    let years = YearSelection::All;
    let inventories = inventories(&ledgers, &request, &outcome, &years, &|| false).unwrap();
    let document = Document {
        inventories: &inventories,
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    for text in [
        "the list of prices",
        "107.00",
        "2\u{a0}days before",
        "EUR at the reference rate",
        "1\u{a0}day before",
        "What could be sold",
        "the records",
        "14 Jan 2025",
        "13 Feb 2025",
        "not yet",
    ] {
        assert!(read.has(text), "{text} in {}", read.text());
    }
    let without = Read::of(&pdf(&super::document(&outcome), &Progress::UNWATCHED).unwrap());
    assert!(!without.has("What could be sold"), "nobody computed it");
}
