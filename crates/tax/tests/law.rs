//! Figures, forms and sources by year and person: what the law says, on ledgers of a few rows.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use chrono::TimeDelta;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::{Amount, Figure, Outcome, TaxYear};
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, compute};

const HEADER: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                      received_asset,value,currency";

/// Rows of `id day kind`, each with what is sent and what is received, such as `5 GBP`, or `-`.
fn ledger(currency: &str, rows: &[(&str, &str, &str, &str, &str)]) -> LedgerFile {
    let mut text = format!("{HEADER}\n");
    let leg = |leg: &str| match leg.split_once(' ') {
        Some((amount, asset)) => format!("{amount},{asset}"),
        None => ",".to_owned(),
    };
    for (id, day, kind, sent, received) in rows {
        let value = if *kind == "fork" { "500" } else { "" };
        let legs = format!("{},{}", leg(sent), leg(received));
        text.push_str(&format!(
            "{id},{day}T12:00:00Z,{kind},main,{legs},{value},{currency}\n"
        ));
    }
    let import = import::read(text.as_bytes(), Limits::default()).unwrap();
    assert_eq!(import.errors, []);
    import.into_ledger("ledger.csv")
}

fn outcome(country: Country, person: Option<&str>, ledger: LedgerFile) -> Outcome {
    let options = person.map(|person| ("person".to_owned(), person.to_owned()));
    let request = Request {
        options: options.into_iter().collect(),
        ..Request::default()
    };
    compute(&[ledger], country, &request).unwrap()
}

fn figure<'o>(outcome: &'o Outcome, year: i32, key: &str) -> Option<&'o Figure> {
    let figures = &outcome.assessments[&TaxYear(year)].figures;
    figures.iter().find(|figure| figure.key == key)
}

fn money(outcome: &Outcome, year: i32, key: &str) -> String {
    match figure(outcome, year, key).unwrap().amount {
        Amount::Money(money) => money.to_cents(),
        other => panic!("{key} is {other:?}"),
    }
}

#[test]
fn a_company_matches_purchases_of_the_ten_days_that_end_with_the_disposal() {
    // The ninth day before is the first of the ten; the tenth before is in the pool already.
    let rows = [
        ("a", "2024-05-01", "buy", "100 GBP", "1 ETH"),
        ("b", "2024-06-10", "buy", "200 GBP", "1 ETH"),
        ("c", "2024-06-11", "buy", "300 GBP", "1 ETH"),
        ("s", "2024-06-20", "sell", "1 ETH", "1000 GBP"),
    ];
    let outcome = outcome(Country::Uk, Some("company"), ledger("GBP", &rows));
    let found: Vec<_> = (outcome.disposals.iter())
        .map(|line| (line.rule, line.cost.to_cents()))
        .collect();
    assert_eq!(found, [("10-day", "300.00".to_owned())]);
}

#[test]
fn a_purchase_ten_days_before_the_disposal_of_a_company_is_in_the_pool() {
    let rows = [
        ("a", "2024-05-01", "buy", "100 GBP", "1 ETH"),
        ("b", "2024-06-10", "buy", "200 GBP", "1 ETH"),
        ("s", "2024-06-20", "sell", "1 ETH", "1000 GBP"),
    ];
    let outcome = outcome(Country::Uk, Some("company"), ledger("GBP", &rows));
    let found: Vec<_> = (outcome.disposals.iter())
        .map(|line| (line.rule, line.cost.to_cents()))
        .collect();
    assert_eq!(found, [("s104", "150.00".to_owned())]);
}

#[test]
fn gains_over_the_exempt_amount_are_reported_though_losses_leave_nothing_to_tax() {
    let rows = |gain: &str| {
        ledger(
            "GBP",
            &[
                ("a", "2025-05-01", "buy", "1000 GBP", "1 ETH"),
                ("b", "2025-05-01", "buy", "9000 GBP", "1 BTC"),
                ("g", "2025-07-01", "sell", "1 ETH", gain),
                ("l", "2025-09-01", "sell", "1 BTC", "6000 GBP"),
            ],
        )
    };
    let report = |gain: &str| {
        let outcome = outcome(Country::Uk, None, rows(gain));
        let taxable = money(&outcome, 2025, "taxable");
        (
            taxable,
            figure(&outcome, 2025, "report_required").unwrap().amount,
        )
    };
    let none = "0.00".to_owned();
    assert_eq!(report("4000 GBP"), (none.clone(), Amount::YesNo(false)));
    assert_eq!(report("4000.01 GBP"), (none, Amount::YesNo(true)));
}

#[test]
fn the_exempt_amount_is_that_of_the_year_from_2009_on() {
    let amounts = [
        (2009, "10100.00"),
        (2010, "10100.00"),
        (2011, "10600.00"),
        (2012, "10600.00"),
        (2013, "10900.00"),
        (2014, "11000.00"),
        (2015, "11100.00"),
        (2016, "11100.00"),
        (2017, "11300.00"),
        (2018, "11700.00"),
        (2019, "12000.00"),
        (2020, "12300.00"),
        (2021, "12300.00"),
        (2022, "12300.00"),
        (2023, "6000.00"),
        (2024, "3000.00"),
        (2025, "3000.00"),
        (2026, "3000.00"),
    ];
    let rows = [
        ("a", "2009-05-01", "buy", "1 GBP", "2 ETH"),
        ("s", "2009-06-01", "sell", "1 ETH", "1 GBP"),
        ("t", "2026-06-01", "sell", "1 ETH", "1 GBP"),
    ];
    let outcome = outcome(Country::Uk, None, ledger("GBP", &rows));
    let found: Vec<_> = (amounts.iter())
        .map(|(year, _)| (*year, money(&outcome, *year, "annual_exempt_amount")))
        .collect();
    let wanted: Vec<_> = amounts
        .iter()
        .map(|(year, amount)| (*year, (*amount).to_owned()))
        .collect();
    assert_eq!(found, wanted);
}

#[test]
fn a_figure_of_a_year_that_is_not_known_says_so_and_is_none() {
    let rows = |currency: &str| {
        let money = format!("1 {currency}");
        let mut ledger = ledger(
            currency,
            &[
                ("a", "2010-06-01", "buy", &money, "1 ETH"),
                ("s", "2010-06-02", "sell", "1 ETH", &money),
            ],
        );
        // No file can have rows of 2008, but all later years are known.
        for row in &mut ledger.rows {
            row.at -= TimeDelta::days(2 * 365);
        }
        ledger
    };
    for (country, currency, key) in [
        (Country::Uk, "GBP", "annual_exempt_amount"),
        (Country::De, "EUR", "freigrenze"),
        (Country::De, "EUR", "income_freigrenze"),
    ] {
        let outcome = outcome(country, None, rows(currency));
        assert_eq!(money(&outcome, 2008, key), "0.00");
        let source = figure(&outcome, 2008, key).unwrap().source;
        assert_eq!(source, "not known for this year: none is taken");
    }
}

#[test]
fn a_company_of_the_united_kingdom_has_no_boxes_of_a_persons_return() {
    let rows = [
        ("a", "2025-05-01", "buy", "1000 GBP", "1 ETH"),
        ("s", "2025-07-01", "sell", "1 ETH", "90000 GBP"),
    ];
    let of = |person| outcome(Country::Uk, Some(person), ledger("GBP", &rows));
    let forms = |outcome: &Outcome| {
        let figures = &outcome.assessments[&TaxYear(2025)].figures;
        let places = figures.iter().filter_map(|figure| figure.form);
        places.filter(|place| !place.number.is_empty()).count()
    };
    let (person, company) = (of("individual"), of("company"));
    assert_eq!((forms(&person), forms(&company)), (8, 0));
    assert_eq!(money(&company, 2025, "taxable"), "89000.00");
    assert!(figure(&company, 2025, "report_required").is_none());
}

#[test]
fn units_of_a_chain_split_are_no_income_in_australia_and_cost_nothing() {
    let rows = [
        ("f", "2024-01-10", "fork", "-", "1 BCH"),
        ("s", "2025-01-11", "sell", "1 BCH", "700 AUD"),
    ];
    let outcome = outcome(Country::Au, None, ledger("AUD", &rows));
    assert!(outcome.income.is_empty());
    assert_eq!(outcome.disposals[0].gain.to_cents(), "700.00");
    assert_eq!(money(&outcome, 2024, "net_capital_gain"), "350.00");
    let noted = |note: &packtrain_tax::outcome::RuleNote| note.source == "ATO, Crypto chain splits";
    assert!(outcome.rules_used.iter().any(noted));
}

#[test]
fn the_discount_of_australia_is_taken_to_june_2027_and_said_to_be_unknown_after() {
    let rows = [
        ("a", "2020-01-10", "buy", "100 AUD", "2 ETH"),
        ("s", "2027-06-30", "sell", "1 ETH", "150 AUD"),
        ("t", "2027-07-01", "sell", "1 ETH", "150 AUD"),
    ];
    let outcome = outcome(Country::Au, None, ledger("AUD", &rows));
    assert_eq!(money(&outcome, 2026, "discount"), "-50.00");
    assert_eq!(money(&outcome, 2027, "discount"), "0.00");
    let label = figure(&outcome, 2027, "discount").unwrap().label;
    assert_eq!(label, "Discount: not known for this year, none is taken");
}

#[test]
fn a_company_of_australia_has_no_item_of_a_persons_return_and_no_discount() {
    let rows = [
        ("a", "2020-01-10", "buy", "100 AUD", "1 ETH"),
        ("s", "2025-01-11", "sell", "1 ETH", "150 AUD"),
    ];
    let outcome = outcome(Country::Au, Some("company"), ledger("AUD", &rows));
    let figures = &outcome.assessments[&TaxYear(2024)].figures;
    let places = figures.iter().filter_map(|figure| figure.form);
    let items: Vec<String> = places.map(|place| place.to_string()).collect();
    assert!(
        !items.is_empty()
            && !items
                .iter()
                .any(|place| place.starts_with("Tax return, question")),
        "{items:?}"
    );
    assert_eq!(money(&outcome, 2024, "net_capital_gain"), "50.00");
}
