//! A disposal that uses a part of one total cost, as it reads on paper.

use packtrain_tax::import::{self, Limits};
use packtrain_tax::request::{Country, Request};

use super::made;

const LEDGER: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,currency\n\
                      b,2024-01-05T12:00:00Z,buy,A,1000,EUR,1,BTC,EUR\n\
                      e,2024-01-06T12:00:00Z,buy,A,1000,EUR,10,ETH,EUR\n\
                      s,2024-06-01T12:00:00Z,sell,A,0.5,BTC,1500,EUR,EUR\n";

#[test]
fn a_disposal_of_a_portfolio_shows_what_it_was_worth_and_the_prices_of_what_was_held() {
    let ledger = import::read(LEDGER.as_bytes(), Limits::default()).unwrap();
    let ledgers = [ledger.into_ledger("a.csv")];
    let request = Request::default();
    let outcome = packtrain_tax::compute(&ledgers, Country::Fr, &request).unwrap();
    let read = made(&outcome);
    for shown in ["Portfolio", "of 4,000.00", "2042 C, box\u{a0}3AN"] {
        assert!(read.has(shown), "{shown} in {}", read.text());
    }
    let text = read.text().replace(['\n', '\u{a0}'], " ");
    assert!(text.contains("2086, whole household, line 51"), "{text}");
    assert!(!read.has("Not on record"), "{}", read.text());
    let prices = read.pages.iter().find(|page| {
        let mut shown = page.iter();
        shown.any(|shown| shown.text == "the last price in the records")
    });
    let is_there = |text: &str| prices.unwrap().iter().any(|shown| shown.text == text);
    assert!(is_there("ETH") && is_there("100.00"), "{prices:?}");
    assert!(is_there("147\u{a0}days before"), "{prices:?}");
    let text = read.text();
    assert!(
        text.contains("No price near a sale for what was held"),
        "{text}"
    );
}
