//! The sales of Anlage SO.

use packtrain_report::Form;
use packtrain_tax::request::Country;

use crate::report::{all, sum};

#[test]
fn the_sales_of_anlage_so_come_to_its_gain_and_leave_out_what_is_free() {
    let mut is_any_free = false;
    for report in all(Country::De) {
        for year in report.years() {
            let lines = report.records(Form::AnlageSoSales, year);
            let gain = ["gain or loss (47)", "gain or loss"]
                .into_iter()
                .find(|name| lines.first().is_some_and(|line| line.contains_key(*name)));
            let gain = gain.map_or(0, |name| sum(&lines, name));
            assert_eq!(gain, report.figure(year, "gain_within_one_year"));
            is_any_free |= report.outcome.totals[&year].disposals > lines.len();
        }
    }
    assert!(is_any_free, "some example sells after a year");
}
