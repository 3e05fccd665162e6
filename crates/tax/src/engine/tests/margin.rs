//! Margin results: where each country's law has them, what is found of them, what is said.

use super::*;
use crate::assess::Amount;
use crate::settle::{Answer, RowName, Settlement};

/// In 2024 a gain of 50 by a sale, and results of 480 and -120.
fn rows(currency: &str) -> Vec<String> {
    vec![
        format!("b 2024-01-10 buy A 100{currency} 1ETH - currency={currency}"),
        format!("s 2024-06-10 sell A 1ETH 150{currency} - currency={currency}"),
        format!("m 2024-07-01 margin_pnl A - - 20{currency} value=500 currency={currency}"),
        format!("n 2024-08-01 margin_pnl A - - - value=-120 currency={currency}"),
    ]
}

fn computed(country: Country, rows: &[String], options: &[(&str, &str)]) -> Outcome {
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let options = options.iter();
    let options = options.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let request = Request {
        options: options.collect(),
        ..Request::default()
    };
    compute(&[ledger(&rows)], country, &request).unwrap()
}

fn of(country: Country, options: &[(&str, &str)]) -> Outcome {
    let currency = crate::jurisdiction::of(country).currency;
    computed(country, &rows(currency.code()), options)
}

/// Amount and place of a figure of a year; none where the year has no such figure.
fn figure(outcome: &Outcome, year: i32, key: &str) -> Option<(String, String)> {
    let figures = &outcome.assessments[&TaxYear(year)].figures;
    let figure = figures.iter().find(|figure| figure.key == key)?;
    let Amount::Money(money) = figure.amount else {
        return None;
    };
    let place = figure.form.map(|place| place.to_string());
    Some((money.to_cents(), place.unwrap_or_default()))
}

fn said(amount: &str, place: &str) -> Option<(String, String)> {
    Some((amount.to_owned(), place.to_owned()))
}

/// Text and source of the notes on margin results.
fn notes(outcome: &Outcome) -> String {
    let notes = outcome.rules_used.iter();
    let all: Vec<_> = notes
        .filter(|note| note.text.contains("argin") || note.text.contains("borrowed coins"))
        .map(|note| format!("{} [{}]", note.text, note.source))
        .collect();
    all.join("\n")
}

#[test]
fn margin_results_of_a_company_in_the_united_kingdom_are_no_gains_and_a_finding_says_why() {
    for margin in ["capital", "income"] {
        let company = of(Country::Uk, &[("person", "company"), ("margin", margin)]);
        let year = &company.totals[&TaxYear(2024)];
        let sums = [year.net, year.other].map(Money::to_cents);
        assert_eq!(sums, ["50.00", "360.00"], "{margin}");
        assert_eq!(figure(&company, 2024, "taxable"), said("50.00", ""));
        for key in ["margin_income", "margin_gains"] {
            assert_eq!(figure(&company, 2024, key), None, "{margin} {key}");
        }
        let found = ("margin_in_no_form", "m", "360.00".to_owned());
        assert_eq!(warnings(&company), [found]);
        assert_eq!(
            company.warnings[0].message,
            "2 margin results of 2024-25 come to 360.00; they are in no figure for the return of \
             United Kingdom: what derivative contracts bring a company is income under CTA 2009 \
             Part 7, and no chargeable gain"
        );
        let notes = notes(&company);
        assert!(notes.contains("CG56004, BIM56900"), "{notes}");
        assert!(!notes.contains("SA108"), "{notes}");
    }
    let person = of(Country::Uk, &[]);
    assert_eq!(person.totals[&TaxYear(2024)].net.to_cents(), "410.00");
    assert_eq!(warnings(&person), []);
}

#[test]
fn a_year_with_margin_results_in_the_united_states_asks_whether_section_1256_holds() {
    for margin in ["capital", "income"] {
        let outcome = of(Country::Us, &[("margin", margin)]);
        // Were the gains alone of such contracts, 480 would go.
        let found = ("margin_kind_unknown", "m", "480.00".to_owned());
        assert_eq!(warnings(&outcome), [found], "{margin}");
        let warning = &outcome.warnings[0];
        assert!(warning.is_exact);
        let begins =
            "2 margin results of 2024 come to 360.00: those from contracts of section 1256";
        assert!(warning.message.starts_with(begins), "{}", warning.message);
        for words in ["Form 6781", "Form 1099-B with boxes 8 to 11"] {
            let said = format!("{} {}", warning.message, warning.help);
            assert!(said.contains(words), "{said}");
        }
        let ways: Vec<_> = warning.ways.iter().map(|way| way.as_str()).collect();
        assert_eq!(ways, ["accept", "correct_row"]);
    }
    let losses = ["m 2024-07-01 margin_pnl A - - - value=-120"];
    assert_eq!(warnings(&usual(&losses))[0].2, "120.00");
    assert_eq!(warnings(&usual(&["b 2024-01-10 buy A 100USD 1ETH -"])), []);
}

#[test]
fn gains_and_losses_of_derivatives_in_germany_are_two_sums_that_add_up_to_the_net() {
    let of_2024 = of(Country::De, &[]);
    let figures = |outcome: &Outcome, year| {
        ["derivative_gains", "margin_gains", "margin_losses"].map(|key| figure(outcome, year, key))
    };
    assert_eq!(
        figures(&of_2024, 2024),
        [
            said("360.00", ""),
            said("480.00", "Anlage KAP"),
            said("-120.00", "Anlage KAP")
        ]
    );
    let found = ("margin_kind_unknown", "m", "480.00".to_owned());
    assert_eq!(warnings(&of_2024), [found]);
    // 10.004 and -10.008 come to nothing in cents: -10.01 leaves 10.01.
    let rows = [
        "m 2021-07-01 margin_pnl A - - - value=10.004 currency=EUR".to_owned(),
        "n 2021-08-01 margin_pnl A - - - value=-10.008 currency=EUR".to_owned(),
    ];
    let of_2021 = computed(Country::De, &rows, &[]);
    assert_eq!(
        figures(&of_2021, 2021),
        [
            said("0.00", ""),
            said("10.01", "Anlage KAP, Zeile 21"),
            said("-10.01", "Anlage KAP, Zeile 24")
        ]
    );
}

#[test]
fn margin_results_in_canada_are_among_the_crypto_assets_of_no_schedule_3() {
    let mut rows = rows("CAD");
    rows.push("l 2023-08-01 margin_pnl A - - - value=-70 currency=CAD".to_owned());
    let outcome = computed(Country::Ca, &rows, &[]);
    let gain = |year, key: &str| figure(&outcome, year, key);
    assert_eq!(
        gain(2023, "capital_gain"),
        said("-70.00", "Schedule 3, line 15300")
    );
    assert_eq!(gain(2023, "margin_gain"), None);
    let named = "Schedule 3, crypto-assets";
    assert_eq!(gain(2024, "proceeds_of_disposition"), said("150.00", named));
    assert_eq!(gain(2024, "cost_and_outlays"), said("100.00", named));
    assert_eq!(gain(2024, "capital_gain"), said("50.00", named));
    assert_eq!(gain(2024, "margin_proceeds"), said("500.00", ""));
    assert_eq!(gain(2024, "margin_costs"), said("140.00", ""));
    assert_eq!(gain(2024, "margin_gain"), said("360.00", ""));
    // Half of 50 + 360.
    let taxable = gain(2024, "taxable_capital_gain");
    assert_eq!(taxable, said("205.00", "T1, line 12700"));
}

#[test]
fn where_margin_results_are_in_no_form_the_finding_says_what_the_law_has_for_them() {
    let mut missing = Vec::new();
    for (country, words) in [
        (
            Country::Nl,
            "the actual return, which may be claimed in its place, includes realised",
        ),
        (Country::Fr, "CGI art. 150 ter"),
        (Country::Es, "capital gains and losses of the savings base"),
        (
            Country::It,
            "c-ter to c-quinquies, which is not netted with crypto-assets",
        ),
        (
            Country::In,
            "whether s. 115BBH taxes them or they are business income",
        ),
    ] {
        let outcome = of(country, &[]);
        let mut found = outcome.warnings.iter();
        let found = found.find(|one| one.code == WarningCode::MarginInNoForm);
        let message = found.map_or("", |found| &found.message);
        if !message.contains(words) {
            missing.push((country, words, message.to_owned()));
        }
    }
    assert_eq!(missing, []);
}

/// Country, value of the option, and words of the note.
const SAID: &[(Country, &str, &str)] = &[
    (
        Country::Uk,
        "capital",
        "dealt in on a recognised exchange, or over the counter with an",
    ),
    (Country::Uk, "income", "elsewhere HMRC leaves it open"),
    (
        Country::Us,
        "capital",
        "60 % long-term and 40 % short-term, on Form 6781",
    ),
    (
        Country::Us,
        "income",
        "a loss has no line that was confirmed",
    ),
    (Country::Ca, "capital", "bound to go on with that"),
    (Country::Ca, "income", "CRA letter 982996"),
    (
        Country::Au,
        "capital",
        "this is for those whose adviser says otherwise",
    ),
    (Country::Au, "capital", "s. 102-5, 118-20"),
    (Country::Au, "income", "s. 6-5, 8-1, 15-15, 25-40"),
    (
        Country::De,
        "",
        "20,000 for such losses was abolished for all open cases",
    ),
    (Country::De, "", "from borrowed coins is not settled"),
    (
        Country::Nl,
        "",
        "place of the assumed one, includes realised results",
    ),
    (
        Country::Fr,
        "",
        "CGI art. 150 ter, as read in secondary pages, boxes not confirmed",
    ),
    (
        Country::Es,
        "",
        "of the savings base; its boxes were not confirmed",
    ),
    (Country::It, "", "(redditi diversi) of c-ter to c-quinquies"),
    (
        Country::In,
        "",
        "as read in secondary pages, boxes not confirmed",
    ),
];

#[test]
fn the_notes_on_margin_results_say_what_is_certain_and_what_is_not() {
    let mut missing = Vec::new();
    for (country, margin, words) in SAID {
        let options = [("margin", *margin)];
        let options = if margin.is_empty() { &[] } else { &options[..] };
        let notes = notes(&of(*country, options));
        if !notes.contains(*words) || notes.contains("recreation") {
            missing.push((country, words, notes));
        }
    }
    assert_eq!(missing, []);
}

#[test]
fn who_accepts_that_margin_results_are_of_the_usual_kind_is_asked_no_more() {
    let rows = rows("USD");
    let rows: Vec<_> = rows.iter().map(String::as_str).collect();
    let mut request = Request::default();
    request.settlements.settle = vec![Settlement {
        row: RowName {
            id: "m".to_owned(),
            file: None,
        },
        answer: Answer::Accept(WarningCode::MarginKindUnknown),
    }];
    let outcome = compute(&[ledger(&rows)], Country::Us, &request).unwrap();
    assert_eq!(warnings(&outcome), []);
    assert_eq!(outcome.settled[0].findings[0].at_stake.to_cents(), "480.00");
    assert_eq!(outcome.totals[&TaxYear(2024)].net.to_cents(), "410.00");
}
