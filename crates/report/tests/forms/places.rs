//! Where figures go: the same box or line in every output.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use packtrain_report::{Form, FormFile};
use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;

use crate::report::{Report, records};

/// The years that are walked: from the first whose forms were read to the last with rules.
const YEARS: std::ops::RangeInclusive<i32> = 2013..=2026;

/// Every year a gain of each term, a loss, and a reward, in thirds and sevenths of a cent.
fn ledger(country: Country) -> String {
    let cur = jurisdiction::of(country).currency.code();
    let mut text = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                    received_asset,value,currency\n"
        .to_owned();
    for year in YEARS {
        write!(
            text,
            "a{year},{year}-07-02T12:00:00Z,buy,w,1000.10,{cur},3,BTC,,{cur}\n\
             b{year},{year}-08-02T12:00:00Z,buy,w,4000.25,{cur},3,ETH,,{cur}\n\
             l{year},{year}-08-03T12:00:00Z,buy,w,100.15,{cur},7,LTC,,{cur}\n\
             s{year},{year}-09-02T12:00:00Z,sell,w,0.7,BTC,9000.33,{cur},,{cur}\n\
             t{year},{year}-09-03T12:00:00Z,sell,w,1,ETH,1500.4,{cur},,{cur}\n\
             i{year},{year}-10-02T12:00:00Z,staking,w,,,0.001,ETH,321.45,{cur}\n"
        )
        .unwrap();
        if year > *YEARS.start() {
            let before = year - 1;
            writeln!(
                text,
                "m{year},{year}-11-02T12:00:00Z,sell,w,1,LTC,{before}.5,{cur},,{cur}"
            )
            .unwrap();
        }
    }
    text
}

/// A line that a file of figures names.
#[derive(Debug)]
struct Named {
    form: String,
    number: String,
    amount: String,
    is_money: bool,
    entered: String,
}

impl Named {
    fn of(line: &BTreeMap<String, String>, is_schedule_d: bool) -> Option<Self> {
        let cell = |name: &str| line[name].clone();
        let named = if is_schedule_d {
            let gain = cell("(h) gain or loss");
            let loss = gain.strip_prefix('-').map(|loss| format!("({loss})"));
            Self {
                form: "Schedule D".to_owned(),
                number: cell("line"),
                entered: loss.unwrap_or_else(|| gain.clone()),
                amount: gain,
                is_money: true,
            }
        } else {
            Self {
                form: cell("form"),
                number: cell("box"),
                amount: cell("amount"),
                is_money: !line["currency"].is_empty(),
                entered: cell("as_entered"),
            }
        };
        (!named.number.is_empty()).then_some(named)
    }

    /// Whether a text says the place, behind it the amount, and behind that what is typed there.
    fn stands_in(&self, text: &str, currency: &str) -> bool {
        let amount = match self.is_money {
            true => printed(&self.amount, currency),
            false => self.amount.clone(),
        };
        ["box", "line", "label", "Zeilen"].iter().any(|unit| {
            let Self { form, number, .. } = self;
            let place = format!("{form}, {unit} {number}");
            text.contains(&format!("{place}{amount}{}", self.entered))
        })
    }
}

/// An amount as the PDF prints it.
fn printed(amount: &str, currency: &str) -> String {
    let (minus, digits) = match amount.strip_prefix('-') {
        Some(digits) => ("\u{2212}", digits),
        None => ("", amount),
    };
    let (whole, cents) = digits.split_once('.').unwrap();
    let mut grouped = String::new();
    for (place, digit) in whole.chars().enumerate() {
        if place > 0 && (whole.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{minus}{currency}{grouped}.{cents}")
}

fn named(file: &FormFile) -> Vec<Named> {
    let lists = [
        Form::ScheduleD,
        Form::Sa108,
        Form::AnlageSo,
        Form::Schedule3,
        Form::CgtSchedule,
        Form::Form2086,
    ];
    if !lists.contains(&file.form) {
        return Vec::new();
    }
    let is_schedule_d = file.form == Form::ScheduleD;
    let lines = records(&file.bytes);
    let named = lines
        .iter()
        .filter_map(|line| Named::of(line, is_schedule_d));
    named.collect()
}

#[test]
fn what_the_files_for_the_return_name_stands_in_the_pdf_and_in_the_figures_of_every_year() {
    let with_forms = |country: &&Country| !Form::of(**country).is_empty();
    for country in Country::ALL.iter().filter(with_forms) {
        let report = Report::of(*country, &[("ledger.csv", ledger(*country))], &[]);
        let files = report.forms();
        let figures = report.figures();
        let currency = match country {
            Country::Us => "$",
            Country::Uk => "£",
            Country::Ca => "CA$",
            Country::Au => "A$",
            _ => "€",
        };
        let mut lines = 0;
        for year in YEARS.map(TaxYear) {
            let pdf = report.pdf(year).join(" ");
            let name = jurisdiction::of(*country).year_name(year);
            for line in files
                .iter()
                .filter(|file| file.year == year)
                .flat_map(named)
            {
                let is_there = line.stands_in(&pdf, currency);
                assert!(is_there, "{country} {year}: {line:?} in {pdf}");
                let Named {
                    form,
                    number,
                    entered,
                    ..
                } = &line;
                let is_there = figures.assessments[&name].iter().any(|figure| {
                    let place = figure.form.as_deref().unwrap_or_default();
                    let is_line = place.starts_with(form) && place.ends_with(&format!(" {number}"));
                    is_line && figure.as_entered.as_deref() == Some(entered)
                });
                assert!(is_there, "{country} {year}: {line:?}");
                lines += 1;
            }
        }
        assert!(lines >= 4, "{country}: {lines}");
    }
}

#[test]
fn a_loss_stands_beside_its_box_as_it_is_typed_there() {
    let report = Report::of(Country::Uk, &[("a.csv", ledger(Country::Uk))], &[]);
    for (year, place) in [
        (
            2022,
            "SA108, other property, assets and gains, box 19£153.13154",
        ),
        (2024, "SA108, cryptoassets, box 13.5£153.13154"),
    ] {
        let pdf = report.pdf(TaxYear(year)).join(" ");
        assert!(pdf.contains(place), "{pdf}");
    }
}

#[test]
fn the_german_report_has_the_form_s_own_words_beside_the_english_ones() {
    let report = Report::of(Country::De, &[("a.csv", ledger(Country::De))], &[]);
    let pdf = report.pdf(TaxYear(2023)).join(" ");
    for words in [
        "Anlage SO, private Veräußerungsgeschäfte, Zeilen 47, 54",
        "Anlage SO, Leistungen, Zeilen 10 bis 16",
        "Rewards of the year are free if they are below (Freigrenze)",
    ] {
        assert!(pdf.contains(words), "{words} in {pdf}");
    }
    let pdf = report.pdf(TaxYear(2025)).join(" ");
    assert!(pdf.contains("Anlage SO, Leistungen"), "{pdf}");
    assert!(!pdf.contains("Zeilen"), "{pdf}");
}
