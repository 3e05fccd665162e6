//! Measures a dataset, once an hour.

use std::time::Duration;

use packtrain_core::fault::{Fault, chain as told};
use packtrain_core::job::{Ctx, Done, FollowUp, Job, Kind, Lane};
use packtrain_core::ports::{Measured, Point, SourceError, Write};
use packtrain_core::schedule::{Every, Missed};
use packtrain_core::series::{Dataset, Resolution};
use packtrain_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tracing::warn;
use utoipa::ToSchema;

use super::anomaly::Anomaly;
use super::rollup::Rollup;
use crate::alerts::evaluate::Evaluate;

/// How often it comes by itself.
pub const EVERY: Duration = Duration::from_secs(60 * 60);
/// What keys of protocols begin with; what follows is the protocol's own word.
pub const PROTOCOL: &str = "protocol:";
/// What keys of chains begin with.
pub const CHAIN: &str = "chain:";

/// Keeps what a dataset is in this hour. Without a dataset, fans out to all.
///
/// A figure of an hour is kept once: a second run in the same hour keeps what the first did not,
/// and changes nothing. What was measured after its hour would be another hour's, so a run that is
/// found late measures the hour in which it is found.
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
    const EVERY: Option<Every> = Some(Every::cron("41 7 * * * *").missed(Missed::Latest));

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
            Err(error) => {
                let why = told(&error);
                let labels = [("dataset", dataset.as_str())];
                metrics::counter!("packtrain_series_missed_total", &labels).increment(1);
                warn!(dataset = dataset.as_str(), why, "nothing was measured");
                return Err(error.into());
            }
        };
        let measured = &measurement.measured;
        let series = &ctx.world.series;
        let recorded = series.record(dataset, hour, seen_at, measured).await?;
        let points = watched(ctx, dataset, measured, seen_at).await?;
        let mut then = vec![
            FollowUp::of(Rollup::of(dataset)),
            FollowUp::of(Anomaly::of(dataset)),
        ];
        let observed = points.len();
        let mut writes = Vec::new();
        if observed > 0 {
            then.push(FollowUp::of(Evaluate::of(ctx.job)));
            writes.push(Write::Observed(points));
        }
        Ok(Done {
            result: Some(json!({
                "dataset": dataset, "hour": hour, "measured": measured.len(),
                "new": recorded.new, "late": recorded.late, "left_out": measurement.left_out,
                "observed": observed,
            })),
            then,
            writes,
            ..Done::default()
        })
    }
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

/// The metric that a series is to rules; none for a series that is none.
pub fn metric(dataset: Dataset, key: &str) -> Option<String> {
    match dataset {
        Dataset::Tvl => Some(format!("tvl:{}", key.strip_prefix(PROTOCOL)?)),
    }
}
