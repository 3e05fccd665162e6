//! What leads from a sum to its parts, and from a thing to check to its row.

use super::made;
use crate::{amounts, sample, words};

#[test]
fn a_line_of_the_summary_leads_to_the_list_of_its_parts_and_names_its_page() {
    let read = made(&sample::outcome(200));
    for (line, list) in [
        ("Net capital gain", "Disposals"),
        ("All gains", "Gains by asset"),
        ("Income", "Income"),
    ] {
        let (page, link) = read.link_on(line);
        assert_eq!(read.shown_by(&link), list, "{line}");
        let said = format!("page {}", link.page + 1);
        assert!(
            read.pages[page].iter().any(|text| text.text == said),
            "{said}"
        );
    }
}

#[test]
fn a_thing_to_check_leads_to_its_disposal_and_names_the_page() {
    let mut outcome = sample::outcome(200);
    let line = outcome.disposals[150].clone();
    outcome.warnings.truncate(1);
    outcome.warnings[0].origin = line.origin;
    let read = made(&outcome);
    let place = format!("{} · line {}", outcome.warnings[0].id, line.origin.line);
    let (_, link) = read.link_on(&place);
    assert_eq!(read.shown_by(&link), words::date(line.date));
    let text = read.text();
    assert!(text.contains(&format!("page {} · ", link.page + 1)));
}

#[test]
fn a_thing_to_check_whose_row_is_not_printed_leads_nowhere() {
    let mut outcome = sample::outcome(20);
    outcome.warnings.truncate(1);
    outcome.warnings[0].origin.line = 9_999;
    let read = made(&outcome);
    let place = format!("{} · line 9999", outcome.warnings[0].id);
    assert!(read.has(&place));
    for page in 0..read.pages.len() {
        let text = read.pages[page].iter().find(|text| text.text == place);
        let over = |y: f32| move |edges: [f32; 4]| edges[1] <= y && y < edges[3];
        if let Some(text) = text {
            assert!(!read.links(page).iter().any(|link| over(text.y)(link.edges)));
        }
    }
}

#[test]
fn an_asset_leads_to_its_first_disposal_and_a_month_of_the_chart_to_that_month() {
    let outcome = sample::outcome(200);
    let read = made(&outcome);
    let first = outcome.disposals.iter().find(|line| &*line.asset == "SOL");
    let first = first.unwrap();
    let (_, link) = read.link_on("SOL");
    let row = read.pages[link.page]
        .iter()
        .filter(|text| text.y < link.top);
    let row: Vec<_> = row.filter(|text| text.y > link.top - 40.0).collect();
    let proceeds = amounts::bare(first.proceeds);
    let is_there = row.iter().any(|text| *text.text == *first.id);
    assert!(is_there, "{proceeds}: {row:?}");
    let (_, link) = read.link_on("Mar");
    assert!(read.shown_by(&link).starts_with("March "), "{link:?}");
}

#[test]
fn every_link_lies_on_its_page_and_leads_to_a_place_on_one() {
    let read = made(&sample::outcome(90));
    let mut count = 0;
    for page in 0..read.pages.len() {
        for link in read.links(page) {
            let [left, lower, right, upper] = link.edges;
            assert!(0.0 < left && left < right && right < 612.0, "{link:?}");
            assert!(0.0 < lower && lower < upper && upper < 792.0, "{link:?}");
            assert!(
                link.page < read.pages.len() && link.top <= 792.0,
                "{link:?}"
            );
            count += 1;
        }
    }
    assert!(count > 20, "{count}");
}
