//! What changed from one report to the next.

use packtrain_tax::compute;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::{Outcome, TaxYear};
use packtrain_tax::request::{Method, Request};

use super::*;
use crate::sample;

const ROWS: &str = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,\
                    received_asset,currency\n\
                    a,2023-01-10T12:00:00Z,buy,main,1000,USD,1,BTC,USD\n\
                    b,2023-02-10T12:00:00Z,buy,main,1500,USD,1,BTC,USD\n\
                    s,2023-06-10T12:00:00Z,sell,main,1,BTC,2400,USD,USD\n";

fn outcome(rows: &str, method: Method) -> Outcome {
    let import = import::read(rows.as_bytes(), Limits::default()).unwrap();
    let request = Request {
        method: Some(method),
        ..Request::default()
    };
    compute(&[import.into_ledger("a.csv")], Country::Us, &request).unwrap()
}

fn document(outcome: &Outcome) -> Document<'_> {
    Document {
        outcome,
        years: YearSelection::All,
        inputs: &[],
        inventories: &[],
        generated_at: sample::at(),
        taxpayer: None,
    }
}

#[test]
fn two_reports_of_the_same_rows_and_settings_differ_in_nothing() {
    let outcome = outcome(ROWS, Method::Fifo);
    let document = document(&outcome);
    assert_eq!(diff(&figures(&document), &document), "Nothing changed.\n");
}

#[test]
fn an_options_former_word_in_an_earlier_report_is_no_change() {
    let import = import::read(ROWS.as_bytes(), Limits::default()).unwrap();
    let ledgers = [import.into_ledger("a.csv")];
    let outcome = compute(&ledgers, Country::It, &Request::default()).unwrap();
    let document = document(&outcome);
    let mut before = figures(&document);
    let told = |before: &Figures<'_>| diff(before, &document);
    before
        .options
        .insert("threshold".into(), "franchise".into());
    assert_eq!(told(&before), "Nothing changed.\n");
    before.options.insert("threshold".into(), "all".into());
    assert_eq!(
        told(&before),
        "Causes\n  option threshold: all before, exempt_amount now\nNo figure changed.\n"
    );
}

#[test]
fn another_method_is_the_cause_of_other_lots_and_another_gain() {
    let (before, now) = (outcome(ROWS, Method::Fifo), outcome(ROWS, Method::Lifo));
    let (before, now) = (document(&before), document(&now));
    assert_eq!(
        diff(&figures(&before), &now),
        "Causes\n  method: fifo before, lifo now\n\
         Sums\n  2023 net gain: 1400.00 before, 900.00 now\n\
         Disposals\n  new: s on 2023-06-10: 1 BTC, lot b, gain 900.00\n  \
         gone: s on 2023-06-10: 1 BTC, lot a, gain 1400.00\n"
    );
}

#[test]
fn a_row_that_was_mended_shows_as_a_changed_disposal() {
    let mended = ROWS.replace("buy,main,1000", "buy,main,1100");
    let (before, now) = (outcome(ROWS, Method::Fifo), outcome(&mended, Method::Fifo));
    let (before, now) = (document(&before), document(&now));
    assert_eq!(
        diff(&figures(&before), &now),
        "Sums\n  2023 net gain: 1400.00 before, 1300.00 now\n\
         Disposals\n  changed: s on 2023-06-10: 1 BTC, lot a, gain 1300.00; gain 1400.00 and \
         cost 1000.00 before, cost 1100.00 now\n"
    );
}

const NEXT: &str = "t,2024-06-10T12:00:00Z,sell,main,1,BTC,2500,USD,USD\n";

fn of_years<'o>(outcome: &'o Outcome, years: &[i32]) -> Document<'o> {
    Document {
        years: YearSelection::of(years.iter().copied().map(TaxYear)),
        ..document(outcome)
    }
}

#[test]
fn a_year_that_the_earlier_report_did_not_cover_is_new_and_not_compared_with_zero() {
    let outcome = outcome(&format!("{ROWS}{NEXT}"), Method::Fifo);
    let before = figures(&of_years(&outcome, &[2023]));
    assert_eq!(
        diff(&before, &of_years(&outcome, &[2023, 2024])),
        "Years\n  2024 is not in the earlier report; now net gain 1000.00, income 0.00, 1 \
         line of disposals\nIn the years of both reports no figure changed.\n"
    );
    assert_eq!(
        diff(&before, &of_years(&outcome, &[2024])),
        "Years\n  2024 is not in the earlier report; now net gain 1000.00, income 0.00, 1 \
         line of disposals\n  1 year of the earlier report is not asked for now and left out: \
         2023\nNo year is in both reports.\n"
    );
}

#[test]
fn years_that_are_not_asked_for_now_are_left_out_in_one_line_and_have_not_vanished() {
    let all = outcome(&format!("{ROWS}{NEXT}"), Method::Fifo);
    let before = figures(&document(&all));
    let mended = outcome(
        &format!("{ROWS}{NEXT}").replace("2400", "2300"),
        Method::Fifo,
    );
    assert_eq!(
        diff(&before, &of_years(&mended, &[2023])),
        "Years\n  1 year of the earlier report is not asked for now and left out: 2024\n\
         Sums\n  2023 net gain: 1400.00 before, 1300.00 now\n\
         Disposals\n  changed: s on 2023-06-10: 1 BTC, lot a, gain 1300.00; gain 1400.00 and \
         cost 1000.00 before, cost 1000.00 now\n"
    );
}

#[test]
fn a_year_that_lost_its_rows_is_compared_where_all_years_are_asked_for() {
    let all = outcome(&format!("{ROWS}{NEXT}"), Method::Fifo);
    let less = outcome(ROWS, Method::Fifo);
    assert_eq!(
        diff(&figures(&document(&all)), &document(&less)),
        "Sums\n  2024 net gain: 1000.00 before, 0.00 now\n\
         Disposals\n  gone: t on 2024-06-10: 1 BTC, lot b, gain 1000.00\n"
    );
}

#[test]
fn a_line_more_or_less_under_the_name_of_another_is_new_or_gone() {
    let outcome = outcome(ROWS, Method::Fifo);
    let document = document(&outcome);
    let once = figures(&document);
    let mut twice = figures(&document);
    let line = twice.disposals[0].clone();
    twice.disposals.push(line);
    let compared = Compared::of(&once, &once, &document);
    let told = |before: &Figures<'_>, now: &Figures<'_>| {
        let mut text = String::new();
        disposals(&mut text, &compared, before, now);
        text
    };
    let line = "s on 2023-06-10: 1 BTC, lot a, gain 1400.00\n";
    assert_eq!(told(&once, &twice), format!("Disposals\n  new: {line}"));
    assert_eq!(told(&twice, &once), format!("Disposals\n  gone: {line}"));
}
