//! Makes days, weeks and months of hours.

use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, FollowUp, Gate, Job, Kind, Lane};
use packtrain_core::series::Dataset;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Transactions of one run, at most; what is left is another job's.
const STEPS_MAX: u32 = 100;

/// Makes the buckets of a dataset that have closed, and those anew of which a figure came late.
/// Without a dataset, fans out to all.
///
/// Each bucket is made with its watermark, of what is kept: a second run finds nothing left to do,
/// and one that was cut off goes on where it was. It follows every ingest, so one that is dead is
/// made up for within the hour.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = AnalyticsRollup)]
pub struct Rollup {
    /// Of what.
    #[serde(default)]
    pub dataset: Option<Dataset>,
}

impl Rollup {
    /// Makes the buckets of a dataset.
    pub const fn of(dataset: Dataset) -> Self {
        Self {
            dataset: Some(dataset),
        }
    }
}

impl Job for Rollup {
    const KIND: Kind = Kind::new("analytics.rollup");
    const LANE: Lane = Lane::Bulk;
    const GATE: Gate = Gate::Group { holds_dead: false };

    fn group(&self) -> Option<String> {
        Some(self.dataset.map_or("all", Dataset::as_str).to_owned())
    }

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let Some(dataset) = self.dataset else {
            return Ok(Done::fan_out(Dataset::ALL.into_iter().map(Self::of)));
        };
        let series = &ctx.world.series;
        let (mut steps, mut repaired, mut rolled) = (0, 0, Vec::new());
        while steps < STEPS_MAX && !ctx.cancel.is_cancelled() {
            steps += 1;
            // What is dirty first: weeks and months are made of days.
            let mended = series.repair(dataset).await?;
            repaired += mended;
            if mended > 0 {
                continue;
            }
            let Some(made) = series.roll_up(dataset).await? else {
                break;
            };
            rolled.push(json!({
                "resolution": made.resolution, "at": made.at, "series": made.series,
            }));
        }
        let is_more = steps >= STEPS_MAX;
        Ok(Done {
            result: Some(json!({ "dataset": dataset, "repaired": repaired, "rolled": rolled })),
            then: is_more
                .then(|| FollowUp::of(Self::of(dataset)))
                .into_iter()
                .collect(),
            ..Done::default()
        })
    }
}
