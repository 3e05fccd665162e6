//! Nothing leaves its place: margins, columns, headings, pages.

use std::collections::BTreeMap;

use super::read::Text;
use super::{hard_cases, made};
use crate::pdf::theme;
use crate::sample;

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
fn what_has_no_rows_is_not_printed() {
    let read = made(&sample::empty());
    let titles: Vec<_> = read
        .sections()
        .into_iter()
        .map(|(title, _)| title)
        .collect();
    assert_eq!(titles, ["Summary", "Method and sources"]);
}
