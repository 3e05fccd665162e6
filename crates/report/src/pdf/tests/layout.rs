//! Nothing leaves its place: margins, columns, headings, pages.

use std::collections::BTreeMap;

use packtrain_tax::outcome::{Origin, Settled, ValueFrom};

use super::read::{Read, Text};
use super::{document, hard_cases, made};
use crate::pdf::{pdf, theme};
use crate::{Document, InputFile, Progress, sample};

#[test]
fn every_page_says_which_of_how_many_it_is() {
    let read = made(&sample::outcome(200));
    let of = read.pages.len();
    for (place, page) in read.pages.iter().enumerate() {
        let expected = format!("Page {} of {of}", place + 1);
        assert!(page.iter().any(|text| text.text == expected), "{expected}");
    }
}

#[test]
fn no_text_leaves_the_margins_and_none_runs_into_another() {
    for outcome in hard_cases() {
        for page in made(&outcome).pages {
            let mut lines: BTreeMap<String, Vec<&Text>> = BTreeMap::new();
            for text in &page {
                assert!(text.from >= theme::MARGIN - 0.2, "{text:?}");
                assert!(text.to <= 612.0 - theme::MARGIN + 0.2, "{text:?}");
                assert!((20.0..760.0).contains(&text.y), "{text:?}");
                lines
                    .entry(format!("{:.1}", text.y))
                    .or_default()
                    .push(text);
            }
            for line in lines.values_mut() {
                line.sort_by(|a, b| a.from.total_cmp(&b.from));
                for pair in line.windows(2) {
                    assert!(pair[0].to <= pair[1].from + 0.2, "{pair:?}");
                }
            }
        }
    }
}

#[test]
fn a_heading_never_stands_alone_at_the_foot_of_a_page() {
    for lines in [1, 7, 12, 25, 40, 61, 90] {
        let read = made(&sample::outcome(lines));
        for (title, _) in read.sections() {
            let page = read
                .pages
                .iter()
                .skip(1)
                .find(|page| page.iter().any(|text| text.text == title));
            let page = page.unwrap();
            let at = page.iter().find(|text| text.text == title).unwrap().y;
            let below = page
                .iter()
                .filter(|text| text.y < at - 30.0 && text.y > theme::BOTTOM - 8.0);
            assert!(below.count() > 2, "{lines} lines: {title} stands alone");
        }
    }
}

#[test]
fn a_month_that_goes_on_on_the_next_page_says_so_under_the_head_of_the_table() {
    let mut outcome = sample::outcome(150);
    for line in &mut outcome.disposals {
        line.date = sample::day("2025-08-13");
    }
    let read = made(&sample::summed(outcome));
    let is = |text: &Text, shown: &str| text.text == shown;
    let listed: Vec<_> = (read.pages.iter())
        .filter(|page| page.iter().any(|text| is(text, "Term, rule")))
        .collect();
    assert!(listed.len() > 2, "{}", listed.len());
    for (place, page) in listed.iter().enumerate() {
        let names = page
            .iter()
            .filter(|text| text.text.starts_with("August 2025"));
        let names: Vec<_> = names.collect();
        let expected = ["August 2025", "August 2025, continued"][usize::from(place > 0)];
        assert!(names.len() == 1 && is(names[0], expected), "{names:?}");
        let head = page.iter().find(|text| is(text, "Term, rule")).unwrap();
        assert!((5.0..30.0).contains(&(head.y - names[0].y)), "{names:?}");
        let rows = page
            .iter()
            .filter(|text| text.y < head.y && text.y > names[0].y);
        assert_eq!(rows.count(), 0);
    }
}

#[test]
fn no_name_of_a_row_or_of_its_file_is_cut_at_its_end() {
    let hash = "0x9f2c41b7d0a35e66c1e2d3f4a5b6c7d8e9f001122334455667788990011223344";
    let file = "everything-that-the-exchange-had-on-record-of-me-from-2019-to-2025.csv";
    let mut outcome = sample::outcome(20);
    let origin = Origin { file: 0, line: 7 };
    outcome.income.truncate(2);
    for line in &mut outcome.income {
        (line.id, line.origin) = (hash.into(), origin);
    }
    for line in &mut outcome.removed {
        (line.id, line.origin) = (hash.into(), origin);
    }
    outcome.disposals.truncate(1);
    outcome.warnings.clear();
    for line in &mut outcome.disposals {
        (line.id, line.origin) = (hash.into(), origin);
        line.why.value = ValueFrom::RowValue;
    }
    outcome.settled = vec![Settled {
        id: hash.into(),
        ..sample::settled()
    }];
    let inputs = [InputFile {
        name: file.to_owned(),
        sha256: "e".repeat(64),
        rows: 3,
        bad_rows: 0,
    }];
    let removed = outcome.removed.len();
    let outcome = sample::summed(outcome);
    let document = Document {
        inputs: &inputs,
        ..document(&outcome)
    };
    let read = Read::of(&pdf(&document, &Progress::UNWATCHED).unwrap());
    let text = read.text().replace('\n', "");
    // The lists of income, of what left without a sale and of prices, and the answer.
    assert_eq!(text.matches(hash).count(), 2 + removed + 1 + 1, "{text}");
    assert_eq!(text.matches(file).count(), 2 + removed + 1 + 1, "{text}");
    // Where only one line has room, both ends stay.
    let shortened = |text: &&Text| text.text.starts_with("0x9f") && text.text.contains('…');
    let shown = read.pages.iter().flatten().filter(shortened);
    let shown: Vec<_> = shown.collect();
    assert!(!shown.is_empty());
    assert!(
        shown.iter().all(|text| text.text.ends_with("44")),
        "{shown:?}"
    );
}

#[test]
fn a_chart_of_some_cents_is_left_out_and_of_several_years_the_text_says_which() {
    let sale = |day: &str, gain: &str| {
        let mut line = sample::sale("t2", "BTC", gain, "0");
        line.date = sample::day(day);
        line
    };
    let mut outcome = sample::empty();
    outcome.disposals = vec![sale("2024-03-14", "0.20"), sale("2024-05-02", "0.05")];
    let read = made(&sample::summed(outcome.clone()));
    assert!(!read.has("Gains by month") && read.has("Gains by asset"));
    outcome.disposals.push(sale("2025-03-14", "12"));
    let read = made(&sample::summed(outcome));
    assert!(read.has("Gains by month"));
    let text = read.text().replace('\n', " ");
    let said = "Every month of 2024 rounds to 0, so it has no chart.";
    assert!(text.contains(said), "{text}");
    for label in ["$0", "$5", "$10", "$15"] {
        assert!(read.has(label), "{label} in {text}");
    }
}

#[test]
fn what_has_no_rows_is_not_printed() {
    let read = made(&sample::empty());
    let titles: Vec<_> = read
        .sections()
        .into_iter()
        .map(|(title, _)| title)
        .collect();
    assert_eq!(titles, ["Summary", "Method and sources"]);
}
