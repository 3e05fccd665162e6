//! Tests of the workbook: read again, it shows what went in.

use std::io::Read;

use flate2::read::DeflateDecoder;

use super::*;
use crate::{InputFile, YearSelection, sample};

/// The text of a part of a ZIP archive, found through its central directory.
fn part(archive: &[u8], name: &str) -> String {
    let number = |at: usize, size: usize| -> usize {
        let bytes = archive[at..at + size].iter().rev();
        bytes.fold(0, |number, byte| number << 8 | usize::from(*byte))
    };
    let end = archive.len() - 22;
    assert_eq!(&archive[end..end + 4], b"PK\x05\x06");
    let mut at = number(end + 16, 4);
    loop {
        assert_eq!(&archive[at..at + 4], b"PK\x01\x02", "no part {name}");
        let (size, name_size) = (number(at + 20, 4), number(at + 28, 2));
        if &archive[at + 46..at + 46 + name_size] == name.as_bytes() {
            let local = number(at + 42, 4);
            let start = local + 30 + number(local + 26, 2) + number(local + 28, 2);
            let mut text = String::new();
            let mut decoder = DeflateDecoder::new(&archive[start..start + size]);
            decoder.read_to_string(&mut text).unwrap();
            return text;
        }
        at += 46 + name_size + number(at + 30, 2) + number(at + 32, 2);
    }
}

/// The texts between a tag and its end.
fn between<'t>(text: &'t str, from: &str, to: &str) -> Vec<&'t str> {
    let pieces = text.split(from).skip(1);
    pieces
        .map(|piece| piece.split(to).next().unwrap())
        .collect()
}

/// A sheet as rows of cells, numbers as they stand in the file.
fn sheet(archive: &[u8], number: usize) -> Vec<Vec<(String, String)>> {
    let shared = part(archive, "xl/sharedStrings.xml");
    let shared: Vec<String> = between(&shared, "<si>", "</si>")
        .into_iter()
        .map(|item| {
            between(item, "<t", "</t>")[0]
                .split_once('>')
                .unwrap()
                .1
                .to_owned()
        })
        .collect();
    let text = part(archive, &format!("xl/worksheets/sheet{number}.xml"));
    let rows = between(&text, "<row ", "</row>").into_iter();
    rows.map(|row| {
        let cells = between(row, "<c ", "</c>").into_iter();
        cells
            .map(|cell| {
                let place = between(cell, "r=\"", "\"")[0];
                let column = place.trim_end_matches(|c: char| c.is_ascii_digit());
                let value = between(cell, "<v>", "</v>")[0];
                let value = match cell.contains("t=\"s\"") {
                    true => shared[value.parse::<usize>().unwrap()].clone(),
                    false => value.to_owned(),
                };
                (column.to_owned(), value)
            })
            .collect()
    })
    .collect()
}

fn cell<'r>(row: &'r [(String, String)], column: &str) -> &'r str {
    let found = row.iter().find(|(name, _)| name == column);
    found.map_or("", |(_, value)| value)
}

fn workbook(outcome: &packtrain_tax::outcome::Outcome) -> Vec<u8> {
    let document = Document {
        outcome,
        years: YearSelection::All,
        inputs: &[InputFile {
            name: "=trades.csv".to_owned(),
            sha256: "00".to_owned(),
            rows: 1,
            bad_rows: 0,
        }],
        inventories: &[],
        generated_at: sample::at(),
        taxpayer: None,
    };
    audit(&document).unwrap()
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    let outcome = sample::outcome(300);
    assert!(workbook(&outcome) == workbook(&outcome));
    let core = part(&workbook(&outcome), "docProps/core.xml");
    assert_eq!(core.matches("2026-01-15T14:02:11Z").count(), 2, "{core}");
}

#[test]
fn the_sheets_are_there_and_their_headers_stay_in_sight() {
    let book = workbook(&sample::outcome(20));
    let names = part(&book, "xl/workbook.xml");
    let names = between(&names, "<sheet name=\"", "\"");
    assert_eq!(
        names,
        [
            "Summary",
            "Disposals",
            "Income",
            "Transfers",
            "Findings",
            "Rows"
        ]
    );
    for number in 1..=6 {
        let text = part(&book, &format!("xl/worksheets/sheet{number}.xml"));
        assert!(text.contains("<pane ySplit=\"1\""), "{number}");
        assert!(text.contains("<cols>"), "{number}");
    }
}

#[test]
fn every_line_is_there_with_its_amounts_in_cents_and_exact() {
    let outcome = sample::outcome(400);
    let book = workbook(&outcome);
    let rows = sheet(&book, 2);
    assert_eq!(rows.len(), 401);
    // Four amounts and the loss denied, each a number in the format of money.
    let text = part(&book, "xl/worksheets/sheet2.xml");
    assert_eq!(text.matches("s=\"2\"><v>").count(), 5 * 400);
    for (row, line) in rows[1..].iter().zip(&outcome.disposals) {
        assert_eq!(cell(row, "A"), &*line.id);
        assert_eq!(cell(row, "G"), line.quantity.to_string());
        let shown: f64 = cell(row, "K").parse().unwrap();
        assert_eq!(format!("{shown:.2}"), line.gain.to_cents());
        assert_eq!(cell(row, "P"), line.gain.to_plain());
        assert_eq!(cell(row, "Y"), line.origin.line.to_string());
    }
}

#[test]
fn an_amount_that_a_number_cannot_hold_makes_all_money_text() {
    let mut outcome = sample::outcome(2);
    outcome.disposals[0].proceeds = sample::usd("12345678901234567.89");
    let book = workbook(&outcome);
    let text = part(&book, "xl/worksheets/sheet2.xml");
    assert!(!text.contains("s=\"2\""), "no cell has the format of money");
    let rows = sheet(&book, 2);
    assert_eq!(cell(&rows[1], "H"), "12345678901234567.89");
    assert_eq!(
        cell(&rows[2], "H"),
        outcome.disposals[1].proceeds.to_cents()
    );
}

#[test]
fn text_that_begins_like_a_formula_is_text() {
    let mut outcome = sample::empty();
    outcome.disposals = vec![sample::sale("=1+1", "=HYPERLINK(1)", "10", "4")];
    let book = workbook(&outcome);
    let text = part(&book, "xl/worksheets/sheet2.xml");
    assert!(!text.contains("<f>"), "a formula");
    let rows = sheet(&book, 2);
    assert_eq!(cell(&rows[1], "D"), "=HYPERLINK(1)");
    assert_eq!(cell(&rows[1], "X"), "=trades.csv");
}

#[test]
fn each_row_leads_to_what_became_of_it() {
    let mut outcome = sample::outcome(40);
    let mut lines = outcome.disposals.iter();
    // The row sold a second lot.
    let second = packtrain_tax::outcome::Disposal {
        gain: sample::usd("12.34"),
        ..lines.find(|line| *line.id == *"t6").unwrap().clone()
    };
    outcome.disposals.push(second);
    let rows = sheet(&workbook(&outcome), 6);
    let own: Vec<_> = outcome
        .disposals
        .iter()
        .filter(|line| *line.id == *"t6")
        .collect();
    assert_eq!(own.len(), 2);
    let row = rows.iter().find(|row| cell(row, "C") == "t6").unwrap();
    assert_eq!(cell(row, "D"), own.len().to_string());
    let gain = own.iter().fold(sample::usd("0"), |sum, line| {
        sum.checked_add(line.gain).unwrap()
    });
    let shown: f64 = cell(row, "E").parse().unwrap();
    assert_eq!(format!("{shown:.2}"), gain.to_cents());
    let lots: usize = rows[1..]
        .iter()
        .filter_map(|row| cell(row, "J").parse::<usize>().ok())
        .sum();
    let with_lot = outcome.disposals.iter().filter(|line| line.lot.is_some());
    assert_eq!(lots, with_lot.count());
}

#[test]
fn the_summary_has_the_sums_and_the_figures_of_every_other_output() {
    use packtrain_core::money::{Currency, Money};
    use packtrain_tax::outcome::{Amount, Assessment, Entered, Figure, Place};
    let mut outcome = sample::empty();
    let usd = |text| Money::parse(text, Currency::USD).unwrap();
    let year = packtrain_tax::outcome::TaxYear(2024);
    let totals = packtrain_tax::outcome::Totals {
        proceeds: usd("10.004"),
        cost: usd("4.996"),
        gains: usd("5.008"),
        net: usd("5.008"),
        short: usd("5.008"),
        ..packtrain_tax::outcome::Totals::zero(Currency::USD)
    };
    outcome.totals.insert(year, totals);
    let place = Place {
        form: "Form",
        unit: "box",
        number: "19",
        entered: Entered::Up,
    };
    let figure = Figure {
        key: "losses",
        label: "Losses of the form",
        amount: Amount::Money(usd("-37.6")),
        form: Some(place),
        source: "",
    };
    let figures = vec![figure];
    outcome.assessments.insert(year, Assessment { figures });
    let rows = sheet(&workbook(&outcome), 1);
    let line = |what: &str| {
        let row = rows.iter().find(|row| cell(row, "B") == what).unwrap();
        ["C", "D", "E", "F"].map(|column| cell(row, column))
    };
    assert_eq!(line("Cost"), ["4.99", "4.996", "", ""]);
    assert_eq!(
        line("Losses of the form"),
        ["37.6", "37.6", "38", "Form, box 19"]
    );
    let cents = crate::printed(&outcome.totals[&year], outcome.settings.country);
    assert_eq!(line("Net capital gain")[0], cents.net.to_plain());
}
