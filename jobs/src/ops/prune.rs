//! Removes what nobody needs any more.

use packtrain_core::fault::Fault;
use packtrain_core::job::{Ctx, Done, Job, Kind, Lane};
use packtrain_core::schedule::{Every, Missed};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Removes jobs, keys and notes that are past the time for which they are kept.
///
/// A second run finds nothing more to remove.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = OpsPrune)]
pub struct Prune {}

impl Job for Prune {
    const KIND: Kind = Kind::new("ops.prune");
    const LANE: Lane = Lane::Ops;
    // It changes large tables: not in all places at the same minute, and not beside itself.
    const EVERY: Option<Every> = Some(
        Every::cron("17 * * * *")
            .missed(Missed::Latest)
            .spread_over(300)
            .one_at_a_time(),
    );

    async fn run(self, ctx: &Ctx) -> Result<Done, Fault> {
        let pruned = ctx.world.housekeeping.prune().await?;
        Ok(Done::with(serde_json::json!(pruned)))
    }
}
