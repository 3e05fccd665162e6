//! The points of a metric, and what windows make of them, kept up as points come.
//!
//! At a point of time t, a window of w seconds holds the points after t - w. What held at its
//! beginning is the last point at or before t - w, if that is no older than t - 2w. Without one,
//! the window is not covered, and nothing is made of it: a minimum over half a window would be a
//! wrong one. Means are those of the points, each counted once.

use std::collections::VecDeque;

use chrono::Duration;
use ethnum::I256;
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::metric::{Aggregate, Over};
use crate::value::Value;

/// Points kept of one metric, at most; the oldest go first, and windows that need them are not
/// covered. 31 days of a point each half minute.
pub const POINTS_MAX: usize = 90_000;

/// What was measured, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Point {
    /// When.
    pub at: Timestamp,
    /// What.
    pub value: Value,
}

/// The points of one metric that its windows need.
#[derive(Debug, Default)]
pub(crate) struct Series {
    points: VecDeque<Point>,
    /// How many points went before the first that is kept.
    gone: usize,
    windows: Vec<Window>,
}

#[derive(Debug)]
struct Window {
    over: Over,
    /// The number of the first point inside.
    head: usize,
    /// Sum of the units inside.
    sum: I256,
    /// Numbers of the points inside that are an extreme once those before them have left.
    extremes: VecDeque<usize>,
}

impl Series {
    /// Adds a window, which counts the points that are there.
    pub(crate) fn add(&mut self, over: Over) {
        let window = Window::of(over, self);
        self.windows.push(window);
    }

    /// Removes the window in a place.
    pub(crate) fn remove(&mut self, place: usize) {
        self.windows.remove(place);
    }

    /// Takes a point that is not older than the last; one of the same moment replaces it.
    pub(crate) fn push(&mut self, point: Point) {
        if self.points.back().is_some_and(|last| last.at == point.at) {
            self.points.pop_back();
            self.points.push_back(point);
            for at in 0..self.windows.len() {
                self.windows[at] = Window::of(self.windows[at].over, self);
            }
            return;
        }
        self.points.push_back(point);
        let mut windows = std::mem::take(&mut self.windows);
        for window in &mut windows {
            window.take_last(self);
        }
        self.windows = windows;
        self.forget();
    }

    /// What is made of the window in a place; none when it is not covered, or the change is one
    /// from zero.
    pub(crate) fn value(&self, place: usize) -> Option<Value> {
        let window = &self.windows[place];
        let last = self.points.back()?;
        let before = self.point(window.head.checked_sub(1)?)?;
        let length = Duration::seconds(i64::from(window.over.window_s));
        if last.at - before.at > length * 2 {
            return None;
        }
        let inside = self.end() - window.head;
        match window.over.aggregate {
            Aggregate::ChangePercent => last.value.percent_change(before.value),
            Aggregate::Mean => Value::mean(window.sum, inside),
            Aggregate::Min | Aggregate::Max => {
                let extreme = self.point(*window.extremes.front()?)?;
                Some(extreme.value)
            }
        }
    }

    /// The number that the next point will have.
    fn end(&self) -> usize {
        self.gone + self.points.len()
    }

    fn point(&self, number: usize) -> Option<&Point> {
        self.points.get(number.checked_sub(self.gone)?)
    }

    /// Drops what no window needs, and what is too much.
    fn forget(&mut self) {
        let heads = self.windows.iter().map(|window| window.head);
        let needed = heads.min().unwrap_or(self.end()).saturating_sub(1);
        while self.gone < needed || self.points.len() > POINTS_MAX {
            let Some(point) = self.points.pop_front() else {
                return;
            };
            for window in &mut self.windows {
                window.leave(self.gone, point.value);
            }
            self.gone += 1;
        }
    }
}

impl Window {
    /// A window at the last of the points that are there.
    fn of(over: Over, series: &Series) -> Self {
        let mut window = Self {
            over,
            head: series.gone,
            sum: I256::ZERO,
            extremes: VecDeque::new(),
        };
        for number in series.gone..series.end() {
            window.enter(number, series);
        }
        window.trim(series);
        window
    }

    fn take_last(&mut self, series: &Series) {
        self.enter(series.end() - 1, series);
        self.trim(series);
    }

    fn enter(&mut self, number: usize, series: &Series) {
        let value = |number| series.point(number).map(|point: &Point| point.value);
        let Some(new) = value(number) else {
            return;
        };
        self.sum += I256::from(new.units());
        let is_hidden = |old: Value| match self.over.aggregate {
            Aggregate::Min => old >= new,
            Aggregate::Max => old <= new,
            Aggregate::Mean | Aggregate::ChangePercent => true,
        };
        while let Some(last) = self.extremes.back() {
            if !value(*last).is_none_or(is_hidden) {
                break;
            }
            self.extremes.pop_back();
        }
        self.extremes.push_back(number);
    }

    /// Lets go what is not inside any more.
    fn trim(&mut self, series: &Series) {
        let Some(last) = series.points.back() else {
            return;
        };
        let length = Duration::seconds(i64::from(self.over.window_s));
        while let Some(point) = series.point(self.head)
            && last.at - point.at >= length
        {
            self.leave(self.head, point.value);
        }
    }

    /// A point leaves, if it is inside.
    fn leave(&mut self, number: usize, value: Value) {
        if number != self.head {
            return;
        }
        self.sum -= I256::from(value.units());
        if self.extremes.front() == Some(&number) {
            self.extremes.pop_front();
        }
        self.head += 1;
    }
}

#[cfg(test)]
mod tests {
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
}
