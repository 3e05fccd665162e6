//! What was observed of the metrics of a rule, read in pages.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use packtrain_core::fault::Fault;
use packtrain_core::job::Ctx;
use packtrain_core::ports::{self, Stretch};
use packtrain_core::time::Timestamp;
use packtrain_rules::backtest::{HISTORY_POINTS_MAX, History};
use packtrain_rules::metric::Metric;
use packtrain_rules::rule::Rule;
use packtrain_rules::window::Point;

use super::Data;

/// Points that are read at once.
const PAGE: u32 = 20_000;

/// The time that is asked for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// What there is.
#[derive(Default)]
pub(super) struct Read {
    pub(super) history: History,
    /// Metrics with so many points that of each minute the last was taken, and whether not even of
    /// those all were.
    coarse: BTreeMap<Metric, bool>,
}

impl Read {
    /// Where a rule can begin: where all metrics of which there is anything have a value.
    pub(super) fn from(&self, asked: Timestamp) -> Timestamp {
        let firsts = self.history.values().filter_map(|points| points.first());
        let firsts = firsts.map(|point| point.at);
        firsts.fold(asked, Timestamp::max)
    }

    /// Metrics of which there is nothing.
    pub(super) fn unobserved(&self) -> Vec<String> {
        let empty = self.history.iter().filter(|(_, points)| points.is_empty());
        empty.map(|(metric, _)| metric.to_string()).collect()
    }

    pub(super) fn data(&self) -> Vec<Data> {
        let of_each = self.history.iter().map(|(metric, points)| Data {
            metric: metric.to_string(),
            points: points.len(),
            first: points.first().map(|point| point.at),
            last: points.last().map(|point| point.at),
            of_minutes: self.coarse.contains_key(metric),
        });
        of_each.collect()
    }
}

/// Reads what was observed of the metrics of a rule, and before that what fills its windows.
pub(super) async fn read(ctx: &Ctx, rule: &Rule, asked: Asked) -> Result<Read, Fault> {
    let mut longest: BTreeMap<Metric, u32> = BTreeMap::new();
    for leaf in rule.when.leaves() {
        let window = longest.entry(leaf.metric.clone()).or_default();
        *window = (*window).max(leaf.window_s.unwrap_or(0));
    }
    // With room for what each was before.
    let most = HISTORY_POINTS_MAX / longest.len().max(1) - 1;
    let mut found = Read::default();
    for (metric, window_s) in longest {
        // A window is covered by a point that is no further before it than it is long.
        let before = TimeDelta::seconds(2 * i64::from(window_s));
        let mut stretch = Stretch {
            metric: metric.to_string(),
            from: asked.from - before,
            until: asked.until,
            is_coarse: false,
        };
        let mut points = pages(ctx, &stretch, most).await?;
        if points.len() > most {
            stretch.is_coarse = true;
            points = pages(ctx, &stretch, most).await?;
            let is_cut = points.len() > most;
            points.truncate(most);
            found.coarse.insert(metric.clone(), is_cut);
        }
        if !found.coarse.get(&metric).copied().unwrap_or(false) {
            // What it was when the time began.
            let watch = &ctx.world.watch;
            points.extend(watch.before(&stretch.metric, &[stretch.from]).await?);
        }
        found.history.insert(metric, values(points));
    }
    Ok(found)
}

/// Points of a stretch, the newest first; one page more than `most` at most.
async fn pages(ctx: &Ctx, stretch: &Stretch, most: usize) -> Result<Vec<ports::Point>, Fault> {
    let mut stretch = stretch.clone();
    let mut points = Vec::new();
    while points.len() <= most {
        let page = ctx.world.watch.points(&stretch, PAGE).await?;
        let is_last = page.len() < PAGE as usize;
        points.extend(page);
        let Some(oldest) = points.last().filter(|_| !is_last) else {
            break;
        };
        let minute = oldest.at.timestamp_micros().rem_euclid(60_000_000);
        let back = if stretch.is_coarse { minute } else { 0 };
        stretch.until = oldest.at - TimeDelta::microseconds(back + 1);
    }
    Ok(points)
}

/// Points as the rule engine reads them, the oldest first, none of them twice.
fn values(points: Vec<ports::Point>) -> Vec<Point> {
    let read = points.into_iter().rev().filter_map(|point| {
        let value = point.value.parse().ok()?;
        Some(Point {
            at: point.at,
            value,
        })
    });
    let mut points: Vec<Point> = read.collect();
    points.sort_by_key(|point| point.at);
    points.dedup_by_key(|point| point.at);
    points
}
