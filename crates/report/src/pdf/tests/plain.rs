//! Words and amounts that a person reads without asking what they mean.

use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::Outcome;
use packtrain_tax::request::{Country, Request};

use super::*;

/// One purchase, and sales in two lots that bring a gain or a loss, with fees of 2.
fn outcome(country: Country, sold_for: &str, options: &[(&str, &str)]) -> Outcome {
    let currency = match country {
        Country::Us => "USD",
        Country::Uk => "GBP",
        _ => "EUR",
    };
    let ledger = format!(
        "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
         fee_amount,fee_asset,currency\n\
         a,2024-01-05T12:00:00Z,buy,A,500,{currency},1,BTC,,,{currency}\n\
         b,2024-02-05T12:00:00Z,buy,A,500,{currency},1,BTC,,,{currency}\n\
         s,2024-06-01T12:00:00Z,sell,A,2,BTC,{sold_for},{currency},2,{currency},{currency}\n"
    );
    let ledger = import::read(ledger.as_bytes(), Limits::default()).unwrap();
    assert_eq!(ledger.bad_rows, 0);
    let options = options.iter();
    let options = options.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = Request {
        options: options.collect(),
        ..Request::default()
    };
    packtrain_tax::compute(&[ledger.into_ledger("a.csv")], country, &request).unwrap()
}

fn words(outcome: &Outcome) -> String {
    made(outcome).text().replace(['\n', '\u{a0}'], " ")
}

#[test]
fn a_disposal_of_two_lots_is_counted_as_one_disposal_with_two_lots() {
    let text = words(&outcome(Country::Us, "1500", &[]));
    let cover = text.split("Made on").next().unwrap();
    assert!(cover.contains("Disposals 1 disposal, 2 lots"), "{cover}");
    assert!(text.contains("Proceeds of 1 disposal, 2 lots"), "{text}");
    assert!(text.contains("1 disposal, 2 lots, net "), "{text}");
}

#[test]
fn the_line_for_a_loss_within_the_limit_is_left_out_where_there_is_no_loss() {
    let line = "Loss to deduct from other income";
    let entered = |outcome: &Outcome| {
        let document = document(outcome);
        let figures = crate::figures(&document);
        let mut all = figures.assessments.values().flatten();
        let figure = all.find(|figure| figure.key == "deductible").unwrap();
        figure.as_entered.clone().map(|text| text.into_owned())
    };
    let gain = outcome(Country::Us, "1500", &[]);
    assert!(!words(&gain).contains(line));
    assert_eq!(entered(&gain), None);
    let loss = outcome(Country::Us, "900", &[]);
    assert!(words(&loss).contains(line));
    assert_eq!(entered(&loss).as_deref(), Some("(102.00)"));
}

#[test]
fn proceeds_that_a_form_has_after_fees_are_told_beside_those_of_the_summary() {
    let said = "Proceeds of $1,500.00 are before the fees of selling; Form 8949 and Schedule D \
                have them after these fees of $2.00, which is $1,498.00.";
    let text = words(&outcome(Country::Us, "1500", &[]));
    assert!(text.contains(said), "{text}");
    let text = words(&outcome(Country::De, "1500", &[]));
    assert!(!text.contains("are before the fees of selling"), "{text}");
}

#[test]
fn an_option_that_is_money_has_its_currency() {
    let text = words(&outcome(
        Country::Us,
        "1500",
        &[("short_loss_before", "3000")],
    ));
    assert!(text.contains("Used: $3,000.00."), "{text}");
}

#[test]
fn rounding_is_told_in_the_currency_and_matching_in_days() {
    let text = words(&outcome(Country::Uk, "1500", &[]));
    assert!(text.contains("to the penny, half a penny"), "{text}");
    assert!(!text.contains(" cent "), "{text}");
    assert!(text.contains("Same day, 30 days after, section 104 pool"));
    assert!(!text.contains("days near"), "{text}");
}

#[test]
fn a_short_name_of_a_source_is_told_in_full() {
    let text = words(&outcome(Country::De, "1500", &[]));
    let said = "BMF with a number is a margin number of the letter of the Federal Ministry of \
                Finance of 6 March 2025";
    assert!(text.contains(said), "{text}");
    assert!(!words(&outcome(Country::Us, "1500", &[])).contains("BMF"));
}
