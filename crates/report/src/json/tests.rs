//! Tests of the figures: their keys, their lines, and that they read back.

use std::sync::Arc;

use chrono::NaiveDate;
use packtrain_core::ledger::RowKind;
use packtrain_tax::compute;
use packtrain_tax::import::{self, Limits};
use packtrain_tax::outcome::{Income, Origin, Outcome, TaxYear, ValueFrom};
use packtrain_tax::prices::Prices;
use packtrain_tax::request::{Country, Request};

use super::*;
use crate::{
    DisposalFigure, Figures, IncomeFigure, InputFile, PriceFigure, YearSelection, figures, sample,
};

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

fn json(document: &Document<'_>) -> String {
    let mut bytes = Vec::new();
    write_json(document, &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn figures_read_back_as_they_were_written() {
    for lines in [0, 1, 3_000] {
        let outcome = if lines == 0 {
            sample::empty()
        } else {
            sample::outcome(lines)
        };
        let document = document(&outcome);
        let text = json(&document);
        let read: Figures<'_> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, figures(&document));
    }
}

#[test]
fn a_report_by_rates_of_the_list_reads_back_with_their_days_and_has_no_difference_to_itself() {
    let prices = "date,asset,currency,price\n2026-02-09,EUR,USD,1.25\n2026-06-09,THB,USD,0.03\n";
    let rows = "id,timestamp,type,wallet,sent_amount,sent_asset,received_amount,received_asset,\
                value,currency\n\
                t1,2026-02-10T12:00:00Z,buy,main,1000,EUR,1,ETH,,EUR\n\
                t2,2026-06-10T12:00:00Z,sell,main,1,ETH,45000,THB,,THB\n";
    let import = import::read(rows.as_bytes(), Limits::default()).unwrap();
    let ledgers = [import.into_ledger("trades.csv")];
    let request = Request {
        prices: Arc::new(Prices::read(prices.as_bytes()).unwrap()),
        ..Request::default()
    };
    let outcome = compute(&ledgers, Country::Us, &request).unwrap();
    let document = document(&outcome);
    let text = json(&document);
    let read: Figures<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!(read, figures(&document));
    let price = |price: &PriceFigure<'_>| {
        let currency = price.currency.map(|currency| currency.to_string());
        (
            price.source.to_string(),
            price.date.map(|day| day.to_string()),
            price.distance_days,
            currency,
        )
    };
    let by = |currency: &str, day: &str, days| {
        let [source, day, currency] = ["listed_rate", day, currency].map(str::to_owned);
        (source, Some(day), Some(days), Some(currency))
    };
    assert_eq!(price(&read.valuations[0].price), by("EUR", "2026-02-09", 1));
    let sold = read.disposals[0].price.as_ref().unwrap();
    assert_eq!(price(sold), by("THB", "2026-06-09", 1));
    assert_eq!(crate::diff(&read, &document), "Nothing changed.\n");
    let told = crate::explain(&document, &ledgers, "t1").unwrap();
    let by = "by EUR at the rate in the list of prices, of 2026-02-09, 1 day before";
    assert!(told.contains(by), "{told}");
}

#[test]
fn each_disposal_stands_on_a_line_of_its_own() {
    let outcome = sample::outcome(2_500);
    let text = json(&document(&outcome));
    let lines = text
        .lines()
        .filter(|line| line.starts_with("    {\"id\"") && line.contains("\"gain\""));
    assert_eq!(lines.count(), 2_500);
    assert!(json(&document(&sample::empty())).contains("\n  \"disposals\": [],\n"));
}

#[test]
fn a_line_is_what_its_figure_serializes_to() {
    let mut outcome = sample::outcome(300);
    let mut odd = sample::sale("a \"quoted\"\n\u{1}\\id", "É\u{7f}€", "10", "13.5");
    (odd.lot, odd.form_box) = (Some("\t".into()), Some('"'));
    odd.denied_loss = sample::usd("3.5");
    outcome.disposals.push(odd.clone());
    (odd.acquired, odd.lot, odd.term, odd.form_box) = (None, None, None, None);
    (odd.is_fee, odd.date) = (true, NaiveDate::from_ymd_opt(-1, 2, 3).unwrap());
    outcome.disposals.push(odd);
    let inputs = [InputFile {
        name: "a\u{8}.csv".to_owned(),
        sha256: String::new(),
        rows: 1,
        bad_rows: 0,
    }];
    outcome.income.push(Income {
        id: "\"".into(),
        origin: Origin { file: 1, line: 7 },
        kind: RowKind::Staking,
        asset: "ETH\n".into(),
        date: outcome.disposals[0].date,
        quantity: "0.00000000000000000001".parse().unwrap(),
        value: sample::usd("-0.004"),
        from: ValueFrom::Listed(outcome.disposals[1].date),
    });
    for line in &outcome.disposals {
        let figure = DisposalFigure::of(line, &inputs);
        let mut text = Text::default();
        line::add_disposal(&mut text, line, &inputs);
        assert_eq!(String::from_utf8(text.bytes).unwrap(), serialized(&figure));
    }
    for line in &outcome.income {
        let figure = IncomeFigure::of(line, &inputs);
        let mut text = Text::default();
        line::add_income(&mut text, line, &inputs);
        assert_eq!(String::from_utf8(text.bytes).unwrap(), serialized(&figure));
    }
}

fn serialized(figure: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    let inside = Lines {
        depth: OPEN_LEVELS,
        is_filled: false,
    };
    let mut serializer = Serializer::with_formatter(&mut bytes, inside);
    figure.serialize(&mut serializer).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn an_input_that_looks_like_the_place_of_the_disposals_is_kept_as_text() {
    let mut outcome = sample::empty();
    let trap = "\n  \"disposals\": [";
    outcome.settings.options = [("a".to_owned(), trap.to_owned())].into();
    outcome.disposals = vec![sample::sale("t2", trap, "3", "1")];
    let document = document(&outcome);
    let text = json(&document);
    let read: Figures<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!(read.disposals[0].asset, trap);
    assert_eq!(read.options["a"], trap);
}

#[test]
fn years_that_are_not_asked_for_are_left_out_and_holdings_stay() {
    let outcome = sample::outcome(200);
    let all = document(&outcome);
    let one = Document {
        years: YearSelection::one(TaxYear(2024)),
        ..all.clone()
    };
    let (all, one) = (figures(&all), figures(&one));
    assert!(one.disposals.len() < all.disposals.len());
    assert!(
        one.disposals
            .iter()
            .all(|line| line.date.to_string().starts_with("2024"))
    );
    assert_eq!(one.totals.keys().collect::<Vec<_>>(), ["2024"]);
    assert!(one.warnings.is_empty() && !all.warnings.is_empty());
    assert_eq!(one.holdings, all.holdings);
}

#[test]
fn a_scope_that_follows_the_law_by_date_is_called_dated() {
    let mut outcome = sample::empty();
    outcome.settings.scope = None;
    let figures = figures(&document(&outcome));
    assert_eq!(figures.scope, "dated");
    assert!(figures.provenance.scope_in_words.contains("1 January 2025"));
}

#[test]
fn an_amount_is_rounded_once_from_the_exact_one() {
    let mut outcome = sample::empty();
    let mut line = sample::sale("t2", "BTC", "0.0049999", "0");
    line.cost = sample::usd("1.005");
    line.gain = sample::usd("-1.0000001");
    outcome.disposals = vec![line];
    let figures = figures(&document(&outcome));
    let line = &figures.disposals[0];
    assert_eq!(
        (&*line.proceeds, &*line.cost, &*line.gain),
        ("0.00", "1.01", "-1.00")
    );
}

#[test]
fn a_finding_says_by_which_words_it_is_settled_and_an_answer_what_it_did() {
    let mut outcome = sample::outcome(1);
    outcome.settled = vec![sample::settled()];
    let document = document(&outcome);
    let text = json(&document);
    let read: Figures<'_> = serde_json::from_str(&text).unwrap();
    assert_eq!(
        read.warnings[0].ways,
        ["add_file", "purchase", "accept_zero"]
    );
    let answer = &read.settled[0];
    assert_eq!((&*answer.answer, &*answer.by), ("purchase", "your answer"));
    assert_eq!(answer.said, "2 ETH bought on 2020-01-01 for 10 USD");
}
