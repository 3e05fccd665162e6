//! The CGT schedule and its events.

use std::fs;

use packtrain_report::Form;
use packtrain_tax::outcome::TaxYear;
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
            let entered = |number: &str| {
                let line = labels.iter().find(|line| line["box"] == number);
                line.unwrap()["as_entered"].parse::<i64>().unwrap()
            };
            assert_eq!(entered("2B") + entered("2C"), entered("2E"), "{year}");
            let left = entered("1J") - entered("2E") - entered("4A");
            assert_eq!(left, entered("6A"), "{year}");
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

#[test]
fn losses_are_applied_as_far_as_there_are_gains_those_of_the_year_first() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,currency\n\
                  a,2023-08-01T12:00:00Z,buy,w,1000,AUD,1,ETH,AUD\n\
                  b,2023-08-01T12:00:00Z,buy,w,5000,AUD,1,BTC,AUD\n\
                  c,2023-09-01T12:00:00Z,sell,w,1,ETH,1100,AUD,AUD\n\
                  d,2023-09-01T12:00:00Z,sell,w,1,BTC,4700,AUD,AUD\n\
                  e,2024-08-01T12:00:00Z,buy,w,1000,AUD,1,ETH,AUD\n\
                  f,2024-09-01T12:00:00Z,sell,w,1,ETH,1500,AUD,AUD\n";
    let report = Report::of(Country::Au, &[("ledger.csv", ledger.to_owned())], &[]);
    let labels = |year| {
        let lines = report.records(Form::CgtSchedule, TaxYear(year));
        ["1J", "2A", "2B", "2C", "2E", "3B", "6A"].map(|label| {
            let line = lines.iter().find(|line| line["box"] == label);
            line.unwrap()["as_entered"].clone()
        })
    };
    // Gains, losses, applied of the year, of earlier years, together, to carry, net.
    assert_eq!(labels(2023), ["100", "300", "100", "0", "100", "200", "0"]);
    assert_eq!(labels(2024), ["500", "0", "0", "200", "200", "0", "300"]);
}

#[test]
fn the_labels_of_the_cgt_schedule_add_up_where_each_has_cents_of_its_own() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,currency\n\
                  a,2021-08-01T12:00:00Z,buy,w,1000,AUD,1,ETH,AUD\n\
                  c,2023-09-01T12:00:00Z,sell,w,1,ETH,1101,AUD,AUD\n";
    let report = Report::of(Country::Au, &[("ledger.csv", ledger.to_owned())], &[]);
    let lines = report.records(Form::CgtSchedule, TaxYear(2023));
    let labels = ["1J", "2E", "4A", "6A"].map(|label| {
        let line = lines.iter().find(|line| line["box"] == label);
        &*line.unwrap()["as_entered"]
    });
    assert_eq!(labels, ["101", "0", "51", "50"]);
}

#[test]
fn what_is_made_of_the_printed_sums_in_australia_adds_up_to_the_cent() {
    // Thirds of a price at a gain of each term and at a loss, and a gain of odd cents.
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,currency\n\
                  a,2021-08-01T12:00:00Z,buy,w,1000,AUD,3,ETH,AUD\n\
                  b,2023-08-01T12:00:00Z,buy,w,1000,AUD,7,BTC,AUD\n\
                  c,2023-08-01T12:00:00Z,buy,w,1000,AUD,7,SOL,AUD\n\
                  d,2023-09-01T12:00:00Z,sell,w,1,ETH,1101.34,AUD,AUD\n\
                  e,2023-09-01T12:00:00Z,sell,w,3,BTC,700.02,AUD,AUD\n\
                  f,2023-09-01T12:00:00Z,sell,w,2,SOL,100.03,AUD,AUD\n";
    let options = [("loss_before", "0.505")];
    let report = Report::of(Country::Au, &[("ledger.csv", ledger.to_owned())], &options);
    let year = TaxYear(2023);
    let of = |key: &str| report.figure(year, key);
    let totals = &report.figures().totals["2023-24"];
    assert_eq!(of("total_current_year_capital_gains"), cents(&totals.gains));
    assert_eq!(of("losses_of_year"), cents(&totals.losses));
    let by_term = of("gains_with_discount") + of("gains_without_discount");
    assert_eq!(by_term, cents(&totals.gains));
    let before = of("losses_of_earlier_years");
    let after = cents(&totals.net) + before + of("discount");
    assert_eq!(of("net_capital_gain"), after);
    // Labels of the schedule say that they are whole dollars.
    let labels = report.outcome.assessments[&year].figures.iter();
    let labels = labels.filter(|figure| figure.source.contains("whole dollars"));
    let labels: Vec<_> = labels.map(|figure| figure.key).collect();
    assert_eq!(labels, ["schedule_2e", "schedule_4a", "schedule_6a"]);
}
