//! Measures a dataset, once an hour.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use packtrain_core::fault::{Fault, chain as told};
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::ports::{Measured, Point, SourceError, StoreError};
use packtrain_core::quantity::Quantity as Amount;
use packtrain_core::schedule::{Every, Missed};
use packtrain_core::series::{APY, Dataset, PEG, POOL_TVL, PROTOCOL, Resolution};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::warn;
use utoipa::ToSchema;

use super::anomaly::Anomaly;
use super::quantity::Quantity;
use super::rollup::Rollup;
use crate::alerts::look::observe;

/// How often it comes by itself.
pub const EVERY: Duration = Duration::from_secs(60 * 60);
/// Dollars in a pool from which on its figures are kept: of 20,000 pools a fifth have as much, and
/// two series of each of the others would be more rows than all the rest.
pub const POOL_USD_MIN: &str = "1000000";

/// A source that tells less than half of what it told is believed when it has done so for as long.
const BELIEVED_AFTER: TimeDelta = TimeDelta::hours(24);

/// An answer that is none.
#[derive(Debug, thiserror::Error)]
#[error("it tells {told} figures, and told {before} the last time")]
struct Few {
    told: u64,
    before: u64,
}

/// Keeps what a dataset is in this hour. Without a dataset, fans out to all.
///
/// A figure of an hour is kept once: a second run in the same hour keeps what the first did not,
/// and changes nothing. What was measured after its hour would be another hour's, so a run that is
/// found late measures the hour in which it is found. An answer without figures, or with less than
/// half of those of the last hour, is no measurement, and the source is asked again.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnalyticsIngest)]
pub struct Ingest {
    /// What is measured.
    #[serde(default)]
    pub dataset: Option<Dataset>,
}

impl Job for Ingest {
    const KIND: Kind = Kind::new("analytics.ingest");
    const LANE: Lane = Lane::Io;
    const ATTEMPTS_MAX: u16 = 6;
    const TIME_LIMIT: Duration = Duration::from_secs(180);
    const DEADLINE: Option<Duration> = Some(EVERY);
    // Not at the full hour, when everybody asks.
    // Whoever is asked is not asked at the same second of every hour.
    const EVERY: Option<Every> = Some(
        Every::cron("41 7 * * * *")
            .missed(Missed::Latest)
            .spread_over(120),
    );

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let Some(dataset) = self.dataset else {
            let all = Dataset::ALL.into_iter();
            return Ok(Done::fan_out(all.map(|one| Self { dataset: Some(one) })));
        };
        let seen_at = ctx.clock.now();
        let hour = Resolution::Hour.floor(seen_at);
        let measurement = match ctx.world.measures.measure(dataset).await {
            Ok(measurement) => measurement,
            Err(error @ SourceError::NotConfigured(_)) => {
                let missed = told(&error);
                return Ok(Done::with(json!({ "dataset": dataset, "missed": missed })));
            }
            Err(error) => return Err(missed(dataset, error)),
        };
        let points = watched(ctx, dataset, &measurement.measured, seen_at).await?;
        let (measured, small) = kept(dataset, measurement.measured);
        if let Some(few) = few(ctx, dataset, hour, measured.len()).await? {
            let source = Box::new(few);
            return Err(missed(dataset, SourceError::Away { dataset, source }));
        }
        let series = &ctx.world.series;
        let recorded = series.record(dataset, hour, seen_at, &measured).await?;
        let mut then = vec![
            FollowUp::of(Rollup::of(dataset)),
            FollowUp::of(Anomaly::of(dataset)),
        ];
        if dataset == Dataset::Tvl {
            then.push(FollowUp::of(Quantity {}));
        }
        let result = json!({
            "dataset": dataset, "hour": hour, "measured": measured.len(),
            "new": recorded.new, "late": recorded.late, "left_out": measurement.left_out,
            "small": small, "observed": points.len(),
        });
        let done = Done {
            result: Some(result),
            then,
            ..Done::default()
        };
        Ok(observe(ctx, points, done))
    }
}

/// Counts and logs that nothing was measured.
fn missed(dataset: Dataset, error: SourceError) -> Fault {
    let why = told(&error);
    let labels = [("dataset", dataset.as_str())];
    metrics::counter!("packtrain_series_missed_total", &labels).increment(1);
    warn!(dataset = dataset.as_str(), why, "nothing was measured");
    error.into()
}

/// Why so many figures are no measurement, if they are none.
async fn few(
    ctx: &Ctx,
    dataset: Dataset,
    hour: Timestamp,
    told: usize,
) -> Result<Option<Few>, StoreError> {
    let series = &ctx.world.series;
    let last = series.newest(dataset, Resolution::Hour).await?;
    let before = match last.filter(|last| hour - *last <= BELIEVED_AFTER) {
        Some(last) => series.count(dataset, last).await?,
        None => 0,
    };
    let told = told as u64;
    let is_one = told > 0 && told.saturating_mul(2) >= before;
    Ok((!is_one).then_some(Few { told, before }))
}

/// The points of metrics that some rule watches. Of the thousands of protocols few are watched, and
/// what all of them were stands in their series already.
async fn watched(
    ctx: &Ctx,
    dataset: Dataset,
    measured: &[Measured],
    at: Timestamp,
) -> Result<Vec<Point>, Fault> {
    let points: Vec<Point> = measured
        .iter()
        .filter_map(|one| {
            Some(Point {
                metric: metric(dataset, &one.key)?,
                at,
                value: one.value.to_string(),
            })
        })
        .collect();
    let metrics: Vec<String> = points.iter().map(|point| point.metric.clone()).collect();
    let mut watched = ctx.world.watch.watched(&metrics).await?;
    watched.sort_unstable();
    let is_watched = |point: &Point| watched.binary_search(&point.metric).is_ok();
    Ok(points.into_iter().filter(is_watched).collect())
}

/// What is kept as series, and how many figures are of pools that are too small for it. Rules see
/// all pools.
pub fn kept(dataset: Dataset, measured: Vec<Measured>) -> (Vec<Measured>, usize) {
    if dataset != Dataset::Yields {
        return (measured, 0);
    }
    // A figure that is written here can be read.
    let least: Amount = POOL_USD_MIN.parse().unwrap_or(Amount::ZERO);
    let large: BTreeSet<String> = { measured.iter() }
        .filter(|one| one.value >= least)
        .filter_map(|one| Some(one.key.strip_prefix(POOL_TVL)?.to_owned()))
        .collect();
    let all = measured.len();
    let kept = measured.into_iter().filter(|one| {
        let pool = one.key.split_once(':').map_or("", |(_, pool)| pool);
        large.contains(pool)
    });
    let kept: Vec<Measured> = kept.collect();
    let small = all - kept.len();
    (kept, small)
}

/// The metric that a series is to rules; none for a series that is none.
pub fn metric(dataset: Dataset, key: &str) -> Option<String> {
    match dataset {
        Dataset::Tvl => Some(format!("tvl:{}", key.strip_prefix(PROTOCOL)?)),
        // Their keys are those of the metrics.
        Dataset::Stablecoins => key.starts_with(PEG).then(|| key.to_owned()),
        Dataset::Yields => key.starts_with(APY).then(|| key.to_owned()),
        Dataset::Fees | Dataset::Dexs => None,
    }
}
