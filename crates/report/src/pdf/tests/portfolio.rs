//! A disposal that uses a part of one total cost, as it reads on paper.

use std::sync::Arc;

use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::Outcome;
use packtrain_tax::prices::Prices;
use packtrain_tax::request::{Country, Request};

use super::*;

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
    for shown in ["Portfolio", "of €4,000.00", "2042 C, box\u{a0}3AN"] {
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
    let said = "everything that was held is valued: the ten most valuable assets one by one";
    assert!(text.contains(said), "{text}");
    let text = read.text();
    assert!(
        text.contains("No price near a sale for what was held"),
        "{text}"
    );
}

fn france(rows: &str, prices: &str) -> Outcome {
    let header = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                  fee_amount,fee_asset,fee_value,value,currency,to_wallet";
    let text = format!("{header}\n{rows}");
    let ledger = import::read(text.as_bytes(), Limits::default()).unwrap();
    assert_eq!(ledger.bad_rows, 0);
    let prices = format!("date,asset,currency,price\n{prices}");
    let request = Request {
        prices: Arc::new(Prices::read(prices.as_bytes()).unwrap()),
        ..Request::default()
    };
    packtrain_tax::compute(&[ledger.into_ledger("a.csv")], Country::Fr, &request).unwrap()
}

/// Asset, price of one unit, source and age of each line of the list of prices.
fn prices(outcome: &Outcome) -> Vec<[String; 4]> {
    let read = made(outcome);
    let shown: Vec<_> = (read.pages.iter().flatten())
        .map(|shown| shown.text.clone())
        .collect();
    let head = shown.iter().rposition(|text| text.starts_with("One unit"));
    // The cells of a line are its date, these four, and its row.
    let lines = shown[head.unwrap() + 4..].chunks_exact(6);
    lines
        .take_while(|line| line[5].contains(" · line "))
        .map(|line| [1, 2, 3, 4].map(|cell| line[cell].clone()))
        .collect()
}

#[test]
fn the_list_of_prices_has_all_that_a_portfolio_was_valued_by() {
    let rows = "b,2024-05-01T12:00:00Z,buy,A,1000,EUR,1,BTC,,,,,EUR,\n\
                e,2024-05-02T12:00:00Z,buy,A,1000,EUR,10,ETH,,,,,EUR,\n\
                n,2024-05-03T12:00:00Z,buy,A,100,EUR,1,BNB,,,,,EUR,\n\
                s,2024-06-01T12:00:00Z,sell,A,0.5,BTC,1500,EUR,0.1,BNB,,,EUR,\n\
                g,2024-06-02T12:00:00Z,gift_out,A,1,ETH,,,,,,250,EUR,\n";
    let list = "2024-06-01,BTC,EUR,2800\n2024-05-20,ETH,EUR,300\n2024-05-31,BNB,EUR,200\n";
    let found = prices(&france(rows, list));
    let line = |asset: &str, one: &str, source: &str, made: &str| {
        [asset, one, source, made].map(str::to_owned)
    };
    let (list, money) = ("the list of prices", "money received");
    let wanted = [
        line("ETH", "300.00", list, "12\u{a0}days before"),
        line("BTC", "3,000.00", money, "same day"),
        line("BTC", "2,800.00", list, "same day"),
        line("BNB", "200.00", list, "1\u{a0}day before"),
        line("BNB", "200.00", list, "1\u{a0}day before"),
        line("ETH", "250.00", "the value in the row", "same day"),
        line("BTC", "2,800.00", list, "1\u{a0}day before"),
        line("BNB", "200.00", list, "2\u{a0}days before"),
    ];
    assert_eq!(found, wanted);
}

#[test]
fn a_fee_that_its_row_rounds_to_nothing_tells_no_price_of_one_unit() {
    let row = |fee: &str| {
        let rows = format!(
            "e,2024-05-02T12:00:00Z,buy,A,1000,EUR,10,ETH,,,,,EUR,\n\
             t,2024-06-01T12:00:00Z,transfer,A,1,ETH,1,ETH,0.00001,ETH,{fee},,EUR,B\n"
        );
        prices(&france(&rows, ""))[0].clone()
    };
    assert_eq!(row("0.00")[1..3], ["–", "the fee's value in the row: 0.00"]);
    assert_eq!(row("0.0000000004")[1], "0.00004");
}
