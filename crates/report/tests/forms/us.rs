//! Form 8949, Schedule D and the TXF.

use std::collections::BTreeMap;

use packtrain_core::money::Money;
use packtrain_report::Form;
use packtrain_tax::outcome::{TaxYear, Term};
use packtrain_tax::request::Country;

use crate::report::{Report, all, cents, examples, sum};

#[test]
fn a_line_of_form_8949_adds_up_across() {
    for report in all(Country::Us) {
        for year in report.years() {
            for line in report.records(Form::Form8949, year) {
                let cell = |name: &str| cents(&line[name]);
                let across = cell("(d) proceeds") - cell("(e) cost");
                assert_eq!(across, cell("(h) gain or loss"), "{line:?}");
            }
        }
    }
}

#[test]
fn the_boxes_of_form_8949_sum_to_the_lines_of_schedule_d() {
    let names = [
        ("(d) proceeds", "(d) proceeds"),
        ("(e) cost", "(e) cost"),
        ("(h) gain or loss", "(h) gain or loss"),
    ];
    let mut boxes = 0;
    for report in all(Country::Us) {
        for year in report.years() {
            let lines = report.records(Form::Form8949, year);
            let schedule = report.records(Form::ScheduleD, year);
            for line in schedule
                .iter()
                .filter(|line| line["what"].starts_with("Box"))
            {
                let name = line["what"].trim_start_matches("Box ");
                let of_box: Vec<_> = lines
                    .iter()
                    .filter(|line| line["box"] == name)
                    .cloned()
                    .collect();
                for (column, total) in names {
                    assert_eq!(sum(&of_box, column), cents(&line[total]), "{name} {year}");
                }
                boxes += 1;
            }
            let in_boxes = schedule
                .iter()
                .filter(|line| line["what"].starts_with("Box"));
            let in_boxes: Vec<_> = in_boxes.cloned().collect();
            let column = "(h) gain or loss";
            assert_eq!(
                sum(&lines, column),
                sum(&in_boxes, column),
                "all boxes are taken"
            );
        }
    }
    assert!(boxes > 20, "{boxes}");
}

#[test]
fn form_8949_and_schedule_d_come_to_the_figures_of_the_report_to_the_cent() {
    for report in all(Country::Us) {
        for year in report.years() {
            let totals = &report.outcome.totals[&year];
            let lines = report.records(Form::Form8949, year);
            let net = totals.proceeds.checked_sub(totals.fees).unwrap();
            assert_eq!(parted(&lines, "(d) proceeds"), in_terms(&report, year, net));
            let schedule = report.records(Form::ScheduleD, year);
            let line = |number: &str| {
                let line = schedule.iter().find(|line| line["line"] == number);
                line.map_or(0, |line| cents(&line["(h) gain or loss"]))
            };
            assert_eq!(line("7"), report.figure(year, "net_short"), "{year}");
            assert_eq!(line("15"), report.figure(year, "net_long"), "{year}");
            assert_eq!(line("16"), line("7") + line("15"), "{year}");
            assert_eq!(line("16"), report.figure(year, "net"), "{year}");
        }
    }
}

/// Net proceeds of the parts of the form.
fn parted(lines: &[BTreeMap<String, String>], column: &str) -> [i128; 2] {
    ["I", "II"].map(|part| {
        let lines = lines.iter().filter(|line| line["part"] == part);
        sum(&lines.cloned().collect::<Vec<_>>(), column)
    })
}

/// Net proceeds of the lines by their terms, exact and rounded once; they sum to the total.
fn in_terms(report: &Report, year: TaxYear, total: Money) -> [i128; 2] {
    let zero = Money::zero(total.currency());
    let mut exact = [zero, zero];
    for line in &report.outcome.disposals {
        if line.date.to_string().starts_with(&year.to_string()) {
            let net = line.proceeds.checked_sub(line.fees).unwrap();
            let side = &mut exact[usize::from(line.term == Some(Term::Long))];
            *side = side.checked_add(net).unwrap();
        }
    }
    assert_eq!(exact[0].checked_add(exact[1]).unwrap(), total);
    exact.map(|money| cents(&money.to_cents()))
}

#[test]
fn the_txf_has_the_lines_of_the_csv_with_their_dates_and_amounts() {
    let (_, report) = examples().remove(0);
    let year = TaxYear(2024);
    let files = report.forms();
    let txf = files
        .iter()
        .find(|file| file.form == Form::Txf && file.year == year);
    let text = String::from_utf8(txf.unwrap().bytes.clone()).unwrap();
    let found: Vec<_> = text
        .split("^\r\n")
        .skip(1)
        .filter(|r| !r.is_empty())
        .collect();
    let lines = report.records(Form::Form8949, year);
    assert_eq!(found.len(), lines.len());
    for (record, line) in found.iter().zip(&lines) {
        let number = if line["box"] == "C" { "712" } else { "714" };
        let expected = format!(
            "TD\r\nN{number}\r\nC1\r\nL1\r\nP{}\r\nD{}\r\nD{}\r\n${}\r\n${}\r\n",
            line["(a) description"],
            line["(b) date acquired"],
            line["(c) date sold"],
            line["(e) cost"],
            line["(d) proceeds"],
        );
        assert_eq!(*record, expected);
    }
    assert!(text.starts_with("V042\r\nA"));
    let later = files.iter().filter(|file| file.year > year);
    assert!(later.clone().any(|file| file.form == Form::Form8949));
    assert!(!later.clone().any(|file| file.form == Form::Txf));
}

#[test]
fn a_line_of_schedule_d_has_one_amount_in_every_file_where_no_amount_is_in_whole_cents() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                  currency\n\
                  a,2012-01-10T12:00:00Z,buy,w,10000,USD,3,BTC,USD\n\
                  b,2023-01-10T12:00:00Z,buy,w,10000,USD,7,ETH,USD\n\
                  c,2023-06-10T12:00:00Z,sell,w,1,BTC,1000.01,USD,USD\n\
                  d,2023-06-11T12:00:00Z,sell,w,1,ETH,1000.02,USD,USD\n\
                  e,2024-01-09T12:00:00Z,sell,w,1,BTC,3333.01,USD,USD\n\
                  f,2024-01-09T12:00:00Z,sell,w,2,ETH,2857.02,USD,USD\n";
    let options = [
        ("short_loss_before", "10.004"),
        ("long_loss_before", "20.004"),
    ];
    let report = Report::of(Country::Us, &[("a.csv", ledger.to_owned())], &options);
    let mut lines = 0;
    for year in report.years() {
        let schedule = report.records(Form::ScheduleD, year);
        let of = |number: &str| {
            let line = schedule.iter().find(|line| line["line"] == number);
            line.map_or(0, |line| cents(&line["(h) gain or loss"]))
        };
        for (number, key) in [
            ("6", "short_before"),
            ("7", "net_short"),
            ("14", "long_before"),
            ("15", "net_long"),
            ("16", "net"),
            ("21", "deductible"),
        ] {
            assert_eq!(
                of(number),
                report.figure(year, key),
                "line {number} of {year}"
            );
            lines += usize::from(of(number) != 0);
        }
        assert_eq!(of("7"), of("3") + of("6"), "{year}");
        assert_eq!(of("15"), of("10") + of("14"), "{year}");
        assert_eq!(of("16"), of("7") + of("15"), "{year}");
        assert_eq!(of("21"), of("16").max(-300_000), "{year}");
        let carried = report.figure(year, "carry_short") + report.figure(year, "carry_long");
        assert_eq!(carried, of("16") - of("21"), "{year}");
    }
    assert!(lines >= 10, "{lines}");
}

#[test]
fn boxes_of_both_terms_with_one_letter_are_apart_in_the_returns_of_2011_and_2012() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                  currency\n\
                  a,2011-01-10T12:00:00Z,buy,w,100,USD,1,BTC,USD\n\
                  b,2012-05-10T12:00:00Z,buy,w,100,USD,1,LTC,USD\n\
                  c,2012-06-10T12:00:00Z,sell,w,1,BTC,110,USD,USD\n\
                  d,2012-06-11T12:00:00Z,sell,w,1,LTC,120,USD,USD\n";
    let report = Report::of(Country::Us, &[("a.csv", ledger.to_owned())], &[]);
    let year = TaxYear(2012);
    let schedule = report.records(Form::ScheduleD, year);
    let lines: Vec<_> = schedule
        .iter()
        .map(|line| (&*line["line"], &*line["what"], &*line["(h) gain or loss"]))
        .collect();
    assert_eq!(lines[0], ("3", "Box C", "20.00"));
    assert_eq!(lines[2], ("10", "Box C", "10.00"));
    let parts = report.records(Form::Form8949, year);
    let parts: Vec<_> = parts.iter().map(|line| &*line["part"]).collect();
    assert_eq!(parts, ["I", "II"]);
    let labels = report.outcome.assessments[&year].figures.iter();
    let labels = labels.filter(|figure| figure.label.starts_with("Form 8949, box C:"));
    assert_eq!(labels.count(), 6);
}

#[test]
fn the_returns_of_2011_and_2012_have_lines_columns_and_numbers_of_their_own() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                  currency\n\
                  a,2010-01-10T12:00:00Z,buy,w,300,USD,3,BTC,USD\n\
                  b,2011-06-10T12:00:00Z,sell,w,1,BTC,110,USD,USD\n\
                  c,2012-06-10T12:00:00Z,sell,w,1,BTC,120,USD,USD\n\
                  d,2013-06-10T12:00:00Z,sell,w,1,BTC,130,USD,USD\n";
    let options = [("form_1099_da", "with_basis")];
    let report = Report::of(Country::Us, &[("a.csv", ledger.to_owned())], &options);
    let of_year = |year| {
        let schedule = report.records(Form::ScheduleD, TaxYear(year));
        let line = schedule.iter().find(|line| line["what"].starts_with("Box"));
        let line = line.unwrap();
        let files = report.forms().into_iter();
        let mut files = files.filter(|file| file.year == TaxYear(year));
        let txf = files.find(|file| file.form == Form::Txf).unwrap();
        let txf = String::from_utf8(txf.bytes).unwrap();
        let number = txf.lines().find(|line| line.starts_with('N')).unwrap();
        let columns = ["(d) proceeds", "(e) sales price"];
        let proceeds = columns.map(|column| line.get(column).cloned().unwrap_or_default());
        (line["line"].clone(), proceeds, number.to_owned())
    };
    let row = |line: &str, proceeds: [&str; 2], number: &str| {
        (
            line.to_owned(),
            proceeds.map(str::to_owned),
            number.to_owned(),
        )
    };
    assert_eq!(of_year(2011), row("8", ["", "110.00"], "N323"));
    assert_eq!(of_year(2012), row("8", ["120.00", ""], "N323"));
    assert_eq!(of_year(2013), row("8b", ["130.00", ""], "N323"));
    let list = report.records(Form::Form8949, TaxYear(2011)).remove(0);
    assert_eq!(list["(d) date sold"], "06/10/2011");
    assert_eq!(list["(e) sales price"], "110.00");
}
