//! Windows of what moved. A window through which rules watch a metric is a metric of its own, such
//! as `tvl:aave|mean:3600`, which moves when its base does; what it is comes from stored points.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::TimeDelta;
use packtrain_core::fault::Fault;
use packtrain_core::job::Ctx;
use packtrain_core::ports::{self, Move, Stretch};
use packtrain_core::time::Timestamp;
use packtrain_rules::metric::{Aggregate, Derived, Over};
use packtrain_rules::value::Value;
use packtrain_rules::window::{POINTS_MAX, Point, Windowed, derive};
use tracing::warn;

use crate::alerts::rules::FINE_S_MAX;

/// Windows that are derived in one evaluation; more than many tenants may watch with all they have
/// ([`packtrain_core::limits::WINDOWS_MAX`]). Those beyond are not known in that tick.
const WINDOWS_MAX: u32 = 20_000;
/// Points of one metric in one tick at which its windows are derived, the newest.
const MOMENTS_MAX: usize = 1_000;
/// Metrics whose windows are derived for rules that begin.
const BEGINNINGS_MAX: usize = 1_000;

/// What held when windows began, by their keys and the moments.
pub(super) type Began = HashMap<(String, Timestamp), Value>;

/// What moved, its windows with it.
#[derive(Default)]
pub(super) struct Moved {
    pub(super) moves: Vec<Move>,
    pub(super) began: Began,
}

impl Moved {
    /// What held when the window that a point is of began; none of what is no window.
    pub(super) fn began(&self, point: &ports::Point) -> Option<Value> {
        if self.began.is_empty() {
            return None;
        }
        self.began.get(&(point.metric.clone(), point.at)).copied()
    }
}

/// Adds to what moved the windows that moved with it, of those that rules watch.
pub(super) async fn with_windows(ctx: &Ctx, moves: Vec<Move>) -> Result<Moved, Fault> {
    let mut moments: BTreeMap<String, Vec<Timestamp>> = BTreeMap::new();
    for step in &moves {
        let of_metric = moments.entry(step.point.metric.clone()).or_default();
        of_metric.push(step.point.at);
    }
    let bases: Vec<String> = moments.keys().cloned().collect();
    let watched = ctx.world.watch.windows(&bases, WINDOWS_MAX).await?;
    let mut moved = Moved {
        moves,
        began: Began::new(),
    };
    if watched.is_empty() {
        return Ok(moved);
    }
    if watched.len() >= WINDOWS_MAX as usize {
        warn!("more windows are watched than are derived at once");
    }
    let keys: Vec<String> = watched.iter().cloned().chain(bases).collect();
    let before = fresh(ctx.world.watch.values(&keys).await?);
    for (base, windows) in of_bases(&watched) {
        let Some(moments) = moments.get(&base) else {
            continue;
        };
        let newest = moments.len().saturating_sub(MOMENTS_MAX);
        for (key, at, window) in read(ctx, &base, windows, moments[newest..].to_vec()).await? {
            let metric = key.to_string();
            moved.began.insert((metric.clone(), at), window.began);
            moved.moves.push(Move {
                before: before.get(&metric).map(|point| point.value.clone()),
                point: point(metric, at, window.value),
            });
        }
    }
    Ok(moved)
}

/// What windows are that are not among what is known, at the last points of their bases: rules that
/// begin are evaluated at them.
pub(super) async fn beginning(
    ctx: &Ctx,
    wanted: BTreeSet<Derived>,
    known: &[ports::Point],
) -> Result<Vec<ports::Point>, Fault> {
    let wanted = wanted.into_iter().filter(|key| key.over.is_some());
    let known = fresh(known.to_vec());
    let unknown = wanted.filter(|key| !known.contains_key(&key.to_string()));
    let unknown: Vec<String> = unknown.map(|key| key.to_string()).collect();
    let mut found = Vec::new();
    for (base, windows) in of_bases(&unknown).into_iter().take(BEGINNINGS_MAX) {
        let Some(last) = known.get(&base) else {
            continue;
        };
        let derived = read(ctx, &base, windows, vec![last.at]).await?;
        let points = derived.into_iter();
        found.extend(points.map(|(key, at, window)| point(key.to_string(), at, window.value)));
    }
    Ok(found)
}

/// Of what is known by key: without windows that are not of the last point of their base. Either
/// the window was not covered then, or nobody watched it; what it is now is not known.
pub(super) fn fresh(known: Vec<ports::Point>) -> HashMap<String, ports::Point> {
    let known = known.into_iter();
    let mut known: HashMap<_, _> = known.map(|it| (it.metric.clone(), it)).collect();
    let bases: HashMap<String, Timestamp> = { known.iter() }
        .filter(|(key, _)| !key.contains('|'))
        .map(|(key, point)| (key.clone(), point.at))
        .collect();
    known.retain(|key, point| {
        let base = key.split_once('|').map(|(base, _)| base);
        base.is_none_or(|base| bases.get(base) == Some(&point.at))
    });
    known
}

/// Windows by their bases.
fn of_bases(keys: &[String]) -> BTreeMap<String, Vec<Derived>> {
    let mut found: BTreeMap<String, Vec<Derived>> = BTreeMap::new();
    for key in keys.iter().filter_map(|key| key.parse::<Derived>().ok()) {
        found.entry(key.metric.to_string()).or_default().push(key);
    }
    found
}

fn point(metric: String, at: Timestamp, value: Value) -> ports::Point {
    let value = value.to_string();
    ports::Point { metric, at, value }
}

/// The windows of one metric at these moments, where they are covered.
async fn read(
    ctx: &Ctx,
    base: &str,
    windows: Vec<Derived>,
    moments: Vec<Timestamp>,
) -> Result<Vec<(Derived, Timestamp, Windowed)>, Fault> {
    let needs = Needs::of(&windows, &moments);
    let ends = ctx.world.watch.before(base, &needs.ends).await?;
    let mut dense = [Vec::new(), Vec::new()];
    for (is_coarse, points) in [false, true].into_iter().zip(&mut dense) {
        let Some(begin) = needs.begin(is_coarse) else {
            continue;
        };
        let stretch = Stretch {
            metric: base.to_owned(),
            // Times are whole microseconds.
            from: begin + TimeDelta::microseconds(1),
            until: needs.until,
            is_coarse,
        };
        let limit = u32::try_from(POINTS_MAX).unwrap_or(u32::MAX);
        let inside = ctx.world.watch.points(&stretch, limit).await?;
        // Of more points the oldest are left out, and windows that need them are not covered.
        let is_cut = inside.len() >= POINTS_MAX;
        if is_cut {
            warn!(metric = base, "a window has more points than are read");
        }
        let before = ends.iter().rfind(|point| point.at <= begin && !is_cut);
        points.extend(before.cloned());
        points.extend(inside.into_iter().rev());
    }
    let derived = ctx.cpu(move |_| {
        let [fine, coarse] = dense;
        let groups = [
            (Reach::Ends, ends),
            (Reach::Fine, fine),
            (Reach::Coarse, coarse),
        ];
        let groups = groups.into_iter();
        let derived = groups.flat_map(|(reach, points)| {
            let some = windows
                .iter()
                .filter(|key| key.over.map(Reach::of) == Some(reach));
            at_moments(some.cloned().collect(), &values(&points), &moments)
        });
        derived.collect::<Vec<_>>()
    });
    derived.await
}

/// Of which points a window is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    /// Its two ends.
    Ends,
    /// All in it.
    Fine,
    /// The last of each minute in it.
    Coarse,
}

impl Reach {
    const fn of(over: Over) -> Self {
        match over.aggregate {
            Aggregate::ChangePercent => Self::Ends,
            _ if over.window_s <= FINE_S_MAX => Self::Fine,
            _ => Self::Coarse,
        }
    }
}

/// What has to be read for windows at moments.
struct Needs {
    /// Moments at or before which the last point is needed.
    ends: Vec<Timestamp>,
    /// Where the longest window begins at the first moment: of those of which every point counts,
    /// and of the longer ones.
    begins: [Option<Timestamp>; 2],
    /// The last moment.
    until: Timestamp,
}

impl Needs {
    fn of(windows: &[Derived], moments: &[Timestamp]) -> Self {
        let overs = || windows.iter().filter_map(|key| key.over);
        let back = |at: &Timestamp, window_s: u32| *at - TimeDelta::seconds(i64::from(window_s));
        let first = moments.first();
        let longest = |reach: Reach| {
            let some = overs().filter(|over| Reach::of(*over) == reach);
            let length = some.map(|over| over.window_s).max()?;
            Some(back(first?, length))
        };
        let begins = [longest(Reach::Fine), longest(Reach::Coarse)];
        let mut ends: BTreeSet<Timestamp> = begins.iter().flatten().copied().collect();
        for over in overs().filter(|over| Reach::of(*over) == Reach::Ends) {
            ends.extend(moments);
            ends.extend(moments.iter().map(|at| back(at, over.window_s)));
        }
        Self {
            ends: ends.into_iter().collect(),
            begins,
            until: moments.last().copied().unwrap_or_default(),
        }
    }

    fn begin(&self, is_coarse: bool) -> Option<Timestamp> {
        self.begins[usize::from(is_coarse)]
    }
}

/// Points as the rule engine reads them.
fn values(points: &[ports::Point]) -> Vec<Point> {
    let read = points.iter().filter_map(|point| {
        let value = point.value.parse().ok()?;
        Some(Point {
            at: point.at,
            value,
        })
    });
    read.collect()
}

fn at_moments(
    windows: Vec<Derived>,
    points: &[Point],
    moments: &[Timestamp],
) -> Vec<(Derived, Timestamp, Windowed)> {
    let overs: Vec<Over> = windows.iter().filter_map(|key| key.over).collect();
    let derived = moments.iter().zip(derive(&overs, points, moments));
    let known = derived.flat_map(|(at, derived)| {
        let known = windows.iter().zip(derived);
        known.filter_map(move |(key, window)| Some((key.clone(), *at, window?)))
    });
    known.collect()
}
