//! Where buckets begin and end, and what figures make of them.

use proptest::prelude::*;

use super::*;

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn buckets_begin_at_full_hours_midnight_monday_and_the_first_of_the_month_in_utc() {
    let at = time("2026-11-29T23:59:59.999999Z");
    for (resolution, first, end) in [
        (
            Resolution::Hour,
            "2026-11-29T23:00:00Z",
            "2026-11-30T00:00:00Z",
        ),
        (
            Resolution::Day,
            "2026-11-29T00:00:00Z",
            "2026-11-30T00:00:00Z",
        ),
        // A Sunday is the last day of its week.
        (
            Resolution::Week,
            "2026-11-23T00:00:00Z",
            "2026-11-30T00:00:00Z",
        ),
        (
            Resolution::Month,
            "2026-11-01T00:00:00Z",
            "2026-12-01T00:00:00Z",
        ),
    ] {
        assert_eq!(resolution.floor(at), time(first), "{resolution}");
        assert_eq!(resolution.end(at), time(end), "{resolution}");
        assert_eq!(resolution.floor(time(first)), time(first));
        assert_eq!(resolution.end(time(first)), time(end));
    }
    let leap = time("2028-02-01T00:00:00Z");
    assert_eq!(Resolution::Month.end(leap), time("2028-03-01T00:00:00Z"));
}

/// The same by sorting all figures and looking at them one after the other.
fn naive(figures: &[(Timestamp, Quantity)]) -> Option<Bucket> {
    let mut sorted = figures.to_vec();
    sorted.sort_by_key(|(at, _)| *at);
    let values: Vec<Quantity> = sorted.into_iter().map(|(_, value)| value).collect();
    let sum = values.iter().fold(Quantity::ZERO, |sum, value| {
        sum.checked_add(*value).unwrap()
    });
    Some(Bucket {
        open: *values.first()?,
        close: *values.last()?,
        low: *values.iter().min()?,
        high: *values.iter().max()?,
        sum,
        count: values.len() as u64,
    })
}

/// Hours, each once, with figures of different decimals, in any order.
fn figures() -> impl Strategy<Value = Vec<(Timestamp, Quantity)>> {
    let one = (0_i64..24 * 31, (-1_000_000_i128..1_000_000_i128, 0_u32..18));
    prop::collection::btree_map(0_i64..24 * 31, one.prop_map(|(_, figure)| figure), 0..100)
        .prop_map(|hours| {
            let hours = hours.into_iter().map(|(hour, (units, decimals))| {
                let at = time("2026-10-01T00:00:00Z") + TimeDelta::hours(hour);
                (at, Quantity::from_units(units, decimals).unwrap())
            });
            hours.collect::<Vec<_>>()
        })
        .prop_shuffle()
}

proptest! {
    #[test]
    fn figures_in_any_order_however_late_make_what_sorting_all_of_them_makes(
        figures in figures(),
    ) {
        let mut tally = Tally::default();
        for (at, value) in &figures {
            tally.take(*at, *value).unwrap();
        }
        prop_assert_eq!(tally.bucket(), naive(&figures));
    }

    #[test]
    fn each_moment_lies_in_one_bucket_of_each_resolution(
        micros in 0_i64..4_000_000_000_000_000,
    ) {
        let at = DateTime::from_timestamp_micros(micros).unwrap();
        for resolution in Resolution::ALL {
            let (first, end) = (resolution.floor(at), resolution.end(at));
            prop_assert!(first <= at && at < end);
            prop_assert_eq!(resolution.floor(end), end);
            let last = end - TimeDelta::microseconds(1);
            prop_assert_eq!(resolution.floor(last), first);
            // What it is made of lies in it whole.
            prop_assert_eq!(resolution.source().floor(first), first);
        }
    }
}

#[test]
fn a_sum_that_cannot_be_held_is_an_error_and_no_wrong_figure() {
    let most: Quantity = "99999999999999999999999999999999999999".parse().unwrap();
    let mut tally = Tally::default();
    tally.take(time("2026-10-01T00:00:00Z"), most).unwrap();
    let second = tally.take(time("2026-10-01T01:00:00Z"), most);
    assert_eq!(second, Err(AmountError::Overflow));
}
