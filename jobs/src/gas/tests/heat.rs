//! The heat map and the clocks of places.

use packtrain_core::ports::GasMedian;
use packtrain_core::time::Timestamp;
use proptest::prelude::*;

use super::super::bucket::BUCKET;
use super::super::heat::{Cell, map, zone};

/// Buckets one after the other; the price of each is its place.
fn buckets(first: &str, count: u32) -> Vec<GasMedian> {
    let first: Timestamp = first.parse().unwrap();
    let places = 0..i32::try_from(count).unwrap();
    places
        .map(|place| GasMedian {
            at: first + BUCKET * place,
            wei: u64::try_from(place).unwrap(),
        })
        .collect()
}

fn cell(cells: &[Cell], weekday: u8, hour: u8) -> Cell {
    let found = cells
        .iter()
        .find(|it| (it.weekday, it.hour) == (weekday, hour));
    *found.unwrap()
}

#[test]
fn the_hour_that_spring_leaves_out_has_no_sample_and_the_one_that_autumn_doubles_has_both() {
    let berlin = zone("Europe/Berlin").unwrap();
    // Sunday, 29 March 2026, from midnight to midnight in Berlin: 23 hours.
    let spring = map(&buckets("2026-03-28T23:00:00Z", 23 * 4), berlin);
    assert_eq!(cell(&spring, 7, 1).samples, 4);
    assert_eq!(cell(&spring, 7, 2).samples, 0);
    assert_eq!(cell(&spring, 7, 2).spread, None);
    assert_eq!(cell(&spring, 7, 3).samples, 4);
    // Sunday, 25 October 2026: 25 hours.
    let autumn = map(&buckets("2026-10-24T22:00:00Z", 25 * 4), berlin);
    assert_eq!(cell(&autumn, 7, 2).samples, 8);
    assert_eq!(cell(&autumn, 7, 3).samples, 4);
    assert_eq!(cell(&autumn, 7, 23).samples, 4);
    for cells in [spring, autumn] {
        let others = cells.iter().filter(|cell| cell.weekday != 7);
        assert_eq!(others.map(|cell| cell.samples).sum::<usize>(), 0);
    }
}

#[test]
fn a_price_stands_at_the_hour_that_the_clocks_of_the_place_show() {
    // Monday, 12:00 UTC, is 17:45 in Kathmandu and 05:00 in Los Angeles.
    let monday = buckets("2026-06-15T12:00:00Z", 4);
    let kathmandu = map(&monday, zone("Asia/Kathmandu").unwrap());
    assert_eq!(cell(&kathmandu, 1, 17).samples, 1);
    assert_eq!(cell(&kathmandu, 1, 18).samples, 3);
    let there = map(&monday, zone("America/Los_Angeles").unwrap());
    let spread = cell(&there, 1, 5).spread.unwrap();
    assert_eq!((spread.p25, spread.p50, spread.p75), (0, 1, 2));
    // And across midnight the day is another.
    let auckland = map(&monday, zone("Pacific/Auckland").unwrap());
    assert_eq!(cell(&auckland, 2, 0).samples, 4);
}

#[test]
fn what_is_no_time_zone_is_none() {
    let long = "A".repeat(100);
    for name in ["", "Europe", "Berlin", "+02:00", "Europe/Berlin ", &long] {
        assert_eq!(zone(name), None, "{name}");
    }
}

proptest! {
    #[test]
    fn each_bucket_is_in_one_of_168_hours(
        count in 0_u32..3_000,
        name in prop::sample::select(vec![
            "UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu",
        ]),
    ) {
        let cells = map(&buckets("2026-03-20T00:00:00Z", count), zone(name).unwrap());
        prop_assert_eq!(cells.len(), 168);
        let sum: usize = cells.iter().map(|cell| cell.samples).sum();
        prop_assert_eq!(sum, usize::try_from(count).unwrap());
    }
}
