//! Prices from elsewhere: each with its source and how far it is in time.

use std::sync::Arc;

use super::*;
use crate::outcome::ValuedPart;
use crate::prices::Prices;

const PRICES: &str =
    "date,asset,currency,price\n2024-01-10,SOL,USD,100\n2024-01-10,BTC,USD,40000\n";

fn listed(rows: &[&str], country: Country) -> Outcome {
    let request = Request {
        prices: Arc::new(Prices::read(PRICES.as_bytes()).unwrap()),
        ..Request::default()
    };
    compute(&[ledger(rows)], country, &request).unwrap()
}

/// Row, part, value, source and distance of what was valued beside the lines.
fn valued(outcome: &Outcome) -> Vec<String> {
    let all = outcome.valuations.iter();
    let said = all.map(|one| {
        let (source, days) = (one.from.source(), one.from.distance_days(one.used));
        format!(
            "{} {} {} {} {} {} {}",
            one.id,
            one.part.as_str(),
            one.quantity,
            one.asset,
            one.value.to_cents(),
            source.unwrap(),
            days.map_or("-".to_owned(), |days| days.to_string()),
        )
    });
    said.collect()
}

#[test]
fn income_names_where_its_value_comes_from() {
    let outcome = listed(
        &[
            "r 2024-01-12 staking A - 2SOL -",
            "e 2024-01-13 staking A - 1ETH - value=90 currency=EUR",
            "o 2024-01-14 staking A - 1ADA - value=1",
        ],
        Country::Us,
    );
    let from: Vec<_> = outcome.income.iter().map(|line| line.from).collect();
    let day = |text: &str| text.parse().unwrap();
    assert_eq!(
        from,
        [
            ValueFrom::Listed(day("2024-01-10")),
            ValueFrom::Converted(Currency::EUR, day("2024-01-12")),
            ValueFrom::RowValue,
        ]
    );
    assert_eq!(from[0].distance_days(outcome.income[0].date), Some(2));
    assert_eq!(outcome.valuations, [], "the line of the income tells it");
}

#[test]
fn a_cost_a_fee_a_basis_or_a_result_by_a_price_from_elsewhere_names_its_source_and_distance() {
    let outcome = listed(
        &[
            "o 2024-01-05 opening A - 1ETH - basis=500 currency=EUR acquired=2020-05-03T12:00:00Z",
            "s 2024-01-11 trade A 1ETH 20SOL -",
            "b 2024-01-13 buy A 1000EUR 10ADA 10EUR",
            "m 2024-01-14 margin_pnl A - - 2EUR value=-40 currency=EUR",
            "l 2024-01-15 borrow A - 1BTC -",
            "u 2024-01-16 buy A 100USD 1BTC 1USD",
        ],
        Country::Us,
    );
    let said = valued(&outcome);
    let words: Vec<_> = said
        .iter()
        .map(|line| {
            let mut words: Vec<_> = line.split(' ').collect();
            // What the bank's rates come to is proved elsewhere.
            if words[5] == "reference_rate" {
                words[4] = "_";
            }
            words.join(" ")
        })
        .collect();
    assert_eq!(
        words,
        [
            "o cost 1 ETH _ reference_rate 3",
            "s cost 20 SOL 2000.00 list 1",
            "b fee 10 EUR _ reference_rate 1",
            "b cost 10 ADA _ reference_rate 1",
            "m fee 2 EUR _ reference_rate 2",
            "l cost 1 BTC 40000.00 list 5",
        ]
    );
    assert_eq!(outcome.valuations[4].part, ValuedPart::Fee);
    let (currency, rate) = outcome.valuations[4].from.rate(Currency::USD).unwrap();
    assert_eq!(
        (currency, rate.unwrap().to_fixed(4)),
        (Currency::EUR, "1.0942".into())
    );
}

#[test]
fn a_margin_result_that_is_a_line_is_no_valuation_and_one_apart_from_lines_is() {
    let rows = ["m 2024-01-14 margin_pnl A - - 2EUR value=-40 currency=EUR"];
    let of = |margin: &str| {
        let outcome = with_option(&rows, "margin", margin);
        let parts: Vec<_> = outcome.valuations.iter().map(|one| one.part).collect();
        let lines = outcome.disposals.iter().map(|line| line.why.value.source());
        (lines.flatten().collect::<Vec<_>>(), parts)
    };
    assert_eq!(
        of("capital"),
        (vec!["reference_rate"], vec![ValuedPart::Fee])
    );
    let both = vec![ValuedPart::Result, ValuedPart::Fee];
    assert_eq!(of("income"), (vec![], both));
}

#[test]
fn a_rate_of_the_list_names_its_source_its_currency_its_day_and_its_distance() {
    let listed = "date,asset,currency,price\n2026-06-09,THB,USD,0.03\n";
    let request = Request {
        prices: Arc::new(Prices::read(listed.as_bytes()).unwrap()),
        ..Request::default()
    };
    let rows = ["b 2026-06-10 buy A 45000THB 1ETH -"];
    let outcome = compute(&[ledger(&rows)], Country::Us, &request).unwrap();
    assert_eq!(valued(&outcome), ["b cost 1 ETH 1350.00 listed_rate 1"]);
    let rate = outcome.valuations[0].from.rate(Currency::USD);
    assert_eq!(rate, Some(("THB".parse().unwrap(), None)));
}

#[test]
fn sales_of_a_day_that_are_one_disposal_tell_the_source_of_each() {
    let outcome = listed(
        &[
            "b 2024-01-01 buy A 1000GBP 10SOL - currency=GBP",
            "s 2024-01-11 spend A 1SOL - -",
            "t 2024-01-11 sell A 1SOL 90GBP - currency=GBP",
        ],
        Country::Uk,
    );
    assert_eq!(outcome.disposals[0].why.value, ValueFrom::Several);
    let said = valued(&outcome);
    assert_eq!(said.len(), 1, "{said:?}");
    assert!(said[0].starts_with("s proceeds 1 SOL "), "{said:?}");
    assert!(said[0].ends_with(" list 1"), "{said:?}");
}

#[test]
fn the_sentence_of_a_disposal_says_how_far_its_price_is_in_time() {
    let outcome = listed(
        &[
            "b 2024-01-01 buy A 100USD 3SOL -",
            "s 2024-01-12 spend A 1SOL - -",
            "t 2024-01-13 sell A 1SOL 100EUR -",
        ],
        Country::Us,
    );
    let ends = [
        "; proceeds at the listed price of 2024-01-10, 2 days before.",
        "; proceeds from EUR at the reference rate of 2024-01-12, 1 day before.",
    ];
    for (line, end) in outcome.disposals.iter().zip(ends) {
        let reason = line.reason().to_string();
        assert!(reason.ends_with(end), "{reason}");
    }
}
