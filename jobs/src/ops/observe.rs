//! Observes how the platform stands, for rules of those who operate it.

use std::collections::BTreeSet;
use std::time::Duration;

use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::ports::{KindNow, PlatformNow, Point};
use packtrain_core::schedule::Every;
use packtrain_core::time::Timestamp;
use packtrain_rules::metric::{Family, Metric};
use packtrain_rules::value::Value;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::alerts::look::observe;
use crate::catalogue;

/// Metrics of a family that are read, at most: of some tens of kinds there are three figures each.
const KEYS_MAX: u32 = 2_000;
/// Units of a value in a microsecond: it counts seconds.
const MICROSECOND: i128 = 10_i128.pow(12);

/// The figures that there are, for people.
pub const FIGURES: &str = "there are platform:backlog_seconds, platform:dead, platform:workers, \
                           and dead, waiting and oldest_seconds of each kind of jobs, such as \
                           job:tax.report:dead.";

/// Observes those figures of jobs and of the platform that some rule watches; rules that watch what
/// moved are evaluated then. Nothing is read while no rule watches any.
///
/// A point is of the moment at which it is read: a second run observes a later one.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpsObserve)]
pub struct Observe {}

impl Job for Observe {
    const KIND: Kind = Kind::new("ops.observe");
    const LANE: Lane = Lane::Ops;
    // The next one comes sooner than a second retry.
    const ATTEMPTS_MAX: u16 = 2;
    const DEADLINE: Option<Duration> = Some(Duration::from_secs(60));
    const EVERY: Option<Every> = Some(Every::cron("20 * * * * *"));

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let metrics = watched(ctx).await?;
        if metrics.is_empty() {
            return Ok(Done::quietly());
        }
        let now = ctx.world.platform.now().await?;
        let at = ctx.clock.now();
        let points: Vec<Point> = { metrics.iter() }
            .filter_map(|metric| {
                Some(Point {
                    metric: metric.to_string(),
                    at,
                    value: figure(metric, &now)?.to_string(),
                })
            })
            .collect();
        let result = json!({ "wanted": metrics.len(), "observed": points.len() });
        Ok(observe(ctx, points, Done::with(result)))
    }
}

/// Whether a metric is one of these figures, of a kind that there is.
pub fn is_known(metric: &Metric) -> bool {
    let parts: Vec<&str> = metric.as_str().split(':').collect();
    match *parts.as_slice() {
        ["platform", figure] => matches!(figure, "backlog_seconds" | "dead" | "workers"),
        ["job", kind, figure] => {
            matches!(figure, "dead" | "waiting" | "oldest_seconds")
                && catalogue::find(kind).is_some()
        }
        _ => false,
    }
}

/// The metrics that some rule watches.
async fn watched(ctx: &Ctx) -> Result<BTreeSet<Metric>, Fault> {
    let mut metrics = BTreeSet::new();
    for family in [Family::Job, Family::Platform] {
        let keys = ctx
            .world
            .watch
            .watched_of(family.as_str(), KEYS_MAX)
            .await?;
        metrics.extend(keys.iter().filter_map(|key| key.parse::<Metric>().ok()));
    }
    Ok(metrics)
}

/// A figure; none that this release does not know.
fn figure(metric: &Metric, now: &PlatformNow) -> Option<Value> {
    let parts: Vec<&str> = metric.as_str().split(':').collect();
    let lanes = || now.backlog.lanes.iter();
    match *parts.as_slice() {
        // The lane that needs longest.
        ["platform", "backlog_seconds"] => {
            seconds(lanes().map(|lane| lane.waiting()).max().unwrap_or_default())
        }
        ["platform", "dead"] => count(now.kinds.iter().map(|kind| kind.dead).sum()),
        ["platform", "workers"] => count(now.workers),
        ["job", kind, figure] => {
            // Of a kind that is not told nothing waits, and nothing is dead.
            let told = now.kinds.iter().find(|one| one.kind == kind);
            of_kind(told, figure, now.backlog.now)
        }
        _ => None,
    }
}

fn of_kind(told: Option<&KindNow>, figure: &str, now: Timestamp) -> Option<Value> {
    match figure {
        "dead" => count(told.map_or(0, |kind| kind.dead)),
        "waiting" => count(told.map_or(0, |kind| kind.waiting)),
        "oldest_seconds" => {
            let since = told.and_then(|kind| kind.oldest);
            let age = since.and_then(|since| (now - since).to_std().ok());
            seconds(age.unwrap_or_default())
        }
        _ => None,
    }
}

fn count(count: u64) -> Option<Value> {
    i64::try_from(count).ok().map(Value::whole)
}

fn seconds(time: Duration) -> Option<Value> {
    let micros = i128::try_from(time.as_micros()).ok()?;
    Value::from_units(micros.checked_mul(MICROSECOND)?).ok()
}

#[cfg(test)]
mod tests {
    use packtrain_core::ports::{Backlog, LaneBacklog};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn lane(lane: Lane, work: Duration) -> LaneBacklog {
        LaneBacklog {
            lane,
            is_paused: false,
            jobs: 10,
            work,
            oldest: None,
            in_flight: 0,
            began: 0,
            remaining: Duration::ZERO,
            workers: 1,
            slots: 4,
        }
    }

    #[test]
    fn figures_are_those_of_this_moment_and_of_what_is_not_told_there_is_nothing() {
        let now = PlatformNow {
            backlog: Backlog {
                now: at("2026-11-30T12:00:00.25Z"),
                lanes: vec![
                    lane(Lane::Io, Duration::from_secs(1)),
                    lane(Lane::Cpu, Duration::from_secs(6)),
                ],
            },
            workers: 3,
            kinds: vec![
                KindNow {
                    kind: "tax.import".to_owned(),
                    dead: 2,
                    waiting: 0,
                    oldest: None,
                },
                KindNow {
                    kind: "tax.report".to_owned(),
                    dead: 5,
                    waiting: 7,
                    oldest: Some(at("2026-11-30T11:59:00Z")),
                },
            ],
        };
        for (key, wanted) in [
            ("platform:backlog_seconds", "1.5"),
            ("platform:dead", "7"),
            ("platform:workers", "3"),
            ("job:tax.report:dead", "5"),
            ("job:tax.report:waiting", "7"),
            ("job:tax.report:oldest_seconds", "60.25"),
            ("job:tax.import:oldest_seconds", "0"),
            ("job:gas.snapshot:dead", "0"),
        ] {
            let metric: Metric = key.parse().unwrap();
            let told = figure(&metric, &now).map(|value| value.to_string());
            assert_eq!(told.as_deref(), Some(wanted), "{key}");
            assert!(is_known(&metric), "{key}");
            assert!(FIGURES.contains(key.rsplit(':').next().unwrap()), "{key}");
        }
        for key in [
            "platform:luck",
            "job:tax.report:done",
            "job:tax.riddle:dead",
            "tvl:aave",
        ] {
            let metric: Metric = key.parse().unwrap();
            assert!(!is_known(&metric), "{key}");
        }
    }
}
