//! The CGT schedule and its events.

use std::fs;

use packtrain_report::Form;
use packtrain_tax::request::Country;

use crate::report::{Report, all, cents, root};

#[test]
fn the_events_of_the_cgt_schedule_come_to_its_labels_and_the_labels_add_up() {
    for report in all(Country::Au) {
        for year in report.years() {
            let lines = report.records(Form::CgtEvents, year);
            let of = |is_loss: bool| {
                let results = lines.iter().map(|line| cents(&line["gain or loss"]));
                results
                    .filter(|cents| (*cents < 0) == is_loss)
                    .sum::<i128>()
            };
            let gains = report.figure(year, "total_current_year_capital_gains");
            assert_eq!(of(false), gains);
            assert_eq!(of(true), report.figure(year, "losses_of_year"));
            let labels = report.records(Form::CgtSchedule, year);
            let label = |number: &str| {
                let line = labels.iter().find(|line| line["box"] == number);
                cents(&line.unwrap()["amount"])
            };
            assert_eq!(label("1J"), gains);
            assert_eq!(label("2B") + label("2C"), label("2E"));
            let left = label("1J") - label("2E") - label("4A");
            assert!((left - label("6A")).abs() <= 1, "{year}");
        }
    }
}

#[test]
fn a_company_in_australia_gets_no_discount_in_its_list() {
    let path = "tests/cases/tax/au-discount/ledger.csv";
    let text = fs::read_to_string(root().join(path)).unwrap();
    let discounts = |options: &[(&str, &str)]| {
        let report = Report::of(Country::Au, &[("ledger.csv", text.clone())], options);
        let years = report.years().into_iter();
        let lines = years.flat_map(|year| report.records(Form::CgtEvents, year));
        lines.filter(|line| line["discount"] == "yes").count()
    };
    assert!(discounts(&[]) > 0);
    assert_eq!(discounts(&[("person", "company")]), 0);
}
