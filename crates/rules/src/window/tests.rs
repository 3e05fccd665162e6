//! Windows against their definition.

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_timestamp(second, 0).unwrap()
}

fn over(aggregate: Aggregate, window_s: u32) -> Over {
    Over {
        aggregate,
        window_s,
    }
}

fn series(overs: &[Over], points: &[(i64, i64)]) -> Series {
    let mut series = Series::default();
    for over in overs {
        series.add(*over);
    }
    for (second, value) in points {
        series.push(Point {
            at: at(*second),
            value: Value::whole(*value),
        });
    }
    series
}

/// What a window is by its definition, from all points that there ever were.
fn defined(over: Over, points: &[Point]) -> Option<Value> {
    let last = points.last()?;
    let begin = last.at - Duration::seconds(i64::from(over.window_s));
    let before = points.iter().rfind(|point| point.at <= begin)?;
    if begin - before.at > Duration::seconds(i64::from(over.window_s)) {
        return None;
    }
    let inside = || {
        points
            .iter()
            .filter(|point| point.at > begin)
            .map(|point| point.value)
    };
    match over.aggregate {
        Aggregate::ChangePercent => last.value.percent_change(before.value),
        Aggregate::Min => inside().min(),
        Aggregate::Max => inside().max(),
        Aggregate::Mean => {
            let sum = inside().map(|value| I256::from(value.units()));
            Value::mean(
                sum.fold(I256::ZERO, |sum, more| sum + more),
                inside().count(),
            )
        }
    }
}

#[test]
fn a_window_is_known_once_it_is_covered_and_until_a_gap_uncovers_it() {
    let change = [over(Aggregate::ChangePercent, 60)];
    let known = |points: &[(i64, i64)]| {
        let value = series(&change, points).value(0);
        value.map(|value| value.to_string())
    };
    assert_eq!(known(&[(0, 100), (59, 110)]), None);
    assert_eq!(
        known(&[(0, 100), (59, 110), (60, 120)]),
        Some("20".to_owned())
    );
    assert_eq!(known(&[(0, 100), (120, 120)]), Some("20".to_owned()));
    assert_eq!(known(&[(0, 100), (121, 120)]), None);
}

#[test]
fn a_moment_without_a_point_of_its_own_has_no_window() {
    let points = [(0, 1), (60, 2), (120, 3)].map(|(second, value)| Point {
        at: at(second),
        value: Value::whole(value),
    });
    let moments = [at(60), at(90), at(120)];
    let derived = derive(&[over(Aggregate::Max, 60)], &points, &moments);
    let window = |value, began| Windowed {
        value: Value::whole(value),
        began: Value::whole(began),
    };
    assert_eq!(
        derived,
        [[Some(window(2, 1))], [None], [Some(window(3, 2))]]
    );
}

#[test]
fn a_mean_is_rounded_half_away_from_zero() {
    let mean = [over(Aggregate::Mean, 10)];
    let series = series(&mean, &[(0, 9), (10, 1), (12, 1), (13, 0)]);
    assert_eq!(series.value(0).unwrap().to_string(), "0.666666666666666667");
}

#[test]
fn points_beyond_the_limit_uncover_the_window_that_needs_them() {
    let all = [over(Aggregate::Mean, 100_000), over(Aggregate::Mean, 50)];
    let count = i64::try_from(POINTS_MAX).unwrap() + 20_000;
    let points: Vec<_> = (0..count).map(|second| (second, 1)).collect();
    let series = series(&all, &points);
    assert_eq!(
        [series.value(0), series.value(1)],
        [None, Some(Value::whole(1))]
    );
    assert_eq!(series.points.len(), POINTS_MAX);
}

proptest! {
    #[test]
    fn windows_of_stored_points_are_what_their_definition_says_at_each_moment(
        steps in proptest::collection::vec((1_i64..40, -5_i64..6), 1..80),
        from in 0_usize..40,
    ) {
        let mut overs = Vec::new();
        for aggregate in Aggregate::ALL {
            overs.extend([over(aggregate, 30), over(aggregate, 100)]);
        }
        let mut second = 0;
        let points: Vec<Point> = steps.into_iter().map(|(pause, value)| {
            second += pause;
            Point { at: at(second), value: Value::whole(value) }
        }).collect();
        let from = from % points.len();
        let moments: Vec<_> = points[from..].iter().map(|point| point.at).collect();
        let derived = derive(&overs, &points, &moments);
        for (number, windows) in derived.into_iter().enumerate() {
            for (over, window) in overs.iter().zip(windows) {
                let wanted = defined(*over, &points[..=from + number]);
                prop_assert_eq!(window.map(|it| it.value), wanted, "{:?}", over);
            }
        }
    }

    #[test]
    fn a_change_needs_no_points_but_those_at_its_two_ends(
        steps in proptest::collection::vec((1_i64..40, -5_i64..6), 2..80),
    ) {
        let overs = [over(Aggregate::ChangePercent, 30), over(Aggregate::ChangePercent, 100)];
        let mut second = 0;
        let points: Vec<Point> = steps.into_iter().map(|(pause, value)| {
            second += pause;
            Point { at: at(second), value: Value::whole(value) }
        }).collect();
        let last = points[points.len() - 1];
        let ends = overs.iter().filter_map(|over| {
            let begin = last.at - Duration::seconds(i64::from(over.window_s));
            points.iter().rfind(|point| point.at <= begin).copied()
        });
        let mut few: Vec<Point> = ends.chain([last]).collect();
        few.sort_by_key(|point| point.at);
        few.dedup();
        let few = derive(&overs, &few, &[last.at]);
        prop_assert_eq!(few, derive(&overs, &points, &[last.at]));
    }

    #[test]
    fn windows_are_what_their_definition_says(
        steps in proptest::collection::vec((0_i64..40, -5_i64..6), 1..120),
        added_at in 0_usize..20,
    ) {
        let mut overs = Vec::new();
        for aggregate in Aggregate::ALL {
            overs.extend([over(aggregate, 30), over(aggregate, 100)]);
        }
        let (first, later) = overs.split_at(4);
        let mut kept = series(first, &[]);
        let (mut points, mut second) = (Vec::<Point>::new(), 0);
        for (number, (pause, value)) in steps.into_iter().enumerate() {
            if number == added_at {
                later.iter().for_each(|over| kept.add(*over));
            }
            second += pause;
            let point = Point { at: at(second), value: Value::whole(value) };
            points.retain(|old| old.at != point.at);
            points.push(point);
            kept.push(point);
            for (place, over) in first.iter().enumerate() {
                prop_assert_eq!(kept.value(place), defined(*over, &points), "{:?}", over);
            }
        }
    }
}
