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

/// What is made of a window, and what held when it began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Windowed {
    /// What is made of it.
    pub value: Value,
    /// The last point at or before its beginning.
    pub began: Value,
}

/// What windows of one metric are at each of some moments, in order: for whoever keeps points
/// elsewhere and reads those that the windows need. Points and moments are in order of time.
///
/// None where a window is not covered by these points, or where no point is of the moment.
pub fn derive(
    overs: &[Over],
    points: &[Point],
    moments: &[Timestamp],
) -> Vec<Vec<Option<Windowed>>> {
    let mut series = Series::default();
    overs.iter().for_each(|over| series.add(*over));
    let mut points = points.iter().peekable();
    let at_each = moments.iter().map(|moment| {
        while let Some(point) = points.next_if(|point| point.at <= *moment) {
            series.push(*point);
        }
        let is_there = series.points.back().is_some_and(|last| last.at == *moment);
        let windows = (0..overs.len()).map(|place| series.read(place).filter(|_| is_there));
        windows.collect()
    });
    at_each.collect()
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
        self.read(place).map(|window| window.value)
    }

    fn read(&self, place: usize) -> Option<Windowed> {
        let window = &self.windows[place];
        let last = self.points.back()?;
        let before = self.point(window.head.checked_sub(1)?)?;
        let length = Duration::seconds(i64::from(window.over.window_s));
        if last.at - before.at > length * 2 {
            return None;
        }
        let inside = self.end() - window.head;
        let value = match window.over.aggregate {
            Aggregate::ChangePercent => last.value.percent_change(before.value),
            Aggregate::Mean => Value::mean(window.sum, inside),
            Aggregate::Min | Aggregate::Max => {
                let extreme = self.point(*window.extremes.front()?)?;
                Some(extreme.value)
            }
        };
        value.map(|value| Windowed {
            value,
            began: before.value,
        })
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
mod tests;
