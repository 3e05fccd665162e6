//! What stands on the pages: lines, words, sums.

use chrono::Datelike;
use packtrain_tax::outcome::{
    Amount, Assessment, Choice, Entered, Figure, MatchedBy, Origin, Place, TaxYear, Transfer,
    ValueFrom,
};
use packtrain_tax::request::{Country, Request};

use super::read::Read;
use super::{document, made};
use crate::inventory::{Inventory, InventoryLine};
use crate::limits::DISPOSAL_LINES_PDF_MAX;
use crate::pdf::pdf;
use crate::{Document, InputFile, Progress, YearSelection, amounts, sample};

#[test]
fn every_disposal_appears_with_its_lot_and_its_gain() {
    let outcome = sample::outcome(700);
    let read = made(&outcome);
    let text = read.text();
    for line in &outcome.disposals {
        assert!(text.contains(&format!("\n{}\n", line.id)), "{line:?}");
        assert!(read.has(&amounts::signed(line.gain)), "{line:?}");
        assert!(read.has(&amounts::bare(line.proceeds)), "{line:?}");
        if let Some(lot) = &line.lot {
            assert!(text.contains(&format!("\n{lot}\n")), "{line:?}");
        }
    }
    let lots = read
        .pages
        .iter()
        .flatten()
        .filter(|text| ["Short · FIFO", "Long · FIFO"].contains(&&*text.text))
        .count();
    assert_eq!(lots, outcome.disposals.len());
}

#[test]
fn a_year_without_rows_is_said_in_words() {
    let outcome = sample::outcome(50);
    let document = Document {
        years: YearSelection::one(TaxYear(2019)),
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    assert!(read.has("The records hold no disposal and no income for 2019."));
    assert!(read.has("$0.00"));
    assert_eq!(read.info("Title"), "Tax report 2019, United States");
}

#[test]
fn a_report_on_records_without_a_row_is_a_cover_and_one_page() {
    for country in ["us", "uk", "de", "ca", "au"] {
        let country: Country = country.parse().unwrap();
        let outcome = packtrain_tax::compute(&[], country, &Request::default()).unwrap();
        let inputs = [InputFile {
            name: "none.csv".to_owned(),
            sha256: "e".repeat(64),
            rows: 0,
            bad_rows: 0,
        }];
        let document = Document {
            inputs: &inputs,
            ..document(&outcome)
        };
        let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
        assert_eq!(read.pages.len(), 2, "{country}");
        let text = read.text().replace('\n', " ");
        let said = "no income. How this was computed follows.";
        assert!(text.contains(said), "{text}");
        assert!(
            text.contains("Nothing in the records comes under any of them"),
            "{text}"
        );
        assert!(read.has("Files that were read"));
    }
}

#[test]
fn a_character_that_the_font_lacks_is_shown_by_its_number_and_explained() {
    let mut outcome = sample::empty();
    let mut line = sample::sale("t2", "BTC", "2", "1");
    line.wallet = "Łódź 钱 🚀".into();
    outcome.disposals = vec![line];
    let outcome = sample::summed(outcome);
    let text = made(&outcome).text().replace('\n', " ");
    assert!(text.contains("Łódź ‹U+94B1› ‹U+1F680›"), "{text}");
    let explained = "stands as its Unicode number, such as ‹U+4E2D›";
    assert!(text.contains(explained), "{text}");
    let mut outcome = sample::empty();
    outcome.disposals = vec![sample::sale("t2", "BTC", "2", "1")];
    let plain = made(&sample::summed(outcome)).text().replace('\n', " ");
    assert!(!plain.contains("Unicode number"), "{plain}");
}

#[test]
fn bad_rows_of_a_file_are_a_thing_to_check() {
    let outcome = sample::summed(sample::empty());
    let inputs = [InputFile {
        name: "kraken.csv".to_owned(),
        sha256: "e".repeat(64),
        rows: 3,
        bad_rows: 2,
    }];
    let document = Document {
        inputs: &inputs,
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    assert!(
        read.has("2\u{a0}rows of kraken.csv are not in this report."),
        "{}",
        read.text()
    );
    assert!(read.has(&"e".repeat(64)));
}

#[test]
fn more_disposals_than_the_limit_are_left_to_the_csv_and_still_summed() {
    let outcome = sample::outcome(DISPOSAL_LINES_PDF_MAX + 1);
    let read = made(&outcome);
    assert!(
        read.text().contains("There are 50,001 lines of disposals"),
        "{}",
        read.pages.len()
    );
    assert!(read.pages.len() < 250);
    assert!(read.has("50,001"));
}

#[test]
fn labels_and_sources_of_what_goes_into_the_return_stand_whole() {
    let label = "A figure of the law with a name so long that it needs a second line of its cell";
    let source = "Act 12 of 1999, sections 23(3) sentences 7 and 8 and 10d, as amended by the Act \
                  of 27 March 2024; regulation 1012-1(h) and (j), with notices 2014-21 and 2024-28";
    let mut outcome = sample::outcome(20);
    let figure = Figure {
        key: "some",
        label,
        amount: Amount::Money(sample::usd("12.5")),
        form: Some(Place {
            form: "Form 1, a part with a name so long that it stands on more than one line",
            unit: "line",
            number: "2",
            entered: Entered::Up,
        }),
        source,
    };
    let assessment = Assessment {
        figures: vec![figure],
    };
    outcome.assessments.insert(TaxYear(2025), assessment);
    let text = made(&outcome).text().replace(['\n', '\u{a0}'], " ");
    assert!(text.contains(label), "{text}");
    assert!(text.contains(source), "{text}");
    assert!(text.contains("on more than one line, line 2"), "{text}");
    assert!(text.contains("To enter") && text.contains(" 13 "), "{text}");
}

#[test]
fn names_of_wallets_and_of_series_stand_whole() {
    let wallet = "A wallet with an uncommonly long name that goes on and on, in the drawer";
    let mut outcome = sample::outcome(20);
    for line in &mut outcome.disposals {
        line.wallet = wallet.into();
    }
    outcome.settings.country = Country::De;
    outcome.transfers = vec![Transfer {
        sent: "w1".into(),
        received: "d1".into(),
        origin: Origin { file: 0, line: 7 },
        asset: "ETH".into(),
        from: wallet.into(),
        to: "Kraken".into(),
        date: sample::day("2025-03-14"),
        quantity: sample::quantity("1.5"),
        lost: sample::quantity("0.001"),
        by: MatchedBy::Amount,
    }];
    let read = made(&outcome);
    let text = read.text().replace('\n', " ");
    let count = text.matches(wallet).count();
    assert!(count >= 2, "{count} in {text}");
    assert!(text.contains("to Kraken"));
    // The rows under the chart: German law has the longest names.
    assert!(read.has("Within one year") && read.has("After one year"));
    assert!(!text.contains("Within on…"));
    assert!(read.has("Within · FIFO"), "{text}");
}

#[test]
fn what_was_held_at_the_ends_of_years_is_listed_with_its_cost_and_value() {
    let outcome = sample::outcome(20);
    let line = |asset: &str, cost: &str, value: Option<&str>, made: &str| InventoryLine {
        asset: asset.into(),
        wallet: Some("Kraken".into()),
        quantity: sample::quantity("2.5"),
        cost: sample::usd(cost),
        value: value.map(sample::usd),
        price: value.map(|_| {
            let day = sample::day(made);
            (ValueFrom::Listed(day), day)
        }),
    };
    let inventories = [
        Inventory {
            day: sample::day("2023-12-31"),
            lines: Vec::new(),
            open: Vec::new(),
        },
        Inventory {
            day: sample::day("2024-12-31"),
            lines: vec![
                line("BTC", "100.01", Some("250.02"), "2024-12-19"),
                line("ETH", "200.02", None, "2024-12-19"),
                line("SOL", "10", Some("20"), "2024-11-01"),
            ],
            open: Vec::new(),
        },
    ];
    let document = Document {
        inventories: &inventories,
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    for text in [
        "At the end of 31 Dec 2023",
        "Nothing was held.",
        "At the end of 31 Dec 2024",
        "250.02",
        "list, 12\u{a0}days before",
        "no price",
        "far: list, 60\u{a0}days before",
        "310.03",
        "270.02",
        "When the records end",
    ] {
        assert!(read.has(text), "{text} in {}", read.text());
    }
}

#[test]
fn losses_that_go_from_year_to_year_stand_side_by_side() {
    let mut outcome = sample::outcome(20);
    for (year, amount) in [(2024, "0"), (2025, "1234.5")] {
        let figure = Figure {
            key: "carry_long",
            label: "Long-term loss to carry to the next year",
            amount: Amount::Money(sample::usd(amount)),
            form: None,
            source: "an act",
        };
        let assessment = Assessment {
            figures: vec![figure],
        };
        outcome.assessments.insert(TaxYear(year), assessment);
    }
    let read = made(&outcome);
    assert!(read.has("Losses carried over"));
    assert!(read.has("1,234.50"));
    outcome.assessments.remove(&TaxYear(2025));
    assert!(!made(&outcome).has("Losses carried over"));
}

#[test]
fn every_price_that_is_not_money_received_is_listed_with_its_source_and_its_age() {
    let mut outcome = sample::empty();
    let mut line = sample::sale("t2", "PEPE", "2", "1");
    line.quantity = sample::quantity("1000000");
    line.why.value = ValueFrom::Listed(sample::day("2025-03-12"));
    let paid = sample::sale("t3", "BTC", "2100", "900");
    outcome.disposals = vec![line, paid];
    let read = made(&sample::summed(outcome));
    let prices = read.pages.last().unwrap();
    let is_there = |text: &str| prices.iter().any(|shown| shown.text == text);
    assert!(is_there("Prices"), "{prices:?}");
    assert!(is_there("0.000002") && is_there("the list of prices"));
    assert!(is_there("2\u{a0}days before"));
    assert!(!is_there("4,200.00"));
    assert!(!read.text().contains("held is valued"), "{}", read.text());
    assert!(read.text().contains("the oldest price 2\u{a0}days before"));
}

#[test]
fn what_is_not_certain_is_said_in_sentences() {
    let mut outcome = sample::outcome(20);
    outcome.disposals[3].why.choice = Choice::NoPurchase;
    outcome.disposals[4].why.value = ValueFrom::Missing;
    let text = made(&outcome).text().replace(['\n', '\u{a0}'], " ");
    for sentence in [
        "1 line of disposals has no purchase on record: zero cost was taken.",
        "For 1 disposal no price was found: zero was taken.",
        "3 things to check may change the figures: ",
        "This adds up what each of them would change alone.",
        "Used: carry, the default. Also possible: trade.",
    ] {
        assert!(text.contains(sentence), "{sentence} in {text}");
    }
}

#[test]
fn what_gives_neither_gain_nor_loss_is_marked_and_its_part_of_the_proceeds_is_told() {
    let mut outcome = sample::outcome(20);
    outcome.settings.country = Country::Uk;
    outcome.disposals[4].rule = packtrain_tax::outcome::NO_GAIN_NO_LOSS;
    let year = TaxYear(outcome.disposals[4].date.year());
    let totals = outcome.totals.get_mut(&year).unwrap();
    totals.no_gain_no_loss = sample::usd("12.5");
    let assessment = Assessment::default();
    outcome.assessments.insert(year, assessment);
    let read = made(&outcome);
    let text = read.text().replace('\n', " ");
    assert!(read.has("No gain/loss"), "{text}");
    let said = "$12.50 in them of gifts to a spouse or civil partner and to charities";
    assert_eq!(text.matches(said).count(), 1, "{text}");
}

#[test]
fn a_year_in_which_no_row_falls_is_named_as_such() {
    let mut outcome = sample::outcome(20);
    outcome.rows.insert(TaxYear(2026), 1);
    let years = YearSelection::of([TaxYear(2024), TaxYear(2026), TaxYear(2027)]);
    let document = Document {
        years,
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    let said = "No row of these records falls in 2027: there is nothing to report on it.";
    assert!(
        read.text().replace('\n', " ").contains(said),
        "{}",
        read.text()
    );
}

#[test]
fn one_row_of_one_file_is_told_in_the_singular() {
    let mut outcome = sample::outcome(20);
    outcome.rows = [(TaxYear(2024), 1)].into();
    let inputs = [InputFile {
        name: "kraken.csv".to_owned(),
        sha256: "e".repeat(64),
        rows: 1,
        bad_rows: 1,
    }];
    let document = Document {
        inputs: &inputs,
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    for said in [
        "1\u{a0}row, 1\u{a0}file",
        "1\u{a0}row of kraken.csv is not in this report.",
        "1\u{a0}row of this file was read",
    ] {
        assert!(read.has(said), "{said}: {}", read.text());
    }
}
