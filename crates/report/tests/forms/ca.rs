//! Schedule 3 and its dispositions.

use packtrain_report::Form;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;

use crate::report::{Report, all, sum};

#[test]
fn the_dispositions_of_schedule_3_come_to_its_figures() {
    for report in all(Country::Ca) {
        for year in report.years() {
            let lines = report.records(Form::Schedule3Dispositions, year);
            let proceeds = report.figure(year, "proceeds_of_disposition");
            assert_eq!(sum(&lines, "(2) proceeds"), proceeds);
            let gain = report.figure(year, "capital_gain");
            assert_eq!(sum(&lines, "(5) gain or loss"), gain);
            let denied = report.figure(year, "superficial_losses_denied");
            assert_eq!(sum(&lines, "superficial_loss_denied"), denied);
        }
    }
}

#[test]
fn a_loss_counts_on_schedule_3_without_the_part_that_is_denied_as_superficial() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,fee_amount,fee_asset,value,currency\n\
                  b,2023-01-10T12:00:00Z,buy,w,2000,CAD,2,BTC,,,,CAD\n\
                  s,2023-06-10T12:00:00Z,sell,w,2,BTC,1000,CAD,,,,CAD\n\
                  c,2023-06-20T12:00:00Z,buy,w,500,CAD,1,BTC,,,,CAD\n";
    let report = Report::of(Country::Ca, &[("ledger.csv", ledger.to_owned())], &[]);
    let lines = report.records(Form::Schedule3Dispositions, TaxYear(2023));
    let cell = |name: &str| &*lines[0][name];
    assert_eq!(cell("(2) proceeds"), "1000.00");
    assert_eq!(cell("(3) adjusted cost base"), "2000.00");
    assert_eq!(cell("superficial_loss_denied"), "500.00");
    assert_eq!(cell("(5) gain or loss"), "-500.00");
    let boxes = report.records(Form::Schedule3, TaxYear(2023));
    let gain = boxes.iter().find(|line| line["box"] == "15300").unwrap();
    assert_eq!(gain["amount"], "-500.00");
}

#[test]
fn a_margin_result_is_listed_on_schedule_3_to_2023_and_not_among_the_crypto_assets_after() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,fee_amount,fee_asset,value,currency\n\
                  m,2023-06-10T12:00:00Z,margin_pnl,w,,,,,,,100,CAD\n\
                  b,2024-01-10T12:00:00Z,buy,w,2000,CAD,2,BTC,,,,CAD\n\
                  s,2024-06-10T12:00:00Z,sell,w,2,BTC,2500,CAD,,,,CAD\n\
                  n,2024-06-20T12:00:00Z,margin_pnl,w,,,,,,,-40,CAD\n";
    let report = Report::of(Country::Ca, &[("ledger.csv", ledger.to_owned())], &[]);
    let rows = |year| {
        let lines = report.records(Form::Schedule3Dispositions, TaxYear(year));
        lines
            .iter()
            .map(|line| line["row"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!([2023, 2024].map(rows), [["m"], ["s"]]);
    let figures = report.records(Form::Schedule3, TaxYear(2024));
    let gain = figures
        .iter()
        .find(|line| line["what"].ends_with("results: capital gain or loss"));
    assert_eq!(
        gain.map(|line| (&*line["form"], &*line["amount"])),
        Some(("", "-40.00"))
    );
}
