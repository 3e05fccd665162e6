//! What is held when a year begins, where the law taxes that.

use std::sync::Arc;

use super::*;
use crate::engine::answers::Answers;
use crate::engine::input::Input;
use crate::engine::watch::Pace;
use crate::engine::{Watch, Work, run};
use crate::jurisdiction;
use crate::outcome::Amount;
use crate::prices::Prices;

/// A request with prices of the days on which years begin.
fn ask() -> Request {
    let mut file = "date,asset,currency,price\n".to_owned();
    for (year, eth, sol) in [(2023, 10, 1), (2024, 20, 2), (2025, 30, 3), (2026, 40, 4)] {
        file.push_str(&format!(
            "{year}-01-01,ETH,EUR,{eth}\n{year}-01-01,SOL,EUR,{sol}\n"
        ));
        file.push_str(&format!("{year}-01-01,BTC,EUR,500\n"));
    }
    Request {
        prices: Arc::new(Prices::read(file.as_bytes()).unwrap()),
        ..Request::default()
    }
}

/// Each year with what was held when it began.
fn wealth(outcome: &Outcome) -> Vec<String> {
    let years = outcome.assessments.iter().map(|(year, assessment)| {
        let mut figures = assessment.figures.iter();
        let value = figures.find(|figure| figure.key == "value_on_1_january");
        match value.map(|figure| figure.amount) {
            Some(Amount::Money(value)) => format!("{year} {}", value.to_cents()),
            other => panic!("{other:?}"),
        }
    });
    years.collect()
}

#[test]
fn an_opening_behind_another_row_of_its_year_is_held_on_its_first_day() {
    let rows = [
        "a 2023-05-01 opening A - 1ETH - basis=100 currency=EUR",
        "b 2024-02-01 buy A 900EUR 1BTC - currency=EUR",
        "o 2024-03-01 opening A - 2SOL - basis=100 currency=EUR",
        "p 2025-03-01 opening A - 1SOL - basis=100 currency=EUR",
    ];
    let outcome = compute(&[ledger(&rows)], Country::Nl, &ask()).unwrap();
    // One ETH; with it two SOL; with both a BTC and a third SOL, of which 2024 knows nothing.
    let expected = ["2023 10.00", "2024 24.00", "2025 539.00", "2026 552.00"];
    assert_eq!(wealth(&outcome), expected);
}

#[test]
fn years_are_valued_to_the_last_day_that_is_asked_for() {
    let rows = [
        "a 2023-05-01 buy A 10EUR 1ETH - currency=EUR",
        "b 2026-06-01 buy A 10EUR 1ETH - currency=EUR",
    ];
    let ledgers = [ledger(&rows)];
    let request = ask();
    let rules = jurisdiction::of(Country::Nl);
    let settings = rules.settings(&request).unwrap();
    let answers = Answers::of(&ledgers, &request.settlements, &settings).unwrap();
    let input = Input::new(&ledgers, &answers, &|| false).unwrap();
    let years_until = |day: &str| {
        let work = Work {
            until: Some(day.parse().unwrap()),
            ..Work::of(&ledgers, rules, &input, &request)
        };
        let pace = Pace::new(&Watch::UNWATCHED, 0);
        wealth(&run(&work, &settings, &pace).unwrap().0)
    };
    assert_eq!(years_until("2023-12-31"), ["2023 0.00"]);
    assert_eq!(
        years_until("2025-12-31"),
        ["2023 0.00", "2024 20.00", "2025 30.00"]
    );
    assert_eq!(years_until("2026-12-31")[3..], ["2026 40.00"]);
}

#[test]
fn the_nearest_price_of_the_list_or_the_records_counts_and_none_of_the_year_itself() {
    let value = |rows: &[&str], price: &str| {
        let prices = format!("date,asset,currency,price\n{price}\n");
        let request = Request {
            prices: Arc::new(Prices::read(prices.as_bytes()).unwrap()),
            ..Request::default()
        };
        let outcome = compute(&[ledger(rows)], Country::Nl, &request).unwrap();
        wealth(&outcome).last().unwrap().clone()
    };
    let bought = ["a 2023-12-30 buy A 100EUR 1ETH - currency=EUR"];
    assert_eq!(value(&bought, "2023-12-28,ETH,EUR,300"), "2024 100.00");
    assert_eq!(value(&bought, "2023-12-30,ETH,EUR,300"), "2024 300.00");
    // A reward of cents is no better price, and a purchase of the year not one of its first day.
    let dust = [
        bought[0],
        "r 2023-12-31 staking A - 0.00001ETH - value=0 currency=EUR",
    ];
    assert_eq!(value(&dust, "2023-12-01,ETH,EUR,300"), "2024 100.00");
    let later = [
        "a 2024-01-02 buy A 900EUR 1ETH - currency=EUR",
        "o 2024-03-01 opening A - 1ETH - basis=100 currency=EUR",
    ];
    assert_eq!(value(&later, "2023-12-27,ETH,EUR,300"), "2024 300.00");
}
