//! Printed sums add up.

use packtrain_tax::jurisdiction;
use packtrain_tax::outcome::TaxYear;
use packtrain_tax::request::Country;

use crate::report::{Report, all, cents};

/// The first amount behind a word on the first page, in cents.
fn behind(cover: &str, word: &str) -> i128 {
    let (_, rest) = cover
        .split_once(&format!("{word} "))
        .unwrap_or_else(|| panic!("{word} in {cover}"));
    let amount = rest.split(' ').next().unwrap();
    let digits: String = amount
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let sign = if amount.starts_with('\u{2212}') {
        -1
    } else {
        1
    };
    sign * cents(&digits)
}

fn check(country: Country, report: &Report, year: TaxYear) {
    let rules = jurisdiction::of(country);
    let totals = &report.figures().totals[&rules.year_name(year)];
    let net = cents(&totals.net);
    let what = format!("{country} {year}: {totals:?}");
    assert_eq!(net, cents(&totals.gains) + cents(&totals.losses), "{what}");
    let across = cents(&totals.proceeds) - cents(&totals.fees) - cents(&totals.cost);
    assert_eq!(net, across + cents(&totals.denied), "{what}");
    for key in ["net", "balance", "gain_or_loss"] {
        let figures = &report.outcome.assessments[&year].figures;
        if figures.iter().any(|figure| figure.key == key) {
            // Schedule D has losses of other years besides.
            let before = ["short_before", "long_before"].iter();
            let before: i128 = match country {
                Country::Us => before.map(|key| report.figure(year, key)).sum(),
                _ => 0,
            };
            assert_eq!(report.figure(year, key), net + before, "{key} {what}");
        }
    }
    let cover = &report.pdf(year)[0];
    let mut shown = ["Net capital gain", "Net capital loss"].into_iter();
    let shown = shown.find(|word| cover.contains(word)).unwrap();
    let shown = behind(cover, shown);
    let parts = match &rules.terms {
        Some(terms) => [terms.short.name, terms.long.name],
        None => ["Gains", "Losses"],
    };
    let parts: i128 = parts.iter().map(|word| behind(cover, word)).sum();
    assert_eq!(shown, net, "{what}");
    assert_eq!(shown, parts, "{what}: {cover}");
}

#[test]
fn the_printed_net_gain_is_the_sum_of_what_is_printed_beside_it() {
    for country in [
        Country::Us,
        Country::Uk,
        Country::De,
        Country::Ca,
        Country::Au,
    ] {
        for report in all(country) {
            for year in report.years() {
                check(country, &report, year);
            }
        }
    }
}

#[test]
fn parts_that_are_rounded_do_not_miss_the_net_gain_by_a_cent() {
    for country in [
        Country::Us,
        Country::Uk,
        Country::De,
        Country::Ca,
        Country::Au,
        Country::Fr,
        Country::It,
        Country::Es,
        Country::In,
        Country::Jp,
    ] {
        let cur = jurisdiction::of(country).currency.code();
        // Held long, short, and at a loss: thirds of a price in each.
        let ledger = format!(
            "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
             currency\n\
             a,2021-07-10T12:00:00Z,buy,w,1000,{cur},3,BTC,{cur}\n\
             b,2023-07-10T12:00:00Z,buy,w,1000,{cur},7,ETH,{cur}\n\
             c,2023-07-10T12:00:00Z,buy,w,1000,{cur},7,SOL,{cur}\n\
             d,2023-08-10T12:00:00Z,sell,w,1,BTC,900.01,{cur},{cur}\n\
             e,2023-08-11T12:00:00Z,sell,w,3,ETH,700.02,{cur},{cur}\n\
             f,2023-08-12T12:00:00Z,sell,w,2,SOL,100.03,{cur},{cur}\n"
        );
        let report = Report::of(country, &[("a.csv", ledger)], &[]);
        check(country, &report, TaxYear(2023));
    }
}
