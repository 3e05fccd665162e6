//! Finds figures that moved as they usually do not.

use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::ports::{SeriesId, Unusual};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::warn;
use utoipa::ToSchema;

use super::why;

/// Hours that are looked at: a week.
const WINDOW_HOURS: i64 = 7 * 24;
/// What lies between two figures of which one is a move of the other.
const HOUR: TimeDelta = TimeDelta::hours(1);
/// Moves with which the last is compared, at least: fewer say little of what is usual.
const MOVES_MIN: usize = 24;
/// From here on a move is told. Of normally spread moves one in five hundred million is as large;
/// figures of markets are not, so this is a choice and no probability.
const SCORE_MIN: f64 = 6.0;
/// A smaller change is not told, in percent. Of a figure that grows evenly, as by interest, hardly
/// anything is usual, and a move that nobody would see is far from it.
const CHANGE_MIN_PERCENT: f64 = 0.5;
/// What makes the median of deviations of normally spread figures their standard deviation.
const NORMAL: f64 = 0.6745;
/// Series that are read at once.
const PAGE: u32 = 500;
/// Anomalies of an hour that are kept, the strongest; all are counted. Where a source gives
/// nonsense, thousands of series move at once.
const KEPT_MAX: usize = 500;

/// Compares the last move of each series of a dataset with its moves of a week, and says of the
/// strongest of protocols whether a price or a quantity moved. Without a dataset, fans out to all.
///
/// What is kept of an hour stays, so a second run changes nothing.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnalyticsAnomaly)]
pub struct Anomaly {
    /// Of what.
    #[serde(default)]
    pub dataset: Option<Dataset>,
}

impl Anomaly {
    /// Looks at a dataset.
    pub const fn of(dataset: Dataset) -> Self {
        Self {
            dataset: Some(dataset),
        }
    }
}

impl Job for Anomaly {
    const KIND: Kind = Kind::new("analytics.anomaly");
    const LANE: Lane = Lane::Bulk;
    // The next hour has its own.
    const ATTEMPTS_MAX: u16 = 2;
    const DEADLINE: Option<Duration> = Some(super::ingest::EVERY);
    // Twenty answers of many megabytes.
    const TIME_LIMIT: Duration = Duration::from_secs(900);

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let Some(dataset) = self.dataset else {
            return Ok(Done::fan_out(Dataset::ALL.into_iter().map(Self::of)));
        };
        let store = &ctx.world.series;
        let Some(hour) = store.newest(dataset, Resolution::Hour).await? else {
            return Ok(Done::with(json!({ "dataset": dataset, "scored": 0 })));
        };
        let from = hour - TimeDelta::hours(WINDOW_HOURS);
        let (mut found, mut scored, mut after) = (Vec::new(), 0_u64, None);
        loop {
            let page = store.recent(dataset, from, after, PAGE).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = Some(last.id);
            // A series that was not measured in this hour has not moved in it.
            for series in page.into_iter().filter(|series| series.last >= hour) {
                let Some(moved) = score(series.id, &series.hours) else {
                    continue;
                };
                scored += 1;
                if is_told(&moved) {
                    found.push((series.key, moved));
                }
            }
        }
        found.sort_by(|(_, one), (_, other)| other.z.abs().total_cmp(&one.z.abs()));
        let count = found.len();
        let labels = [("dataset", dataset.as_str())];
        metrics::counter!("packtrain_series_anomalies_total", &labels).increment(count as u64);
        if let Some((key, strongest)) = found.first() {
            warn!(
                dataset = dataset.as_str(),
                count,
                series = key,
                z = strongest.z,
                "series moved as they usually do not"
            );
        }
        found.truncate(KEPT_MAX);
        why::look_into(ctx, dataset, &mut found).await;
        let kept: Vec<Unusual> = found.iter().map(|(_, moved)| *moved).collect();
        let new = store.note(hour, &kept).await?;
        Ok(Done::with(json!({
            "dataset": dataset, "hour": hour, "scored": scored, "found": count, "new": new,
        })))
    }
}

/// Whether a move is so unusual, and so large, that it is told.
pub fn is_told(moved: &Unusual) -> bool {
    moved.z.abs() >= SCORE_MIN && moved.change_percent.abs() >= CHANGE_MIN_PERCENT
}

/// How unusual the last move of these figures is, among the moves before it; none when they say too
/// little of what is usual: too few of them, or more than half of them equal.
///
/// A move is from one hour to the next: over hours that are missing a figure moves further, and
/// that is not unusual. Moves are logarithms of one figure over the one before, so that a fall to a
/// half is as large as a rise to the double; figures that are not above zero have none. The score
/// is 0.6745 times the distance of the last move from the median of those before it, over the
/// median of their distances from it (Iglewicz and Hoaglin, 1993).
pub fn score(series: SeriesId, hours: &[(Timestamp, f64)]) -> Option<Unusual> {
    let moved = |pair: &[(Timestamp, f64)]| {
        let [(at, before), (next, after)] = *pair else {
            return None;
        };
        let is_move = next - at == HOUR && before > 0.0 && after > 0.0;
        is_move.then(|| (after / before).ln())
    };
    let last = moved(hours.get(hours.len().checked_sub(2)?..)?)?;
    let before = hours.get(..hours.len() - 1)?;
    let moves: Vec<f64> = before.windows(2).filter_map(moved).collect();
    if moves.len() < MOVES_MIN {
        return None;
    }
    let usual = median(moves.clone())?;
    let deviation = median(moves.iter().map(|one| (one - usual).abs()).collect())?;
    (deviation > 0.0).then(|| Unusual {
        series,
        z: NORMAL * (last - usual) / deviation,
        change_percent: (last.exp() - 1.0) * 100.0,
        support: u32::try_from(moves.len()).unwrap_or(u32::MAX),
        why: None,
    })
}

/// The middle one, or between the middle two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = *values.get(middle.checked_sub(1)?)?;
    Some(f64::midpoint(lower, upper))
}
