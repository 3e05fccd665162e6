//! The computation and the boxes of SA108.

use packtrain_report::Form;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;

use crate::report::{Report, all, cents, examples, sum};

#[test]
fn the_computation_of_sa108_comes_to_its_boxes() {
    for report in all(Country::Uk) {
        for year in report.years() {
            let lines = report.records(Form::Sa108Computation, year);
            assert_eq!(
                sum(&lines, "gain"),
                report.figure(year, "gains_before_losses")
            );
            assert_eq!(sum(&lines, "loss"), -report.figure(year, "losses_in_year"));
            let costs =
                report.figure(year, "disposal_proceeds") - report.figure(year, "allowable_costs");
            let name = packtrain_tax::jurisdiction::of(Country::Uk).year_name(year);
            let net = cents(&report.figures().totals[&name].net);
            assert_eq!(costs, net, "proceeds less costs of {year}");
            for (column, key) in [
                ("proceeds", "disposal_proceeds"),
                ("allowable_costs", "allowable_costs"),
            ] {
                assert_eq!(sum(&lines, column), report.figure(year, key), "{column}");
            }
        }
    }
}

#[test]
fn proceeds_of_gains_and_of_losses_that_are_rounded_apart_sum_to_their_box() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,currency\n\
                  a,2022-08-01T12:00:00Z,buy,w,50,GBP,1,ETH,GBP\n\
                  b,2022-08-01T12:00:00Z,buy,w,80,GBP,1,BTC,GBP\n\
                  c,2023-09-01T12:00:00Z,sell,w,1,ETH,100.004,GBP,GBP\n\
                  d,2023-09-01T12:00:00Z,sell,w,1,BTC,50.004,GBP,GBP\n";
    let report = Report::of(Country::Uk, &[("ledger.csv", ledger.to_owned())], &[]);
    let year = TaxYear(2023);
    let lines = report.records(Form::Sa108Computation, year);
    // 150.008 of both, of which each side rounds down.
    assert_eq!(report.figure(year, "disposal_proceeds"), 15_001);
    assert_eq!(sum(&lines, "proceeds"), 15_001);
    let costs = report.figure(year, "allowable_costs");
    assert_eq!(sum(&lines, "allowable_costs"), costs);
}

#[test]
fn the_boxes_of_sa108_hold_the_figures_of_the_report_in_whole_pounds() {
    let (_, report) = examples().remove(1);
    let year = TaxYear(2024);
    let boxes = report.records(Form::Sa108, year);
    let of = |number: &str| boxes.iter().find(|line| line["box"] == number).unwrap();
    for (number, key, is_up) in [
        ("13.2", "disposal_proceeds", false),
        ("13.3", "allowable_costs", true),
        ("13.4", "gains_before_losses", false),
        ("13.5", "losses_in_year", true),
    ] {
        let figure = report.figure(year, key);
        assert_eq!(cents(&of(number)["amount"]), figure.abs());
        let pounds = figure.abs() / 100 + i128::from(is_up && figure % 100 != 0);
        assert_eq!(of(number)["as_entered"], pounds.to_string(), "{number}");
    }
    let lines = report.records(Form::Sa108Computation, year);
    assert_eq!(of("13.1")["amount"], lines.len().to_string());
}

#[test]
fn losses_carried_in_whole_pounds_are_not_used_and_kept_at_once() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,currency\n\
                  a,2024-05-01T12:00:00Z,buy,w,1000.00,GBP,1,ETH,GBP\n\
                  b,2024-06-01T12:00:00Z,sell,w,1,ETH,5100.40,GBP,GBP\n\
                  c,2025-05-01T12:00:00Z,buy,w,1000.00,GBP,1,ETH,GBP\n\
                  d,2025-06-01T12:00:00Z,sell,w,1,ETH,899.75,GBP,GBP\n\
                  e,2025-05-01T12:00:00Z,buy,w,1000.00,GBP,1,BTC,GBP\n\
                  f,2025-06-01T12:00:00Z,sell,w,1,BTC,4150.80,GBP,GBP\n";
    let options = [("loss_before", "1200.30")];
    let report = Report::of(Country::Uk, &[("a.csv", ledger.to_owned())], &options);
    let pounds = |year: i32| {
        let boxes = report.records(Form::Sa108, TaxYear(year));
        ["13.4", "13.5", "45", "47"].map(|number| {
            let line = boxes.iter().find(|line| line["box"] == number);
            line.unwrap()["as_entered"].parse::<i64>().unwrap()
        })
    };
    // 1,201 brought; 4,100 less 3,000 are 1,100 used, of 1,100.40 exact.
    let [gains, losses, used, carried] = pounds(2024);
    assert_eq!([gains, losses, used, carried], [4100, 0, 1100, 101]);
    assert_eq!(
        report.figure(TaxYear(2024), "losses_brought_forward_used"),
        110_040
    );
    assert_eq!(
        report.figure(TaxYear(2024), "losses_carried_forward"),
        9_990
    );
    // 3,150 less 101 are 3,049: 49 more are used of the 101 that were carried.
    assert_eq!(pounds(2025), [3150, 101, 49, 52]);
}

#[test]
fn the_parts_of_the_year_of_two_rates_add_up_to_the_penny() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,currency\n\
                  a,2024-05-01T12:00:00Z,buy,w,1000,GBP,3,ETH,GBP\n\
                  b,2024-06-01T12:00:00Z,sell,w,1,ETH,9000.01,GBP,GBP\n\
                  c,2024-12-01T12:00:00Z,sell,w,1,ETH,9000.01,GBP,GBP\n";
    let report = Report::of(Country::Uk, &[("a.csv", ledger.to_owned())], &[]);
    let year = TaxYear(2024);
    let of = |key: &str| report.figure(year, key);
    let net = cents(&report.figures().totals["2024-25"].net);
    assert_eq!(of("gain_before_30_oct") + of("gain_from_30_oct"), net);
    assert_eq!(of("taxable_before") + of("taxable_from"), of("taxable"));
    assert!(of("taxable_before") > 0 && of("taxable_from") > 0);
}
