//! The computation as a whole: money, dates, words, errors.

use super::*;

#[test]
fn money_in_another_currency_is_converted_at_the_reference_rate_of_the_day() {
    let rows = [
        "a 2024-01-10 buy A 1000EUR 10ETH 10EUR",
        "e 2024-01-13 staking A - 1ETH - value=90 currency=EUR",
        "x 2024-03-04 sell A 10ETH 1200EUR -",
    ];
    let outcome = usual(&rows);
    let rate = |date: &str| {
        let euro = Money::parse("1", Currency::EUR).unwrap();
        crate::rates::convert(euro, Currency::USD, date.parse().unwrap()).unwrap()
    };
    let (bought, sold) = (rate("2024-01-10"), rate("2024-03-04"));
    let line = &outcome.disposals[0];
    let times = |money: Money, count: i128| {
        let one = packtrain_core::quantity::Quantity::from_units(1, 0).unwrap();
        money
            .share(
                packtrain_core::quantity::Quantity::from_units(count, 0).unwrap(),
                one,
            )
            .unwrap()
    };
    assert_eq!(
        (line.cost, line.proceeds),
        (times(bought.0, 1010), times(sold.0, 1200))
    );
    let why = line.reason().to_string();
    assert!(
        why.ends_with("proceeds from EUR at the reference rate of 2024-03-04, the same day."),
        "{why}"
    );
    assert_eq!(
        outcome.income[0].value,
        times(rate("2024-01-12").0, 90),
        "a Saturday has Friday's"
    );
    assert_eq!(warnings(&outcome), []);
    assert!(
        outcome
            .rules_used
            .iter()
            .any(|note| note.text.contains("European Central Bank"))
    );
}

#[test]
fn an_amount_out_of_range_is_an_error_that_names_the_row() {
    let mut ledger = ledger(&[
        "a 2024-01-01 buy A 100USD 1ETH -",
        "b 2024-01-01 buy A 1USD 1ETH -",
    ]);
    let huge = Money::parse("170000000000000000000", Currency::USD).unwrap();
    for row in &mut ledger.rows {
        row.sent = None;
        row.value = Some(huge);
    }
    ledger.rows[1].fee = ledger.rows[0].received.clone();
    ledger.rows[1].rare.fee_value = Some(huge);
    let error = compute(&[ledger], Country::Us, &Request::default()).unwrap_err();
    let source = AmountError::Overflow;
    let (id, file) = ("b".into(), "ledger.csv".to_owned());
    assert_eq!(
        error,
        TaxError::Amount {
            id,
            file,
            line: 3,
            source
        }
    );
}

#[test]
fn dates_and_years_are_those_of_the_taxpayers_zone() {
    let rows = [
        "a 2024-01-01 buy A 100USD 2ETH -",
        "s 2025-01-01T03:00:00Z sell A 1ETH 300USD -",
    ];
    assert_eq!(usual(&rows).totals.keys().next().unwrap().0, 2024);
    let request = Request {
        timezone: Some(chrono_tz::UTC),
        ..Request::default()
    };
    let outcome = compute(&[ledger(&rows)], Country::Us, &request).unwrap();
    assert_eq!(outcome.totals.keys().next().unwrap().0, 2025);
}

#[test]
fn every_line_says_why_in_one_sentence() {
    let rows = [
        "a 2023-01-01 buy A 1000USD 10ETH -",
        "s 2024-07-01 sell A 1ETH 3000USD 0.1ETH",
        "t 2024-07-02 spend B 20ETH - - value=40000",
    ];
    let outcome = outcome(&rows, Method::Hifo, None);
    let why: Vec<_> = outcome
        .disposals
        .iter()
        .map(|line| line.reason().to_string())
        .collect();
    assert_eq!(
        why,
        [
            "Dearest lot first of all wallets; long since 2024-01-02; proceeds as received in \
             money.",
            "Units given as a fee count as sold; dearest lot first of all wallets; long since \
             2024-01-02; proceeds at the price the row implies.",
            "Dearest lot first of all wallets; long since 2024-01-02; proceeds at the market value \
             in the row.",
            "No purchase on record, so zero cost; proceeds at the market value in the row.",
        ]
    );
}

#[test]
fn every_rule_that_was_used_has_a_note_with_its_source() {
    let rows = [
        "a 2024-01-01 buy A 1000USD 10ETH 1USD",
        "s 2024-07-01 sell A 1ETH 3000USD -",
    ];
    let outcome = usual(&rows);
    assert_eq!(outcome.rule_set, "us-2025.7");
    assert!(
        outcome
            .rules_used
            .iter()
            .all(|note| !note.text.is_empty() && !note.source.is_empty())
    );
    let has = |text: &str| {
        outcome
            .rules_used
            .iter()
            .any(|note| note.text.contains(text))
    };
    assert!(
        has("First in, first out") && has("Costs of buying") && has("Through 31 December 2024")
    );
    assert!(!has("Theft") && !has("Wrapping") && !has("From 1 January 2025"));
}
