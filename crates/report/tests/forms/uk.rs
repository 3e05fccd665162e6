//! The computation and the boxes of SA108.

use packtrain_report::Form;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;

use crate::report::{all, cents, examples, sum};

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
