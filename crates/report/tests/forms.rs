//! The files for the return: their sums are the report's figures, their lines lead to the ledger,
//! and the examples look as shown in `forms/`.
//!
//! `SNAPSHOTS=overwrite` writes what was found in place of what is expected.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use packtrain_core::money::Money;
use packtrain_report::{Document, ENGINE, Form, FormFile, InputFile, YearSelection, forms};
use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::{Amount, Outcome, TaxYear, Term};
use packtrain_tax::request::{Country, Request};
use packtrain_tax::{LedgerFile, compute};

/// A computed ledger and the files that it came from.
struct Report {
    outcome: Outcome,
    texts: Vec<String>,
    inputs: Vec<InputFile>,
}

impl Report {
    fn of(country: Country, files: &[(&str, String)], options: &[(&str, &str)]) -> Self {
        let ledgers: Vec<LedgerFile> = files
            .iter()
            .map(|(name, text)| {
                let import = import::read(text.as_bytes(), Limits::default()).unwrap();
                import.into_ledger(*name)
            })
            .collect();
        let options = options.iter();
        let request = Request {
            options: options
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            ..Request::default()
        };
        let inputs = files.iter().map(|(name, _)| InputFile {
            name: (*name).to_owned(),
            sha256: String::new(),
            rows: 1,
            bad_rows: 0,
        });
        Self {
            outcome: compute(&ledgers, country, &request).unwrap(),
            texts: files.iter().map(|(_, text)| text.clone()).collect(),
            inputs: inputs.collect(),
        }
    }

    fn at(country: Country, paths: &[&str]) -> Self {
        let files: Vec<_> = paths
            .iter()
            .map(|path| (*path, fs::read_to_string(root().join(path)).unwrap()))
            .collect();
        Self::of(country, &files, &[])
    }

    fn forms(&self) -> Vec<FormFile> {
        let document = Document {
            outcome: &self.outcome,
            years: YearSelection::All,
            inputs: &self.inputs,
            inventories: &[],
            generated_at: "2026-01-15T14:02:11Z".parse().unwrap(),
            taxpayer: None,
        };
        forms(&document).unwrap()
    }

    fn years(&self) -> Vec<TaxYear> {
        self.outcome.totals.keys().copied().collect()
    }

    /// The records of a form of a year, each by the names of its columns.
    fn records(&self, form: Form, year: TaxYear) -> Vec<BTreeMap<String, String>> {
        let files = self.forms();
        let file = files
            .iter()
            .find(|file| file.form == form && file.year == year);
        file.map(|file| records(&file.bytes)).unwrap_or_default()
    }

    /// A figure of the assessment, in cents.
    fn figure(&self, year: TaxYear, key: &str) -> i128 {
        let all = &self.outcome.assessments[&year].figures;
        let figure = all.iter().find(|figure| figure.key == key).unwrap();
        match figure.amount {
            Amount::Money(money) => cents(&money.to_cents()),
            _ => panic!("{key} is no money"),
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn records(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().unwrap().clone();
    let all = reader.records().map(Result::unwrap);
    let by_name = all.map(|record| {
        let cells = header.iter().zip(&record);
        cells.map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
    });
    by_name.collect()
}

fn cents(text: &str) -> i128 {
    let digits: String = text.chars().filter(|c| *c != '.').collect();
    digits.parse().unwrap_or_else(|_| panic!("{text:?}"))
}

/// What a column comes to; empty cells are nothing.
fn sum(records: &[BTreeMap<String, String>], column: &str) -> i128 {
    let cells = records.iter().map(|record| &*record[column]);
    cells.filter(|cell| !cell.is_empty()).map(cents).sum()
}

fn examples() -> Vec<(&'static str, Report)> {
    let case = |name: &str| format!("tests/cases/tax/{name}/ledger.csv");
    let (ca, au) = (case("ca-acb"), case("au-discount"));
    vec![
        (
            "us",
            Report::at(
                Country::Us,
                &[
                    "examples/ledger-coinharbor.csv",
                    "examples/ledger-wallet.csv",
                ],
            ),
        ),
        ("uk", Report::at(Country::Uk, &["examples/uk/ledger.csv"])),
        ("de", Report::at(Country::De, &["examples/de/ledger.csv"])),
        ("ca", Report::at(Country::Ca, &[&ca])),
        ("au", Report::at(Country::Au, &[&au])),
    ]
}

/// Every case of a country, and its example.
fn all(country: Country) -> Vec<Report> {
    let prefix = format!("{country}-");
    let mut paths: Vec<_> = fs::read_dir(root().join("tests/cases/tax"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(&prefix))
        .map(|name| format!("tests/cases/tax/{name}/ledger.csv"))
        .collect();
    paths.sort();
    assert!(!paths.is_empty());
    let cases = paths.iter().map(|path| Report::at(country, &[path]));
    let examples = examples().into_iter();
    let example = examples.filter(|(name, _)| *name == country.as_str());
    cases.chain(example.map(|(_, report)| report)).collect()
}

#[test]
fn the_forms_of_the_examples_are_as_shown() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/forms");
    let mut names = Vec::new();
    for (_, report) in examples() {
        for file in report.forms() {
            let found = String::from_utf8(file.bytes).unwrap();
            let found = found.replace(ENGINE, "packtrain").replace('\r', "");
            let path = folder.join(&file.name);
            if env::var_os("SNAPSHOTS").is_some_and(|how| how == "overwrite") {
                fs::write(&path, &found).unwrap();
            }
            let expected = fs::read_to_string(&path).unwrap_or_default();
            assert_eq!(found, expected.replace('\r', ""), "{}", file.name);
            names.push(file.name);
        }
    }
    names.sort();
    let there = fs::read_dir(folder).unwrap();
    let mut there: Vec<_> = there
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    there.sort();
    assert_eq!(names, there);
}

#[test]
fn the_same_document_gives_the_same_files() {
    for (_, report) in examples() {
        assert_eq!(report.forms(), report.forms());
    }
}

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
            // The form adds what is printed on it; the report rounds the exact sum.
            assert_eq!(line("16"), line("7") + line("15"), "{year}");
            let off = line("16") - report.figure(year, "net");
            assert!(off.abs() <= 1, "line 16 of {year} is off by {off}");
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
fn the_computation_of_sa108_comes_to_its_boxes() {
    for report in all(Country::Uk) {
        for year in report.years() {
            let lines = report.records(Form::Sa108Computation, year);
            assert_eq!(
                sum(&lines, "gain"),
                report.figure(year, "gains_before_losses")
            );
            assert_eq!(sum(&lines, "loss"), -report.figure(year, "losses_in_year"));
            // Gains and losses are rounded apart, so these may differ by a penny for each.
            for (column, key) in [
                ("proceeds", "disposal_proceeds"),
                ("allowable_costs", "allowable_costs"),
            ] {
                let off = sum(&lines, column) - report.figure(year, key);
                assert!(off.abs() <= 2, "{column} of {year} is off by {off}");
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
        assert_eq!(cents(&of(number)["amount"]), figure);
        let pounds = figure.abs() / 100 + i128::from(is_up && figure % 100 != 0);
        assert_eq!(of(number)["as_entered"], pounds.to_string(), "{number}");
    }
    let lines = report.records(Form::Sa108Computation, year);
    assert_eq!(of("13.1")["amount"], lines.len().to_string());
}

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

#[test]
fn every_line_leads_to_the_row_of_the_ledger_that_it_came_from() {
    let mut lines = 0;
    for (_, report) in examples() {
        for file in report.forms().iter().filter(|file| file.form != Form::Txf) {
            for record in records(&file.bytes) {
                let Some(row) = record.get("row").or(record.get("rows")) else {
                    continue;
                };
                let index = report.inputs.iter();
                let index = index
                    .enumerate()
                    .find(|(_, file)| file.name == record["file"]);
                let text = &report.texts[index.unwrap().0];
                let at: usize = record["line"].parse().unwrap();
                let first = row.split('+').next().unwrap();
                let there = text.lines().nth(at - 1).unwrap();
                assert!(there.starts_with(&format!("{first},")), "{first}: {there}");
                lines += 1;
            }
        }
    }
    assert!(lines > 50, "{lines}");
}

#[test]
fn text_from_the_ledger_never_begins_like_a_formula() {
    let ledger = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                  received_asset,fee_amount,fee_asset,value,currency\n\
                  =b,2024-01-10T12:00:00Z,buy,+w,1000,CUR,1,@SUM,,,,CUR\n\
                  =c,2024-02-10T12:00:00Z,buy,+w,1000,CUR,1,-X,,,,CUR\n\
                  +s,2024-06-10T12:00:00Z,sell,+w,1,@SUM,2400,CUR,10,CUR,,CUR\n\
                  -t,2024-07-10T12:00:00Z,sell,+w,1,-X,400,CUR,10,CUR,,CUR\n";
    for country in Country::ALL {
        let currency = packtrain_tax::jurisdiction::of(*country).currency;
        let text = ledger.replace("CUR", currency.code());
        let report = Report::of(*country, &[("=file.csv", text)], &[]);
        let files = report.forms();
        assert!(files.len() > 1, "{country}");
        let mut inert = 0;
        for file in files.iter().filter(|file| file.form != Form::Txf) {
            for cell in records(&file.bytes).iter().flat_map(BTreeMap::values) {
                let is_number = cell.parse::<f64>().is_ok();
                let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
                assert!(is_number || !is_formula, "{}: {cell}", file.name);
                inert += usize::from(cell.starts_with('\''));
            }
        }
        assert!(inert >= 4, "{country}: {inert}");
    }
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
