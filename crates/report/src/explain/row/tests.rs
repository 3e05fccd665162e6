//! What is said of a row that has no figure of its own.

use packtrain_core::time::Timestamp;
use packtrain_tax::compute;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::Outcome;
use packtrain_tax::request::{Country, Request};

use super::*;
use crate::{Document, InputFile, YearSelection, explain, sample};

const HEADER: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,fee_amount,fee_asset,value,currency\n";

fn ledgers(rows: &str) -> Vec<LedgerFile> {
    let import = import::read(format!("{HEADER}{rows}").as_bytes(), Limits::default()).unwrap();
    assert_eq!(import.bad_rows, 0);
    vec![import.into_ledger("trades.csv")]
}

fn outcome(ledgers: &[LedgerFile], country: Country) -> Outcome {
    let end: Timestamp = "2024-12-31T00:00:00Z".parse().unwrap();
    let request = Request {
        open_on: Some(end.date_naive()),
        ..Request::default()
    };
    compute(ledgers, country, &request).unwrap()
}

fn story(country: Country, rows: &str, id: &str) -> Option<String> {
    let ledgers = ledgers(rows);
    let document = Document {
        outcome: &outcome(&ledgers, country),
        years: YearSelection::All,
        inputs: &[InputFile {
            name: "trades.csv".to_owned(),
            sha256: String::new(),
            rows: 3,
            bad_rows: 0,
        }],
        inventories: &[],
        generated_at: sample::at(),
        taxpayer: None,
    };
    explain(&document, &ledgers, id)
}

const BOUGHT: &str = "b,2024-03-10T12:00:00Z,buy,main,1000,USD,2,BTC,10,USD,,USD\n";

#[test]
fn an_unsold_purchase_is_told_with_the_units_and_the_cost_that_are_left() {
    assert_eq!(
        story(Country::Us, BOUGHT, "b").unwrap(),
        "Row b\n\
         \n  Buy on 2024-03-10 in main (trades.csv, line 2)\n    \
         out 1000 USD, in 2 BTC, fee 10 USD\n    \
         no gain and no income comes from it by itself\n\
         \n  Of its units 2 BTC are left when the records end, at a cost of 1010.00 USD\n"
    );
    let sold = "s,2024-04-10T12:00:00Z,sell,main,1,BTC,900,USD,,,,USD\n";
    let told = story(Country::Us, &format!("{BOUGHT}{sold}"), "b").unwrap();
    assert!(
        told.contains("\n  Its units were used by\n    s on 2024-04-10"),
        "{told}"
    );
    assert!(
        told.ends_with("1 BTC is left when the records end, at a cost of 505.00 USD\n"),
        "{told}"
    );
    let all = "s,2024-04-10T12:00:00Z,sell,main,2,BTC,900,USD,,,,USD\n";
    let told = story(Country::Us, &format!("{BOUGHT}{all}"), "b").unwrap();
    assert!(
        told.ends_with("\n  None of its units is left when the records end\n"),
        "{told}"
    );
}

#[test]
fn units_that_left_without_a_sale_are_told_at_their_lot_and_the_lot_at_them() {
    let gift = "g,2024-04-10T12:00:00Z,gift_out,main,0.5,BTC,,,,,300,USD\n";
    let rows = format!("{BOUGHT}{gift}");
    let told = story(Country::Us, &rows, "b").unwrap();
    let used = "\n  Its units were used by\n    g on 2024-04-10: 0.5 BTC, cost 252.50, without a \
                sale (gift made)\n";
    assert!(told.contains(used), "{told}");
    let told = story(Country::Us, &rows, "g").unwrap();
    let lot = "they had cost 252.50 (trades.csv, line 3)\n    0.5 of the lot of row b, at a cost \
               of 252.50\n";
    assert!(told.contains(lot), "{told}");
}

#[test]
fn a_margin_result_that_is_no_line_is_told_with_its_result() {
    let row = "m,2024-04-10T12:00:00Z,margin_pnl,main,,,,,1.5,EUR,-25,EUR\n";
    let told = story(Country::De, row, "m").unwrap();
    let result = "\n    result -25.00 EUR, fee 1.5 EUR\n    no line: less its fee, it is in the \
                  sum of the year's margin results\n";
    assert!(told.contains(result), "{told}");
}

#[test]
fn a_purchase_in_a_pool_names_the_pool_and_what_near_disposals_took() {
    let rows = "a,2024-03-10T12:00:00Z,buy,main,1000,GBP,2,BTC,,,,GBP\n\
                s,2024-05-01T12:00:00Z,sell,main,1,BTC,700,GBP,,,,GBP\n\
                c,2024-05-10T12:00:00Z,buy,main,900,GBP,3,BTC,,,,GBP\n";
    assert_eq!(
        story(Country::Uk, rows, "a").unwrap(),
        "Row a\n\
         \n  Buy on 2024-03-10 in main (trades.csv, line 2)\n    \
         out 1000 GBP, in 2 BTC\n    \
         no gain and no income comes from it by itself\n\
         \n  Its units went into the pool of BTC, which holds 4 BTC at a cost of 1600.00 GBP when \
         the records end\n"
    );
    let told = story(Country::Uk, rows, "c").unwrap();
    assert!(
        told.ends_with(
            "\n  Of all BTC bought on 2024-05-10, disposals near that day took\n    \
             s on 2024-05-01: 1 BTC, cost 300.00, gain 400.00\n\
             \n  What these did not take went into the pool of BTC, which holds 4 BTC at a cost of \
             1600.00 GBP when the records end\n"
        ),
        "{told}"
    );
}

#[test]
fn a_swap_in_france_is_told_as_not_taxed_with_the_rule_that_says_so() {
    let rows = "a,2024-03-10T12:00:00Z,buy,main,1000,EUR,2,ETH,,,,EUR\n\
                t,2024-05-01T12:00:00Z,trade,main,1,ETH,0.05,BTC,,,600,EUR\n";
    let told = story(Country::Fr, rows, "t").unwrap();
    assert!(
        told.starts_with(
            "Row t\n\
             \n  Swap on 2024-05-01 in main (trades.csv, line 3)\n    \
             out 1 ETH, in 0.05 BTC\n    \
             not taxed: no gain and no income comes from it\n    \
             Digital assets for digital assets, stablecoins among them, are no taxed disposal"
        ),
        "{told}"
    );
    assert!(told.contains("(CGI art. 150 VH bis, II A;"), "{told}");
    assert!(
        told.ends_with("one total cost; 0.05 BTC are held when the records end\n"),
        "{told}"
    );
}

#[test]
fn a_move_between_own_wallets_is_told_with_its_rule_and_without_a_lot() {
    let moved = "m,2024-04-10T12:00:00Z,withdrawal,main,2,BTC,,,,,,USD\n\
                 n,2024-04-10T13:00:00Z,deposit,cold,,,2,BTC,,,,USD\n";
    let told = story(Country::Us, &format!("{BOUGHT}{moved}"), "n").unwrap();
    assert!(
        told.contains("Transfer of 2 BTC from main to cold"),
        "{told}"
    );
    assert!(!told.contains("left"), "{told}");
}

#[test]
fn a_row_that_is_not_there_has_no_story_and_names_that_differ_by_a_slip_are_known() {
    assert_eq!(story(Country::Us, BOUGHT, "nobody"), None);
    let rows = ["trade-17", "trade-71", "TRADE-7", "sale"].map(|id| BOUGHT.replacen('b', id, 1));
    let ledgers = ledgers(&rows.concat());
    assert_eq!(
        near(&ledgers, "Trade-17"),
        ["trade-17", "trade-71", "TRADE-7"]
    );
    assert_eq!(near(&ledgers, "sales"), ["sale"]);
    assert!(near(&ledgers, "seal2").is_empty());
}
